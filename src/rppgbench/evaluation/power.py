"""How small a difference of two methods a number of people can show.

The unit is the person: the mean absolute error of one person under one method less that under the
other. The test is the paired t test, two-sided. Its interval covers heavy-tailed differences better
than a bootstrap with few people (docs: measurements/power).
"""

import math

ALPHA = 0.05
"""Level of the two-sided test."""

POWER = 0.8
"""The chance to find a difference that is there."""

MOST_PEOPLE = 1_000_000


def power(difference: float, sd: float, people: int, alpha: float = ALPHA) -> float:
    """The chance that the paired t test finds a true difference.

    The statistic is noncentral t with people - 1 degrees of freedom and the noncentrality
    difference sqrt(people) / sd. Source: Cohen, Statistical power analysis for the behavioral
    sciences, 1988, chapter 2.

    Args:
        difference: The true mean difference.
        sd: Standard deviation of the differences between people, above 0.
        people: Number of people.
        alpha: Level of the two-sided test.

    Returns:
        The power, 0 to 1; NaN with fewer than two people or without a spread.

    >>> round(power(0.5, 1.0, 34), 3)
    0.808
    """
    from scipy.stats import nct
    from scipy.stats import t as student

    if people < 2 or not sd > 0:
        return float("nan")
    critical = float(student.ppf(1 - alpha / 2, people - 1))
    shift = abs(difference) * math.sqrt(people) / sd
    above = float(nct.sf(critical, people - 1, shift))
    below = float(nct.cdf(-critical, people - 1, shift))
    # The tail of the far side underflows to NaN where the shift is large: it is 0 there.
    return min((above if math.isfinite(above) else 1.0) + (below if below > 0 else 0.0), 1.0)


def detectable_difference(
    sd: float, people: int, *, chance: float = POWER, alpha: float = ALPHA
) -> float:
    """The smallest true difference that a number of people finds with a given chance.

    Args:
        sd: Standard deviation of the differences between people.
        people: Number of people.
        chance: The power wanted.
        alpha: Level of the two-sided test.

    Returns:
        The difference in the unit of `sd`; NaN with fewer than two people, 0 without a spread.

    >>> round(detectable_difference(1.0, 34), 3)
    0.495
    """
    from scipy.optimize import brentq

    if people < 2 or not math.isfinite(sd):
        return float("nan")
    if sd <= 0:
        return 0.0
    high = 1.0
    while power(high, 1.0, people, alpha) < chance:
        high *= 2
    return sd * float(brentq(lambda d: power(d, 1.0, people, alpha) - chance, 0.0, high))


def people_needed(
    difference: float, sd: float, *, chance: float = POWER, alpha: float = ALPHA
) -> int | None:
    """How many people find a true difference with a given chance.

    Args:
        difference: The true mean difference.
        sd: Standard deviation of the differences between people.
        chance: The power wanted.
        alpha: Level of the two-sided test.

    Returns:
        The number of people, at least 2; None where a million do not suffice.

    >>> people_needed(0.5, 1.0)  # as G*Power 3.1 has it
    34
    """
    if not (math.isfinite(sd) and math.isfinite(difference) and difference != 0):
        return None
    if sd <= 0:
        return 2
    low, high = 1, 2
    while power(difference, sd, high, alpha) < chance:
        low, high = high, 2 * high
        if low > MOST_PEOPLE:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if power(difference, sd, middle, alpha) >= chance else (middle, high)
        )
    return high


def printed_sd(mae: float, rmse: float) -> float:
    """The standard deviation of the absolute errors behind a printed MAE and RMSE.

    RMSE^2 is the mean of the squared absolute error, so its variance is RMSE^2 - MAE^2.

    Args:
        mae: Mean absolute error.
        rmse: Root of the mean squared error.

    Returns:
        The standard deviation in the unit of both; NaN where RMSE is below MAE.

    >>> printed_sd(3.0, 5.0)
    4.0
    """
    square = rmse**2 - mae**2
    return math.sqrt(square) if square >= 0 else float("nan")


def paired_sd(first: float, second: float, correlation: float) -> float:
    """The standard deviation of a difference of two correlated errors.

    Args:
        first: Standard deviation of the first.
        second: Standard deviation of the second.
        correlation: Their correlation over people, -1 to 1.

    Returns:
        The standard deviation of first less second.

    >>> paired_sd(3.0, 4.0, 0.0)
    5.0
    """
    return math.sqrt(max(first**2 + second**2 - 2 * correlation * first * second, 0.0))
