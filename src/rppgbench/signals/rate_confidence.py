"""From the spread of several heart rates of one moment to a confidence from 0 to 1."""

import numpy as np

from rppgbench.core.waveform import Array

CORRECT_BPM = 5.0
"""Largest error of a correct heart rate (ANSI/AAMI EC13: 5 bpm or 10 %, whichever is larger)."""

TO_STANDARD_DEVIATION = 1.482602218505602
"""A normal distribution's standard deviation over its median absolute deviation: 1 / z(0.75)."""


def confidence_of_deviation(deviation_bpm: Array) -> Array:
    """The share of a normal distribution that lies within 5 bpm of its centre.

    A tool states the uncertainty of a median rate as the median absolute deviation (MAD) of the
    rates behind it. The order of confidences is that of the MADs alone, whatever the distribution.
    The share is a probability of a correct rate only where the rates behind the median lie about
    the true one as a normal distribution with this MAD does: `evaluation.calibration` measures it.

    Args:
        deviation_bpm: MADs in bpm, unscaled; NaN where there is none.

    Returns:
        The same shape: 1 for a MAD of 0, falling to 0.

    >>> confidence_of_deviation(np.array([0.0, 1.0, 5 / 1.4826, 10.0, np.nan])).round(3)
    array([1.   , 0.999, 0.683, 0.264,   nan])
    """
    from scipy.special import erf

    with np.errstate(divide="ignore"):
        limit = CORRECT_BPM / (TO_STANDARD_DEVIATION * np.asarray(deviation_bpm, np.float64))
    share: Array = erf(limit / np.sqrt(2))
    return share
