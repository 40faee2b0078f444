"""Turn features into the evenly sampled waveforms that methods take, and join their pulses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.features import GRID_REGIONS, Features
from rppgbench.core.method import InputKind
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.spatial_maps import mstmap
from rppgbench.system.errors import BenchError

GRID_TOLERANCE = 0.01
"""Frame times within this share of a period from the grid count as on the grid."""

MAX_GAP_S = 0.5
"""Frames with a face that are further apart are not interpolated: a new segment begins."""

MIN_SEGMENT_S = 3.0
"""Shorter segments are dropped: 3 s hold two beats of a heart rate of 40 bpm."""

_CHUNK = 256


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
    times = np.asarray(features.times_s)
    if len(times) < 2 or not usable.any():
        return []
    rate = (len(times) - 1) / float(times[-1] - times[0]) if fs is None else fs
    segments = []
    for frames in split_at_gaps(times, usable, max_gap_s):
        first, last = times[frames[0]], times[frames[-1]]
        if last - first < min_segment_s:
            continue
        low = int(np.ceil((first - times[0]) * rate - GRID_TOLERANCE))
        high = int(np.floor((last - times[0]) * rate + GRID_TOLERANCE))
        grid = times[0] + np.arange(low, high + 1) / rate
        samples = _sample(values, times, frames, grid, rate)
        segments.append(Waveform(samples, rate, float(grid[0])))
    return segments


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
        is_trace = input_kind == "trace"
        values = moments.mean_rgb(region) if is_trace else moments.mean_second(region)
    is_complete = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return values, np.logical_and(face, is_complete)


def split_at_gaps(
    times: Array, usable: NDArray[np.bool_], max_gap_s: float = MAX_GAP_S
) -> list[NDArray[np.intp]]:
    """Split usable frames into segments without gaps.

    Args:
        times: times (T,) of the frames in seconds.
        usable: whether each frame (T,) has an input.
        max_gap_s: usable frames that are further apart belong to different segments; at least 2.5
            frame periods are used, so that a slow video does not consist of gaps.

    Returns:
        Indices of the frames of each segment.
    """
    indices = np.flatnonzero(usable)
    limit = max(max_gap_s, 2.5 * float(np.median(np.diff(times))))
    breaks = np.flatnonzero(np.diff(times[indices]) > limit + 1e-9) + 1
    return [part for part in np.split(indices, breaks) if len(part) > 1]


def _sample(
    values: NDArray[Any],
    times: Array,
    frames: NDArray[np.intp],
    grid: Array,
    rate: float,
) -> NDArray[Any]:
    """The values of some frames at the times of the grid, copied where the times agree."""
    frame_times_s = times[frames]
    nearest = np.clip(
        np.searchsorted(frame_times_s, grid - GRID_TOLERANCE / rate), 0, len(frames) - 1
    )
    if np.abs(frame_times_s[nearest] - grid).max() <= (GRID_TOLERANCE + 1e-6) / rate:
        low, high = frames[nearest[0]], frames[nearest[-1]]
        if high - low == len(grid) - 1:
            return values[low : high + 1]
        return values[frames[nearest]]
    right = np.clip(np.searchsorted(frame_times_s, grid), 1, len(frames) - 1)
    span = frame_times_s[right] - frame_times_s[right - 1]
    share = np.clip((grid - frame_times_s[right - 1]) / span, 0.0, 1.0)
    out = np.empty((len(grid), *values.shape[1:]), values.dtype)
    for start in range(0, len(grid), _CHUNK):
        part = slice(start, start + _CHUNK)
        weight = share[part].reshape(-1, *[1] * (values.ndim - 1))
        before, after = values[frames[right[part] - 1]], values[frames[right[part]]]
        mixed = before + weight * (after.astype(np.float64) - before)
        out[part] = np.round(mixed) if values.dtype == np.uint8 else mixed
    return out


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
        The pulse (T, ...) on the grid.

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
    return Waveform(out, fs, start_s)
