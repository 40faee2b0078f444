"""Find recordings whose frames are of one take, whatever codec, crop, rate and offset."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rppgbench.contamination.frame_fingerprint import RATE_HZ, FrameFingerprint
from rppgbench.core.waveform import Array

LEAST_OVERLAP_S = 4.0

LEAST_SHARPNESS, LEAST_CORRELATION = 7.5, 0.2
"""Least sharpness and correlation of one take; measured in docs/measurements/contamination.md."""

NEAR_S = 1.0
"""Lags this near to the best one belong to its peak."""

LEAST_LAGS = 40
"""Lags apart from the peak that a sharpness needs."""

CORRELATION_ALONE = ((20.0, 0.5), (4.0, 0.6))
"""Least correlation that does without a sharpness, by the least time that both have, in seconds:
for short videos, and for a face so still that its pulse alone changes, which fits a beat later too.
"""

MOST_DISTANCE = 0.35
"""Videos whose patterns are further apart are not compared: another gamma moved that of a copy by
0.30."""

SPECTRA_IN_MEMORY = 400


@dataclass(frozen=True, kw_only=True)
class FrameMatch:
    """Two videos laid on each other where their changes agree best.

    Attributes:
        first: number of one video.
        second: number of the other, above `first`.
        offset_s: time in the second at which the first begins.
        overlap_s: time that both have.
        correlation: correlation of the changes of all cells over this time.
        sharpness: the correlation at the best lag over the spread of those at other lags, each
            times the root of its overlap; NaN where there are too few other lags.
        distance: root of the mean squared difference of the patterns, in shares of the level.
    """

    first: int
    second: int
    offset_s: float
    overlap_s: float
    correlation: float
    sharpness: float
    distance: float


def pattern_distances(videos: Sequence[FrameFingerprint]) -> Array:
    """Distances of the patterns of all pairs (N, N), in shares of the level."""
    patterns = np.stack([video.pattern.ravel() for video in videos])
    square = np.square(patterns).sum(axis=1)
    squared = square[:, None] + square - 2 * patterns @ patterns.T
    distances: Array = np.sqrt(np.maximum(squared, 0.0) / patterns.shape[1])
    return distances


def shape_distances(videos: Sequence[FrameFingerprint]) -> Array:
    """Full Procrustes distances of the shapes of all pairs (N, N): shares of the face's size.

    Place, size and turn within the picture do not count; a turn of the head does. Source: Dryden,
    Mardia, Statistical Shape Analysis, 2016, 10.1002/9781119072492, section 4.1.
    """
    shapes = np.stack([video.shape for video in videos])
    likeness = np.abs(shapes @ shapes.conj().T)
    distances: Array = np.sqrt(np.maximum(1 - likeness**2, 0.0))
    return distances


def is_one_take(match: FrameMatch) -> bool:
    """Whether two videos are of one take: by the correlation, or where one lag stands out."""
    is_sharp = match.sharpness >= LEAST_SHARPNESS and match.correlation >= LEAST_CORRELATION
    return is_sharp or any(
        match.overlap_s >= least_s and match.correlation >= least
        for least_s, least in CORRELATION_ALONE
    )


def match_videos(
    videos: Sequence[FrameFingerprint], *, most_distance: float = MOST_DISTANCE
) -> list[FrameMatch]:
    """The best match of each pair of videos whose patterns are alike.

    Args:
        videos: fingerprints.
        most_distance: pairs whose patterns are further apart are not compared.

    Returns:
        One match for each of these pairs that shares at least `LEAST_OVERLAP_S`.
    """
    if len(videos) < 2:
        return []
    distances = pattern_distances(videos)
    longest = max(len(video.changes) for video in videos)
    size = 1 << (2 * longest - 1).bit_length()
    energies = [np.square(video.changes).sum(axis=1) for video in videos]

    @lru_cache(maxsize=SPECTRA_IN_MEMORY)
    def spectrum(number: int) -> NDArray[np.complex128]:
        return np.fft.rfft(videos[number].changes, size, axis=0)

    matches = []
    for first, second in np.argwhere(np.triu(distances <= most_distance, 1)).tolist():
        product = (spectrum(second) * spectrum(first).conj()).sum(axis=1)
        best = _best_lag(np.fft.irfft(product, size), energies[first], energies[second])
        if best is not None:
            lag, overlap, correlation, sharpness = best
            matches.append(
                FrameMatch(
                    first=first,
                    second=second,
                    offset_s=videos[second].start_s + lag / RATE_HZ,
                    overlap_s=overlap / RATE_HZ,
                    correlation=correlation,
                    sharpness=sharpness,
                    distance=float(distances[first, second]),
                )
            )
    return matches


def _best_lag(by_lag: Array, first: Array, second: Array) -> tuple[int, int, float, float] | None:
    """Best lag of the second video, samples that both have there, correlation, sharpness.

    Args:
        by_lag: sums of products at each lag, negative lags at the end (size,).
        first: squared changes of the first video, summed over the cells (T,).
        second: of the second video (T',).
    """
    lags = np.arange(-len(first) + 1, len(second))
    start, stop = np.maximum(lags, 0), np.minimum(lags + len(first), len(second))
    enough = stop - start >= LEAST_OVERLAP_S * RATE_HZ
    if not enough.any():
        return None
    lags, start, stop = lags[enough], start[enough], stop[enough]
    sums = [np.concatenate([[0.0], np.cumsum(energy)]) for energy in (first, second)]
    energy = (sums[0][stop - lags] - sums[0][start - lags]) * (sums[1][stop] - sums[1][start])
    correlation = by_lag[lags] / np.sqrt(np.maximum(energy, 1e-300))
    weighted = correlation * np.sqrt(stop - start)
    best = int(weighted.argmax())
    apart = weighted[np.abs(lags - lags[best]) > NEAR_S * RATE_HZ]
    spread = np.sqrt(np.square(apart).mean()) if len(apart) >= LEAST_LAGS else np.nan
    sharpness = float(weighted[best] / max(spread, 1e-12)) if np.isfinite(spread) else np.nan
    return int(lags[best]), int((stop - start)[best]), float(correlation[best]), sharpness
