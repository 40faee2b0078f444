"""Read heart rates off many pulses and their references."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.band_edge import at_edge, wide_rates
from rppgbench.evaluation.evaluator import Evaluator, FixedWindow
from rppgbench.evaluation.heart_rate import (
    FLAT,
    heart_rates,
    is_constant,
    prepare,
    straight_segments,
    unusable_windows,
)
from rppgbench.evaluation.rate_chain import RateChain
from rppgbench.evaluation.reference import device_rates, pulses_at, reference_kind
from rppgbench.evaluation.signal_quality import CORRELATIONS, SNRS
from rppgbench.evaluation.windows import Block, layout_windows, min_samples, nearest_window

Words = NDArray[np.object_]

WORK = 1 << 19
"""How many samples of windows are worked on at once, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What an evaluator reads off n pulses of one length and rate; every array is (n, W).

    `start_s` and `duration_s` lie on the clock of the recordings. `bpm` is NaN where the estimate
    is missing, `reference_bpm` where there is no truth; `reason` and `reference_reason` say why,
    or are empty. `band_edge` says which truths lie outside the band of the evaluator or at its
    edge.
    """

    start_s: Array
    duration_s: Array
    bpm: Array
    reference_bpm: Array
    snr_db: Array
    correlation: Array
    reason: Words
    reference_reason: Words
    band_edge: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PulseBatch:
    """Equally long pulses on one grid: `samples` (n, T), NaN where there is none.

    They begin at `start_s` (n,); `lost` (n,) counts the samples that were cut off their ends.
    """

    samples: Array
    fs: float
    start_s: Array
    lost: Array

    def rows(self, at: slice) -> "PulseBatch":
        """Some of them."""
        return PulseBatch(self.samples[at], self.fs, self.start_s[at], self.lost[at])


def crop_to_valid(evaluator: Evaluator, pulse: Waveform) -> tuple[Waveform, int]:
    """The pulse (T,) as the evaluator takes it, and how many samples were cut off its ends.

    Windows of fixed length lie on the recording's clock, so nothing is cut for them. A whole
    recording is what lies between the first and the last sample that there is.
    """
    there = np.flatnonzero(np.isfinite(pulse.samples))
    if isinstance(evaluator.window, FixedWindow) or not len(there):
        return pulse, 0
    first, stop = int(there[0]), int(there[-1]) + 1
    cut = Waveform(pulse.samples[first:stop], pulse.fs, pulse.start_s + first / pulse.fs)
    return cut, len(pulse.samples) - (stop - first)


def has_window(evaluator: Evaluator, pulse: Waveform) -> bool:
    """Whether the evaluator finds any window in a pulse of that length."""
    samples = len(pulse.samples) - 2 * evaluator.border_frames
    return samples >= min_samples(pulse.fs, evaluator.window)


def read_pulses(evaluator: Evaluator, pulses: PulseBatch, truths: Sequence[GroundTruth]) -> Reading:
    """Heart rates of pulses beside those of their truths, one a pulse.

    W is 0 where the pulses are shorter than the evaluator's shortest window. The SNR of a pulse
    whose truth is empty is taken at its own heart rate.
    """
    border = evaluator.border_frames
    inner = pulses.samples[:, border : max(pulses.samples.shape[1] - border, border)]
    pulses = PulseBatch(inner, pulses.fs, pulses.start_s + border / pulses.fs, pulses.lost)
    blocks = layout_windows(inner.shape[1], pulses.fs, evaluator.window)
    if not blocks:
        no: Array = np.empty((len(inner), 0))
        words = np.empty((len(inner), 0), dtype=object)
        return Reading(no, no, no, no, no, no, words, words, np.empty(no.shape, np.bool_))
    step = max(1, WORK // sum(len(b.starts) * b.samples for b in blocks))
    parts = [
        _units(evaluator, pulses.rows(at), truths[at], blocks)
        for at in (slice(k, k + step) for k in range(0, len(inner), step))
    ]
    return Reading(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Reading)))


class _Chained:
    """Pulses on their way through one chain: bridged, prepared, cut into windows."""

    def __init__(self, pulses: PulseBatch, chain: RateChain, gap_share: float, what: str) -> None:
        absent = ~np.isfinite(pulses.samples)
        self.pulses, self.chain, self.gap_share, self.what = pulses, chain, gap_share, what
        self.absent = _counted(absent)
        still = straight_segments(pulses.samples, pulses.fs)
        self.still = _counted(still) if still.any() else np.zeros_like(self.absent)
        self.bridged = _bridge(pulses.samples, absent)
        self.prepared: Array | None = None
        if chain.steps_on == "recording":
            self.why = unusable_windows(chain, self.bridged.shape[1], pulses.fs)
            if not self.why:
                self.prepared = prepare(self.bridged, pulses.fs, chain)

    def windows(self, block: Block) -> tuple[Array | None, Array, Words]:
        """Prepared windows (n, W, N) or None, their rates (n, W) and why there is none."""
        fs = self.pulses.fs
        raw = block.cut(self.bridged)
        why = self.why if self.chain.steps_on == "recording" else ""
        why = why or unusable_windows(self.chain, block.samples, fs)
        reason = np.full(raw.shape[:2], why, dtype=object)
        if why:
            return None, np.full(raw.shape[:2], np.nan), reason
        ready = self.prepared
        waves = prepare(raw, fs, self.chain) if ready is None else block.cut(ready)
        gaps, still = _within(self.absent, block), _within(self.still, block)
        lost = self.pulses.lost[:, None]
        share, both = ((n + lost) / (block.samples + lost) for n in (gaps, gaps + still))
        flat, gone, hangs = is_constant(raw, waves), share > self.gap_share, both > self.gap_share
        bpm = np.where(flat | hangs, np.nan, heart_rates(waves, fs, self.chain))
        reason[~np.isfinite(bpm)] = f"{self.what}: no peak in the band"
        for at in np.argwhere(hangs & ~gone & ~flat):
            part = still[*at] / block.samples
            reason[*at] = f"{self.what}: a straight line for {part:.0%} of the window, no pulse"
        for at in np.argwhere(flat & ~gone):
            level = np.ptp(raw[*at]) <= FLAT * np.abs(raw[*at]).max()
            reason[*at] = f"{self.what}: {'constant' if level else 'a straight line, no pulse'}"
        for at in np.argwhere(gone):
            reason[*at] = f"{self.what}: absent in {share[*at]:.0%} of the window"
        return waves, bpm, reason


def _counted(samples: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many are true before each sample of rows (n, T): (n, T + 1)."""
    return np.cumsum(np.pad(samples, ((0, 0), (1, 0))), axis=1)


def _within(counted: NDArray[np.int64], block: Block) -> NDArray[np.int64]:
    """How many are true in each window: (n, W)."""
    return counted[:, block.starts + block.samples] - counted[:, block.starts]


def _bridge(samples: Array, absent: NDArray[np.bool_]) -> Array:
    """Gaps are bridged linearly, ends held, rows without any sample 0."""
    rows = np.flatnonzero(absent.any(axis=1))
    if not len(rows):
        return samples
    bridged = samples.copy()
    time = np.arange(samples.shape[1])
    for row in rows:
        there = ~absent[row]
        values = samples[row, there]
        bridged[row] = np.interp(time, time[there], values) if len(values) else 0.0
    return bridged


def _units(
    evaluator: Evaluator, pulses: PulseBatch, truths: Sequence[GroundTruth], blocks: list[Block]
) -> Reading:
    windows = _windows(evaluator, pulses, truths, blocks)
    if evaluator.unit == "window":
        return windows
    if evaluator.unit == "frame":
        return _frames(evaluator, pulses, truths, windows, nearest_window(blocks, _length(pulses)))
    return _recordings(evaluator, pulses, windows)


def _length(pulses: PulseBatch) -> int:
    return int(pulses.samples.shape[1])


def _windows(
    evaluator: Evaluator, pulses: PulseBatch, truths: Sequence[GroundTruth], blocks: list[Block]
) -> Reading:
    fs, band = pulses.fs, evaluator.estimate.band
    distinct: dict[tuple[int, float], int] = {}
    owner = [
        distinct.setdefault((id(truth), float(start)), len(distinct))
        for truth, start in zip(truths, pulses.start_s, strict=True)
    ]
    once = [owner.index(k) for k in range(len(distinct))]
    known = [truths[k] for k in once]
    begins = pulses.start_s[once]
    samples = pulses_at(evaluator, known, begins, fs, _length(pulses))
    grid = PulseBatch(samples, fs, begins, np.zeros(len(once)))
    estimate = _Chained(pulses, evaluator.estimate, evaluator.gap_share, "estimate")
    contact = _Chained(grid, evaluator.reference_chain, evaluator.gap_share, "reference")
    unknown = np.array([not reference_kind(evaluator, truth) for truth in truths])[:, None]
    parts = []
    for block in blocks:
        waves, bpm, reason = estimate.windows(block)
        contact_waves, reference, why = contact.windows(block)
        for row, truth in enumerate(known):
            _read_device(
                evaluator,
                truth,
                begins[row] + block.starts / fs,
                block.samples / fs,
                reference[row],
                why[row],
            )
        edge = at_edge(evaluator, reference, _wide(contact, block, evaluator, known))[owner]
        reference, why = reference[owner], why[owner]
        nothing: Array = np.full(bpm.shape, np.nan)
        snr, likeness = nothing, nothing
        if waves is not None:
            at = np.where(unknown, bpm, reference)
            snr = SNRS[evaluator.snr](waves, at, fs, band.low_hz, band.high_hz)
            if evaluator.correlation != "none" and contact_waves is not None:
                compare = CORRELATIONS[evaluator.correlation]
                likeness = compare(waves, contact_waves[owner], fs)
        start = pulses.start_s[:, None] + block.starts / fs
        lasts = np.full(bpm.shape, block.samples / fs)
        scored = np.isfinite(bpm)
        snr, likeness = np.where(scored, snr, np.nan), np.where(scored, likeness, np.nan)
        parts.append((start, lasts, bpm, reference, snr, likeness, reason, why, edge))
    return Reading(*(np.concatenate(column, axis=1) for column in zip(*parts, strict=True)))


def _wide(
    contact: _Chained, block: Block, evaluator: Evaluator, truths: Sequence[GroundTruth]
) -> Array:
    """The rates of reference pulses over 30 to 240 bpm (n, W); NaN for truths that are no pulse."""
    out: Array = np.full((len(truths), len(block.starts)), np.nan)
    own = np.array([reference_kind(evaluator, truth) == "pulse" for truth in truths])
    if own.any():
        out[own] = wide_rates(block.cut(contact.bridged[own]), contact.pulses.fs)
    return out


def _read_device(
    evaluator: Evaluator, truth: GroundTruth, start_s: Array, lasts_s: float, bpm: Array, why: Words
) -> None:
    """Fill in the rates (W,) and reasons (W,) of a truth that is no pulse."""
    kind = reference_kind(evaluator, truth)
    if kind == "pulse":
        return
    bpm[:] = np.nan
    if kind == "heart_rate":
        bpm[:] = device_rates(evaluator, truth, start_s, start_s + lasts_s)
    said = "no device rate in the window" if kind else f"no {' or '.join(evaluator.truth)}"
    why[:] = np.where(np.isfinite(bpm), "", f"reference: {said}")


def _frames(
    evaluator: Evaluator,
    pulses: PulseBatch,
    truths: Sequence[GroundTruth],
    windows: Reading,
    nearest: NDArray[np.int64],
) -> Reading:
    """A row a frame: the window whose centre is nearest, and the device's rate at the frame."""
    times = pulses.start_s[:, None] + np.arange(len(nearest)) / pulses.fs
    reference, why = windows.reference_bpm[:, nearest], windows.reference_reason[:, nearest]
    if evaluator.heart_rate == "window_centre":
        for row, truth in enumerate(truths):
            _read_device(evaluator, truth, times[row], 0.0, reference[row], why[row])
    return Reading(
        times,
        np.full(times.shape, 1 / pulses.fs),
        windows.bpm[:, nearest],
        reference,
        windows.snr_db[:, nearest],
        windows.correlation[:, nearest],
        windows.reason[:, nearest],
        why,
        windows.band_edge[:, nearest] | at_edge(evaluator, reference, reference),
    )


def _recordings(evaluator: Evaluator, pulses: PulseBatch, windows: Reading) -> Reading:
    """A row a recording: mean or median of the windows that there are."""
    middle = _mean if evaluator.unit == "recording_mean" else _median
    bpm, reference = middle(windows.bpm), middle(windows.reference_bpm)
    lasts = np.full(bpm.shape, _length(pulses) / pulses.fs)
    none, unknown = ~np.isfinite(bpm), ~np.isfinite(reference)
    edge = np.asarray(windows.band_edge.any(axis=1, keepdims=True))
    return Reading(
        pulses.start_s[:, None],
        lasts,
        bpm,
        reference,
        _mean(windows.snr_db),
        _mean(windows.correlation),
        np.where(none, windows.reason[:, :1], ""),
        np.where(unknown, windows.reference_reason[:, :1], ""),
        edge,
    )


def _mean(values: Array) -> Array:
    there = np.isfinite(values)
    count = there.sum(axis=1, keepdims=True)
    total = np.where(there, values, 0.0).sum(axis=1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _median(values: Array) -> Array:
    ordered = np.sort(values, axis=1)  # NaN goes last
    count = np.isfinite(values).sum(axis=1, keepdims=True)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count // 2, 0)
    ends = [np.take_along_axis(ordered, np.minimum(k, values.shape[1] - 1), 1) for k in (low, high)]
    out: Array = np.where(count > 0, (ends[0] + ends[1]) / 2, np.nan)
    return out
