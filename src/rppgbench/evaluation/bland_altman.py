"""Bland-Altman: bias and limits of agreement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rppgbench.core.waveform import Array

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class LimitsOfAgreement:
    """Bias and limits of agreement, in the unit of the data, with 95 % intervals.

    Attributes:
        n: Number of differences.
        subjects: Number of subjects.
        bias: Mean difference.
        bias_low: Lower end of its interval; NaN with fewer than two subjects, as all intervals.
        bias_high: Upper end.
        lower: Lower limit of agreement; NaN with fewer than two differences.
        lower_low: Lower end of its interval.
        lower_high: Upper end.
        upper: Upper limit of agreement.
        upper_low: Lower end of its interval.
        upper_high: Upper end.
        within_sd: Standard deviation within subjects.
        between_sd: Standard deviation between subjects.
    """

    n: int
    subjects: int
    bias: float
    bias_low: float = float("nan")
    bias_high: float = float("nan")
    lower: float = float("nan")
    lower_low: float = float("nan")
    lower_high: float = float("nan")
    upper: float = float("nan")
    upper_low: float = float("nan")
    upper_high: float = float("nan")
    within_sd: float = float("nan")
    between_sd: float = float("nan")


def bland_altman(
    reference: ArrayLike, estimate: ArrayLike, subjects: ArrayLike | None = None
) -> LimitsOfAgreement:
    """Bias and limits of agreement of estimate less reference.

    With `subjects` the measurements of one subject count as repeated while the true value varies:
    one-way analysis of variance gives the variance within subjects (the mean square within) and
    between subjects, (mean square between - within) / m0 with
    m0 = ((sum m)^2 - sum m^2) / ((S - 1) sum m), not below 0; m are the measurements of each of S
    subjects. The limits are bias -+ 1.96 sqrt(within + between). Without `subjects` every
    difference has its own: bias -+ 1.96 sd (divided by n - 1).

    Intervals: of the bias over subjects' means by t with S - 1 degrees of freedom; of the limits by
    the variance 1.96^2 var(sd^2) / (4 sd^2) + var(bias) (the delta method on the two mean squares)
    and the same t. Source: Bland, Altman, Agreement between methods of measurement with multiple
    observations per individual, 2007, 10.1080/10543400701329422, section 3; 1999,
    10.1177/096228029900800204.

    Args:
        reference: (n,); only pairs of finite values count.
        estimate: (n,).
        subjects: The subject of each pair (n,).

    Raises:
        ValueError: The shapes differ, or are not (n,).

    >>> agreement = bland_altman([60, 70, 80, 90], [61, 69, 82, 90])
    >>> agreement.bias, round(agreement.upper, 3)  # differences 1, -1, 2, 0: sd sqrt(5 / 3)
    (0.5, 3.03)
    """
    from scipy.stats import t as student

    first, second = (np.asarray(x, dtype=np.float64) for x in (reference, estimate))
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"need two (n,) arrays, got {first.shape} and {second.shape}")
    finite = np.isfinite(first) & np.isfinite(second)
    differences = (second - first)[finite]
    if subjects is None:
        differences = np.sort(differences)
        owner = np.arange(len(differences))
    else:
        owner = np.unique(np.asarray(subjects)[finite], return_inverse=True)[1]
        order = np.lexsort((differences, owner))  # sums do not depend on the order of the pairs
        differences, owner = differences[order], owner[order]
    n, count = len(differences), int(owner.max()) + 1 if len(differences) else 0
    nan = float("nan")
    bias = float(differences.mean()) if n else nan
    if n < 2:
        return LimitsOfAgreement(n=n, subjects=count, bias=bias)
    within, between, variance_of_variance = _variances(differences, owner, count)
    total = within + between
    bias_variance = _bias_variance(differences, owner, count)
    sd = float(np.sqrt(total))
    lower, upper = bias - 1.96 * sd, bias + 1.96 * sd
    bias_half, limit_half = nan, nan  # half widths of the intervals
    if count > 1:
        quantile = float(student.ppf((1 + CONFIDENCE) / 2, count - 1))
        bias_half = quantile * float(np.sqrt(bias_variance))
        sd_variance = variance_of_variance / (4 * total) if total > 0 else 0.0
        limit_half = quantile * float(np.sqrt(bias_variance + 1.96**2 * sd_variance))
    return LimitsOfAgreement(
        n=n,
        subjects=count,
        bias=bias,
        bias_low=bias - bias_half,
        bias_high=bias + bias_half,
        lower=lower,
        lower_low=lower - limit_half,
        lower_high=lower + limit_half,
        upper=upper,
        upper_low=upper - limit_half,
        upper_high=upper + limit_half,
        within_sd=float(np.sqrt(within)),
        between_sd=float(np.sqrt(between)),
    )


def _variances(
    differences: Array, owner: NDArray[np.int64], count: int
) -> tuple[float, float, float]:
    """Variance within and between subjects, and the variance of their sum as estimated."""
    n = len(differences)
    size = np.bincount(owner, minlength=count).astype(np.float64)
    means = np.bincount(owner, weights=differences, minlength=count) / size
    if count in (1, n):  # nothing repeated, or nothing but repeats
        variance = float(differences.var(ddof=1))
        parts = (variance, 0.0) if count == 1 else (0.0, variance)
        return *parts, 2 * variance**2 / (n - 1)
    square_within = float(((differences - means[owner]) ** 2).sum()) / (n - count)
    square_between = float((size * (means - differences.mean()) ** 2).sum()) / (count - 1)
    typical = (n**2 - float((size**2).sum())) / ((count - 1) * n)
    between = max((square_between - square_within) / typical, 0.0)
    variance_of_sum = 2 * (square_between / typical) ** 2 / (count - 1)
    variance_of_sum += 2 * ((1 - 1 / typical) * square_within) ** 2 / (n - count)
    return square_within, between, variance_of_sum


def _bias_variance(differences: Array, owner: NDArray[np.int64], count: int) -> float:
    """Variance of the mean difference, subjects being what is sampled (ratio estimator)."""
    if count < 2:
        return float("nan")
    total = np.bincount(owner, weights=differences - differences.mean(), minlength=count)
    return float((total**2).sum()) * count / (count - 1) / len(differences) ** 2
