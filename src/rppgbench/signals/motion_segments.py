"""Segments of a signal in which the face moves: found by their spread, and cut out."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

Kept = NDArray[np.bool_]


def segment_spreads(signal: Array, length: int) -> Array:
    """Standard deviation of each whole segment (S,), with n - 1; the rest at the end has none.

    Args:
        signal: (T,).
        length: samples of a segment, at least 2.

    >>> segment_spreads(np.array([0.0, 2.0, 5.0, 5.0, 9.0]), 2).round(3)
    array([1.414, 0.   ])
    """
    whole = signal[: len(signal) // length * length]
    spreads: Array = whole.reshape(-1, length).std(axis=1, ddof=1)
    return spreads


def spread_limit(spreads: Array, share: float) -> float:
    """The spread above which a segment counts as motion: that of rank int(share N) + 1 from above.

    Source: Li et al., CVPR 2014, section 3.3 ("the 5 % with the largest spread"), in the form of
    bob.rppg.base, which takes out one segment more than the share.

    Args:
        spreads: standard deviations (S,) of all segments that share a limit.
        share: share of the segments, 0 to 1.

    Returns:
        The limit; infinite where there are too few segments.

    >>> spread_limit(np.array([1.0, 4.0, 2.0, 3.0]), 0.25)
    2.0
    """
    rank = int(share * len(spreads)) + 1
    return float(np.sort(spreads)[::-1][rank]) if rank < len(spreads) else float("inf")


def join_segments(signal: Array, kept: Kept, length: int, *, from_unshifted: bool = False) -> Array:
    """Join the kept segments without the time between them.

    Where segments were cut before a kept segment, this segment and all later ones are shifted so
    that it begins at the level at which its predecessor ends. No sample after a cut keeps its time.

    Args:
        signal: (T,).
        kept: whether each segment stays (S,).
        length: samples of a segment.
        from_unshifted: take the level of the predecessor before its own shift, as the code of the
            authors does: from the second cut on, the level jumps.

    Returns:
        (kept.sum() * length,).

    >>> join_segments(np.array([0.0, 1, 9, 9, 4, 5]), np.array([True, False, True]), 2)
    array([0., 1., 1., 2.])
    """
    segments = signal[: len(kept) * length].reshape(-1, length)[kept]
    if not len(segments):
        return np.zeros(0)
    places = np.flatnonzero(kept)
    follows_cut = np.concatenate([[False], np.diff(places) > 1])
    steps = np.zeros(len(segments))
    steps[1:] = segments[:-1, -1] - segments[1:, 0]
    steps[~follows_cut] = 0.0
    if from_unshifted:  # the sum of the shifts is the last step alone
        last = np.maximum.accumulate(np.where(follows_cut, np.arange(len(steps)), 0))
        shifts = steps[last]
    else:
        shifts = np.cumsum(steps)
    joined: Array = (segments + shifts[:, None]).reshape(-1)
    return joined


def bridge_segments(signal: Array, kept: Kept, length: int) -> Array:
    """Replace segments that are cut by straight lines, so that every sample keeps its time.

    Args:
        signal: (T,).
        kept: whether each segment stays (S,); samples after the last segment stay.
        length: samples of a segment.

    Returns:
        (T,); the signal as it is where no sample would stay.

    >>> bridge_segments(np.array([0.0, 1, 9, 9, 4, 5]), np.array([True, False, True]), 2)
    array([0., 1., 2., 3., 4., 5.])
    """
    stays = np.ones(len(signal), np.bool_)
    stays[: len(kept) * length] = np.repeat(kept, length)
    if stays.all() or not stays.any():
        return signal
    at = np.arange(len(signal))
    bridged: Array = np.interp(at, at[stays], signal[stays])
    return bridged
