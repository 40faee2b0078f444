"""Replace rates of windows that jump away from those around them."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

MOST_AWAY_BPM = 10.0
"""A rate further from the median than this and the median absolute deviation is a jump (pyVHR)."""


def replace_jumps(
    rates_bpm: Array, others_bpm: Array, reach: int, *, in_place: bool = False
) -> tuple[Array, NDArray[np.int64]]:
    """Give a window that jumps the other candidate's rate where that fits, else the median.

    The median and the deviation are those of the windows around it. Source: phuselab/pyVHR
    @a6270f0, BPM/BPM.py:BPM_clustering.

    Args:
        rates_bpm: rates of the windows (W,).
        others_bpm: rates of the other candidate (W,).
        reach: windows before and after a window whose rates count; the window itself counts too.
        in_place: compare with the rates already replaced, and with one window less after, as pyVHR
            does.

    Returns:
        The rates (W,), and for each window 0 for its own, 1 for the other's, 2 for the median.

    >>> rates = np.array([70.0, 71.0, 140.0, 70.0, 35.0, 71.0])
    >>> others = np.array([0.0, 0.0, 72.0, 0.0, 0.0, 0.0])
    >>> [part.tolist() for part in replace_jumps(rates, others, 6)]
    [[70.0, 71.0, 72.0, 70.0, 70.5, 71.0], [0, 0, 1, 0, 2, 0]]
    """
    result, source = rates_bpm.copy(), np.zeros(len(rates_bpm), np.int64)
    seen = result if in_place else rates_bpm
    for at in range(len(result)):
        around = seen[max(at - reach, 0) : at + reach + (not in_place)]
        around = around[np.isfinite(around)]
        if not len(around):
            continue
        median = np.median(around)
        limit = MOST_AWAY_BPM + np.median(np.abs(around - median))
        if abs(result[at] - median) <= limit:
            continue
        fits = abs(others_bpm[at] - median) <= limit
        result[at], source[at] = (others_bpm[at], 1) if fits else (median, 2)
    return result, source
