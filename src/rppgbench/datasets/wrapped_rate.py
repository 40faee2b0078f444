"""Correction of heart rates that a recorder stored with seven bits.

The CMS50 oximeters send a heart rate in eight bits, the highest of them apart from the others. A
recorder that takes the seven bits of one byte writes 1 for 129 bpm. Of 37 native label files of
UBFC-rPPG, four hold such readings (subjects 11, 18, 20 and 24).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array, Signal

WRAP_BPM = 128.0
STEP_BPM = 116.0  # of a wrap: no heart rate changes so much between two readings
NEAR_S = 2.0  # two readings further apart are not compared
HIGHEST_BPM = 240.0


class UnwrappedRate(NamedTuple):
    """Heart rates with the lost bit restored; the numbers of corrected and averaged readings."""

    heart_rate: Signal
    corrected: int
    averaged: int


def unwrap_rate(heart_rate: Signal) -> UnwrappedRate:
    """The heart rates (N,) in bpm of a device that may have wrapped at 128.

    A step of 116 bpm or more between two readings up to 2 s apart is where the count passed 128;
    between a step down and the next step up, 128 is added. Readings without such a step stay
    unchanged, and so does a segment whose steps do not alternate, or whose corrected readings
    would jump by more than 12 bpm or exceed 240 bpm: there the wrap is not certain. A single
    reading between the two sides of a step is a mean over both and becomes NaN. Readings of 0, and
    those that are not numbers, are skipped.

    >>> unwrap_rate(Signal(np.array([126.0, 127, 1, 2, 127]), np.arange(5.0))).heart_rate.values
    array([126., 127., 129., 130., 127.])
    """
    values, times_s = heart_rate.values.astype(np.float64), heart_rate.times_s
    readings = np.flatnonzero(np.isfinite(values) & np.isfinite(times_s) & (values > 0))
    averaged = readings[_find_averaged(values[readings], times_s[readings])]
    readings = readings[~np.isin(readings, averaged)]
    wrapped = readings[_find_wrapped(values[readings], times_s[readings])]
    values[wrapped] += WRAP_BPM
    values[averaged] = np.nan
    return UnwrappedRate(Signal(values, times_s), len(wrapped), len(averaged))


def to_seven_bits(heart_rate: Array) -> Array:
    """Heart rates (N,) in bpm as a seven-bit recorder writes them: integers, and never 0.

    >>> to_seven_bits(np.array([126.4, 128.0, 129.2]))
    array([126., 127.,   1.])
    """
    rounded = np.rint(heart_rate)
    recorded: Array = np.where(
        rounded > WRAP_BPM, rounded - WRAP_BPM, np.minimum(rounded, WRAP_BPM - 1)
    )
    return recorded


def wrap_warnings(unwrapped: UnwrappedRate, file: str) -> list[str]:
    """Warnings about corrected heart rates.

    Args:
        unwrapped: the corrected heart rates.
        file: name of the label file.

    Returns:
        One line for each kind of reading.
    """
    count = len(unwrapped.heart_rate.values)
    lines = []
    if unwrapped.corrected:
        lines.append(
            f"{file}: {unwrapped.corrected} of {count} heart rates wrapped at 128 (1 follows 127): "
            "128 bpm added"
        )
    if unwrapped.averaged:
        lines.append(
            f"{file}: {unwrapped.averaged} of {count} heart rates are means across the wrap at 128:"
            " no truth there"
        )
    return lines


def _find_averaged(values: Array, times_s: Array) -> NDArray[np.bool_]:
    """Which readings lie between two that are a wrap apart: (N,)."""
    out = np.zeros(len(values), dtype=bool)
    if len(values) < 3:
        return out
    before, middle, after = values[:-2], values[1:-1], values[2:]
    out[1:-1] = (
        (np.abs(after - before) >= STEP_BPM)
        & (np.abs(middle - before) < STEP_BPM)
        & (np.abs(after - middle) < STEP_BPM)
        & (np.minimum(before, after) < middle)
        & (middle < np.maximum(before, after))
        & (times_s[2:] - times_s[:-2] <= NEAR_S)
    )
    return out


def _find_wrapped(values: Array, times_s: Array) -> NDArray[np.bool_]:
    """Which readings are certain to lack 128 bpm: (N,)."""
    out = np.zeros(len(values), dtype=bool)
    breaks = np.flatnonzero(np.diff(times_s) > NEAR_S) + 1
    for piece in np.split(np.arange(len(values)), breaks):
        step = np.diff(values[piece])
        turns = np.cumsum((step <= -STEP_BPM).astype(int) - (step >= STEP_BPM), dtype=int)
        level = np.concatenate([[0], turns])
        level -= level.min()
        above = level == 1
        corrected = values[piece] + WRAP_BPM * above
        touched = above[1:] | above[:-1]
        smooth = (np.abs(np.diff(corrected))[touched] <= WRAP_BPM - STEP_BPM).all()
        if level.max() == 1 and smooth and corrected.max() <= HIGHEST_BPM:
            out[piece] = above
    return out
