"""Find pulses that repeat each other, whatever their offset and clock.

Two recordings of one pulse have the same intervals between beats. Every run of `BEATS` intervals,
each divided by the mean of the run, is a point; its nearest points of other pulses are candidates,
so the search grows with the number of beats, not with that of pairs of recordings. A pair of runs
gives an offset and a ratio of clocks; the waves are laid on each other by these, and their
correlation over all that they share decides. Two people whose hearts beat equally fast have waves
that correlate too, the less the longer they are compared: `is_repeat` holds the limits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.contamination.pulse_fingerprint import RATE_HZ, PulseFingerprint
from rppgbench.core.waveform import Array

BEATS = 7
"""Intervals of a run: nine seconds at 50 bpm."""

NEIGHBOURS = 8
"""Nearest runs that are candidates for each run."""

WITHIN = 0.035
"""Most by which an interval of a candidate may differ, as a share of the mean interval."""

CLOCK_RATIOS = (0.4, 2.5)
"""Ratios of two clocks that are looked at: a label may be read at a wrong rate."""

LEAST_RUNS = 5
"""Like runs on one line that a pair of pulses needs: those of 12 s at 60 bpm."""

TRIED = 3
"""Candidates that are tried for each pair of pulses."""

RATIO_ERROR = 0.03
"""Most by which the ratio of a run is off: its beats have errors."""

EQUAL = 0.001
"""Clocks whose ratio is this near to 1 are equal."""

OFF_LINE_S = 0.15
"""Most by which the middle of another like run is off the line of offset and ratio."""

LONG_S = 5.0
"""Time between two like runs that gives a better ratio of the clocks than one of them."""

SURE = 0.99
"""No other candidate of a pair is tried beyond this correlation."""

LEAST_VARIATION = (0.008, 0.02)
"""Least variation of the intervals of a repeat: with equal clocks, and with any."""

LIMITS = ((30.0, 0.90), (20.0, 0.98), (15.0, 0.985))
OTHER_CLOCK_LIMITS = ((30.0, 0.93),)
"""Least correlation of a repeat, by the least time that both pulses have, in seconds.

The highest correlations of different pieces of genuine contact pulses (134 to 538 pieces of 15 to
60 s of UBFC-rPPG and COHFACE) are 0.69, 0.83 and 0.93 with equal clocks, and 0.85 over 30 s with
any ratio of clocks; of 600 made-up hearts of one wave form, which are more alike, 0.97 over 20 s. A
data set of 2,378 recordings has twenty times as many pairs as these, so the limits lie higher.
"""

LAGS = np.arange(-4, 5)
"""Shifts of the second wave that are tried, in samples of the first."""

LEAST_OVERLAP_S = 6.0


@dataclass(frozen=True, kw_only=True)
class PulseMatch:
    """Two pulses laid on each other.

    Attributes:
        first: number of one pulse.
        second: number of the other, above `first`.
        offset_s: time in the second at which the first begins, in seconds of the second's clock.
        clock_ratio: seconds of the second in a second of the first.
        overlap_s: time that both have, in seconds of the first.
        correlation: Pearson's correlation of the waves over this time.
        variation: standard deviation of the intervals in this time, over their mean.
    """

    first: int
    second: int
    offset_s: float
    clock_ratio: float
    overlap_s: float
    correlation: float
    variation: float


def is_repeat(match: PulseMatch) -> bool:
    """Whether two pulses are one, by the time that both have and their correlation.

    Hearts that beat evenly cannot be told apart, so they are no repeat (`LEAST_VARIATION`).
    """
    is_one_clock = match.clock_ratio == 1
    limits = LIMITS if is_one_clock else OTHER_CLOCK_LIMITS
    return match.variation >= LEAST_VARIATION[0 if is_one_clock else 1] and any(
        match.overlap_s >= least_s and match.correlation >= least for least_s, least in limits
    )


def match_pulses(pulses: Sequence[PulseFingerprint]) -> list[PulseMatch]:
    """The best match of each pair of pulses that have like runs of intervals.

    Args:
        pulses: fingerprints.

    Returns:
        At most one match for each pair, by the numbers of the pulses. A pair without a match has
        fewer than `LEAST_RUNS` like runs, or shares less than `LEAST_OVERLAP_S`.
    """
    matches = []
    for runs in _like_runs(pulses):
        best: PulseMatch | None = None
        for at in range(min(TRIED, len(runs.here_s))):
            for ratio in runs.clock_ratios(at):
                match = _lay_on_each_other(pulses, runs, at, ratio)
                if match is not None and (best is None or _rank(match) > _rank(best)):
                    best = match
            if best is not None and best.correlation > SURE:
                break
        if best is not None:
            matches.append(best)
    return matches


def _rank(match: PulseMatch) -> tuple[bool, float]:
    return is_repeat(match), match.correlation


@dataclass(frozen=True, eq=False, kw_only=True)
class _LikeRuns:
    """Like runs of two pulses, the nearest first: their middles and the ratios of their means."""

    first: int
    second: int
    here_s: Array
    there_s: Array
    ratio: Array

    def clock_ratios(self, at: int) -> list[float]:
        """Ratios of the clocks to try with a run: 1, that of the run, and that over a longer time.

        None where fewer than `LEAST_RUNS` runs lie on one line. A run lasts some seconds, so its
        ratio is off by up to a percent; a run far away on the same line gives it more exactly.
        """
        ratio = float(self.ratio[at])
        here, there = self.here_s - self.here_s[at], self.there_s - self.there_s[at]
        if (
            np.abs(there - ratio * here) < OFF_LINE_S + RATIO_ERROR * np.abs(here)
        ).sum() < LEAST_RUNS:
            return []
        far = np.abs(here) >= LONG_S
        slopes = np.divide(there, here, out=np.zeros_like(here), where=far)
        on_line = far & (np.abs(slopes - ratio) < RATIO_ERROR * ratio)
        tried = [1.0] if abs(ratio - 1) < RATIO_ERROR else []
        if on_line.any():
            weight = np.abs(here) * on_line
            tried.append(float((slopes * weight).sum() / weight.sum()))
        return [*tried, ratio]


def _like_runs(pulses: Sequence[PulseFingerprint]) -> Iterator[_LikeRuns]:
    """The like runs of each pair of pulses that has enough of them."""
    from scipy.spatial import cKDTree

    shapes, owners, middles_s, means_s = _runs(pulses)
    if len(shapes) < 2:
        return
    tree = cKDTree(shapes)
    count = min(NEIGHBOURS + 1, len(shapes))
    answer = tree.query(shapes, k=count, p=np.inf, distance_upper_bound=WITHIN)
    away, near = np.ravel(answer[0]), np.ravel(answer[1])
    rows = np.repeat(np.arange(len(shapes)), count)
    is_near = np.isfinite(away)
    rows, near, away = rows[is_near], near[is_near], away[is_near]
    # Each pair of pulses in one order, whichever run found the other.
    swapped = owners[rows] > owners[near]
    rows, near = np.where(swapped, near, rows), np.where(swapped, rows, near)
    ratio = means_s[near] / means_s[rows]
    low, high = CLOCK_RATIOS
    usable = (owners[rows] != owners[near]) & (ratio > low) & (ratio < high)
    rows, near, away, ratio = rows[usable], near[usable], away[usable], ratio[usable]
    pair = owners[rows] * len(pulses) + owners[near]
    order = np.lexsort((away, pair))
    for group in np.split(order, np.flatnonzero(np.diff(pair[order])) + 1):
        if len(group) >= LEAST_RUNS:
            yield _LikeRuns(
                first=int(owners[rows[group[0]]]),
                second=int(owners[near[group[0]]]),
                here_s=middles_s[rows[group]],
                there_s=middles_s[near[group]],
                ratio=ratio[group],
            )


def _runs(
    pulses: Sequence[PulseFingerprint],
) -> tuple[Array, NDArray[np.int64], Array, Array]:
    """Runs of intervals (N, BEATS) over their means, their pulses, middles and means (N,)."""
    shapes, owners, middles_s, means_s = [np.empty((0, BEATS))], [], [], []
    for number, pulse in enumerate(pulses):
        if len(pulse.beats_s) <= BEATS:
            continue
        beats = np.lib.stride_tricks.sliding_window_view(pulse.beats_s, BEATS + 1)
        mean = (beats[:, -1] - beats[:, 0]) / BEATS
        shapes.append(np.diff(beats, axis=1) / mean[:, None])
        owners.append(np.full(len(beats), number))
        middles_s.append(beats.mean(axis=1))
        means_s.append(mean)
    if not owners:
        return shapes[0], np.empty(0, np.int64), np.empty(0), np.empty(0)
    return (
        np.concatenate(shapes),
        np.concatenate(owners),
        np.concatenate(middles_s),
        np.concatenate(means_s),
    )


def _lay_on_each_other(
    pulses: Sequence[PulseFingerprint], runs: _LikeRuns, at: int, ratio: float
) -> PulseMatch | None:
    """Correlate two waves by the middles of a like run in each and their clocks' ratio."""
    a, b = pulses[runs.first], pulses[runs.second]
    here_s, there_s = float(runs.here_s[at]), float(runs.there_s[at])
    at_s = np.arange(len(a.wave)) / RATE_HZ + a.start_s
    shifts = (LAGS / RATE_HZ)[:, None]
    place = ((at_s - here_s + shifts) * ratio + there_s - b.start_s) * RATE_HZ
    inside = (place >= 0) & (place <= len(b.wave) - 1)
    overlap_s = inside.sum(axis=1) / RATE_HZ
    if overlap_s.max() < LEAST_OVERLAP_S:
        return None
    x = np.where(inside, a.wave, 0.0)
    y = np.where(inside, np.interp(place, np.arange(len(b.wave)), b.wave), 0.0)
    count = np.maximum(inside.sum(axis=1), 1)
    mean_x, mean_y = x.sum(axis=1) / count, y.sum(axis=1) / count
    power_x = np.square(x).sum(axis=1) - count * mean_x**2
    power_y = np.square(y).sum(axis=1) - count * mean_y**2
    product = np.einsum("lt,lt->l", x, y) - count * mean_x * mean_y
    correlation = product / np.sqrt(np.maximum(power_x * power_y, 1e-300))
    lag = int(np.where(overlap_s >= LEAST_OVERLAP_S, correlation, -np.inf).argmax())
    seen_s = at_s[inside[lag]]
    return PulseMatch(
        first=runs.first,
        second=runs.second,
        offset_s=float((a.start_s - here_s + shifts[lag, 0]) * ratio + there_s),
        clock_ratio=1.0 if abs(ratio - 1) < EQUAL else ratio,
        overlap_s=float(overlap_s[lag]),
        correlation=float(correlation[lag]),
        variation=_variation(a.beats_s, seen_s[0], seen_s[-1]),
    )


def _variation(beats_s: Array, first_s: float, last_s: float) -> float:
    """Standard deviation of the intervals within a time over their mean; 0 with fewer than two."""
    intervals = np.diff(beats_s[(beats_s >= first_s) & (beats_s <= last_s)])
    return float(intervals.std() / intervals.mean()) if len(intervals) > 1 else 0.0
