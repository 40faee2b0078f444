"""The confidence of a method in its own estimate, read in the windows of an evaluator."""

import numpy as np

from rppgbench.core.waveform import ROUNDING_S, Array, Signal

DIGITS = 9
"""Decimal digits of a confidence: windows of one constant value are not ordered by rounding."""


def window_confidence(confidence: Signal, start_s: Array, duration_s: Array) -> Array:
    """The mean of a confidence over each window: (W,).

    Values at start <= t < start + duration count; those that are NaN do not. Where no value lies in
    a window, its confidence is interpolated at its centre, and before the first and after the last
    value there is none.

    Args:
        confidence: Values (N,) from 0 to 1.
        start_s: Starts of the windows (W,), in seconds.
        duration_s: Their lengths (W,), in seconds.

    Returns:
        (W,); NaN where there is none.

    >>> stated = Signal(np.array([0.2, 0.4, 1.0]), np.array([0.0, 1.0, 4.0]))
    >>> window_confidence(stated, np.array([0.0, 2.0, 5.0]), np.array([2.0, 1.0, 1.0]))
    array([0.3, 0.7, nan])
    """
    known = np.isfinite(confidence.values)
    if not known.any():
        return np.full(start_s.shape, np.nan)
    values, times_s = confidence.values[known], confidence.times_s[known]
    total = np.concatenate([[0.0], np.cumsum(values)])
    first, stop = (
        np.searchsorted(times_s, t - ROUNDING_S) for t in (start_s, start_s + duration_s)
    )
    count = stop - first
    mean = (total[stop] - total[first]) / np.maximum(count, 1)
    between = Signal(values, times_s).at(start_s + duration_s / 2, np.inf)
    out: Array = np.where(count > 0, np.clip(mean, 0.0, 1.0), between)
    return np.round(out, DIGITS)
