"""Beats of contact pulses: when each beat is, between the samples."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

PEAK_S = 0.111
"""Elgendi's first moving average: the duration of a systolic peak."""

BEAT_S = 0.667
"""Elgendi's second moving average: the duration of a beat."""

OFFSET = 0.02
"""Elgendi's beta: this share of the mean squared wave is added to the threshold."""

REFRACTORY_S = 0.3
"""Two beats are at least so far apart: 200 bpm."""

SCALOGRAM_HZ = 25.0
"""Samples per second of the multi-scale detector; a beat of 240 bpm has six."""

SCALOGRAM_S = 6.0
"""Its windows: at 30 bpm three beats."""

SLOWEST_HZ = 0.5
"""30 bpm: a larger scale than half of its interval finds no beat that a smaller one does not."""

Places = NDArray[np.int64]


def spline_to(x: Array, fs: float, to_fs: float) -> Array:
    """A signal at a higher rate, by a cubic spline through its samples.

    Args:
        x: The samples (T,).
        fs: Their rate.
        to_fs: The rate of the result; the first sample is the same.

    Returns:
        (T',), to the last whole sample before the end of `x`.

    >>> t = np.arange(60) / 30
    >>> fine = spline_to(np.sin(2 * np.pi * t), 30.0, 240.0)
    >>> bool(np.abs(fine - np.sin(2 * np.pi * np.arange(len(fine)) / 240)).max() < 1e-4)
    True
    """
    from scipy.interpolate import CubicSpline

    count = int((len(x) - 1) / fs * to_fs + 1e-9) + 1
    out: Array = CubicSpline(np.arange(len(x)) / fs, x)(np.arange(count) / to_fs)
    return out


def elgendi_beats(wave: Array, fs: float) -> Places:
    """Systolic peaks by two moving averages of the squared wave.

    A block lies where the average over a peak is above the average over a beat; blocks shorter than
    a peak are dropped, and the highest sample of a block is the beat. Of two beats within
    `REFRACTORY_S` the first stays. Source: Elgendi, Norton, Brearley, Abbott, Schuurmans, Systolic
    peak detection in acceleration photoplethysmograms measured from emergency responders in
    tropical conditions, PLoS ONE 2013, 10.1371/journal.pone.0076585.

    Args:
        wave: A pulse (T,) without trend, systole upward, band-passed.
        fs: Samples per second; some hundred, so that blocks have sharp edges.

    Returns:
        The samples of the beats (B,).

    >>> wave = np.sin(2 * np.pi * 1.2 * np.arange(2500) / 250)
    >>> np.diff(elgendi_beats(wave, 250.0)).tolist()[:4]
    [208, 209, 208, 208]
    """
    squared = np.square(np.maximum(wave, 0.0))
    starts, stops = energy_blocks(
        squared, round(PEAK_S * fs), round(BEAT_S * fs), OFFSET * squared.mean()
    )
    tops = highest_within(wave, starts, stops)
    return refractory(tops, REFRACTORY_S * fs)


def energy_blocks(
    squared: Array, narrow: int, wide: int, offset: Array | float
) -> tuple[Places, Places]:
    """Blocks in which the mean over a wave is above the mean over a beat: Elgendi's decision.

    Args:
        squared: The squared signal (T,).
        narrow: Samples of the first moving average; shorter blocks are dropped.
        wide: Samples of the second.
        offset: What is added to the second, one number or (T,).

    Returns:
        The first sample of each block, and the sample behind its last: (B,) each. A block at an end
        of the recording is cut, and does not count.
    """
    wave, beat = (moving_average(squared, max(1, samples)) for samples in (narrow, wide))
    inside = wave > beat + offset
    inside[[0, -1]] = False
    edges = np.flatnonzero(np.diff(inside)) + 1
    starts, stops = edges[::2], edges[1::2]
    whole = (starts > 1) & (stops < len(squared) - 1) & (stops - starts >= narrow)
    return starts[whole], stops[whole]


def scalogram_beats(wave: Array, fs: float) -> Places:
    """Maxima over all scales up to the one with most maxima, window by window.

    At scale k a sample is a maximum if it is above the samples k before and k behind. Source:
    Bishop, Ercole, Multi-scale peak and trough detection optimised for periodic and quasi-periodic
    neuroscience data, Acta Neurochirurgica Supplement 2018, 10.1007/978-3-319-65798-1_39. Here at
    `SCALOGRAM_HZ`, in windows of `SCALOGRAM_S` every half of them, on scales of up to half a beat
    of `SLOWEST_HZ`; the beat is the highest sample of `wave` around the maximum.

    Args:
        wave: A pulse (T,) without trend, systole upward, band-passed.
        fs: Samples per second.

    Returns:
        The samples of the beats (B,).

    >>> wave = np.sin(2 * np.pi * 1.2 * np.arange(2500) / 250)
    >>> set(np.diff(scalogram_beats(wave, 250.0)).tolist()) <= {208, 209}
    True
    """
    step = max(1, round(fs / SCALOGRAM_HZ))
    coarse = wave[::step]
    length = min(round(SCALOGRAM_S * fs / step), len(coarse))
    largest = min(round(fs / step / SLOWEST_HZ / 2), (length - 1) // 2)
    if largest < 1:
        return np.empty(0, np.int64)
    hop = max(1, length // 2)
    starts = np.unique(np.append(np.arange(0, len(coarse) - length, hop), len(coarse) - length))
    windows = np.lib.stride_tricks.sliding_window_view(coarse, length)[starts]
    maxima = np.zeros((largest, *windows.shape), np.bool_)
    for scale in range(1, largest + 1):
        inner = windows[:, scale:-scale]
        above = (inner > windows[:, : -2 * scale]) & (inner > windows[:, 2 * scale :])
        maxima[scale - 1, :, scale:-scale] = above
    best = maxima.sum(axis=-1).argmax(axis=0)
    upto = np.arange(largest)[:, None] <= best
    every = (maxima | ~upto[..., None]).all(axis=0)
    row, column = np.nonzero(every)
    places = np.unique(starts[row] + column) * step
    low, high = np.maximum(places - step, 0), np.minimum(places + step + 1, len(wave))
    tops = highest_within(wave, low, high)
    return refractory(np.unique(tops), REFRACTORY_S * fs)


def between_samples(wave: Array, places: Places) -> Array:
    """Positions of maxima between samples: the vertex of the parabola through three samples.

    Args:
        wave: A signal (T,).
        places: Samples that are higher than their neighbours (B,).

    Returns:
        Positions in samples (B,), at most half a sample from `places`.

    >>> between_samples(np.array([0.0, 3.0, 4.0, 3.5, 0.0]), np.array([2]))
    array([2.16666667])
    """
    inner = np.clip(places, 1, len(wave) - 2)
    before, here, after = wave[inner - 1], wave[inner], wave[inner + 1]
    curve = before - 2 * here + after
    shift = np.divide((before - after) / 2, curve, out=np.zeros(len(places)), where=curve < 0)
    positions: Array = places.astype(np.float64)
    positions += np.where(inner == places, np.clip(shift, -0.5, 0.5), 0.0)
    return positions


def moving_average(x: Array, samples: int) -> Array:
    """Centred means of a signal (T,), which counts as 0 beyond its ends.

    Args:
        x: The signal.
        samples: How many samples each mean is over.

    >>> moving_average(np.array([1.0, 2.0, 6.0]), 3)
    array([1.        , 3.        , 2.66666667])
    """
    total = np.concatenate([[0.0], np.cumsum(x)])
    at = np.arange(len(x))
    low = np.maximum(at - samples // 2, 0)
    high = np.minimum(at - samples // 2 + samples, len(x))
    out: Array = (total[high] - total[low]) / samples
    return out


def highest_within(wave: Array, starts: Places, stops: Places) -> Places:
    """The highest sample of each range: (B,).

    Args:
        wave: A signal (T,).
        starts: The first samples of the ranges (B,).
        stops: The samples behind the last ones (B,).

    >>> highest_within(np.array([1.0, 3.0, 2.0, 5.0]), np.array([0, 2]), np.array([3, 4]))
    array([1, 3])
    """
    if not len(starts):
        return starts
    width = int((stops - starts).max())
    at = np.minimum(starts[:, None] + np.arange(width), stops[:, None] - 1)
    return starts + np.asarray(wave[at].argmax(axis=1), np.int64)


def refractory(places: Places, least: float) -> Places:
    """Places without those that follow the last kept one too soon.

    Args:
        places: Places in order (B,).
        least: Places so many samples behind a kept one, or fewer, are left out.

    >>> refractory(np.array([0, 2, 9]), 3)
    array([0, 9])
    """
    if not len(places) or (np.diff(places) > least).all():
        return places
    kept = [int(places[0])]
    for place in places[1:].tolist():
        if place - kept[-1] > least:
            kept.append(place)
    return np.array(kept, np.int64)


DETECTORS: Mapping[str, Callable[[Array, float], Places]] = {
    "elgendi": elgendi_beats,
    "scalogram": scalogram_beats,
}
"""The detectors by name: (wave, fs) to the samples of the beats."""
