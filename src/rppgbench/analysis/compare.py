"""What changed between two result folders, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rppgbench.analysis.part_provenance import merge_provenance
from rppgbench.analysis.stored_results import StoredResults, load_stored
from rppgbench.core.canonical_order import ordered_rows
from rppgbench.core.estimate import Estimate
from rppgbench.core.waveform import Array
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.paired_differences import paired_interval
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

BLOCK = ["dataset", "recording", "subject", "condition", "region"]
TEXT_KEYS = frozenset({"title", "about", "source"})


@dataclass(frozen=True)
class Change:
    """One thing that is told otherwise in the second manifest; "" where it is not told."""

    what: str
    first: str
    second: str


@dataclass(frozen=True, kw_only=True)
class WaveformComparison:
    """How the waveforms of one method compare over the estimates that both have.

    `same` are equal to the bit; `largest` is the largest difference over the first's standard
    deviation (0 where all are the same, NaN where lengths or rates differ).
    """

    method: str
    both: int
    same: int
    only_first: int
    only_second: int
    largest: float


@dataclass(frozen=True, kw_only=True)
class PairedErrors:
    """Mean absolute error of one method over the recordings that both have, in bpm.

    `difference` is the mean over recordings of second less first, with its 95 % interval over
    subjects (t; NaN with one subject).
    """

    method: str
    recordings: int
    subjects: int
    first: float
    second: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Everything that `compare_results` found."""

    changes: tuple[Change, ...]
    waveforms: tuple[WaveformComparison, ...]
    evaluator: str
    unit: str
    meaning: str
    paired: tuple[PairedErrors, ...]
    simulated: bool
    twins: tuple[str, ...]
    imported: Mapping[str, str]


def compare_results(first: Store, second: Store, *, evaluator: str | None = None) -> Comparison:
    """Settings, versions, data and waveforms that differ, then errors over the same recordings.

    Nothing is decoded or learned.

    Args:
        first: A results folder.
        second: Another results folder.
        evaluator: Name of the evaluator; by default the first that both protocols declare, else
            the first that the first protocol declares.

    Returns:
        Settings, waveforms and errors that differ.

    Raises:
        BenchError: A folder holds no results, or both have no recording in common.
    """
    name = evaluator or _evaluator(first.manifest, second.manifest)
    rule = find_evaluator(name, "--evaluator")
    results = [load_stored(store) for store in (first, second)]
    if not _recordings(results[0].estimates) & _recordings(results[1].estimates):
        raise BenchError(f"{first.folder} and {second.folder} have no recording in common")
    return Comparison(
        changes=tuple(changed_settings(*(_settings(stored) for stored in results))),
        waveforms=tuple(compare_waveforms(*(stored.estimates for stored in results))),
        evaluator=name,
        unit=rule.rate_unit,
        meaning=rule.meaning,
        paired=tuple(compare_errors(*(stored.score(rule) for stored in results))),
        simulated=any(stored.simulated for stored in results),
        twins=tuple(dict.fromkeys(twin for stored in results for twin in stored.twins)),
        imported={n: source for stored in results for n, source in stored.imported.items()},
    )


def _settings(stored: StoredResults) -> dict[str, Any]:
    """The manifest, and what made the parts; values that differ come with how much they made."""
    return {**stored.manifest, "provenance": merge_provenance(stored.parts)}


def changed_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Change]:
    """What two manifests tell otherwise, by its place ("methods.pos.window_s").

    Args:
        first: A manifest.
        second: Another manifest.

    Returns:
        One change for each place with different values.

    >>> changed_settings({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}})
    [Change(what='a.c', first='2', second='3')]
    """
    first_values, second_values = dict(_leaves(first)), dict(_leaves(second))
    places = [*first_values, *(place for place in second_values if place not in first_values)]
    return [
        Change(place, first_values.get(place, ""), second_values.get(place, ""))
        for place in places
        if first_values.get(place) != second_values.get(place)
        and place.removeprefix("protocol.") not in TEXT_KEYS
    ]


def compare_waveforms(
    first: Sequence[Estimate], second: Sequence[Estimate]
) -> list[WaveformComparison]:
    """For each method, how many waveforms are the same to the bit.

    Args:
        first: The estimates of the first folder.
        second: The estimates of the second folder.

    Returns:
        One comparison for each method.
    """
    first_by_key, second_by_key = ({e.key: e for e in estimates} for estimates in (first, second))
    comparisons = []
    for method in sorted({e.method for e in (*first, *second)}):
        first_keys = {key for key in first_by_key if key.method == method}
        second_keys = {key for key in second_by_key if key.method == method}
        shared = first_keys & second_keys
        differences = [
            _largest_difference(first_by_key[key], second_by_key[key]) for key in sorted(shared)
        ]
        finite = [value for value in differences if not np.isnan(value)]
        largest = float("nan") if len(finite) < len(differences) or not differences else max(finite)
        comparisons.append(
            WaveformComparison(
                method=method,
                both=len(shared),
                same=sum(value == 0 for value in differences),
                only_first=len(first_keys - second_keys),
                only_second=len(second_keys - first_keys),
                largest=largest,
            )
        )
    return comparisons


def compare_errors(first: pd.DataFrame, second: pd.DataFrame) -> list[PairedErrors]:
    """Errors of the methods that both have, over the recordings that both scored.

    Args:
        first: The scored windows of the first folder.
        second: The scored windows of the second folder.

    Returns:
        The paired errors of each method.
    """
    comparisons = []
    shared = sorted(set(first["method"]) & set(second["method"]))
    for method in shared:
        errors = [
            _by_recording(windows[windows["method"] == method]) for windows in (first, second)
        ]
        blocks = [block for block in errors[0] if block in errors[1]]
        before = np.array([errors[0][block] for block in blocks])
        after = np.array([errors[1][block] for block in blocks])
        people = [(block[0], block[2]) for block in blocks]
        comparisons.append(_paired(method, before, after, people))
    return comparisons


def _by_recording(windows: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """Mean absolute error of every recording, condition and region, over windows, then seeds."""
    scored = ordered_rows(windows[np.isfinite(windows["reference_bpm"])])
    per_seed = scored["error_bpm"].abs().groupby([scored[k] for k in [*BLOCK, "seed"]]).mean()
    means = per_seed.groupby(level=BLOCK, sort=True).mean()
    return dict(zip(means.index.tolist(), means.tolist(), strict=True))


def _paired(
    method: str, before: Array, after: Array, people: Sequence[tuple[str, str]]
) -> PairedErrors:
    order = {person: place for place, person in enumerate(dict.fromkeys(people))}
    if not order:
        nan = float("nan")
        return PairedErrors(
            method=method,
            recordings=0,
            subjects=0,
            first=nan,
            second=nan,
            difference=nan,
            low=nan,
            high=nan,
        )
    places = np.array([order[person] for person in people])
    sums = np.asarray(np.bincount(places, after - before, len(order)), dtype=np.float64)
    counts = np.bincount(places, minlength=len(order)).astype(np.float64)
    low, high = paired_interval(sums, counts)
    return PairedErrors(
        method=method,
        recordings=len(before),
        subjects=len(order),
        first=float(before.mean()),
        second=float(after.mean()),
        difference=float((after - before).mean()),
        low=low,
        high=high,
    )


def _evaluator(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    first_names, second_names = (m["protocol"]["evaluators"] for m in (first, second))
    shared = [name for name in first_names if name in second_names]
    return str((shared or first_names)[0])


def _recordings(estimates: Sequence[Estimate]) -> set[tuple[str, str]]:
    return {(e.dataset, e.recording) for e in estimates}


def _largest_difference(first: Estimate, second: Estimate) -> float:
    """Largest difference over the first's standard deviation; NaN where they are no pair."""
    a, b = first.waveform, second.waveform
    if a is None and b is None:
        return _largest_rate_difference(first, second)
    if a is None or b is None:
        return float("nan")
    if (a.fs, a.start_s, a.samples.shape) != (b.fs, b.start_s, b.samples.shape):
        return float("nan")
    gap = np.isnan(a.samples)
    if np.any(gap != np.isnan(b.samples)):
        return float("nan")
    differences = np.abs(a.samples - b.samples)[~gap]
    spread = float(a.samples[~gap].std()) if len(differences) else 0.0
    return float(differences.max()) / (spread or 1.0) if len(differences) else 0.0


def _largest_rate_difference(first: Estimate, second: Estimate) -> float:
    """Largest difference of heart rates over the first's standard deviation; 0 without any."""
    a, b = first.heart_rate, second.heart_rate
    if a is None and b is None:
        return 0.0
    if a is None or b is None or not np.array_equal(a.times_s, b.times_s):
        return float("nan")
    if np.any(np.isnan(a.values) != np.isnan(b.values)):
        return float("nan")
    differences = np.abs(a.values - b.values)[~np.isnan(a.values)]
    spread = float(np.nanstd(a.values)) if len(differences) else 0.0
    return float(differences.max()) / (spread or 1.0) if len(differences) else 0.0


def _leaves(settings: Mapping[str, Any], place: str = "") -> list[tuple[str, str]]:
    """Every value with its place; lists as they are written."""
    leaves = []
    for key, value in settings.items():
        name = f"{place}.{key}" if place else str(key)
        if isinstance(value, Mapping) and value:
            leaves += _leaves(value, name)
        else:
            leaves.append((name, str(value)))
    return leaves
