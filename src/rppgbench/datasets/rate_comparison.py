"""Whether a pulse has the heart rate that its device states, for sets whose times are assumed."""

from dataclasses import replace

import numpy as np

from rppgbench.core.recording import GroundTruth
from rppgbench.signals.spectrum import band_bins, parabola_peak, periodogram, taper

WINDOW_S, GRID_HZ, LOWEST_HZ, HIGHEST_HZ = 10.0, 30.0, 0.66, 4.0
"""Duration and sampling rate of the windows, and the band, in which the rate of a pulse is read."""

MOST_OFF_SHARE = 0.1
"""Medians that differ by more than this share give a warning."""


def compare_rates(truth: GroundTruth) -> GroundTruth:
    """The labels with a warning where the pulse has another rate than the device states.

    The medians over the recording are compared: of the spectral peaks of the pulse in windows
    without a gap, and of the device's readings. A pulse that is shorter than a window has no rate.

    Args:
        truth: the labels of a recording.
    """
    if truth.pulse is None or truth.heart_rate is None:
        return truth
    first_s, last_s = truth.pulse.times_s[[0, -1]]
    samples = round(WINDOW_S * GRID_HZ)
    count = int((last_s - first_s) * GRID_HZ) // samples
    pulse = truth.pulse_at(first_s + np.arange(count * samples) / GRID_HZ)
    windows = pulse.reshape(count, samples)
    windows = windows[np.isfinite(windows).all(axis=1)]
    windows = windows - windows.mean(axis=1, keepdims=True)
    bins = band_bins(8 * samples, GRID_HZ, LOWEST_HZ, HIGHEST_HZ, "inclusive")
    hann = taper("hann", samples, symmetric=False)
    peaks_bpm = parabola_peak(periodogram(windows, GRID_HZ, hann, 8 * samples, bins))
    peaks_bpm = peaks_bpm[np.isfinite(peaks_bpm)]  # a flat window has none
    if not len(peaks_bpm):
        return truth
    pulse_bpm, device_bpm = np.median(peaks_bpm), np.nanmedian(truth.heart_rate.values)
    if abs(pulse_bpm / device_bpm - 1) <= MOST_OFF_SHARE:
        return truth
    line = (
        f"the pulse has {pulse_bpm:.0f} bpm in the median, the device's heart rates have "
        f"{device_bpm:.0f}: the times of frames or labels may be wrong"
    )
    return replace(truth, warnings=(*truth.warnings, line))
