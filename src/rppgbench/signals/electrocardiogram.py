"""Beats of electrocardiograms: when each R peak is."""

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.signals.beats import (
    REFRACTORY_S,
    between_samples,
    energy_blocks,
    highest_within,
    moving_average,
    refractory,
)
from rppgbench.signals.filters import butterworth, min_filter_samples

LOW_HZ, HIGH_HZ, ORDER = 8.0, 20.0, 3
"""The band of the QRS complex."""

QRS_S, BEAT_S, OFFSET = 0.097, 0.611, 0.08
"""Durations of a QRS complex and of a beat, and the share of the energy that is added."""

LOCAL_S = 10.0
"""The energy is the mean over so long, so that an artefact hides the beats around it alone."""

FAINT_SHARE = 0.05
"""A block whose highest energy is below this share of the median block's holds noise, no beat."""

ROUNDING_SHARE = 1e-6
"""A wave below this share of the highest sample is rounding: a sensor writes 16 bits at most."""

SLOWEST_FS = 2.5 * HIGH_HZ
"""With fewer samples a second there is no QRS complex to see."""


def r_peaks(ecg: Array, fs: float) -> Array:
    """The R peaks of an electrocardiogram of either polarity.

    The signal is band-passed without delay. A block lies where the energy over a QRS complex is
    above the energy over a beat; the sample of the highest energy in a block is the beat, placed
    between samples by a parabola. Of two beats within `REFRACTORY_S` the first stays. Source:
    Elgendi, Fast QRS detection with an optimized knowledge-based method, PLoS ONE 2013,
    10.1371/journal.pone.0073557, with the mean energy taken over `LOCAL_S` in place of the whole
    recording, and without faint blocks (`FAINT_SHARE`).

    Args:
        ecg: The samples (N,), without gaps.
        fs: Samples per second.

    Returns:
        The positions of the beats in samples (B,), increasing; empty where the signal is too short
        or has fewer than `SLOWEST_FS` samples a second.

    >>> wave = np.zeros(2500)
    >>> wave[100::200] = 1.0
    >>> r_peaks(wave, 250.0).round().astype(int).tolist()[:3]
    [100, 300, 500]
    """
    if fs < SLOWEST_FS or len(ecg) < max(min_filter_samples(ORDER), 2 * BEAT_S * fs):
        return np.empty(0)
    filtered = butterworth(ecg, fs, LOW_HZ, HIGH_HZ, ORDER)
    energy = np.square(filtered)
    starts, stops = energy_blocks(
        energy,
        round(QRS_S * fs),
        round(BEAT_S * fs),
        OFFSET * moving_average(energy, round(LOCAL_S * fs)),
    )
    places = highest_within(energy, starts, stops)
    if len(places):
        faint = FAINT_SHARE * np.median(energy[places])
        rounding = np.square(ROUNDING_SHARE * np.abs(ecg).max())
        places = places[energy[places] > max(faint, rounding)]
    places = refractory(places, REFRACTORY_S * fs)
    return between_samples(np.abs(filtered), places)
