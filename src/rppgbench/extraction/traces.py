"""Turn features into the evenly sampled waveforms that methods take, and join their pulses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.features import BACKGROUND, GRID_REGIONS, Features
from rppgbench.core.method import InputKind
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.extraction.even_grid import (
    GRID_TOLERANCE,
    MAX_GAP_S,
    MIN_SEGMENT_S,
    sample,
    segment_grids,
    split_at_gaps,
)
from rppgbench.signals.spatial_maps import mstmap
from rppgbench.system.errors import BenchError


def extract_segments(
    features: Features,
    input_kind: InputKind,
    *,
    region: str = "skin",
    fs: float | None = None,
    max_gap_s: float = MAX_GAP_S,
    min_segment_s: float = MIN_SEGMENT_S,
    crop: str | None = None,
) -> list[Waveform]:
    """Sample the input of a method on an even grid, one waveform for each segment without gaps.

    The grid has the times `times_s[0] + k / fs` on the clock of the recording. All segments share
    the grid, so `join_segments` joins their pulses without resampling. Samples whose frame times
    lie within 1 % of a period of the grid are copied; others are interpolated linearly in time. A
    frame without a face, or with an empty region, is a gap.

    Args:
        features: the features of a recording.
        input_kind: the method's input; `method.InputKind` has the shapes. Clips are uint8.
        region: face region of traces and second moments.
        fs: sampling rate in Hz; the mean frame rate if None.
        max_gap_s: gaps up to this length are interpolated, longer gaps end a segment.
        min_segment_s: shorter segments are dropped.
        crop: crop rule of clips.

    Returns:
        The segments in order; empty where no segment is long enough.

    Raises:
        BenchError: no such region, or the features have no clip by that crop rule.
    """
    values, usable = _read_input(features, input_kind, region, crop)
    grids = segment_grids(
        np.asarray(features.times_s),
        usable,
        fs=fs,
        max_gap_s=max_gap_s,
        min_segment_s=min_segment_s,
    )
    return [Waveform(sample(values, grid), grid.fs, grid.start_s) for grid in grids]


def longest_segment_s(
    features: Features, input_kind: InputKind, region: str, crop: str | None
) -> float:
    """Length in seconds of the longest segment without a gap.

    Args:
        features: the features of a recording.
        input_kind: the method's input.
        region: face region of traces and second moments.
        crop: crop rule of clips.
    """
    usable = _read_input(features, input_kind, region, crop)[1]
    times = np.asarray(features.times_s)
    if len(times) < 2:
        return 0.0
    parts = split_at_gaps(times, usable, MAX_GAP_S)
    return max((float(times[frames[-1]] - times[frames[0]]) for frames in parts), default=0.0)


def _read_input(
    features: Features, input_kind: InputKind, region: str, crop: str | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The input of each frame, and which frames have one."""
    moments = features.moments
    face = np.asarray(features.track.detected)
    if input_kind == "clip":
        if crop is None or crop not in features.clips:
            names = ", ".join(sorted(features.clips)) or "none"
            raise BenchError(
                f"crop: the features hold no clip by the rule {crop!r}. Known: {names}."
            )
        clip = features.clips[crop]
        return clip.frames, np.asarray(clip.valid)
    values: Array
    if input_kind == "mstmap":
        values = mstmap(moments)
    elif input_kind in {"stmap", "stmap_moments"}:
        cells = moments.index(*GRID_REGIONS)
        count = moments.count[:, cells, None]
        values = np.divide(
            moments.rgb[:, cells],
            count,
            out=np.full((*count.shape[:2], 3), np.nan),
            where=count > 0,
        )
        if input_kind == "stmap_moments":
            values = np.concatenate([values, moments.mean_second(region)], axis=1)
    else:
        if region not in moments.names:
            raise BenchError(f"region: no region {region!r}. Known: {', '.join(moments.names)}.")
        is_trace = input_kind.startswith("trace")
        values = moments.mean_rgb(region) if is_trace else moments.mean_second(region)
    is_complete = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if input_kind == "trace_background":  # a frame without a background is no gap of the face
        values = np.stack([values, moments.mean_rgb(BACKGROUND)], axis=1)
    return values, np.logical_and(face, is_complete)


def join_segments(parts: Sequence[Waveform], start_s: float, end_s: float, fs: float) -> Waveform:
    """Join the segments of a pulse on the grid `start_s + k / fs`, with NaN in the gaps.

    A segment on the grid is copied; another segment is interpolated linearly within its time.
    Nothing is standardised. Where segments overlap, the later one counts.

    Args:
        parts: segments of the pulse, (T', ...) each.
        start_s: first time of the grid in seconds.
        end_s: the grid ends at or before this time in seconds.
        fs: sampling rate of the grid in Hz.

    Returns:
        The pulse (T, ...) on the grid, with the confidence of all segments at its own times.

    >>> halves = [Waveform(np.ones(2), 2.0, 0.0), Waveform(np.zeros(2), 2.0, 1.5)]
    >>> join_segments(halves, 0.0, 2.0, 2.0).samples
    array([ 1.,  1., nan,  0.,  0.])
    """
    length = max(int(np.floor((end_s - start_s) * fs + GRID_TOLERANCE)) + 1, 0)
    grid = start_s + np.arange(length) / fs
    shape = parts[0].samples.shape[1:] if parts else ()
    out = np.full((length, *shape), np.nan)
    for part in parts:
        size = len(part.samples)
        if not size:
            continue
        offset = (part.start_s - start_s) * fs
        is_on_grid = (
            abs(part.fs - fs) * size <= GRID_TOLERANCE * fs
            and abs(offset - round(offset)) <= 2 * GRID_TOLERANCE
        )
        if is_on_grid:
            begin = round(offset)
            keep = slice(max(begin, 0), min(begin + size, length))
            if keep.start < keep.stop:
                out[keep] = part.samples[keep.start - begin : keep.stop - begin]
            continue
        times_s = part.times_s()
        inside = np.flatnonzero(
            (grid >= times_s[0] - GRID_TOLERANCE / fs) & (grid <= times_s[-1] + GRID_TOLERANCE / fs)
        )
        columns = part.samples.reshape(size, -1).T
        mixed = [np.interp(grid[inside], times_s, column) for column in columns]
        out[inside] = np.stack(mixed, axis=-1).reshape(len(inside), *shape)
    return Waveform(out, fs, start_s, confidence=_joined_confidence(parts))


def _joined_confidence(parts: Sequence[Waveform]) -> Signal | None:
    """The confidences of the segments, one after the other; None without any."""
    stated = [part.confidence for part in parts if part.confidence is not None]
    signals = [signal for signal in stated if len(signal.times_s)]
    if not signals:
        return None
    begins_s = [signal.times_s[0] for signal in signals[1:]]
    kept = [
        signal.times_s < begin_s
        for signal, begin_s in zip(signals, [*begins_s, np.inf], strict=True)
    ]
    return Signal(
        np.concatenate([signal.values[keep] for signal, keep in zip(signals, kept, strict=True)]),
        np.concatenate([signal.times_s[keep] for signal, keep in zip(signals, kept, strict=True)]),
    )
