"""Heart-rate variability of a series of intervals between beats.

Definitions: Task Force of the ESC and NASPE, Heart rate variability, Circulation 1996,
10.1161/01.CIR.93.5.1043. The choices that the definitions leave open are those of NeuroKit2
(Makowski et al., Behavior Research Methods 2021, 10.3758/s13428-020-01516-y), and tests compare
with this library and with its stored outputs.
"""

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.4)
"""Limits of low and high frequency."""

INTERPOLATED_HZ = 100.0
"""Samples per second of the interpolated intervals."""

NEIGHBOURS = 5
"""Intervals on either side whose median tells what is usual."""


def normal_intervals(
    intervals_ms: Array, counted: NDArray[np.bool_], share: float
) -> NDArray[np.bool_]:
    """Which intervals lie between two normal beats, as far as lengths tell.

    A premature, a lost or a false beat makes an interval that differs from its neighbours, and one
    such interval dominates SDNN and RMSSD. An interval is normal where it differs from the median
    of itself and up to `NEIGHBOURS` counted ones on either side by at most `share` of the median.

    Args:
        intervals_ms: The intervals (B,).
        counted: Which of them lie between two beats that follow each other (B,).
        share: The limit, above 0.

    Returns:
        (B,) of booleans.

    >>> intervals_ms = np.array([800.0, 810, 790, 500, 1100, 805, 800])
    >>> normal_intervals(intervals_ms, np.ones(7, np.bool_), 0.3).tolist()
    [True, True, True, False, False, True, True]
    """
    if not counted.any():
        return np.zeros(len(intervals_ms), np.bool_)
    padded = np.pad(np.where(counted, intervals_ms, np.nan), NEIGHBOURS, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
    median: Array = np.full(len(intervals_ms), np.nan)
    median[counted] = np.nanmedian(around[counted], axis=1)
    off = np.abs(intervals_ms - median)
    normal: NDArray[np.bool_] = off <= share * median  # not where the median is NaN
    return normal


def sdnn_ms(intervals_ms: Array) -> float:
    """Standard deviation of the intervals (divided by n - 1); NaN of fewer than two.

    >>> sdnn_ms(np.array([800.0, 810.0, 820.0]))
    10.0
    """
    return float(np.std(intervals_ms, ddof=1)) if len(intervals_ms) > 1 else float("nan")


def rmssd_ms(differences_ms: Array) -> float:
    """Root of the mean squared difference of successive intervals; NaN without a difference.

    >>> rmssd_ms(np.array([30.0, -40.0]))
    35.35533905932738
    """
    return float(np.sqrt(np.mean(differences_ms**2))) if len(differences_ms) else float("nan")


def interval_spectrum(ends_s: Array, intervals_ms: Array) -> tuple[Array, Array]:
    """The power spectral density of intervals.

    The intervals, each at the time of its second beat, are interpolated by quadratic splines to
    `INTERPOLATED_HZ`. The spectrum is Welch's: Hann segments of half the duration and half overlap,
    padded to twice their length, without the mean of the whole.

    Args:
        ends_s: Times of the second beats (B,), in seconds, B > 2.
        intervals_ms: The intervals (B,).

    Returns:
        Frequencies (K,) in Hz from the lowest of which a segment has two cycles, and the density
        (K,) in ms^2 / Hz.
    """
    from scipy.interpolate import interp1d
    from scipy.signal import welch

    times_s = ends_s - ends_s[0]
    step_s = 1 / INTERPOLATED_HZ
    grid_s = np.arange(0, times_s[-1] + step_s, step_s)
    ends = (intervals_ms[0], intervals_ms[-1])
    spline = interp1d(times_s, intervals_ms, kind="quadratic", bounds_error=False, fill_value=ends)
    even = spline(grid_s)
    segment = len(even) // 2
    hz, density = welch(
        even - even.mean(),
        fs=INTERPOLATED_HZ,
        window="hann",
        nperseg=segment,
        nfft=2 * segment,
        detrend=False,
    )
    resolved = hz >= 2 * INTERPOLATED_HZ / (len(even) / 2)
    return hz[resolved], density[resolved]


def band_power_ms2(hz: Array, density: Array, band_hz: tuple[float, float]) -> float:
    """The power of a spectrum in a band, by the trapezoidal rule up to the band's very limits.

    NeuroKit2 adds the bins within the band: where a bin lies on a limit, a hundredth of a second
    more of recording moves LF / HF by up to 37 %. Between bins the density is taken as linear here.

    Args:
        hz: Frequencies (K,).
        density: The density (K,) in ms^2 / Hz.
        band_hz: The limits.

    Returns:
        The power; NaN where the spectrum does not reach from one limit to the other.

    >>> hz = np.array([0.1, 0.2, 0.3, 0.5])
    >>> round(band_power_ms2(hz, np.full(4, 8.0), (0.15, 0.4)), 9)
    2.0
    """
    low, high = band_hz
    if not len(hz) or hz[0] > low or hz[-1] < high:
        return float("nan")
    inside = (hz > low) & (hz < high)
    at = np.concatenate([[low], hz[inside], [high]])
    return float(np.trapezoid(np.interp(at, hz, density), at))
