"""How far the errors of two methods lie apart, with a t interval over people.

With few people and heavy-tailed differences the t interval holds what it says and a bootstrap does
not (docs: measurements/power).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.waveform import Array

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95

MIN_PEOPLE = 5
"""People from which on a difference counts as shown: where two rows are alike, one of them is lower
for all of n people in 1 of 2**n tables, whatever the distribution; below 1 in 20 from five on."""


@dataclass(frozen=True, kw_only=True)
class ErrorDifference:
    """The mean absolute error of one method less that of another, in bpm.

    `low_bpm` and `high_bpm` are limits over subjects (95 % where no other confidence is asked for),
    NaN with fewer than two subjects. `people` are the subjects under either method.
    """

    value_bpm: float
    low_bpm: float
    high_bpm: float
    people: int


def paired_interval(
    differences: Array, counts: Array | None = None, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The t interval of the mean of paired differences over people.

    With `counts` the mean is over all recordings, a ratio of two sums over people, whose variance
    is taken by linearisation (`half_width`). With equal counts both forms are the same. Source:
    Student, The probable error of a mean, 1908, 10.2307/2331554.

    Args:
        differences: One difference for each person (S,), or the sum over the person's recordings;
            NaN does not count.
        counts: The number of recordings of each person (S,); None for one each.
        confidence: Level of the interval.

    Returns:
        Low and high limit; NaN with fewer than two people.

    >>> low, high = paired_interval(np.array([1.0, 2.0, 3.0]))
    >>> round(low, 3), round(high, 3)  # 2 -+ 4.3027 x 1 / sqrt(3)
    (-0.484, 4.484)
    """
    finite = np.isfinite(differences)
    weights = (np.ones(len(differences)) if counts is None else counts)[finite]
    sums = differences[finite]
    if len(sums) < 2:
        return float("nan"), float("nan")
    total = math.fsum(weights)
    mean = math.fsum(sums) / total
    half = half_width((sums - mean * weights) / total, confidence)
    return mean - half, mean + half


def half_width(influence: Array, confidence: float = CONFIDENCE) -> float:
    """Half of the t interval of a statistic over people.

    The variance is S / (S - 1) times the sum of the squared influences, for a mean the variance of
    the mean. Source: Cochran, Sampling techniques, 1977, section 6.3.

    Args:
        influence: How much each person moves the statistic (S,), of mean 0; two people or more.
        confidence: Level of the interval.
    """
    from scipy.stats import t as student

    people = len(influence)
    variance = math.fsum(influence**2) * people / (people - 1)
    return float(student.ppf((1 + confidence) / 2, people - 1)) * math.sqrt(variance)


def error_difference(
    first: pd.DataFrame, second: pd.DataFrame, confidence: float = CONFIDENCE
) -> ErrorDifference:
    """The difference of two mean absolute errors: first less second.

    It is that of the means of `summarise`: over windows, or over recordings where the evaluator
    averages recordings, as the `attrs` of the rows say.

    The unit is the subject under both methods, so that what makes a subject hard for both does not
    widen the interval.

    Args:
        first: The rows of `score_windows` of one method; a row without a reference is not scored.
        second: Those of another method.
        confidence: Level of the interval.

    Returns:
        The difference and its t limits.

    >>> import pandas as pd
    >>> rows = {"dataset": "d", "subject": ["a", "b"], "reference_bpm": 60.0}
    >>> first, second = (pd.DataFrame({**rows, "error_bpm": e}) for e in ([-3.0, 5.0], [1.0, 1.0]))
    >>> error_difference(first, second).value_bpm
    3.0
    """
    import pandas as pd

    table = pd.concat([_subject_sums(first), _subject_sums(second)], axis=1).fillna(0.0)
    sums = table.sort_index().to_numpy(dtype=float)
    value, influence = 0.0, np.zeros(len(sums))
    for sign, (errors, counts) in ((1, sums[:, :2].T), (-1, sums[:, 2:].T)):
        count = math.fsum(counts)
        mean = math.fsum(errors) / count if count else float("nan")
        value += sign * mean
        influence += sign * (errors - mean * counts) / max(count, 1.0)
    half = (
        half_width(influence, confidence)
        if len(sums) > 1 and math.isfinite(value)
        else float("nan")
    )
    return ErrorDifference(
        value_bpm=value, low_bpm=value - half, high_bpm=value + half, people=len(sums)
    )


def mean_absolute_error(windows: pd.DataFrame) -> float:
    """The mean absolute error of a method as `error_difference` takes it; NaN without a row."""
    if not len(windows):
        return float("nan")
    sums = _subject_sums(windows)
    count = math.fsum(sums["count"])
    return math.fsum(sums["sum"]) / count if count else float("nan")


def _subject_sums(windows: pd.DataFrame) -> pd.DataFrame:
    """For each subject the sum of the absolute errors, and of how many windows or recordings."""
    person = ["dataset", "subject"]
    scored = windows[windows["reference_bpm"].notna()]
    errors = scored.assign(error_bpm=scored["error_bpm"].abs())
    if windows.attrs.get("pooling") == "recordings":
        runs = errors.groupby([*person, "recording", "seed"], sort=True)["error_bpm"]
        errors = runs.mean().reset_index()
    return errors.groupby(person, sort=True)["error_bpm"].agg(["sum", "count"])
