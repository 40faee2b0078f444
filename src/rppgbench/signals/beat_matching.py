"""Beats of an estimate and of a reference, matched with each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BeatMatch:
    """Which beats belong together.

    Attributes:
        estimate: Places of the matched beats in the estimate (M,), increasing.
        reference: Places of the same beats in the reference (M,), increasing.
        lag_s: By how much later the estimate has its beats than the reference, in seconds.
    """

    estimate: Places
    reference: Places
    lag_s: float


def match_beats(
    estimate_s: Array,
    reference_s: Array,
    *,
    within_s: float,
    largest_lag_s: float,
    expected_lag_s: float = 0.0,
) -> BeatMatch:
    """Match beats one to one, after a constant lag is taken off.

    The pulse reaches face and finger at other times, and a camera delays its frames, so beats are
    compared after a constant lag: of all lags up to the largest one the one with the most pairs
    within the tolerance, and of these the smallest. Two beats are a pair where each is the other's
    nearest and they are at most `within_s` apart.

    Args:
        estimate_s: Beats of the estimate (E,), in seconds, increasing.
        reference_s: Beats of the reference (R,).
        within_s: The tolerance. ANSI/AAMI EC57 takes 0.15 s.
        largest_lag_s: How far the lag may lie from the expected one.
        expected_lag_s: The expected lag.

    >>> reference_s = np.array([1.0, 1.8, 2.7, 3.5])
    >>> match = match_beats(reference_s[1:] + 0.1, reference_s, within_s=0.15, largest_lag_s=0.3)
    >>> match.estimate.tolist(), match.reference.tolist(), round(match.lag_s, 3)
    ([0, 1, 2], [1, 2, 3], 0.1)
    """
    none = np.empty(0, np.int64)
    if not len(estimate_s) or not len(reference_s):
        return BeatMatch(estimate=none, reference=none, lag_s=0.0)
    late_s = estimate_s - expected_lag_s
    lag_s = expected_lag_s + _constant_lag(late_s, reference_s, within_s, largest_lag_s)
    shifted_s = estimate_s - lag_s
    to_reference, to_estimate = _nearest(shifted_s, reference_s), _nearest(reference_s, shifted_s)
    at = np.arange(len(estimate_s))
    mutual = to_estimate[to_reference] == at
    near = np.abs(shifted_s - reference_s[to_reference]) <= within_s
    pairs = np.flatnonzero(mutual & near)
    return BeatMatch(estimate=pairs, reference=to_reference[pairs], lag_s=lag_s)


def _constant_lag(
    estimate_s: Array, reference_s: Array, within_s: float, largest_lag_s: float
) -> float:
    """The lag with the most differences of beats within the tolerance around it."""
    reach_s = largest_lag_s + within_s
    low = np.searchsorted(reference_s, estimate_s - reach_s)
    high = np.searchsorted(reference_s, estimate_s + reach_s, side="right")
    count = int((high - low).max())
    if not count:
        return 0.0
    column = low[:, None] + np.arange(count)
    inside = column < high[:, None]
    apart_s = estimate_s[:, None] - reference_s[np.minimum(column, len(reference_s) - 1)]
    apart_s = np.sort(apart_s[inside])
    stop = np.searchsorted(apart_s, apart_s + 2 * within_s, side="right")
    number = stop - np.arange(len(apart_s))
    middle_s = apart_s[np.arange(len(apart_s)) + (number - 1) // 2]
    number = np.where(np.abs(middle_s) <= largest_lag_s, number, 0)
    if not number.any():
        return 0.0
    most = np.flatnonzero(number == number.max())
    return float(middle_s[most[np.abs(middle_s[most]).argmin()]])


def _nearest(at_s: Array, times_s: Array) -> Places:
    """The place of the nearest of increasing times to each of some times: (N,)."""
    after = np.clip(np.searchsorted(times_s, at_s), 1, max(len(times_s) - 1, 1))
    after = np.minimum(after, len(times_s) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times_s[before] - at_s) <= np.abs(times_s[after] - at_s)
    return np.where(nearer, before, after).astype(np.int64)


def matched_intervals(match: BeatMatch, counted: NDArray[np.bool_]) -> Places:
    """Places in the match whose beat and the one before are neighbours in both series.

    Args:
        match: The match.
        counted: Whether the time from the beat before counts, of the reference (R,).

    Returns:
        Places k (K,) such that pairs k - 1 and k bound one interval of both.

    >>> match = BeatMatch(estimate=np.array([0, 1, 3]), reference=np.array([0, 1, 2]), lag_s=0.0)
    >>> matched_intervals(match, np.array([False, True, True])).tolist()
    [1]
    """
    follows = (np.diff(match.estimate) == 1) & (np.diff(match.reference) == 1)
    return np.flatnonzero(follows & counted[match.reference[1:]]) + 1


def match_f1(matched: int, estimate: int, reference: int) -> float:
    """F1 of beats: twice the matched ones over all of both; NaN without a reference.

    Args:
        matched: How many pairs there are.
        estimate: How many beats the estimate has.
        reference: How many the reference has.

    >>> match_f1(9, 10, 9)
    0.9473684210526315
    """
    return 2 * matched / (estimate + reference) if reference else float("nan")
