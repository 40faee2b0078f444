"""Heart rates of many pulses and of their references, by one evaluator."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.band_edge import at_edge
from rppgbench.evaluation.chain_reading import ChainReader, PulseBatch, Reasons
from rppgbench.evaluation.evaluator import Evaluator, FixedWindow
from rppgbench.evaluation.reference import estimated_rates
from rppgbench.evaluation.reference_reading import ReferenceReader, read_device
from rppgbench.evaluation.respiration_reading import RespirationReader
from rppgbench.evaluation.signal_quality import CORRELATIONS, SNRS
from rppgbench.evaluation.windows import Block, layout_windows, min_samples, nearest_window

MAX_SAMPLES = 1 << 19
"""Samples of windows that are processed at once, so that the memory stays bounded."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """What an evaluator reads from n pulses of one length and rate; every array is (n, W).

    Attributes:
        start_s: Starts of the windows in seconds, on the clock of the recordings.
        duration_s: Their durations in seconds.
        bpm: Heart rates of the estimate in bpm; NaN where the estimate is missing.
        reference_bpm: Heart rates of the reference in bpm; NaN where there is none.
        snr_db: Signal-to-noise ratios in dB at the reference, by the evaluator's definition.
        own_snr_db: The same at the estimate's own heart rate.
        correlation: Correlations of estimate and reference, by the evaluator's definition.
        reason: Why the estimate is missing.
        reference_reason: Why there is no reference.
        band_edge: Whether the reference lies outside the evaluator's band or at its edge.
    """

    start_s: Array
    duration_s: Array
    bpm: Array
    reference_bpm: Array
    snr_db: Array
    own_snr_db: Array
    correlation: Array
    reason: Reasons
    reference_reason: Reasons
    band_edge: NDArray[np.bool_]


def _joined(readings: Sequence[Reading], axis: int) -> Reading:
    """Readings of other pulses (axis 0) or of other windows (axis 1), put together."""
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in readings], axis=axis)
        for field in fields(Reading)
    }
    return Reading(**arrays)


def crop_to_valid(evaluator: Evaluator, pulse: Waveform) -> tuple[Waveform, int]:
    """The part of a pulse that the evaluator reads.

    Windows of fixed length lie on the recording's clock, so nothing is cropped for them. A whole
    recording reaches from the first to the last finite sample.

    Args:
        evaluator: The rule.
        pulse: One pulse (T,); NaN where there is no sample.

    Returns:
        The pulse without the absent samples at its ends, and how many these are.
    """
    finite = np.flatnonzero(np.isfinite(pulse.samples))
    if isinstance(evaluator.window, FixedWindow) or not len(finite):
        return pulse, 0
    first, stop = int(finite[0]), int(finite[-1]) + 1
    part = Waveform(pulse.samples[first:stop], pulse.fs, pulse.start_s + first / pulse.fs)
    return part, len(pulse.samples) - (stop - first)


def has_window(evaluator: Evaluator, pulse: Waveform) -> bool:
    """Whether a pulse is long enough for one window.

    Args:
        evaluator: The rule.
        pulse: One pulse (T,).
    """
    samples = len(pulse.samples) - 2 * evaluator.border_frames
    return samples >= min_samples(pulse.fs, evaluator.window)


def read_pulses(evaluator: Evaluator, pulses: PulseBatch, truths: Sequence[GroundTruth]) -> Reading:
    """Heart rates of pulses and of their references.

    Args:
        evaluator: The rule.
        pulses: n pulses.
        truths: The reference of each pulse. The SNR of a pulse without a reference is taken at the
            pulse's heart rate.

    Returns:
        A reading (n, W); W is 0 where the pulses are shorter than the evaluator's shortest window.
    """
    border = evaluator.border_frames
    inner = pulses.samples[:, border : max(pulses.length - border, border)]
    pulses = PulseBatch(
        samples=inner,
        fs=pulses.fs,
        start_s=pulses.start_s + border / pulses.fs,
        cropped=pulses.cropped,
        rates=pulses.rates,
    )
    blocks = layout_windows(pulses.length, pulses.fs, evaluator.window)
    if not blocks:
        return _no_windows(len(inner))
    step = max(1, MAX_SAMPLES // sum(len(b.starts) * b.samples for b in blocks))
    parts = [
        _read_units(evaluator, pulses.select(rows), truths[rows], blocks)
        for rows in (slice(k, k + step) for k in range(0, len(inner), step))
    ]
    return _joined(parts, axis=0)


def _no_windows(pulses: int) -> Reading:
    numbers: Array = np.empty((pulses, 0))
    reasons = np.empty((pulses, 0), dtype=object)
    return Reading(
        start_s=numbers,
        duration_s=numbers,
        bpm=numbers,
        reference_bpm=numbers,
        snr_db=numbers,
        own_snr_db=numbers,
        correlation=numbers,
        reason=reasons,
        reference_reason=reasons,
        band_edge=np.empty((pulses, 0), np.bool_),
    )


def _read_units(
    evaluator: Evaluator, pulses: PulseBatch, truths: Sequence[GroundTruth], blocks: list[Block]
) -> Reading:
    """The rows of the evaluator's unit: windows, frames or recordings."""
    windows = _read_windows(evaluator, pulses, truths, blocks)
    if evaluator.unit == "window":
        return windows
    if evaluator.unit == "frame":
        return _frames(evaluator, pulses, truths, windows, nearest_window(blocks, pulses.length))
    return _recordings(evaluator, pulses, windows)


def _read_windows(
    evaluator: Evaluator, pulses: PulseBatch, truths: Sequence[GroundTruth], blocks: list[Block]
) -> Reading:
    estimates: ChainReader | RespirationReader
    if evaluator.respiration is None:
        estimates = ChainReader(pulses, evaluator.estimate, evaluator.gap_share, "estimate")
    else:
        estimates = RespirationReader(evaluator, pulses)
    references = ReferenceReader(evaluator, pulses, truths)
    return _joined([_read_block(evaluator, estimates, references, b) for b in blocks], axis=1)


def _read_block(
    evaluator: Evaluator,
    estimates: ChainReader | RespirationReader,
    references: ReferenceReader,
    block: Block,
) -> Reading:
    """The windows of one length, estimates and references."""
    pulses, band = estimates.pulses, evaluator.estimate.band
    windows, bpm, reason = estimates.read(block)
    if pulses.rates and evaluator.respiration is not None:
        reason[:] = "estimate: heart rates without a waveform"
    elif pulses.rates:
        windows, (bpm, reason) = None, _read_given_rates(evaluator, pulses, block)
    reference_windows, reference, reference_reason, edge = references.read(block)
    snr: Array = np.full((*bpm.shape, 2), np.nan)
    correlation = snr[..., 0]
    if windows is not None:
        rates = np.stack([np.where(references.absent, bpm, reference), bpm], axis=-1)
        snr = SNRS[evaluator.snr](windows, rates, pulses.fs, band.low_hz, band.high_hz)
        if evaluator.correlation != "none" and reference_windows is not None:
            correlate = CORRELATIONS[evaluator.correlation]
            correlation = correlate(windows, reference_windows[references.owner], pulses.fs)
    has_rate = np.isfinite(bpm)
    return Reading(
        start_s=pulses.start_s[:, None] + block.starts / pulses.fs,
        duration_s=np.full(bpm.shape, block.samples / pulses.fs),
        bpm=bpm,
        reference_bpm=reference,
        snr_db=np.where(has_rate, snr[..., 0], np.nan),
        own_snr_db=np.where(has_rate, snr[..., 1], np.nan),
        correlation=np.where(has_rate, correlation, np.nan),
        reason=reason,
        reference_reason=reference_reason,
        band_edge=edge,
    )


def _read_given_rates(
    evaluator: Evaluator, pulses: PulseBatch, block: Block
) -> tuple[Array, Reasons]:
    """Heart rates of windows (n, W), and reasons, of estimates that are heart rates."""
    start_s = pulses.start_s[:, None] + block.starts / pulses.fs
    stop_s = start_s + block.samples / pulses.fs
    bpm = np.stack(
        [
            estimated_rates(evaluator, rates, begin, end)
            for rates, begin, end in zip(pulses.rates, start_s, stop_s, strict=True)
        ]
    )
    reason = np.where(np.isfinite(bpm), "", "estimate: no heart rate in the window")
    return bpm, reason.astype(object)


def _frames(
    evaluator: Evaluator,
    pulses: PulseBatch,
    truths: Sequence[GroundTruth],
    windows: Reading,
    nearest: NDArray[np.int64],
) -> Reading:
    """A row a frame: the window whose centre is nearest, and the device's rate at the frame."""
    times_s = pulses.start_s[:, None] + np.arange(len(nearest)) / pulses.fs
    reference = windows.reference_bpm[:, nearest]
    reference_reason = windows.reference_reason[:, nearest]
    if evaluator.heart_rate != "window_mean":
        for row, truth in enumerate(truths):
            read_device(evaluator, truth, times_s[row], 0.0, reference[row], reference_reason[row])
    return Reading(
        start_s=times_s,
        duration_s=np.full(times_s.shape, 1 / pulses.fs),
        bpm=windows.bpm[:, nearest],
        reference_bpm=reference,
        snr_db=windows.snr_db[:, nearest],
        own_snr_db=windows.own_snr_db[:, nearest],
        correlation=windows.correlation[:, nearest],
        reason=windows.reason[:, nearest],
        reference_reason=reference_reason,
        band_edge=windows.band_edge[:, nearest] | at_edge(evaluator, reference, reference),
    )


def _recordings(evaluator: Evaluator, pulses: PulseBatch, windows: Reading) -> Reading:
    """A row a recording: mean or median of the windows that have a rate."""
    average = _mean if evaluator.unit == "recording_mean" else _median
    bpm, reference = average(windows.bpm), average(windows.reference_bpm)
    missing, no_reference = ~np.isfinite(bpm), ~np.isfinite(reference)
    return Reading(
        start_s=pulses.start_s[:, None],
        duration_s=np.full(bpm.shape, pulses.length / pulses.fs),
        bpm=bpm,
        reference_bpm=reference,
        snr_db=_mean(windows.snr_db),
        own_snr_db=_mean(windows.own_snr_db),
        correlation=_mean(windows.correlation),
        reason=np.where(missing, windows.reason[:, :1], ""),
        reference_reason=np.where(no_reference, windows.reference_reason[:, :1], ""),
        band_edge=np.asarray(windows.band_edge.any(axis=1, keepdims=True)),
    )


def _mean(values: Array) -> Array:
    """Mean of the finite values of each row: (n, 1)."""
    finite = np.isfinite(values)
    count = finite.sum(axis=1, keepdims=True)
    total = np.where(finite, values, 0.0).sum(axis=1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _median(values: Array) -> Array:
    """Median of the finite values of each row: (n, 1)."""
    ordered = np.sort(values, axis=1)  # NaN goes last
    count = np.isfinite(values).sum(axis=1, keepdims=True)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count // 2, 0)
    middle = [
        np.take_along_axis(ordered, np.minimum(k, values.shape[1] - 1), 1) for k in (low, high)
    ]
    out: Array = np.where(count > 0, (middle[0] + middle[1]) / 2, np.nan)
    return out
