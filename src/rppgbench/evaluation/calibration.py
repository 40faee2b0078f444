"""Whether a confidence is the probability of a correct heart rate.

A heart rate is correct with an error of 5 bpm at most. A confidence from 0 to 1 can be read as the
probability of that. One in dB cannot: its probability is fitted on other people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.evaluation.bootstrap import bootstrap
from rppgbench.signals.rate_confidence import CORRECT_BPM

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
"""Equal parts of the probabilities from 0 to 1, as in the source of the calibration error."""

RESAMPLES = 500
MOST_FOLDS = 10
MOST_FITTED = 50_000
"""Windows that a fit is made of at most, evenly drawn: it has two parameters."""


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Windows whose stated probabilities lie in one part of 0 to 1.

    Attributes:
        windows: Their number.
        stated: Mean of the stated probabilities; NaN without a window.
        correct: Share of them with an error of 5 bpm at most.
        low: Lower 95 % limit of the share over people (BCa); NaN where too few have such a window.
        high: Upper limit.
    """

    windows: int
    stated: float
    correct: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Stated probabilities of a correct heart rate beside the share that is correct.

    Attributes:
        windows: Number of windows with a reference and a probability.
        stated: Mean of the probabilities.
        correct: Share of windows with an error of 5 bpm at most.
        excess: `stated` less `correct`: above 0 for an overconfident method.
        excess_low: Lower 95 % limit over people (BCa); NaN with one person.
        excess_high: Upper limit.
        error: Expected calibration error: the mean of |stated - correct| of the bins, weighted by
            their windows. It is above 0 also for true probabilities, more so with few windows.
        error_low: Lower 95 % limit over people (BCa); NaN with one person.
        error_high: Upper limit.
        bins: The bins, from the lowest probabilities to the highest.
    """

    windows: int
    stated: float
    correct: float
    excess: float
    excess_low: float
    excess_high: float
    error: float
    error_low: float
    error_high: float
    bins: tuple[ReliabilityBin, ...]


def calibration(windows: pd.DataFrame, probability: Array, *, seed: int = 0) -> Calibration | None:
    """Compare probabilities with the share of correct heart rates.

    Source of the expected calibration error: Naeini, Cooper, Hauskrecht, Obtaining well calibrated
    probabilities using Bayesian binning, AAAI 2015; Guo et al., On calibration of modern neural
    networks, ICML 2017, arXiv 1706.04599.

    Args:
        windows: Rows of `score_windows` of one method.
        probability: Stated probability of an error of 5 bpm at most for each row (n,); NaN for
            none.
        seed: Seed of the resamples of people.

    Returns:
        The comparison; None without a window that has a reference and a probability.
    """
    used = windows["reference_bpm"].notna().to_numpy() & np.isfinite(probability)
    if not used.any():
        return None
    correct, people = _correct(windows)[used], _people(windows[used])
    stated = np.asarray(probability, np.float64)[used]
    part = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    cell, cells = people * BINS + part, (int(people.max()) + 1) * BINS
    of_cells = [np.bincount(cell, v, cells) for v in (np.ones(len(stated)), stated, correct)]
    sums: Array = np.stack([v.reshape(-1, BINS) for v in of_cells], axis=1).astype(np.float64)
    by_person = sums.reshape(len(sums), -1)
    excess, error, *shares = _statistics(by_person.sum(axis=0)).tolist()
    low, high = bootstrap(by_person, _statistics, resamples=RESAMPLES, seed=seed)
    count, total_stated, _ = sums.sum(axis=0)
    return Calibration(
        windows=int(used.sum()),
        stated=float(stated.mean()),
        correct=float(correct.mean()),
        excess=excess,
        excess_low=float(low[0]),
        excess_high=float(high[0]),
        error=error,
        error_low=float(low[1]),
        error_high=float(high[1]),
        bins=tuple(
            ReliabilityBin(
                windows=int(count[k]),
                stated=float(total_stated[k] / count[k]) if count[k] else np.nan,
                correct=shares[k],
                low=float(low[2 + k]),
                high=float(high[2 + k]),
            )
            for k in range(BINS)
        ),
    )


def _statistics(sums: Array) -> Array:
    """Excess, calibration error and the share correct of each bin: (..., 3 BINS) to (..., M)."""
    count, stated, correct = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, BINS), -2, 0)
    total = np.maximum(count.sum(axis=-1), 1e-12)
    difference = stated - correct
    share = np.where(count > 0, correct / np.maximum(count, 1e-12), np.nan)
    error = np.abs(difference).sum(axis=-1) / total
    return np.concatenate(
        [np.stack([difference.sum(axis=-1) / total, error], axis=-1), share], axis=-1
    )


def fitted_probability(windows: pd.DataFrame, column: str) -> Array:
    """The probability of a correct heart rate by a confidence, fitted on other people: (n,).

    P = 1 / (1 + exp(-(a + b c))) of the confidence c, with a and b by maximum likelihood and the
    targets of the source, which keep both finite. People are split into ten groups at most: the
    probability of a window is that of a fit without the group of its person. Source: Platt,
    Probabilistic outputs for support vector machines, 1999.

    Args:
        windows: Rows of `score_windows` of one method.
        column: The column of the confidence.

    Returns:
        NaN without a reference or confidence, and everywhere with fewer than two people.
    """
    confidence = windows[column].to_numpy(np.float64)
    used = windows["reference_bpm"].notna().to_numpy() & np.isfinite(confidence)
    probability: Array = np.full(len(windows), np.nan)
    if not used.any():
        return probability
    people = _people(windows[used])
    groups = min(int(people.max()) + 1, MOST_FOLDS)
    if groups < 2:
        return probability
    values, correct = confidence[used], _correct(windows)[used]
    fitted = np.full(len(values), np.nan)
    for group in range(groups):
        left_out = people % groups == group
        fitted[left_out] = _logistic_fit(values[~left_out], correct[~left_out], values[left_out])
    probability[used] = fitted
    return probability


def _logistic_fit(confidence: Array, correct: Array, at: Array) -> Array:
    """Fit a logistic curve to correct (n,) of confidence (n,), and read it at other values (m,)."""
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    thin = max(-(-len(confidence) // MOST_FITTED), 1)
    confidence, correct = confidence[::thin], correct[::thin]
    centre, spread = confidence.mean(), confidence.std()
    scale = spread if spread > 0 else 1.0
    x = (confidence - centre) / scale
    right, wrong = correct.sum(), len(correct) - correct.sum()
    target = np.where(correct > 0, (right + 1) / (right + 2), 1 / (wrong + 2))

    def loss(line: Array) -> tuple[float, Array]:
        z = line[0] + line[1] * x
        value = -(target * log_expit(z) + (1 - target) * log_expit(-z)).mean()
        slope = expit(z) - target
        return float(value), np.array([slope.mean(), (slope * x).mean()])

    line = minimize(loss, np.zeros(2), jac=True, method="BFGS").x
    curve: Array = expit(line[0] + line[1] * (at - centre) / scale)
    return curve


def _correct(windows: pd.DataFrame) -> Array:
    """1 for an error of 5 bpm at most, else 0: (n,)."""
    return (windows["error_bpm"].abs().to_numpy(np.float64) <= CORRECT_BPM).astype(np.float64)


def _people(windows: pd.DataFrame) -> NDArray[np.integer[Any]]:
    """The number of the person of each row: (n,)."""
    return windows.groupby(["dataset", "subject"], sort=True).ngroup().to_numpy()
