"""Even time grids over the frames of a recording, one for each segment without gaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

GRID_TOLERANCE = 0.01
"""Frame times within this share of a period from the grid count as on the grid."""

MAX_GAP_S = 0.5
"""Frames with a face that are further apart are not interpolated: a new segment begins."""

MIN_SEGMENT_S = 3.0
"""Shorter segments are dropped: 3 s hold two beats of a heart rate of 40 bpm."""

_CHUNK = 64
"""Number of samples that are interpolated at once: pictures as floats take memory."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentGrid:
    """One segment: its grid, and the frames of which each sample is made.

    A sample is `before + share * (after - before)`.

    Attributes:
        fs: sampling rate in Hz.
        start_s: time of the first sample, on the clock of the recording.
        before: index (T,) of the frame at or before each sample.
        after: index (T,) of the frame after it; None where samples are frames as they are.
        share: weight (T,) of the frame after it; None where samples are frames as they are.
    """

    fs: float
    start_s: float
    before: NDArray[np.intp]
    after: NDArray[np.intp] | None = None
    share: Array | None = None

    @property
    def frames(self) -> slice | None:
        """The frames that are the samples, where these are consecutive frames; else None."""
        first, last = int(self.before[0]), int(self.before[-1])
        if self.share is None and last - first == len(self.before) - 1:
            return slice(first, last + 1)
        return None


def segment_grids(
    times: Array,
    usable: NDArray[np.bool_],
    *,
    fs: float | None = None,
    max_gap_s: float = MAX_GAP_S,
    min_segment_s: float = MIN_SEGMENT_S,
) -> list[SegmentGrid]:
    """The grids of the segments of a recording.

    All segments share the grid `times[0] + k / fs`.

    Args:
        times: times (T,) of the frames in seconds.
        usable: whether each frame (T,) has an input.
        fs: sampling rate in Hz; the mean frame rate if None.
        max_gap_s: gaps up to this length are interpolated, longer gaps end a segment.
        min_segment_s: shorter segments are dropped.

    Returns:
        The grids in order; empty where no segment is long enough.
    """
    if len(times) < 2 or not usable.any():
        return []
    rate = (len(times) - 1) / float(times[-1] - times[0]) if fs is None else fs
    grids = []
    for frames in split_at_gaps(times, usable, max_gap_s):
        first, last = times[frames[0]], times[frames[-1]]
        if last - first < min_segment_s:
            continue
        low = int(np.ceil((first - times[0]) * rate - GRID_TOLERANCE))
        high = int(np.floor((last - times[0]) * rate + GRID_TOLERANCE))
        grids.append(_grid(times, frames, times[0] + np.arange(low, high + 1) / rate, rate))
    return grids


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


def _grid(times: Array, frames: NDArray[np.intp], samples_s: Array, rate: float) -> SegmentGrid:
    """The frames of which the samples at some times are made: copied where the times agree."""
    frame_times_s = times[frames]
    start_s = float(samples_s[0])
    nearest = np.clip(
        np.searchsorted(frame_times_s, samples_s - GRID_TOLERANCE / rate), 0, len(frames) - 1
    )
    if np.abs(frame_times_s[nearest] - samples_s).max() <= (GRID_TOLERANCE + 1e-6) / rate:
        return SegmentGrid(fs=rate, start_s=start_s, before=frames[nearest])
    right = np.clip(np.searchsorted(frame_times_s, samples_s), 1, len(frames) - 1)
    span = frame_times_s[right] - frame_times_s[right - 1]
    share = np.clip((samples_s - frame_times_s[right - 1]) / span, 0.0, 1.0)
    return SegmentGrid(
        fs=rate, start_s=start_s, before=frames[right - 1], after=frames[right], share=share
    )


def sample(values: NDArray[Any], grid: SegmentGrid) -> NDArray[Any]:
    """The samples of a segment: frames as they are, or interpolated linearly in time.

    Args:
        values: one value (...) of each frame (N, ...).
        grid: the grid of the segment.

    Returns:
        The samples (T, ...) of the same type; a view where the samples are consecutive frames.
    """
    if grid.frames is not None:
        return values[grid.frames]
    out = np.empty((len(grid.before), *values.shape[1:]), values.dtype)
    for first, part in _sampled_parts(values, grid):
        out[first : first + len(part)] = part
    return out


def sampled_parts(values: NDArray[Any], grid: SegmentGrid) -> Iterator[NDArray[Any]]:
    """The samples of a segment in parts, so that not all are in memory at once.

    Args:
        values: one value (...) of each frame (N, ...).
        grid: the grid of the segment.

    Yields:
        Consecutive samples (K, ...), equal to those of `sample`.
    """
    for _, part in _sampled_parts(values, grid):
        yield part


def _sampled_parts(values: NDArray[Any], grid: SegmentGrid) -> Iterator[tuple[int, NDArray[Any]]]:
    for start in range(0, len(grid.before), _CHUNK):
        part = slice(start, start + _CHUNK)
        before = values[grid.before[part]]
        if grid.after is None or grid.share is None:
            yield start, before
            continue
        weight = grid.share[part].reshape(-1, *[1] * (values.ndim - 1))
        mixed = values[grid.after[part]].astype(np.float64)
        mixed -= before
        mixed *= weight
        mixed += before
        if values.dtype == np.uint8:
            np.rint(mixed, out=mixed)
        yield start, mixed.astype(values.dtype)
