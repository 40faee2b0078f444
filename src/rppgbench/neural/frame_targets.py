"""What a network on pictures learns to give, and how its windows become one pulse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from rppgbench.core.waveform import Array
from rppgbench.neural.frame_differences import integrate, pulse_differences
from rppgbench.neural.inference import join_windows

Join = Callable[[Sequence[Array], Sequence[int], int], Array]
"""From the windows' samples, their first samples and the number of samples to one signal (T,)."""

PROMINENCE = 1.5
"""Least prominence of a peak or a trough, in standard deviations of the pulse."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a network gives for a clip.

    Attributes:
        to_label: makes the label (T,) to learn from of the sensor's pulse (T,), which is NaN in
            gaps.
        to_pulse: makes the pulse (T,) of the joined output (T,).
        join: joins the outputs of windows.
    """

    to_label: Callable[[NDArray[Any]], Array]
    to_pulse: Callable[[NDArray[Any]], Array]
    join: Join


def standardise_known(pulse: NDArray[Any]) -> Array:
    """A pulse (T,) with mean 0 and standard deviation 1 over its known samples; NaN stays NaN.

    >>> standardise_known(np.array([1.0, 3.0, np.nan])).tolist()
    [-1.0, 1.0, nan]
    """
    values: Array = np.asarray(pulse, dtype=np.float64)
    known = values[np.isfinite(values)]
    if not len(known):
        return values
    spread = known.std()
    out: Array = (values - known.mean()) / (spread if spread > 0 else 1.0)
    return out


def half_beats(pulse: NDArray[Any]) -> Array:
    """A pulse (T,) whose every rise and every fall spans 1, from -0.5 to 0.5.

    The pulse is cut at its peaks and troughs of a prominence of 1.5 deviations. Each piece is
    centred on the mean of its two ends and divided by their distance, then clipped. Before the
    first and after the last cut the samples of the standardised pulse are clipped. NaN stays NaN,
    and a piece with a gap is NaN, because the gap can hide a peak or a trough.
    Source: K. Wang et al., arXiv 2305.04161, the training labels of PhysBench.

    >>> wave = np.sin(np.linspace(0, 8 * np.pi, 81)) * np.linspace(1, 2, 81)
    >>> label = half_beats(wave)
    >>> float(label[25]), float(label[35])
    (0.5, -0.5)
    """
    wave = standardise_known(pulse)
    filled = np.nan_to_num(wave)
    peaks, troughs = (find_peaks(side, prominence=PROMINENCE)[0] for side in (filled, -filled))
    cuts = np.sort(np.concatenate([peaks, troughs]))
    # Within a gap and at its ends a peak or a trough may be of the filling alone.
    cuts = cuts[np.isfinite(wave[cuts - 1] + wave[cuts] + wave[cuts + 1])]
    if len(cuts) < 2:
        return wave.clip(-0.5, 0.5)
    at = np.arange(len(wave))
    piece = np.clip(np.searchsorted(cuts, at, side="right") - 1, 0, len(cuts) - 2)
    first, last = wave[cuts[piece]], wave[cuts[piece + 1]]
    span = np.where(first == last, 1.0, np.abs(last - first))
    inside = (at >= cuts[0]) & (at <= cuts[-1])
    out: Array = np.where(inside, (wave - (first + last) / 2) / span, wave)
    missing = np.cumsum(~np.isfinite(wave))
    out[inside & (missing[cuts[piece + 1]] > missing[cuts[piece]])] = np.nan
    return out.clip(-0.5, 0.5)


def join_standardised(parts: Sequence[Array], starts: Sequence[int], total: int) -> Array:
    """Join windows that are standardised one by one; where two overlap, the earlier counts.

    Args:
        parts: the windows' samples.
        starts: the first sample of each window.
        total: number of samples.
    """
    return join_windows([standardise_known(part) for part in parts], starts, total)


def average_windows(parts: Sequence[Array], starts: Sequence[int], total: int) -> Array:
    """The mean of the windows at each sample (total,); NaN where there is no window.

    Args:
        parts: the windows' samples.
        starts: the first sample of each window.
        total: number of samples.

    >>> average_windows([np.array([1.0, 1, 1]), np.array([2.0, 2, 2])], [0, 2], 5)
    array([1. , 1. , 1.5, 2. , 2. ])
    """
    sums, counts = np.zeros(total), np.zeros(total)
    for part, start in zip(parts, starts, strict=True):
        sums[start : start + len(part)] += part
        counts[start : start + len(part)] += 1
    out: Array = np.full(total, np.nan)
    np.divide(sums, counts, out=out, where=counts > 0)
    return out


def _unchanged(wave: NDArray[Any]) -> Array:
    return np.asarray(wave, dtype=np.float64)


DIFFERENCES = Target(to_label=pulse_differences, to_pulse=integrate, join=join_windows)
"""The differences of the pulse, which are summed up."""

WAVE = Target(to_label=standardise_known, to_pulse=_unchanged, join=join_standardised)
"""The pulse itself, standardised."""

HALF_BEATS = Target(to_label=half_beats, to_pulse=_unchanged, join=average_windows)
"""The pulse with rises and falls of one height; overlapping windows are averaged."""
