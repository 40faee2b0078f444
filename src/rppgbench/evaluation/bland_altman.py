"""Bland-Altman: bias and limits of agreement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rppgbench.core.waveform import Array

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Agreement:
    """Where 95 % of the differences are expected, and how well that is known.

    All in the unit of the data: `bias` with its 95 % interval, the limits of agreement with
    theirs, the standard deviations within and between subjects that they are made of. Intervals
    are NaN with fewer than two subjects, limits with fewer than two differences.
    """

    n: int
    subjects: int
    bias: float
    bias_low: float
    bias_high: float
    lower: float
    lower_low: float
    lower_high: float
    upper: float
    upper_low: float
    upper_high: float
    within_sd: float
    between_sd: float
    total_sd: float


def bland_altman(
    reference: ArrayLike, estimate: ArrayLike, subjects: ArrayLike | None = None
) -> Agreement:
    """Bias and limits of agreement of estimate less reference, (n,) each.

    With `subjects` (n,) the measurements of one subject are taken as repeated while the true value
    varies: one-way analysis of variance gives the variance within subjects, and between subjects
    (mean square between - within) / m0 with m0 = ((sum m)^2 - sum m^2) / ((S - 1) sum m), not below
    0; the limits are bias -+ 1.96 sqrt(within + between). Without, every difference is its own
    subject's: bias -+ 1.96 sd (divided by n - 1). Intervals: of the bias over subjects' means by
    t with S - 1 degrees; of the limits by the variance 1.96^2 var(sd^2) / (4 sd^2) + var(bias)
    (the delta method on the two mean squares) and the same t. Only finite pairs count. Source:
    Bland, Altman, Agreement between methods of measurement with multiple observations per
    individual, 2007, 10.1080/10543400701329422, section 3; 1999, 10.1177/096228029900800204.

    >>> found = bland_altman([60, 70, 80, 90], [61, 69, 82, 90])
    >>> found.bias, round(found.upper, 3)  # differences 1, -1, 2, 0: sd sqrt(5 / 3)
    (0.5, 3.03)
    """
    from scipy.stats import t as student

    first, second = (np.asarray(x, dtype=np.float64) for x in (reference, estimate))
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"need two (n,) arrays, got {first.shape} and {second.shape}")
    fine = np.isfinite(first) & np.isfinite(second)
    apart = (second - first)[fine]
    if subjects is None:
        apart = np.sort(apart)
        owner = np.arange(len(apart))
    else:
        owner = np.unique(np.asarray(subjects)[fine], return_inverse=True)[1]
        order = np.lexsort((apart, owner))  # sums do not depend on the order of the pairs
        apart, owner = apart[order], owner[order]
    n, count = len(apart), int(owner.max()) + 1 if len(apart) else 0
    nan = float("nan")
    bias = float(apart.mean()) if n else nan
    if n < 2:
        return Agreement(n, count, bias, *[nan] * 11)
    within, between, spread_of_variance = _variances(apart, owner, count)
    total = within + between
    bias_variance = _bias_variance(apart, owner, count)
    sd = float(np.sqrt(total))
    lower, upper = bias - 1.96 * sd, bias + 1.96 * sd
    half, wide = nan, nan
    if count > 1:
        quantile = float(student.ppf((1 + CONFIDENCE) / 2, count - 1))
        half = quantile * float(np.sqrt(bias_variance))
        of_sd = spread_of_variance / (4 * total) if total > 0 else 0.0
        wide = quantile * float(np.sqrt(bias_variance + 1.96**2 * of_sd))
    return Agreement(
        n, count, bias, bias - half, bias + half, lower, lower - wide, lower + wide,
        upper, upper - wide, upper + wide, float(np.sqrt(within)), float(np.sqrt(between)), sd,
    )  # fmt: skip


def _variances(apart: Array, owner: NDArray[np.int64], count: int) -> tuple[float, float, float]:
    """Variance within and between subjects, and the variance of their sum as estimated."""
    n = len(apart)
    size = np.bincount(owner, minlength=count).astype(np.float64)
    means = np.bincount(owner, weights=apart, minlength=count) / size
    if count in (1, n):  # nothing repeated, or nothing but repeats
        variance = float(apart.var(ddof=1))
        alone = (variance, 0.0) if count == 1 else (0.0, variance)
        return *alone, 2 * variance**2 / (n - 1)
    square_within = float(((apart - means[owner]) ** 2).sum()) / (n - count)
    square_between = float((size * (means - apart.mean()) ** 2).sum()) / (count - 1)
    typical = (n**2 - float((size**2).sum())) / ((count - 1) * n)
    between = max((square_between - square_within) / typical, 0.0)
    spread = 2 * (square_between / typical) ** 2 / (count - 1)
    spread += 2 * ((1 - 1 / typical) * square_within) ** 2 / (n - count)
    return square_within, between, spread


def _bias_variance(apart: Array, owner: NDArray[np.int64], count: int) -> float:
    """Variance of the mean difference, subjects being what is sampled (ratio estimator)."""
    if count < 2:
        return float("nan")
    total = np.bincount(owner, weights=apart - apart.mean(), minlength=count)
    return float((total**2).sum()) * count / (count - 1) / len(apart) ** 2
