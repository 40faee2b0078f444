"""What respiration changes in a pulse: baseline, amplitude and frequency of its beats.

Sources: Karlen, Raman, Ansermino, Dumont, Multiparameter respiratory rate estimation from the
photoplethysmogram, IEEE TBME 2013, 10.1109/TBME.2013.2246160; Charlton, Bonnici, Tarassenko,
Clifton, Beale, Watkinson, An assessment of algorithms to estimate respiratory rate from the
electrocardiogram and photoplethysmogram, Physiological Measurement 2016,
10.1088/0967-3334/37/4/610.
"""

import numpy as np

from rppgbench.core.waveform import Array


def baseline_of_beats(samples: Array, fs: float, beats_s: Array) -> Array:
    """The mean of a pulse from each beat to the next.

    Breathing moves the volume of blood in the veins. The mean over a whole beat holds nothing of
    the pulse itself. A method that removes the level of its signal has no such modulation.

    Args:
        samples: The unfiltered pulse (T,).
        fs: Samples per second.
        beats_s: Beats (B,), in seconds from the first sample on, within the pulse.

    Returns:
        (B - 1,).

    >>> baseline_of_beats(np.array([0.0, 1, 2, 3, 4]), 1.0, np.array([0.0, 2.0, 4.0]))
    array([1., 3.])
    """
    steps = (samples[1:] + samples[:-1]) / 2 / fs
    total = np.concatenate([[0.0], np.cumsum(steps)])
    place = np.minimum((beats_s * fs).astype(np.int64), len(samples) - 2)
    rest_s = beats_s - place / fs
    slope = (samples[place + 1] - samples[place]) * fs
    inside = total[place] + rest_s * (samples[place] + slope * rest_s / 2)
    out: Array = np.diff(inside) / np.diff(beats_s)
    return out


def amplitude_of_beats(wave: Array, fs: float, beats_s: Array) -> Array:
    """The highest less the lowest sample of a pulse from each beat to the next.

    Breathing in draws blood to the chest, and the beats get smaller.

    Args:
        wave: The filtered pulse (T,).
        fs: Samples per second.
        beats_s: Beats (B,), in seconds from the first sample on, within the pulse.

    Returns:
        (B - 1,).

    >>> wave = np.array([2.0, -1.0, 2.0, -2.0, 2.0])
    >>> amplitude_of_beats(wave, 1.0, np.array([0.0, 2.0, 4.0]))
    array([3., 4.])
    """
    places = np.clip(np.round(beats_s * fs).astype(np.int64), 0, len(wave) - 1)
    edges = np.maximum.accumulate(places)[:-1]
    highest = np.maximum(np.maximum.reduceat(wave, edges), wave[places[1:]])
    lowest = np.minimum(np.minimum.reduceat(wave, edges), wave[places[1:]])
    last = wave[places[-2] : places[-1] + 1]
    highest[-1], lowest[-1] = last.max(), last.min()
    out: Array = highest - lowest
    return out


def frequency_of_beats(beats_s: Array) -> Array:
    """The heart rate from each beat to the next, in Hz.

    The heart beats faster while breathing in: the respiratory sinus arrhythmia.

    Args:
        beats_s: Beats (B,), in seconds, increasing.

    Returns:
        (B - 1,).

    >>> frequency_of_beats(np.array([0.0, 0.5, 1.5]))
    array([2., 1.])
    """
    out: Array = 1 / np.diff(beats_s)
    return out
