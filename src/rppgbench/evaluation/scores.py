"""Heart rates of stored waveforms beside their references: one row a window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.canonical_order import ordered_records
from rppgbench.core.estimate import Estimate
from rppgbench.core.recording import WHOLE_VIDEO_S, GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.evaluation.chain_reading import PulseBatch
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.given_rates import read_as_given, rows_as_given
from rppgbench.evaluation.method_confidence import window_confidence
from rppgbench.evaluation.rate_reading import (
    Reading,
    crop_to_valid,
    has_window,
    read_pulses,
)
from rppgbench.evaluation.reference import reference_kind
from rppgbench.evaluation.summary import summarise
from rppgbench.evaluation.variability_reading import COLUMNS as VARIABILITY_COLUMNS
from rppgbench.evaluation.variability_reading import variability_columns
from rppgbench.evaluation.windows import min_samples
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KEYS", "score_windows", "summarise", "worst_error"]

KEYS = ("dataset", "recording", "subject", "scenario", "method", "fold", "seed", "condition")
"""The fields of an estimate that every row repeats, beside its region."""

MAX_SAMPLES = 1 << 24
"""Samples of estimates that are collected before they are scored; it bounds the memory."""

FAILED_FS = 30.0
"""The sampling rate for the windows of a recording without any estimate."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Pending:
    """An estimate that is to be scored.

    `place` is its place in the canonical order, `pulse` the waveform that is read for it, `cropped`
    how many samples were taken from its ends, and `failure` why all its windows are missing ("" if
    it has samples or heart rates). `rates` are the heart rates of an estimate without a waveform.
    """

    place: int
    estimate: Estimate
    truth: GroundTruth
    pulse: Waveform
    cropped: int
    failure: str
    rates: Signal | None = None


def score_windows(
    evaluator: Evaluator,
    estimates: Iterable[Estimate],
    truths: Mapping[tuple[str, str], GroundTruth],
) -> pd.DataFrame:
    """Heart rates of estimates and of their references, by the evaluator's rule.

    No window is dropped. A window without a reference has its row with a reason and an error of
    NaN: it is not scored, and `summarise` counts it. A failed estimate has the windows that other
    methods have of the recording, else those of its reference, and all of them are missing. Heart
    rates without a waveform are read in the same windows (the evaluator's `heart_rate`).

    Args:
        evaluator: The rule.
        estimates: In any order: rows are in canonical order (`rppgbench.core.canonical_order`).
        truths: The reference of every (dataset, recording).

    Returns:
        One row a window, recording or frame (the evaluator's `unit`), with these columns:

        - dataset, recording, subject, scenario, method, fold, seed, condition, region;
        - window: its number; start_s and duration_s in seconds;
        - reference_bpm, estimate_bpm: NaN where there is none;
        - missing: whether there is no estimate;
        - error_bpm: estimate less reference; of a missing estimate `worst_error`;
        - snr_db at the reference, own_snr_db at the estimate;
        - confidence: that of the method in the window, 0 to 1 (`window_confidence`); NaN where it
          gives no confidence or no estimate;
        - truth: the kind of the reference ("beats", "pulse", "heart_rate" or "");
        - band_edge: whether the reference lies outside the evaluator's band or at its edge;
        - fs: samples per second of the estimate, NaN for heart rates without a waveform; reason;
        - the evaluator's correlation under its own name;
        - where the evaluator declares `variability`, the columns of `variability_reading`.

        `attrs` hold the evaluator's digest, pooling, band, margin of groups, kinds of reference by
        preference, and the names of its SNR and correlation.

    Raises:
        BenchError: An estimate comes twice.
    """
    import pandas as pd

    groups = [
        _columns(evaluator, pending, reading)
        for pending, reading in _read_all(evaluator, ordered_records(estimates), truths)
    ]
    columns = [*KEYS, "region", "window", "start_s", "duration_s", "reference_bpm"]
    columns += ["estimate_bpm", "missing", "error_bpm", "snr_db", "own_snr_db"]
    columns += ["confidence", "truth", "band_edge", "fs", "reason"]
    if evaluator.correlation != "none":
        columns.append(evaluator.correlation)
    if evaluator.variability is not None:
        columns += [*VARIABILITY_COLUMNS, "variability_reason"]
    merged = {
        name: np.concatenate([group[name] for group in groups]) if groups else np.empty(0)
        for name in (*columns, "place")
    }
    order = np.lexsort((merged["window"], merged.pop("place")))
    windows = pd.DataFrame({name: values[order] for name, values in merged.items()})
    windows.attrs = {
        "evaluator": evaluator.digest,
        "pooling": evaluator.pooling,
        "snr": evaluator.snr,
        "correlation": evaluator.correlation,
        "truth": list(evaluator.truth),
        "quantity": evaluator.quantity,
        "edge_bpm": evaluator.edge_bpm,
        "group_margin_bpm": evaluator.group_margin_bpm,
        "band_bpm": (60 * evaluator.estimate.band.low_hz, 60 * evaluator.estimate.band.high_hz),
    }
    return windows


def _read_all(
    evaluator: Evaluator,
    estimates: Iterable[Estimate],
    truths: Mapping[tuple[str, str], GroundTruth],
) -> Iterator[tuple[list[_Pending], Reading]]:
    """Readings of estimates in groups of one length and rate; those without a waveform last."""
    grids: dict[tuple[str, str], Waveform] = {}
    pending: list[_Pending] = []
    without_waveform: list[tuple[int, Estimate, str]] = []
    samples = 0
    no_truth = GroundTruth()
    for place, estimate in enumerate(_checked(estimates)):
        key = (estimate.dataset, estimate.recording)
        pulse = estimate.waveform
        if pulse is None or not np.isfinite(pulse.samples).any():
            without_waveform.append((place, estimate, _failure(estimate)))
            continue
        cropped, count = crop_to_valid(evaluator, pulse)
        if not has_window(evaluator, cropped):
            duration_s = len(cropped.samples) / cropped.fs
            failure = f"its {_too_short(evaluator, cropped, duration_s)}"
            without_waveform.append((place, estimate, failure))
            continue
        if key not in grids or len(grids[key].samples) < len(pulse.samples):
            grids[key] = pulse
        pending.append(
            _Pending(
                place=place,
                estimate=estimate,
                truth=truths.get(key, no_truth),
                pulse=cropped,
                cropped=count,
                failure="",
            )
        )
        samples += len(cropped.samples)
        if samples >= MAX_SAMPLES:
            yield from _read_groups(evaluator, pending)
            pending, samples = [], 0
    for place, estimate, failure in without_waveform:
        key = (estimate.dataset, estimate.recording)
        truth = truths.get(key, no_truth)
        grid = _grid_without_waveform(evaluator, grids.get(key), estimate, truth)
        empty = Waveform(np.full(len(grid.samples), np.nan), grid.fs, grid.start_s)
        pending.append(
            _Pending(
                place=place,
                estimate=estimate,
                truth=truth,
                pulse=empty,
                cropped=0,
                failure=failure,
                rates=None if failure else estimate.heart_rate,
            )
        )
        samples += len(empty.samples)
        if samples >= MAX_SAMPLES:
            yield from _read_groups(evaluator, pending)
            pending, samples = [], 0
    yield from _read_groups(evaluator, pending)


def _failure(estimate: Estimate) -> str:
    """Why an estimate has neither a sample nor a heart rate; "" where it has heart rates."""
    rates = estimate.heart_rate
    if rates is not None and np.isfinite(rates.values).any():
        return ""
    nothing = "no sample in the waveform" if rates is None else "no value among the heart rates"
    return estimate.reason or nothing


def _checked(estimates: Iterable[Estimate]) -> Iterator[Estimate]:
    """The estimates; BenchError at one that comes twice."""
    names: set[tuple[str | int, ...]] = set()
    for estimate in estimates:
        name = (*(getattr(estimate, key) for key in KEYS), estimate.region)
        if name in names:
            parts = ", ".join(str(part) for part in name if part != "")
            raise BenchError(f"scores: an estimate comes twice: {parts}; score each store once")
        names.add(name)
        yield estimate


def _grid_without_waveform(
    evaluator: Evaluator, longest: Waveform | None, estimate: Estimate, truth: GroundTruth
) -> Waveform:
    """The grid for the windows of an estimate that has no waveform to read.

    Args:
        evaluator: The rule.
        longest: The longest waveform that another method has of the recording.
        estimate: The estimate: a waveform that is too short, heart rates, or nothing.
        truth: The reference.

    Returns:
        The first of the longest's grid, the estimate's own and that of the reference that holds a
        window, else the longest. Heart rates come last: where none is, they are missing.
    """
    rates = estimate.heart_rate
    estimate_grid = estimate.waveform or _grid_of_rates(evaluator, rates)
    grids = [longest, estimate_grid, _grid_of_truth(evaluator, truth)]
    if rates is not None:
        grids = [longest, _grid_of_truth(evaluator, truth), estimate_grid]
    present = [grid for grid in grids if grid is not None]
    long_enough = [grid for grid in present if has_window(evaluator, grid)]
    return long_enough[0] if long_enough else max(present, key=lambda g: len(g.samples) / g.fs)


def _grid_of_truth(evaluator: Evaluator, truth: GroundTruth) -> Waveform:
    """The grid over the time of the reference, for a recording without any waveform."""
    times_s = _times_of_reference(reference_kind(evaluator, truth), truth)
    return _grid_over(evaluator, times_s) if len(times_s) else Waveform(np.empty(0), FAILED_FS)


def _grid_of_rates(evaluator: Evaluator, rates: Signal | None) -> Waveform | None:
    """The grid over the time of an estimate's heart rates."""
    return None if rates is None or not len(rates.times_s) else _grid_over(evaluator, rates.times_s)


def _grid_over(evaluator: Evaluator, times_s: Array) -> Waveform:
    """The grid over the times (N,) of a signal.

    One heart rate for a video of unknown length covers one window.
    """
    start_s = max(float(times_s[0]), 0.0)
    count = max(int((float(times_s[-1]) - start_s) * FAILED_FS) + 1, 0)
    if len(times_s) > 1 and float(np.diff(times_s).max()) > WHOLE_VIDEO_S:
        count = min_samples(FAILED_FS, evaluator.window) + 2 * evaluator.border_frames
    return Waveform(np.full(count, np.nan), FAILED_FS, start_s)


def _times_of_reference(kind: str, truth: GroundTruth) -> Array:
    """The times of the beats, samples or rates of a reference; none where it has none."""
    signal: Signal | None = getattr(truth, "pulse" if kind == "beats" else kind) if kind else None
    if kind == "beats" and truth.beats_s is not None and signal is None:
        return truth.beats_s
    return signal.times_s if signal is not None else np.empty(0)


def _read_groups(
    evaluator: Evaluator, pending: Sequence[_Pending]
) -> Iterator[tuple[list[_Pending], Reading]]:
    """One reading for all estimates of one length and rate; those of a recording lie together."""
    groups: dict[tuple[int, float, bool], list[_Pending]] = {}
    for item in pending:
        if item.rates is not None and rows_as_given(evaluator, item.truth):
            yield [item], read_as_given(evaluator, item.rates, item.truth)
            continue
        kind = len(item.pulse.samples), item.pulse.fs, item.rates is not None
        groups.setdefault(kind, []).append(item)
    for (_, fs, _), group in groups.items():
        group.sort(key=lambda item: (item.estimate.dataset, item.estimate.recording, item.place))
        pulses = PulseBatch(
            samples=np.stack([item.pulse.samples for item in group]),
            fs=fs,
            start_s=np.array([item.pulse.start_s for item in group]),
            cropped=np.array([float(item.cropped) for item in group]),
            rates=tuple(item.rates for item in group if item.rates is not None),
        )
        yield group, read_pulses(evaluator, pulses, [item.truth for item in group])


def _columns(
    evaluator: Evaluator, pending: list[_Pending], reading: Reading
) -> dict[str, np.ndarray]:
    """The columns of one group; pulses that are too short for a window have one row each."""
    if not reading.bpm.shape[1]:
        reading = _reading_of_short(evaluator, pending)
    rows, count = reading.bpm.shape
    bpm, reference = reading.bpm, reading.reference_bpm
    missing = ~np.isfinite(bpm)
    flat = {
        "window": np.tile(np.arange(count), (rows, 1)),
        "start_s": reading.start_s,
        "duration_s": reading.duration_s,
        "reference_bpm": reference,
        "estimate_bpm": bpm,
        "missing": missing,
        "error_bpm": np.where(missing, worst_error(evaluator, reference), bpm - reference),
        "snr_db": np.where(np.isfinite(reference), reading.snr_db, np.nan),
        "own_snr_db": reading.own_snr_db,
        "confidence": np.where(missing, np.nan, _confidence(pending, reading)),
        "reason": _reasons(pending, reading, missing),
        "band_edge": reading.band_edge,
        "fs": np.full(bpm.shape, pending[0].pulse.fs if pending[0].rates is None else np.nan),
    }
    if evaluator.correlation != "none":
        flat[evaluator.correlation] = reading.correlation
    if evaluator.variability is not None:
        flat |= _variability(evaluator, pending, reading)
    columns = {name: values.reshape(-1) for name, values in flat.items()}
    for key in (*KEYS, "region"):
        kind = np.int64 if key == "seed" else object
        values = np.array([getattr(item.estimate, key) for item in pending], dtype=kind)
        columns[key] = np.repeat(values, count)
    kinds = np.array([reference_kind(evaluator, item.truth) for item in pending], dtype=object)
    columns["truth"] = np.repeat(kinds, count)
    columns["place"] = np.repeat([item.place for item in pending], count)
    return columns


def _confidence(pending: list[_Pending], reading: Reading) -> Array:
    """The confidence of the method in each window of each estimate: (n, W)."""
    confidence: Array = np.full(reading.bpm.shape, np.nan)
    for row, item in enumerate(pending):
        if item.estimate.confidence is not None:
            confidence[row] = window_confidence(
                item.estimate.confidence, reading.start_s[row], reading.duration_s[row]
            )
    return confidence


def _variability(
    evaluator: Evaluator, pending: list[_Pending], reading: Reading
) -> dict[str, NDArray[Any]]:
    """The columns of beats and heart-rate variability (n, W); an estimate of rates has none."""
    columns = variability_columns(
        evaluator,
        [item.pulse for item in pending],
        [item.truth for item in pending],
        reading.start_s,
        reading.duration_s,
    )
    without = np.array([item.rates is not None for item in pending])[:, None]
    unscored = without | ~np.isfinite(reading.reference_bpm)
    for name in VARIABILITY_COLUMNS:
        columns[name] = np.where(unscored, np.nan, columns[name])
    reason = np.where(without, "estimate: heart rates without a waveform", "")
    lacking = columns["variability_reason"]
    columns["variability_reason"] = np.where(unscored, reason, lacking).astype(object)
    return columns


def _reasons(
    pending: list[_Pending], reading: Reading, missing: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Reasons of estimate and reference together (n, W); a failed estimate's own comes first."""
    failure = np.array([item.failure for item in pending], dtype=object)[:, None]
    reason = np.where(missing & (failure != ""), failure, reading.reason)
    both_missing = (reason != "") & (reading.reference_reason != "")
    out: NDArray[np.object_] = reason + np.where(both_missing, "; ", "") + reading.reference_reason
    return out


def _reading_of_short(evaluator: Evaluator, pending: Sequence[_Pending]) -> Reading:
    """One row a pulse that is not scored: the recording holds no window of the evaluator."""
    pulse = pending[0].pulse
    duration_s = len(pulse.samples) / pulse.fs
    none = np.full((len(pending), 1), np.nan)
    return Reading(
        start_s=np.array([[item.pulse.start_s] for item in pending]),
        duration_s=np.full(none.shape, duration_s),
        bpm=none,
        reference_bpm=none,
        snr_db=none,
        own_snr_db=none,
        correlation=none,
        reason=np.full(none.shape, _too_short(evaluator, pulse, duration_s), dtype=object),
        reference_reason=np.full(none.shape, "", dtype=object),
        band_edge=np.zeros(none.shape, np.bool_),
    )


def _too_short(evaluator: Evaluator, pulse: Waveform, duration_s: float) -> str:
    samples = min_samples(pulse.fs, evaluator.window) + 2 * evaluator.border_frames
    return (
        f"{duration_s:.1f} s are too short; "
        f"the evaluator's window takes at least {samples / pulse.fs:.3g} s"
    )


def worst_error(evaluator: Evaluator, reference_bpm: Array) -> Array:
    """The error of a missing estimate: it counts as the band's edge farther from the reference.

    With a band of 40 to 180 bpm and a reference of 70 bpm that is +110 bpm.

    Args:
        evaluator: The rule; the band of its estimates counts.
        reference_bpm: Heart rates of the reference (...,), in bpm.

    Returns:
        Errors (...,) in bpm; NaN where there is no reference.
    """
    band = evaluator.estimate.band
    low, high = 60 * band.low_hz - reference_bpm, 60 * band.high_hz - reference_bpm
    error: Array = np.where(np.abs(low) > np.abs(high), low, high)
    return error
