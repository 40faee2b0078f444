"""The reference of each window: a pulse or a device's rate."""

from collections.abc import Sequence

import numpy as np

from rppgbench.evaluator import Evaluator
from rppgbench.recording import Truth
from rppgbench.waveform import Array, Signal


def kind_of_truth(evaluator: Evaluator, truth: Truth) -> str:
    """What the evaluator compares with: "pulse", "heart_rate", or "" where there is neither."""
    for kind in evaluator.truth:
        signal = truth.pulse if kind == "pulse" else truth.heart_rate
        if signal is not None and len(signal.times_s):
            return kind
    return ""


def pulses_at(
    evaluator: Evaluator, truths: Sequence[Truth], start_s: Array, fs: float, samples: int
) -> Array:
    """The reference pulses, interpolated in time onto the grids of the estimates: (n, samples).

    Never stretched by index: a sensor's clock is what its timestamps say. NaN outside the
    reference, and for a truth whose pulse is not what the evaluator compares with.
    """
    pulses: Array = np.full((len(truths), samples), np.nan)
    steps = np.arange(samples) / fs
    for row, (truth, start) in enumerate(zip(truths, start_s, strict=True)):
        if truth.pulse is not None and kind_of_truth(evaluator, truth) == "pulse":
            pulses[row] = truth.pulse.at(start + steps)
    return pulses


def valid_rates(heart_rate: Signal) -> Signal:
    """The device's readings with NaN for those that are none: not finite, or 0 and below.

    >>> valid_rates(Signal(np.array([0.0, 61.0]), np.array([0.0, 1.0]))).values
    array([nan, 61.])
    """
    values = np.asarray(heart_rate.values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        fine = np.isfinite(values) & (values > 0)
    return Signal(np.where(fine, values, np.nan), heart_rate.times_s)


def mean_rates(heart_rate: Signal, start_s: Array, stop_s: Array, gap_share: float) -> Array:
    """The mean of the readings at start <= t < stop, for every window: (W,), in bpm.

    NaN where more than `gap_share` of the readings in the window are none. A window between two
    readings takes the value interpolated at its centre.

    >>> rate = Signal(np.array([60.0, 62.0, 70.0, 0.0]), np.array([0.0, 1.0, 2.0, 3.0]))
    >>> mean_rates(rate, np.array([0.0, 2.0, 0.4]), np.array([2.0, 4.0, 0.6]), 0.25)
    array([61., nan, 61.])
    """
    rate = valid_rates(heart_rate)
    there = np.isfinite(rate.values)
    total = np.concatenate([[0.0], np.cumsum(np.where(there, rate.values, 0.0))])
    count = np.concatenate([[0], np.cumsum(there)])
    first, stop = (np.searchsorted(rate.times_s, t - 1e-9) for t in (start_s, stop_s))
    readings, fine = stop - first, count[stop] - count[first]
    enough = (fine > 0) & (fine >= (1 - gap_share) * readings)
    mean = np.divide(total[stop] - total[first], np.maximum(fine, 1))
    between = rate.at((start_s + stop_s) / 2)
    out: Array = np.where(readings > 0, np.where(enough, mean, np.nan), between)
    return out


def device_rates(evaluator: Evaluator, truth: Truth, start_s: Array, stop_s: Array) -> Array:
    """The device's heart rate of every window by the evaluator's rule: (W,); NaN without one."""
    if truth.heart_rate is None or not len(truth.heart_rate.times_s):
        return np.full(len(start_s), np.nan)
    if evaluator.heart_rate == "window_mean":
        return mean_rates(truth.heart_rate, start_s, stop_s, evaluator.gap_share)
    return valid_rates(truth.heart_rate).at((start_s + stop_s) / 2)
