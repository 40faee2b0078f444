"""Confidence intervals by a bootstrap over subjects."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from rppgbench.core.waveform import Array

CONFIDENCE = 0.95

MAX_UNDEFINED = 0.05
"""With a larger share of resamples without a value there is no interval."""

Statistic = Callable[[Array], Array]
"""Takes sums over subjects (..., K) to statistics (..., M)."""


@lru_cache(maxsize=16)
def resampling_weights(subjects: int, resamples: int, seed: int) -> Array:
    """How often each subject is drawn in each resample.

    Drawing n of n subjects with replacement is a multinomial count, so that the sums of all
    resamples are one matrix product. Groups with equally many subjects have the same draws.

    Args:
        subjects: Number of subjects.
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        (resamples, subjects), read-only.

    >>> resampling_weights(3, 2, 0).sum(axis=1)
    array([3., 3.])
    """
    generator = np.random.default_rng(seed)
    share = np.full(subjects, 1 / subjects)
    weights: Array = generator.multinomial(subjects, share, size=resamples).astype(np.float64)
    weights.flags.writeable = False
    return weights


def bootstrap(
    by_subject: Array, statistic: Statistic, *, resamples: int, seed: int
) -> tuple[Array, Array]:
    """BCa 95 % limits of statistics over subjects.

    Subjects, not windows, are drawn, because windows of one person are alike. Source: Efron, Better
    bootstrap confidence intervals, 1987, 10.1080/01621459.1987.10478410.

    Args:
        by_subject: The sums of each subject (S, ..., K); the axes between are seeds.
        statistic: Takes total sums (..., K) to statistics (..., M), which are averaged over seeds.
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        Low and high limits, (M,) each; NaN with one subject.
    """
    count = len(by_subject)
    total = by_subject.sum(axis=0)
    theta = _over_seeds(statistic(total)[None])[0]
    if count < 2:
        undefined: Array = np.full(theta.shape, np.nan)
        return undefined, undefined.copy()
    weights = resampling_weights(count, resamples, seed)
    flat = by_subject.reshape(count, -1)
    resampled = (weights @ flat).reshape(resamples, *by_subject.shape[1:])
    left_out = total - by_subject
    return bca(theta, _over_seeds(statistic(resampled)), _over_seeds(statistic(left_out)))


def _over_seeds(values: Array) -> Array:
    """Mean over all axes but the first and the last: (n, M); NaN where every seed is NaN."""
    flat = values.reshape(len(values), -1, values.shape[-1])
    finite = np.isfinite(flat)
    count = finite.sum(axis=1)
    total = np.where(finite, flat, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def bca(
    theta: Array, resampled: Array, left_out: Array, confidence: float = CONFIDENCE
) -> tuple[Array, Array]:
    """Bias-corrected and accelerated limits.

    Percentile limits of resamples are exact where some monotone function m of the statistic is
    normal about m(theta) with a constant variance. BCa corrects for two departures: a bias z0, and
    a standard deviation that changes with m at the rate a. Then the limit at level alpha is the
    quantile of the resamples at

        Phi(z0 + (z0 + z_alpha) / (1 - a (z0 + z_alpha))),      z_alpha = Phi^-1(alpha).

    z0 = Phi^-1(share of resamples below theta), with ties counted half; a is a sixth of the
    skewness of the jackknife values: with d_i = mean(theta_(.)) - theta_(-i), a = sum d_i^3 /
    (6 (sum d_i^2)^1.5). m cancels. Source: as `bootstrap`, eq. 2.3; Efron, Tibshirani, An
    introduction to the bootstrap, 1993, eq. 14.9 to 14.15.

    Args:
        theta: The statistics (M,).
        resampled: Those of resamples (B, M).
        left_out: Those without one subject each (S, M).
        confidence: Level of the interval.

    Returns:
        Low and high limits, (M,) each. A statistic that is the same in every resample has this
        value as both limits; one without a value in more than 5 % of them has none (NaN). A bias
        beyond what B resamples can show counts as half a resample.
    """
    from scipy.special import ndtr, ndtri

    low: Array = np.full(theta.shape, np.nan)
    high = low.copy()
    z = ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    for k in range(len(theta)):
        values = resampled[:, k]
        values = np.sort(values[np.isfinite(values)])
        jack = left_out[np.isfinite(left_out[:, k]), k]
        if (
            not np.isfinite(theta[k])
            or len(values) < (1 - MAX_UNDEFINED) * len(resampled)
            or not len(jack)
        ):
            continue
        if values[0] == values[-1]:
            low[k] = high[k] = values[0]
            continue
        below = np.searchsorted(values, theta[k], "left")
        not_above = np.searchsorted(values, theta[k], "right")
        share = np.clip(
            (below + not_above) / 2 / len(values), 0.5 / len(values), 1 - 0.5 / len(values)
        )
        bias = ndtri(share)
        deviation = jack.mean() - jack
        scale = 6 * (deviation**2).sum() ** 1.5
        acceleration = (deviation**3).sum() / scale if scale > 0 else 0.0
        levels = ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
        low[k], high[k] = np.quantile(values, levels)
    return low, high
