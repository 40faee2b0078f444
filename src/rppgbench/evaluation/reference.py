"""The reference of each window: a contact pulse or the heart rate of a device."""

from collections.abc import Callable, Sequence

import numpy as np

from rppgbench.core.recording import RATE_GAP_S, GroundTruth, rate_gap_s
from rppgbench.core.waveform import ROUNDING_S, Array, Signal
from rppgbench.evaluation.evaluator import Evaluator


def reference_kind(evaluator: Evaluator, truth: GroundTruth) -> str:
    """The kind of reference that the evaluator compares with.

    Args:
        evaluator: The rule; its `truth` lists the kinds by preference.
        truth: The reference of a recording.

    Returns:
        "beats" or the name of a signal of the reference, or "" where there is none of them.
    """
    for kind in evaluator.truth:
        if kind == "beats":
            if truth.beats_s is not None and len(truth.beats_s) > 1:
                return kind
            continue
        signal: Signal | None = getattr(truth, kind)
        if signal is not None and len(signal.times_s):
            return kind
    return ""


def pulses_at(
    evaluator: Evaluator, truths: Sequence[GroundTruth], start_s: Array, fs: float, samples: int
) -> Array:
    """The reference waveforms, interpolated in time onto the grids of the estimates.

    They are never stretched by index: the timestamps are the sensor's clock.

    Args:
        evaluator: The rule.
        truths: The references, n of them.
        start_s: First sample of each grid (n,), in seconds.
        fs: Samples per second of the grids.
        samples: Samples of a grid.

    Returns:
        (n, samples); NaN outside the reference, in its gaps, and where the evaluator does not
        compare with a waveform.
    """
    pulses: Array = np.full((len(truths), samples), np.nan)
    steps = np.arange(samples) / fs
    for row, (truth, start) in enumerate(zip(truths, start_s, strict=True)):
        kind = reference_kind(evaluator, truth)
        if kind == "respiration":
            pulses[row] = truth.respiration_at(start + steps)
            continue
        compared = kind in ("beats", "pulse")
        if truth.pulse is not None and len(truth.pulse.times_s) and compared:
            pulses[row] = truth.pulse_at(start + steps)
    return pulses


def valid_rates(heart_rate: Signal) -> Signal:
    """The device's readings, with NaN for invalid ones: not finite, or 0 and below.

    >>> valid_rates(Signal(np.array([0.0, 61.0]), np.array([0.0, 1.0]))).values
    array([nan, 61.])
    """
    values = np.asarray(heart_rate.values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        valid = np.isfinite(values) & (values > 0)
    return Signal(np.where(valid, values, np.nan), heart_rate.times_s)


def mean_rates(heart_rate: Signal, start_s: Array, stop_s: Array, gap_share: float) -> Array:
    """The mean of the readings at start <= t < stop, for every window: (W,), in bpm.

    NaN where more than `gap_share` of the window's time has no reading: a reading holds until the
    next, or for the usual interval where the next is beyond the limit (`rate_gap_s`) or there is
    none, and one that is no rate holds for no time. A window between two readings takes the value
    interpolated at its centre.

    Args:
        heart_rate: the device's readings (N,), in bpm.
        start_s: starts of the windows (W,), in seconds.
        stop_s: their ends (W,).
        gap_share: the share of a window that may lack readings.

    >>> rate = Signal(np.array([60.0, 62.0, 70.0, 0.0]), np.array([0.0, 1.0, 2.0, 3.0]))
    >>> mean_rates(rate, np.array([0.0, 2.0, 0.4]), np.array([2.0, 4.0, 0.6]), 0.25)
    array([61., nan, 61.])
    """
    rate = valid_rates(heart_rate)
    limit_s = rate_gap_s(heart_rate)
    valid = np.isfinite(rate.values)
    total = np.concatenate([[0.0], np.cumsum(np.where(valid, rate.values, 0.0))])
    count = np.concatenate([[0], np.cumsum(valid)])
    first, stop = (np.searchsorted(rate.times_s, t - ROUNDING_S) for t in (start_s, stop_s))
    readings, valid_readings = stop - first, count[stop] - count[first]
    held_s = _held_until(rate, limit_s)
    share = (held_s(stop_s) - held_s(start_s)) / np.maximum(stop_s - start_s, ROUNDING_S)
    enough = (valid_readings > 0) & (share >= 1 - gap_share - ROUNDING_S)
    mean = np.divide(total[stop] - total[first], np.maximum(valid_readings, 1))
    between = rate.at((start_s + stop_s) / 2, limit_s)
    out: Array = np.where(readings > 0, np.where(enough, mean, np.nan), between)
    return out


def estimated_rates(
    evaluator: Evaluator, heart_rate: Signal, start_s: Array, stop_s: Array
) -> Array:
    """The heart rate of every window from the heart rates of an estimate, by the evaluator's rule.

    The mean over a window is that of the readings in it, where at most `gap_share` of them are no
    number. A source gives each reading for a stretch around its time, so readings need not reach
    the ends of the window. A window between two readings takes the value at its centre.

    Args:
        evaluator: The rule.
        heart_rate: The readings (N,), in bpm.
        start_s: Starts of the windows (W,), in seconds.
        stop_s: Their ends (W,).

    Returns:
        (W,) in bpm; NaN where there is none.
    """
    if evaluator.heart_rate != "window_mean":
        return device_rates(evaluator, GroundTruth(heart_rate=heart_rate), start_s, stop_s)
    rate = valid_rates(heart_rate)
    valid = np.isfinite(rate.values)
    total = np.concatenate([[0.0], np.cumsum(np.where(valid, rate.values, 0.0))])
    count = np.concatenate([[0], np.cumsum(valid)])
    first, stop = (np.searchsorted(rate.times_s, t - ROUNDING_S) for t in (start_s, stop_s))
    readings, usable = stop - first, count[stop] - count[first]
    enough = (usable > 0) & (usable >= (1 - evaluator.gap_share) * readings)
    mean = (total[stop] - total[first]) / np.maximum(usable, 1)
    between = rate.at((start_s + stop_s) / 2, rate_gap_s(heart_rate))
    out: Array = np.where(readings > 0, np.where(enough, mean, np.nan), between)
    return out


def nearest_rates(heart_rate: Signal, times_s: Array, limit_s: float) -> Array:
    """The reading nearest to each time, the earlier of two that are equally near: (T,), in bpm.

    Args:
        heart_rate: the readings (N,), in bpm.
        times_s: the times (T,), in seconds.
        limit_s: a reading that is further away than this counts for none.

    >>> rate = Signal(np.array([60.0, 62.0]), np.array([0.0, 1.0]))
    >>> nearest_rates(rate, np.array([0.4, 0.5, 0.6, 9.0]), 3.0)
    array([60., 60., 62., nan])
    """
    rate = valid_rates(heart_rate)
    between_s = (rate.times_s[1:] + rate.times_s[:-1]) / 2
    at = np.searchsorted(between_s, times_s, side="left")
    near = np.abs(rate.times_s[at] - times_s) <= limit_s + ROUNDING_S
    out: Array = np.where(near, rate.values[at], np.nan)
    return out


def _held_until(rate: Signal, limit_s: float) -> Callable[[Array], Array]:
    """The function from times to the seconds before them in which a valid reading holds."""
    steps_s = np.diff(rate.times_s)
    usual_s = rate.interval_s if 0 < rate.interval_s <= limit_s else RATE_GAP_S
    lasts_s = np.append(np.where(steps_s <= limit_s + ROUNDING_S, steps_s, usual_s), usual_s)
    lasts_s = np.where(np.isfinite(rate.values), lasts_s, 0.0)
    before_s = np.concatenate([[0.0], np.cumsum(lasts_s)])

    def held_s(times_s: Array) -> Array:
        at = np.searchsorted(rate.times_s, times_s, side="right") - 1
        since_s = np.minimum(times_s - rate.times_s[at], lasts_s[at])
        out: Array = np.where(at < 0, 0.0, before_s[at] + since_s)
        return out

    return held_s


def device_rates(evaluator: Evaluator, truth: GroundTruth, start_s: Array, stop_s: Array) -> Array:
    """The device's rate of every window, by the evaluator's rule: of the heart or of respiration.

    Args:
        evaluator: The rule.
        truth: The reference of a recording.
        start_s: Starts of the windows (W,), in seconds.
        stop_s: Their ends (W,).

    Returns:
        (W,) in bpm; NaN where there is none.
    """
    rate = truth.heart_rate if evaluator.respiration is None else truth.respiration_rate
    if rate is None or not len(rate.times_s):
        return np.full(len(start_s), np.nan)
    if evaluator.heart_rate == "window_mean":
        return mean_rates(rate, start_s, stop_s, evaluator.gap_share)
    centre_s = (start_s + stop_s) / 2
    limit_s = rate_gap_s(rate)
    if evaluator.heart_rate == "nearest":
        return nearest_rates(rate, centre_s, limit_s)
    return valid_rates(rate).at(centre_s, limit_s)
