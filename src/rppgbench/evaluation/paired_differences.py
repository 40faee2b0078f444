"""How far the errors of two methods lie apart, with an interval over subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.evaluation.bootstrap import bootstrap

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ErrorDifference:
    """The mean absolute error of one method less that of another, in bpm.

    `low_bpm` and `high_bpm` are the 95 % limits over subjects, NaN with fewer than two subjects.
    """

    value_bpm: float
    low_bpm: float
    high_bpm: float


def error_difference(
    first: pd.DataFrame, second: pd.DataFrame, *, resamples: int = 2000, seed: int = 0
) -> ErrorDifference:
    """The difference of two mean absolute errors over windows: first less second.

    Both methods are resampled together, subject by subject, so that what makes a subject hard for
    both does not widen the interval.

    Args:
        first: The rows of `score_windows` of one method; a row without a reference is not scored.
        second: Those of another method.
        resamples: Number of resamples.
        seed: Seed of the draws.

    Returns:
        The difference and its BCa limits (see `bootstrap`).

    >>> import pandas as pd
    >>> rows = {"dataset": "d", "subject": ["a", "b"], "reference_bpm": 60.0}
    >>> first, second = (pd.DataFrame({**rows, "error_bpm": e}) for e in ([-3.0, 5.0], [1.0, 1.0]))
    >>> error_difference(first, second).value_bpm
    3.0
    """
    import pandas as pd

    sums = pd.concat([_subject_sums(first), _subject_sums(second)], axis=1).fillna(0.0)
    by_subject = sums.sort_index().to_numpy(dtype=float)
    value = float(_difference(by_subject.sum(axis=0))[0])
    low, high = bootstrap(by_subject, _difference, resamples=resamples, seed=seed)
    return ErrorDifference(value_bpm=value, low_bpm=float(low[0]), high_bpm=float(high[0]))


def _subject_sums(windows: pd.DataFrame) -> pd.DataFrame:
    """For each subject the sum of the absolute errors and the number of scored windows."""
    scored = windows[windows["reference_bpm"].notna()]
    errors = scored.assign(error_bpm=scored["error_bpm"].abs())
    groups = errors.groupby(["dataset", "subject"], sort=True)["error_bpm"]
    return groups.agg(["sum", "count"])


def _difference(sums: Array) -> Array:
    """Sums (..., 4) to the difference of the two means (..., 1); NaN where one has no window."""
    counts = sums[..., [1, 3]]
    means = np.full(counts.shape, np.nan)
    np.divide(sums[..., [0, 2]], counts, out=means, where=counts > 0)
    difference: Array = means[..., :1] - means[..., 1:]
    return difference
