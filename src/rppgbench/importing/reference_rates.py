"""The plausibility of the clock of many references, where no video tells it."""

from collections.abc import Iterable

import numpy as np

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array

LEAST_RECORDINGS = 100
LOW_SHARE = 0.05
LOWEST_BPM, HIGHEST_BPM = 45.0, 75.0
"""Where the lowest 5 % of many recordings end on a right clock.

Adults at rest have about 72 bpm on average (Ostchega et al., National Health Statistics Reports 41,
2011). 231 genuine pieces of a set under mental load have 68 bpm there, and 577 genuine pieces of a
set at rest that were read 1.5 times too fast have 80.
"""

BAND_HZ = (0.5, 4.0)
POINTS = 1 << 14


def mean_rate_bpm(truth: GroundTruth) -> float:
    """The mean heart rate of a reference, by the device or by the highest peak of the pulse; NaN.

    >>> from rppgbench.core.waveform import Signal
    >>> times_s = np.arange(300) / 30
    >>> pulse = Signal(np.sin(2 * np.pi * 1.5 * times_s), times_s)
    >>> round(mean_rate_bpm(GroundTruth(pulse=pulse)))
    90
    """
    if truth.pulse is None:
        rates = np.array([]) if truth.heart_rate is None else truth.heart_rate.values
        rates = rates[np.isfinite(rates)]
        return float(rates.mean()) if len(rates) else float("nan")
    times_s, values = truth.pulse.times_s, truth.pulse.values
    if len(values) < 2:
        return float("nan")
    fs = truth.pulse.fs
    even_s = times_s[0] + np.arange(int((times_s[-1] - times_s[0]) * fs) + 1) / fs
    even = np.interp(even_s, times_s, values)
    nfft = max(POINTS, len(even))
    power = np.abs(np.fft.rfft((even - even.mean()) * np.hanning(len(even)), nfft))
    frequency_hz = np.fft.rfftfreq(nfft, 1 / fs)
    inside = (frequency_hz >= BAND_HZ[0]) & (frequency_hz <= BAND_HZ[1])
    return float(60 * frequency_hz[inside][power[inside].argmax()])


def doubtful_clock(truths: Iterable[GroundTruth]) -> str:
    """A note where the heart rates of many references are too high or too low for people.

    Args:
        truths: the reference of each recording.

    Returns:
        One line; "" where there are fewer than `LEAST_RECORDINGS`, or where nothing is odd.
    """
    rates_bpm: Array = np.array([mean_rate_bpm(truth) for truth in truths])
    rates_bpm = rates_bpm[np.isfinite(rates_bpm)]
    if len(rates_bpm) < LEAST_RECORDINGS:
        return ""
    low, middle, high = np.quantile(rates_bpm, [LOW_SHARE, 0.5, 1 - LOW_SHARE])
    if LOWEST_BPM <= low <= HIGHEST_BPM:
        return ""
    what = "fast" if low > HIGHEST_BPM else "slow"
    return (
        f"the references of {len(rates_bpm)} recordings have {low:.0f}, {middle:.0f} and "
        f"{high:.0f} bpm (5, 50, 95 %): too {what} for so many people; check the "
        "sampling rate (--fs) against the frame rate of the videos, or give --data SET=PATH"
    )
