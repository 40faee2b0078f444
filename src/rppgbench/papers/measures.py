"""What stored results say of the lines of a paper's table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rppgbench.analysis.report_scores import best_epoch_windows
from rppgbench.analysis.stored_results import StoredResults, cumulative_methods
from rppgbench.analysis.sweeps import collapsed_seeds
from rppgbench.analysis.trainings import load_trained_models
from rppgbench.core.protocol import Condition, Protocol
from rppgbench.core.registry import load_methods
from rppgbench.datasets.official_folds import OWN_FILES
from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.evaluation.rule_notes import mark_rule_notes
from rppgbench.evaluation.summary import summarise
from rppgbench.execution.epoch_models import BEST
from rppgbench.execution.plan_manifest import JOBS_BY_METHOD
from rppgbench.papers.declaration import COVERED, Interval, Line, Measured, OtherReading
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.scores import describe_band_edge

if TYPE_CHECKING:
    import pandas as pd

Scorer = Callable[[str], "pd.DataFrame | None"]
"""Takes the name of an evaluator; returns the scored windows of a line."""

EXPERIMENT_KEYS = ("pretrain", "train", "test", "split", "without_known_bad", "train_on")
"""What of a protocol makes another experiment of it, for every method."""


def wanted_params(line: Line, protocol: Protocol, method: str) -> dict[str, Any]:
    """All parameters of a line's method (or of a member of it) as the line asks for them.

    Args:
        line: The line of the table.
        protocol: The protocol of the line's setting.
        method: Name of the method, or of a member of an ensemble.

    Returns:
        The value of each parameter.
    """
    declared = load_methods().available[method]
    values = {**protocol.params.get(method, {}), **line.setting.params, **line.method.params}
    return declared.parameters({k: v for k, v in values.items() if k in declared.params})


def measure_line(
    results: StoredResults,
    line: Line,
    protocol: Protocol,
    measures: Sequence[str],
    *,
    resamples: int = 2000,
    evaluator: str = "",
) -> tuple[Measured, Scores] | None:
    """A line's measures from a results folder, with its scores; None where it holds none of it.

    The evaluator is the line's own unless `evaluator` names another, which then is an obstacle to
    a verdict, as is everything else in which the results are another experiment than the line.

    Args:
        results: The results folder.
        line: The line of the table.
        protocol: The protocol of the line's setting.
        measures: Names of the measures.
        resamples: Bootstrap resamples for the intervals.
        evaluator: An evaluator in place of the line's, or empty.

    Returns:
        The measured values and the scores; None where nothing of the line is stored.
    """
    declared = line.method.evaluator or line.setting.evaluator
    applied = evaluator or declared
    name = line.method.method
    score = _scorer(results, line, protocol)
    line_windows = score(applied) if score is not None else None
    if score is None or line_windows is None or line_windows.empty:
        return None
    expected = int(results.manifest["expected"])
    summary = summarise(line_windows, by=["method"], expected=expected, resamples=resamples)
    scores = Scores(name=applied, windows=line_windows, summary=summary)
    record = summary.iloc[0]
    values = _intervals(record, measures)
    count = int(record["n_recordings"])
    measured = Measured(
        values=values,
        recordings=count,
        subjects=int(record["n_subjects"]),
        expected=expected,
        evaluator=applied,
        origin=str(results.store.folder),
        simulated=results.simulated,
        obstacles=(
            *_n(line, protocol, count),
            *(
                [f"another evaluator: {applied}, the table's is {declared}"]
                if applied != declared
                else []
            ),
            *experiment_differences(results.manifest, line, protocol),
            *_folds(results.manifest),
            *filter(None, (line.setting.differs, line.method.differs, record["rule_note"])),
            *describe_band_edge(scores),
        ),
        made_by=results.made_by,
        coverage=float(record["window_coverage"]),
        n_printed=bool(line.setting.recordings or protocol.recordings),
        imported=results.imported.get(name, ""),
        readings=(
            *_covered(line_windows, measures, resamples),
            *_read_otherwise(score, line, applied, measures, resamples),
        ),
        seeds=_seed_values(line_windows, measures, results, line.setting.condition),
    )
    return measured, scores


def _scorer(results: StoredResults, line: Line, protocol: Protocol) -> Scorer | None:
    """The function that scores a line's estimates by an evaluator's name; None without estimates.

    It gives None where the best epoch is asked for and the epochs were not tested.
    """
    name, region = line.method.method, protocol.regions[0]
    members = load_methods().get("method", name, "the table").members or (name,)

    def belongs(condition: str, of_region: str) -> bool:
        return condition == line.setting.condition and of_region in ("", region)

    estimates = [
        e for e in results.estimates if e.method in members and belongs(e.condition, e.region)
    ]
    if {e.method for e in estimates} != set(members):
        return None

    def score(evaluator: str) -> pd.DataFrame | None:
        rule = find_evaluator(evaluator, "the table")
        if line.method.epoch == "last":
            windows = results.score(rule, estimates=estimates, methods=[name])
            of_line: pd.DataFrame = windows[windows["method"] == name]
            of_line.attrs = windows.attrs
            return of_line
        best = best_epoch_windows(results, rule)
        if best is None:
            return None
        rows = [
            method == f"{name}{BEST}" and belongs(condition, of_region)
            for method, condition, of_region in zip(
                best["method"], best["condition"], best["region"], strict=True
            )
        ]
        of_line = best[rows].reset_index(drop=True)
        imports = results.manifest.get("imports", {})
        mark_rule_notes(of_line, rule, cumulative_methods(of_line["method"].unique(), imports))
        return of_line.assign(method=name)

    return score


def _intervals(record: pd.Series, measures: Sequence[str]) -> dict[str, Interval]:
    """Each measure of a row of `summarise` with its interval."""
    return {
        m: (float(record[m]), float(record[f"{m}_low"]), float(record[f"{m}_high"]))
        for m in measures
    }


def _covered(
    windows: pd.DataFrame, measures: Sequence[str], resamples: int
) -> Iterator[OtherReading]:
    """The reading of the windows that have an estimate, where others have none."""
    missing = windows["missing"].to_numpy(bool)
    scored = np.isfinite(windows["reference_bpm"].to_numpy(float))
    if not (missing & scored).any():
        return
    covered = windows[~missing]
    covered.attrs = windows.attrs
    yield from _reading(COVERED, covered, measures, resamples)


def _read_otherwise(
    score: Scorer, line: Line, applied: str, measures: Sequence[str], resamples: int
) -> Iterator[OtherReading]:
    """The readings of a line's estimates under the further evaluators of its setting."""
    for name in line.setting.readings:
        windows = score(name) if name != applied else None
        if windows is not None:
            yield from _reading(name, windows, measures, resamples)


def _reading(
    name: str, windows: pd.DataFrame, measures: Sequence[str], resamples: int
) -> Iterator[OtherReading]:
    if windows.empty:
        return
    record = summarise(windows, by=["method"], resamples=resamples).iloc[0]
    yield OtherReading(
        name=name,
        values=_intervals(record, measures),
        recordings=int(record["n_recordings"]),
        subjects=int(record["n_subjects"]),
        coverage=float(record["window_coverage"]),
    )


def _seed_values(
    windows: pd.DataFrame, measures: Sequence[str], results: StoredResults, condition: str
) -> dict[str, tuple[tuple[float, bool], ...]]:
    """The measures of each seed, and whether a training of the seed collapsed; {} for one seed."""
    if windows["seed"].nunique() < 2:
        return {}
    method = str(windows["method"].iloc[0])
    models = load_trained_models(results.store.folder / "models", results.manifest.get("fits", ()))
    protocol = results.manifest["protocol"]
    collapsed = collapsed_seeds(models, protocol["conditions"], protocol["train_on"])
    rows = summarise(windows, by=["seed"], resamples=0)
    return {
        measure: tuple(
            (float(value), (method, condition, int(seed)) in collapsed)
            for seed, value in zip(rows["seed"], rows[measure], strict=True)
        )
        for measure in measures
    }


def why_not_whole(results: StoredResults, line: Line) -> str:
    """Why stored estimates of a line cannot be measured: some are missing, or all have failed.

    Args:
        results: The results folder.
        line: The line of the table.

    Returns:
        The reason; "" where the estimates are whole, and where there is none.
    """
    name = line.method.method
    planned = results.manifest.get(JOBS_BY_METHOD, {})
    for member in load_methods().get("method", name, "the table").members or (name,):
        estimates = [e for e in results.estimates if e.method == member]
        missing = int(planned.get(member, len(estimates))) - len(estimates)
        if missing > 0 and estimates:
            return f"{missing} of {planned[member]} planned estimates of {member} are missing"
        reasons = [e.reason for e in estimates]
        if reasons and all(reasons):
            return reasons[0]
    return ""


def experiment_differences(
    manifest: Mapping[str, Any], line: Line, protocol: Protocol
) -> list[str]:
    """In what stored results are another experiment than a line asks for: empty if in nothing.

    Args:
        manifest: The manifest of the stored results.
        line: The line of the table.
        protocol: The protocol of the line's setting.

    Returns:
        One text for each difference.
    """
    stored, differences = manifest["protocol"], []
    declared = protocol.model_dump(mode="json")
    for key in EXPERIMENT_KEYS:
        if stored.get(key) != declared[key]:
            differences.append(
                f"another {key.replace('_', ' ')}: {_said(stored.get(key))}, "
                f"the table's is {_said(declared[key])}"
            )
    if _condition(stored.get("conditions", []), line) != _condition(declared["conditions"], line):
        differences.append(f"another condition of the name {line.setting.condition!r}")
    methods = load_methods().available
    for name in methods[line.method.method].members or (line.method.method,):
        params = wanted_params(line, protocol, name)
        stored_params = manifest["methods"].get(name, {})
        changed = [k for k in params if stored_params.get(k) != params[k]]
        if changed:
            # A preset sets further parameters: its name stands for them.
            listed = ["preset"] if "preset" in changed else changed
            text = ", ".join(f"{k} {_said(stored_params.get(k))}" for k in listed)
            differences.append(f"other parameters of {name}: {text}")
        learns = methods[name].fit is not None
        if learns and set(stored.get("seeds", [])) != set(declared["seeds"]):
            differences.append(
                f"other seeds: {_said(stored.get('seeds'))}, the protocol's are "
                f"{_said(declared['seeds'])}"
            )
    return list(dict.fromkeys(differences))


def _n(line: Line, protocol: Protocol, count: int) -> list[str]:
    expected = line.setting.recordings or protocol.recordings
    if not expected or count == expected:
        return []
    return [f"another n: {count} recordings, the table's is {expected}"]


def _folds(manifest: Mapping[str, Any]) -> list[str]:
    """That a published list stood for the official folds, which is no proof that they are equal."""
    source = manifest.get("folds_from", "")
    if source in {"", OWN_FILES}:
        return []
    return [f"folds of {source}: probably, but not provably, the set's own"]


def _condition(conditions: Sequence[Mapping[str, Any] | Condition], line: Line) -> object:
    return next((c for c in conditions if dict(c)["name"] == line.setting.condition), None)


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_said(names)}" for key, names in sorted(value.items()))
    if isinstance(value, list):
        return " + ".join(map(str, value)) or "nothing"
    return str(value)
