"""The fingerprint of decoded frames: changes and pattern of the face's cells, and its shape.

It is made of what the pass over a video keeps anyway, so no frame is decoded again. The cells move
with the face, so a crop or another size of the frame changes little; their changes over time are
those of one take, whatever its codec, its rate of frames and where it was cut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.contamination.longest_run import longest_run
from rppgbench.core.features import GRID_REGIONS, Features
from rppgbench.core.waveform import Array

RATE_HZ = 10.0
TREND_S = 2.0
"""Slower changes than this are taken off: exposure and light drift alike in many videos."""

SHORTEST_S = 4.0


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameFingerprint:
    """What is kept of the frames of one recording.

    Attributes:
        start_s: time of the first sample of the changes in seconds.
        changes: relative changes of green in the cells (T, 25) at `RATE_HZ`, without trend.
        pattern: logarithms of the mean colours of the cells (25, 3), less their mean over cells.
        shape: mean landmarks of the face as complex numbers x + iy (468,), centred, of norm 1.
    """

    start_s: float
    changes: Array
    pattern: Array
    shape: NDArray[np.complex128]


def fingerprint_frames(features: Features) -> FrameFingerprint | None:
    """The fingerprint of the longest time with a face; None where it is too short.

    Args:
        features: what a pass over the video extracted.
    """
    cells = features.moments.index(*GRID_REGIONS)
    count = np.asarray(features.moments.count[:, cells])
    has_face = np.asarray(features.track.detected) & (count > 0).all(axis=1)
    first, stop = longest_run(has_face)
    at_s = np.asarray(features.times_s[first:stop])
    if stop - first < 2 or at_s[-1] - at_s[0] < SHORTEST_S:
        return None
    sums = np.asarray(features.moments.rgb[first:stop, cells])
    levels = np.log(np.maximum(sums / count[first:stop, :, None], 1.0))
    grid = np.arange(at_s[0], at_s[-1], 1 / RATE_HZ)
    green = _binned(levels[..., 1], at_s, grid)
    pattern = levels.mean(axis=0)
    return FrameFingerprint(
        start_s=float(grid[0]),
        changes=green - _trend(green),
        pattern=pattern - pattern.mean(axis=0),
        shape=_shape(np.asarray(features.track.landmarks[first:stop])),
    )


def _shape(landmarks: NDArray[np.float32]) -> NDArray[np.complex128]:
    """The mean of landmarks (T, 468, 2) without place, size and unit: (468,)."""
    x, y = landmarks.mean(axis=0, dtype=np.float64).T
    points = x + 1j * y
    points -= points.mean()
    shape: NDArray[np.complex128] = points / np.linalg.norm(points)
    return shape


def _binned(levels: Array, at_s: Array, grid: Array) -> Array:
    """Levels (T, C) at even times (N,): means over a step, which frames of any rate share."""
    middle = (at_s[1:] + at_s[:-1]) / 2
    edges = np.concatenate([[at_s[0]], middle, [at_s[-1]]])
    filled = np.concatenate(
        [np.zeros((1, levels.shape[1])), np.cumsum(levels * np.diff(edges)[:, None], axis=0)]
    )
    half = 0.5 / RATE_HZ
    low, high = np.clip(grid - half, edges[0], None), np.clip(grid + half, None, edges[-1])
    integrals = [
        np.interp(high, edges, column) - np.interp(low, edges, column) for column in filled.T
    ]
    means: Array = np.stack(integrals, axis=1) / (high - low)[:, None]
    return means


def _trend(levels: Array) -> Array:
    """Moving mean over `TREND_S`, over fewer samples at the ends: (T, C)."""
    half = round(TREND_S * RATE_HZ / 2)
    total = np.concatenate([np.zeros((1, levels.shape[1])), np.cumsum(levels, axis=0)])
    at = np.arange(len(levels))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(levels))
    trend: Array = (total[high] - total[low]) / (high - low)[:, None]
    return trend
