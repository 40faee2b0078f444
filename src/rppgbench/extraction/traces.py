"""From features to the even waveforms that methods take."""

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
"""Frame times within this share of a period from an even grid are taken to lie on it."""

MAX_GAP_S = 0.5
"""Frames that are further apart than this are not interpolated between: a new stretch begins."""

MIN_SEGMENT_S = 3.0
"""Below this a stretch of the face is left out: a heart rate of 40 bpm has two beats in it."""

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
    """What a method of that kind takes, as one waveform for each stretch without gaps.

    The grid is even: times `times_s[0] + k / fs` on the clock of the recording, `fs` the
    recording's mean rate where None, so all segments share one grid and `join_segments` puts them
    back without resampling. Samples whose frame times lie within 1 % of a period of the grid are
    taken as they are; else they are interpolated linearly in time. A frame without a face, or in
    which a region of the input has no pixel, is a gap: up to `max_gap_s` between two frames with a
    face it is interpolated, longer ones split; stretches shorter than `min_segment_s` are left out.
    The list is empty where nothing is left.

    Shapes by `input_kind`: see `method.InputKind`. Clips are uint8. BenchError: no such region; no
    clip by the rule `crop` in the features.
    """
    values, usable = _input(features, input_kind, region, crop)
    times = np.asarray(features.times_s)
    if len(times) < 2 or not usable.any():
        return []
    rate = (len(times) - 1) / float(times[-1] - times[0]) if fs is None else fs
    found = []
    for at in split_at_gaps(times, usable, max_gap_s):
        first, last = times[at[0]], times[at[-1]]
        if last - first < min_segment_s:
            continue
        low = int(np.ceil((first - times[0]) * rate - GRID_TOLERANCE))
        high = int(np.floor((last - times[0]) * rate + GRID_TOLERANCE))
        grid = times[0] + np.arange(low, high + 1) / rate
        samples = _on_grid(values, times, at, grid, rate)
        found.append(Waveform(samples, rate, float(grid[0])))
    return found


def longest_segment_s(
    features: Features, input_kind: InputKind, region: str, crop: str | None
) -> float:
    """How long the longest stretch without a gap is that a method of that kind would get."""
    usable = _input(features, input_kind, region, crop)[1]
    times = np.asarray(features.times_s)
    if len(times) < 2:
        return 0.0
    parts = split_at_gaps(times, usable, MAX_GAP_S)
    return max((float(times[at[-1]] - times[at[0]]) for at in parts), default=0.0)


def _input(
    features: Features, input_kind: InputKind, region: str, crop: str | None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """One value a frame, and which frames have one."""
    moments = features.moments
    face = np.asarray(features.track.found)
    if input_kind == "clip":
        if crop is None or crop not in features.clips:
            known = ", ".join(sorted(features.clips)) or "none"
            raise BenchError(
                f"crop: the features hold no clip by the rule {crop!r}. Known: {known}."
            )
        clip = features.clips[crop]
        return clip.frames, np.asarray(clip.valid)
    values: Array
    if input_kind == "mstmap":
        values = mstmap(moments)
    elif input_kind in {"stmap", "stmap_moments"}:
        at = moments.index(*GRID_REGIONS)
        count = moments.count[:, at, None]
        values = np.divide(
            moments.rgb[:, at], count, out=np.full((*count.shape[:2], 3), np.nan), where=count > 0
        )
        if input_kind == "stmap_moments":
            values = np.concatenate([values, moments.mean_second(region)], axis=1)
    else:
        if region not in moments.names:
            raise BenchError(f"region: no region {region!r}. Known: {', '.join(moments.names)}.")
        is_trace = input_kind == "trace"
        values = moments.mean_rgb(region) if is_trace else moments.mean_second(region)
    whole = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return values, np.logical_and(face, whole)


def split_at_gaps(
    times: Array, usable: NDArray[np.bool_], max_gap_s: float = MAX_GAP_S
) -> list[NDArray[np.intp]]:
    """Indices of usable frames, split where two neighbours are further apart than the gap allowed.

    A gap is never shorter than two and a half frame periods: a slow video is not all gaps.
    """
    at = np.flatnonzero(usable)
    limit = max(max_gap_s, 2.5 * float(np.median(np.diff(times))))
    breaks = np.flatnonzero(np.diff(times[at]) > limit + 1e-9) + 1
    return [part for part in np.split(at, breaks) if len(part) > 1]


def _on_grid(
    values: NDArray[Any],
    times: Array,
    at: NDArray[np.intp],
    grid: Array,
    rate: float,
) -> NDArray[Any]:
    """Values of the frames `at` at the times of the grid; as they are where times agree."""
    known = times[at]
    nearest = np.clip(np.searchsorted(known, grid - GRID_TOLERANCE / rate), 0, len(at) - 1)
    if np.abs(known[nearest] - grid).max() <= (GRID_TOLERANCE + 1e-6) / rate:
        low, high = at[nearest[0]], at[nearest[-1]]
        if high - low == len(grid) - 1:
            return values[low : high + 1]
        return values[at[nearest]]
    right = np.clip(np.searchsorted(known, grid), 1, len(at) - 1)
    span = known[right] - known[right - 1]
    share = np.clip((grid - known[right - 1]) / span, 0.0, 1.0)
    out = np.empty((len(grid), *values.shape[1:]), values.dtype)
    for start in range(0, len(grid), _CHUNK):
        part = slice(start, start + _CHUNK)
        weight = share[part].reshape(-1, *[1] * (values.ndim - 1))
        before, after = values[at[right[part] - 1]], values[at[right[part]]]
        mixed = before + weight * (after.astype(np.float64) - before)
        out[part] = np.round(mixed) if values.dtype == np.uint8 else mixed
    return out


def join_segments(parts: Sequence[Waveform], start_s: float, end_s: float, fs: float) -> Waveform:
    """One pulse from its stretches, on the grid `start_s + k / fs` up to `end_s`, NaN in the gaps.

    A part on that grid is put in as it is; another one is interpolated linearly within its own
    time. Nothing is standardised; where parts overlap, the later one counts.

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
        same = (
            abs(part.fs - fs) * size <= GRID_TOLERANCE * fs
            and abs(offset - round(offset)) <= 2 * GRID_TOLERANCE
        )
        if same:
            begin = round(offset)
            keep = slice(max(begin, 0), min(begin + size, length))
            if keep.start < keep.stop:
                out[keep] = part.samples[keep.start - begin : keep.stop - begin]
            continue
        own = part.times_s()
        inside = np.flatnonzero(
            (grid >= own[0] - GRID_TOLERANCE / fs) & (grid <= own[-1] + GRID_TOLERANCE / fs)
        )
        columns = part.samples.reshape(size, -1).T
        mixed = [np.interp(grid[inside], own, column) for column in columns]
        out[inside] = np.stack(mixed, axis=-1).reshape(len(inside), *shape)
    return Waveform(out, fs, start_s)
