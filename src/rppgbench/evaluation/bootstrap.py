"""Intervals by bootstrap over subjects."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from rppgbench.core.waveform import Array

CONFIDENCE = 0.95

FEW = 0.05
"""With a larger share of resamples without a value than this there is no interval."""

Statistic = Callable[[Array], Array]
"""Takes sums over subjects (..., K) to statistics (..., M)."""


@lru_cache(maxsize=16)
def resampling_weights(subjects: int, resamples: int, seed: int) -> Array:
    """How often each subject is drawn in each resample: (resamples, subjects), read-only.

    Drawing n of n subjects with replacement is a multinomial count, so that all resamples of all
    sums are one matrix product. Groups with as many subjects get the same draws.

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
    """BCa 95 % limits of statistics over subjects: low and high, (M,) each.

    `by_subject` (S, ..., K) holds each subject's sums; `statistic` takes their total to (..., M)
    and then its mean over the axes between (seeds) is taken. Subjects, not windows, are drawn,
    because windows of one person are alike. One subject has no interval: NaN. Source: Efron,
    Better bootstrap confidence intervals, 1987, 10.1080/01621459.1987.10478410.
    """
    count = len(by_subject)
    total = by_subject.sum(axis=0)
    theta = _over_seeds(statistic(total)[None])[0]
    if count < 2:
        nothing: Array = np.full(theta.shape, np.nan)
        return nothing, nothing.copy()
    weights = resampling_weights(count, resamples, seed)
    flat = by_subject.reshape(count, -1)
    drawn = (weights @ flat).reshape(resamples, *by_subject.shape[1:])
    left_out = total - by_subject
    return bca(theta, _over_seeds(statistic(drawn)), _over_seeds(statistic(left_out)))


def _over_seeds(values: Array) -> Array:
    """Mean over all axes but the first and the last: (n, M); NaN where every seed is NaN."""
    flat = values.reshape(len(values), -1, values.shape[-1])
    known = np.isfinite(flat)
    count = known.sum(axis=1)
    total = np.where(known, flat, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def bca(
    theta: Array, resampled: Array, left_out: Array, confidence: float = CONFIDENCE
) -> tuple[Array, Array]:
    """Bias-corrected and accelerated limits: low and high, (M,) each.

    `theta` (M,) are the statistics, `resampled` (B, M) those of resamples, `left_out` (S, M) those
    without one subject each, for the acceleration. A statistic that is the same in every resample
    has that value as both limits; one without a value in more than 5 % of them has none (NaN). A
    bias beyond what B resamples can show counts as half a resample. Source: as `bootstrap`, with
    the jackknife acceleration of Efron and Tibshirani, 1993, eq. 14.15.
    """
    from scipy.special import ndtr, ndtri

    low: Array = np.full(theta.shape, np.nan)
    high = low.copy()
    z = ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    for k in range(len(theta)):
        drawn = resampled[:, k]
        drawn = np.sort(drawn[np.isfinite(drawn)])
        jack = left_out[np.isfinite(left_out[:, k]), k]
        if not np.isfinite(theta[k]) or len(drawn) < (1 - FEW) * len(resampled) or not len(jack):
            continue
        if drawn[0] == drawn[-1]:
            low[k] = high[k] = drawn[0]
            continue
        below = np.searchsorted(drawn, theta[k], "left") + np.searchsorted(drawn, theta[k], "right")
        share = np.clip(below / 2 / len(drawn), 0.5 / len(drawn), 1 - 0.5 / len(drawn))
        bias = ndtri(share)
        apart = jack.mean() - jack
        scale = 6 * (apart**2).sum() ** 1.5
        slope = (apart**3).sum() / scale if scale > 0 else 0.0
        levels = ndtr(bias + (bias + z) / (1 - slope * (bias + z)))
        low[k], high[k] = np.quantile(drawn, levels)
    return low, high
