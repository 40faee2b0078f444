"""Scores of stored waveforms: a row a window, nothing dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.canonical_order import ordered_records
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import WHOLE_VIDEO_S, GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.rate_reading import (
    PulseBatch,
    Reading,
    crop_to_valid,
    has_window,
    read_pulses,
)
from rppgbench.evaluation.reference import reference_kind
from rppgbench.evaluation.summary import summarise
from rppgbench.evaluation.windows import min_samples
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KEYS", "score_windows", "summarise", "worst_error"]

KEYS = ("dataset", "recording", "subject", "scenario", "method", "fold", "seed", "condition")
"""What of an estimate every row repeats, beside its region."""

BUFFER = 1 << 24
"""How many samples are held before what is held is scored, so that memory stays bounded."""

FAILED_FS = 30.0
"""The rate at which the windows of a recording are laid that nobody has an estimate of."""


@dataclass(frozen=True, eq=False)
class _Held:
    """An estimate, the waveform that is read for it, and where it came in the order."""

    at: int
    estimate: Estimate
    truth: GroundTruth
    pulse: Waveform
    lost: int
    failed: str  # why all its windows are missing; empty if it has samples


def score_windows(
    evaluator: Evaluator,
    estimates: Iterable[Estimate],
    truths: Mapping[tuple[str, str], GroundTruth],
) -> pd.DataFrame:
    """Read every estimate by the evaluator's rule beside the truth of its (dataset, recording).

    One row a window (a recording, a frame: the evaluator's `unit`), in canonical order (`order`),
    whatever the order of `estimates`:
    dataset, recording, subject, scenario, method, fold, seed, condition, region, window (its
    number), start_s, duration_s, reference_bpm, estimate_bpm (NaN if none), missing, error_bpm
    (estimate - reference; a missing one by the evaluator's rule), snr_db, truth ("pulse",
    "heart_rate" or ""), band_edge (whether the truth lies outside the evaluator's band or at its
    edge: `band_edge`), fs (samples a second of the estimate), reason, and the
    evaluator's correlation under its own name.

    Nothing is dropped. A window without a reference has its row with a reason and an error of NaN:
    it is not scored, and `summarise` counts it. A failed estimate has the windows that other
    methods have of the recording, else those of its truth, all missing. `attrs` of the frame hold
    the evaluator's digest, pooling and the names of its SNR and correlation. An estimate that
    comes twice is a `BenchError`.
    """
    import pandas as pd

    estimates = ordered_records(estimates)
    groups = [
        _frame(evaluator, held, found) for held, found in _read_all(evaluator, estimates, truths)
    ]
    columns = [*KEYS, "region", "window", "start_s", "duration_s", "reference_bpm"]
    columns += ["estimate_bpm", "missing", "error_bpm", "snr_db", "truth"]
    columns += ["band_edge", "fs", "reason"]
    if evaluator.correlation != "none":
        columns.append(evaluator.correlation)
    merged = {
        name: np.concatenate([g[name] for g in groups]) if groups else np.empty(0)
        for name in (*columns, "at")
    }
    order = np.lexsort((merged["window"], merged.pop("at")))
    windows = pd.DataFrame({name: values[order] for name, values in merged.items()})
    windows.attrs = {
        "evaluator": evaluator.digest,
        "pooling": evaluator.pooling,
        "snr": evaluator.snr,
        "correlation": evaluator.correlation,
        "band_bpm": (60 * evaluator.estimate.band.low_hz, 60 * evaluator.estimate.band.high_hz),
    }
    return windows


def _read_all(
    evaluator: Evaluator,
    estimates: Iterable[Estimate],
    truths: Mapping[tuple[str, str], GroundTruth],
) -> Iterator[tuple[list[_Held], Reading]]:
    """Read estimates in groups of one length and rate; the failed ones last."""
    grids: dict[tuple[str, str], Waveform] = {}
    seen: set[tuple[str | int, ...]] = set()
    held: list[_Held] = []
    failed: list[tuple[int, Estimate, str]] = []
    samples = 0
    nobody = GroundTruth()
    for at, estimate in enumerate(estimates):
        name = (*(getattr(estimate, key) for key in KEYS), estimate.region)
        if name in seen:
            said = ", ".join(str(part) for part in name if part != "")
            raise BenchError(f"scores: an estimate comes twice: {said}; score each store once")
        seen.add(name)
        key = (estimate.dataset, estimate.recording)
        pulse = estimate.waveform
        if pulse is None or not np.isfinite(pulse.samples).any():
            failed.append((at, estimate, estimate.reason or "no sample in the waveform"))
            continue
        cut, lost = crop_to_valid(evaluator, pulse)
        if not has_window(evaluator, cut):
            lasts = len(cut.samples) / cut.fs
            failed.append(
                (at, estimate, f"its {lasts:.1f} s are too short; {_least(evaluator, cut)}")
            )
            continue
        if key not in grids or len(grids[key].samples) < len(pulse.samples):
            grids[key] = pulse
        held.append(_Held(at, estimate, truths.get(key, nobody), cut, lost, ""))
        samples += len(cut.samples)
        if samples >= BUFFER:
            yield from _grouped(evaluator, held)
            held, samples = [], 0
    for at, estimate, why in failed:
        key = (estimate.dataset, estimate.recording)
        truth = truths.get(key, nobody)
        grid = _grid(evaluator, grids.get(key), estimate.waveform, truth)
        empty = Waveform(np.full(len(grid.samples), np.nan), grid.fs, grid.start_s)
        held.append(_Held(at, estimate, truth, empty, 0, why))
    yield from _grouped(evaluator, held)


def _grid(
    evaluator: Evaluator, others: Waveform | None, own: Waveform | None, truth: GroundTruth
) -> Waveform:
    """Where the windows of a failed estimate lie: as others have them, else over the truth."""
    grids = [grid for grid in (others, own, _grid_of_truth(evaluator, truth)) if grid is not None]
    fit = [grid for grid in grids if has_window(evaluator, grid)]
    return fit[0] if fit else max(grids, key=lambda grid: len(grid.samples) / grid.fs)


def _grid_of_truth(evaluator: Evaluator, truth: GroundTruth) -> Waveform:
    """The time that the truth spans, for a recording that nobody has an estimate of.

    One rate for a video of unknown length spans one window: it says nothing of more.
    """
    kind = reference_kind(evaluator, truth)
    signal = truth.pulse if kind == "pulse" else truth.heart_rate
    if not kind or signal is None:
        return Waveform(np.empty(0), FAILED_FS)
    start_s = max(float(signal.times_s[0]), 0.0)
    count = max(int((float(signal.times_s[-1]) - start_s) * FAILED_FS) + 1, 0)
    if len(signal.times_s) > 1 and float(np.diff(signal.times_s).max()) > WHOLE_VIDEO_S:
        count = min_samples(FAILED_FS, evaluator.window) + 2 * evaluator.border_frames
    return Waveform(np.full(count, np.nan), FAILED_FS, start_s)


def _grouped(evaluator: Evaluator, held: Sequence[_Held]) -> Iterator[tuple[list[_Held], Reading]]:
    """One reading for all that have one length and rate, the estimates of a recording together."""
    groups: dict[tuple[int, float], list[_Held]] = {}
    for one in held:
        groups.setdefault((len(one.pulse.samples), one.pulse.fs), []).append(one)
    for (_, fs), group in groups.items():
        group.sort(key=lambda one: (one.estimate.dataset, one.estimate.recording, one.at))
        pulses = PulseBatch(
            np.stack([one.pulse.samples for one in group]),
            fs,
            np.array([one.pulse.start_s for one in group]),
            np.array([float(one.lost) for one in group]),
        )
        yield group, read_pulses(evaluator, pulses, [one.truth for one in group])


def _frame(evaluator: Evaluator, held: list[_Held], found: Reading) -> dict[str, np.ndarray]:
    """The columns of one group; pulses that are too short for a window have one row each."""
    if not found.bpm.shape[1]:
        found = _too_short(evaluator, held)
    rows, count = found.bpm.shape
    fine = np.isfinite(found.reference_bpm)
    bpm = found.bpm
    missing = ~np.isfinite(bpm)
    why = np.array([one.failed for one in held], dtype=object)[:, None]
    reason = np.where(missing & (why != ""), why, found.reason)
    both = (reason != "") & (found.reference_reason != "")
    reason = reason + np.where(both, "; ", "") + found.reference_reason
    error = np.where(
        missing, worst_error(evaluator, found.reference_bpm), bpm - found.reference_bpm
    )
    flat = {
        "window": np.tile(np.arange(count), (rows, 1)),
        "start_s": found.start_s,
        "duration_s": found.duration_s,
        "reference_bpm": found.reference_bpm,
        "estimate_bpm": bpm,
        "missing": missing,
        "error_bpm": error,
        "snr_db": np.where(fine, found.snr_db, np.nan),
        "reason": reason,
        "band_edge": found.band_edge,
        "fs": np.full(bpm.shape, held[0].pulse.fs),
    }
    if evaluator.correlation != "none":
        flat[evaluator.correlation] = found.correlation
    columns = {name: values.reshape(-1) for name, values in flat.items()}
    for key in (*KEYS, "region"):
        kind = np.int64 if key == "seed" else object
        values = np.array([getattr(one.estimate, key) for one in held], dtype=kind)
        columns[key] = np.repeat(values, count)
    kinds = np.array([reference_kind(evaluator, one.truth) for one in held], dtype=object)
    columns["truth"] = np.repeat(kinds, count)
    columns["at"] = np.repeat([one.at for one in held], count)
    return columns


def _too_short(evaluator: Evaluator, held: Sequence[_Held]) -> Reading:
    """One row a pulse, not scored: the recording holds no window, whoever reads it."""
    pulse = held[0].pulse
    lasts = len(pulse.samples) / pulse.fs
    words = f"{lasts:.1f} s are too short; {_least(evaluator, pulse)}"
    none = np.full((len(held), 1), np.nan)
    start = np.array([[one.pulse.start_s] for one in held])
    why, empty = np.full(none.shape, words, dtype=object), np.full(none.shape, "", dtype=object)
    return Reading(
        start,
        np.full(none.shape, lasts),
        none,
        none,
        none,
        none,
        why,
        empty,
        np.zeros(none.shape, np.bool_),
    )


def _least(evaluator: Evaluator, pulse: Waveform) -> str:
    samples = min_samples(pulse.fs, evaluator.window) + 2 * evaluator.border_frames
    return f"the evaluator's window takes at least {samples / pulse.fs:.3g} s"


def worst_error(evaluator: Evaluator, reference_bpm: Array) -> Array:
    """The error of a missing estimate: as if it were the band's edge farther from the reference.

    With a band of 40 to 180 bpm and a reference of 70 bpm that is +110 bpm. NaN where there is no
    reference.
    """
    band = evaluator.estimate.band
    low, high = 60 * band.low_hz - reference_bpm, 60 * band.high_hz - reference_bpm
    error: Array = np.where(np.abs(low) > np.abs(high), low, high)
    return error
