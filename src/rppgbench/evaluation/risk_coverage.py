"""Knowing when not to answer: errors of the windows of the highest confidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.evaluation.bootstrap import bca, resampling_weights
from rppgbench.evaluation.selective import SNR_CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

KEPT = (1.0, 0.9, 0.7, 0.5)
"""Shares of the windows for which the error is told."""

RESAMPLES = 500
MAX_WEIGHTS = 1 << 20
"""Weights of errors that are in memory at once: an evaluator of frames has a million errors."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RiskCoverage:
    """The mean absolute error of the surest windows, for every share of windows.

    Attributes:
        coverage: Share of the windows that are kept (n,), rising to 1.
        risk_bpm: Mean absolute error of these, in bpm (n,).
        area_bpm: Mean of `risk_bpm`: the area under the curve (AURC).
        low_bpm: Lower 95 % limit of the area over people (BCa); NaN with one person.
        high_bpm: Upper limit.
        best_bpm: Area of the order that knows the errors.
        skill: Share of the avoidable area that the order avoids: 1 for the order that knows the
            errors, 0 for one that knows nothing; NaN where all errors are the same.
    """

    coverage: Array
    risk_bpm: Array
    area_bpm: float
    low_bpm: float
    high_bpm: float
    best_bpm: float
    skill: float

    def risk_at(self, coverage: float) -> float:
        """Mean absolute error in bpm of the surest windows that make up a share of all.

        Args:
            coverage: The share, above 0 to 1.
        """
        return float(self.risk_bpm[max(round(coverage * len(self.risk_bpm)), 1) - 1])


def risk_coverage(
    windows: pd.DataFrame, column: str = SNR_CONFIDENCE, *, seed: int = 0
) -> RiskCoverage | None:
    """Keep the surest windows first, and see how the error grows.

    Windows of the same confidence enter together, each with their mean error. Windows without an
    estimate or confidence enter last, with the error that the evaluator charges for them. Source:
    Geifman, El-Yaniv, Selective classification for deep neural networks, NeurIPS 2017; the area
    under the curve: Geifman, Uziel, El-Yaniv, ICLR 2019, arXiv 1805.08206.

    Args:
        windows: Rows of `score_windows` of one method with the column.
        column: The confidence, higher for a surer estimate: `confidence_db`, or `confidence` for
            the method's own.
        seed: Seed of the resamples.

    Returns:
        The curve; None without a scored window that has a confidence.
    """
    scored = windows[windows["reference_bpm"].notna()]
    if not np.isfinite(scored[column].to_numpy(np.float64)).any():
        return None
    ranking = _ranked(scored, scored[column].to_numpy(np.float64))
    best_order = _ranked(scored, -scored["error_bpm"].abs().to_numpy(np.float64))
    area, low, high = ranking.interval(seed)
    shared, rows = ranking.shared_errors(), len(scored)
    best, mean = float(best_order.areas(ranking.unweighted)[0]), float(ranking.errors.mean())
    avoidable = mean - best
    return RiskCoverage(
        coverage=np.arange(1, rows + 1) / rows,
        risk_bpm=np.cumsum(shared) / np.arange(1, rows + 1),
        area_bpm=area,
        low_bpm=low,
        high_bpm=high,
        best_bpm=best,
        skill=(mean - area) / avoidable if avoidable > 0 else np.nan,
    )


@dataclass(frozen=True, kw_only=True)
class AreaDifference:
    """The area under one risk curve less that under another, over the same windows.

    Attributes:
        value_bpm: The difference; below 0 where the first confidence orders the windows better.
        low_bpm: Lower 95 % limit over people (BCa, both curves resampled together); NaN with one.
        high_bpm: Upper limit.
    """

    value_bpm: float
    low_bpm: float
    high_bpm: float


def area_difference(
    windows: pd.DataFrame, first: str, second: str, *, seed: int = 0
) -> AreaDifference | None:
    """Compare two confidences of one method on the same windows.

    Args:
        windows: Rows of `score_windows` of one method with both columns.
        first: A column of confidence.
        second: The other.
        seed: Seed of the resamples.

    Returns:
        The difference of the areas; None where one of the two has no confidence.
    """
    scored = windows[windows["reference_bpm"].notna()]
    columns = [scored[name].to_numpy(np.float64) for name in (first, second)]
    if not all(np.isfinite(column).any() for column in columns):
        return None
    rankings = [_ranked(scored, column) for column in columns]
    value, low, high = _interval(
        lambda weights: rankings[0].areas(weights) - rankings[1].areas(weights),
        rankings[0].unweighted.shape[1],
        seed,
    )
    return AreaDifference(value_bpm=value, low_bpm=low, high_bpm=high)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Ranking:
    """Errors in the order of falling confidence.

    Attributes:
        errors: Absolute errors (n,) in bpm.
        people: The person of each (n,).
        ties: The first of each group of one confidence (G,).
    """

    errors: Array
    people: NDArray[np.integer[Any]]
    ties: NDArray[np.integer[Any]]

    @property
    def unweighted(self) -> Array:
        """A weight of 1 for each person: (1, S)."""
        return np.ones((1, int(self.people.max()) + 1))

    def shared_errors(self) -> Array:
        """The errors (n,), those of one confidence replaced by their mean."""
        sizes = np.diff(np.append(self.ties, len(self.errors)))
        means: Array = np.repeat(np.add.reduceat(self.errors, self.ties) / sizes, sizes)
        return means

    def areas(self, weights: Array) -> Array:
        """Weighted means over k of the means of the first k errors: (B, S) to (B,).

        Errors of one confidence share their weighted mean, so that their order does not count.
        """
        rows = max(MAX_WEIGHTS // len(self.errors), 1)
        sizes = np.diff(np.append(self.ties, len(self.errors)))
        areas = []
        for start in range(0, len(weights), rows):
            of_errors = weights[start : start + rows][:, self.people]
            weighted = of_errors * self.errors
            if len(self.ties) < len(self.errors):
                group_weight = np.add.reduceat(of_errors, self.ties, axis=1)
                group_sum = np.add.reduceat(weighted, self.ties, axis=1)
                means = group_sum / np.maximum(group_weight, 1e-12)
                weighted = of_errors * np.repeat(means, sizes, axis=1)
            total = np.cumsum(of_errors, axis=1)
            risk = np.cumsum(weighted, axis=1) / np.maximum(total, 1e-12)
            areas.append((of_errors * risk).sum(axis=1) / np.maximum(total[:, -1], 1e-12))
        return np.concatenate(areas)

    def interval(self, seed: int) -> tuple[float, float, float]:
        """The area and its limits over people, in bpm."""
        return _interval(self.areas, self.unweighted.shape[1], seed)


def _ranked(scored: pd.DataFrame, confidence: Array) -> _Ranking:
    """Scored windows by falling confidence (n,); those without one last.

    Windows of one confidence are put in an order of their own (person, error), so that the order of
    the rows changes no digit.
    """
    confidence = np.where(np.isfinite(confidence), confidence, -np.inf)
    errors = scored["error_bpm"].abs().to_numpy(np.float64)
    people = scored.groupby(["dataset", "subject"], sort=True).ngroup().to_numpy()
    order = np.lexsort((errors, people, -confidence))
    ordered = confidence[order]
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return _Ranking(errors=errors[order], people=people[order], ties=np.concatenate([[0], changes]))


def _interval(
    areas: Callable[[Array], Array], people: int, seed: int
) -> tuple[float, float, float]:
    """A statistic of weights of people (B, S), with its BCa limits; NaN with one person.

    Args:
        areas: The statistic: (B, S) to (B,).
        people: Number of people.
        seed: Seed of the resamples.
    """
    value = areas(np.ones((1, people)))
    low = high = np.full(1, np.nan)
    if people > 1:
        resampled = areas(resampling_weights(people, RESAMPLES, seed))
        left_out = areas(1.0 - np.eye(people))
        low, high = bca(value, resampled[:, None], left_out[:, None])
    return float(value[0]), float(low[0]), float(high[0])
