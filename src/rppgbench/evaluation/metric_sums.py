"""Sums over rows from which every metric is computed.

Every metric of `rppgbench.evaluation.metrics` is a function of sums over rows: a mean is a sum over
a count, a standard deviation comes from the sums of a quantity and of its square, a correlation
from these of two quantities and the sum of their product. A sum over a data set is the sum of its
subjects' sums. So a bootstrap over subjects needs no rows: with the counts W (resamples, subjects)
of how often each subject is drawn and the sums S (subjects, K), W @ S holds the sums of all
resamples.

The sums: the count of rows; for the errors the sums of the error, of its absolute value, its square
and its percentage, and the counts within a limit and at half and double the rate; for the
correlations the five sums of reference, estimate, their squares and their product; for each of SNR,
MCC and MACC the sum and the count of the rows that have a value; the count, the sum of absolute
errors and that of percentages of the rows with an estimate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

MIDDLE_BPM = 75.0
"""Rates are summed as differences from this rate, so that a variance from sums does not cancel."""

Sums = Mapping[str, Array]
"""The sum of every term by name, each (...,)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Scored rows, as the terms of the sums see them; every array is (n,).

    Attributes:
        reference: Heart rates of the reference in bpm.
        error: Estimate less reference in bpm; of a missing estimate by the evaluator's rule.
        missing: Whether the row has no estimate.
        columns: Values that are known of each window (snr_db, mcc, macc), NaN where there is none.
    """

    reference: Array
    error: Array
    missing: NDArray[np.bool_]
    columns: Mapping[str, Array]

    @cached_property
    def absolute(self) -> Array:
        """The absolute error in bpm."""
        return np.abs(self.error)

    @cached_property
    def centred_reference(self) -> Array:
        """The reference less `MIDDLE_BPM`."""
        return self.reference - MIDDLE_BPM

    @cached_property
    def centred_estimate(self) -> Array:
        """The estimate less `MIDDLE_BPM`."""
        return self.reference + self.error - MIDDLE_BPM


Term = Callable[[Rows], Array | NDArray[np.bool_]]
"""What every row adds to one sum: (n,)."""


def row_terms(rows: Rows, terms: Mapping[str, Term]) -> Array:
    """What every row adds to every sum.

    Args:
        rows: The scored rows, n of them.
        terms: The K terms by name.

    Returns:
        (n, K), in the order of `terms`.
    """
    out: Array = np.empty((len(rows.reference), len(terms)))
    for k, term in enumerate(terms.values()):
        out[:, k] = term(rows)
    return out


def has_value(column: str) -> Term:
    """The term that counts the rows with a value of a column: 1 or 0."""

    def term(rows: Rows) -> Array:
        if column not in rows.columns:
            return np.zeros(len(rows.reference))
        return np.isfinite(rows.columns[column]).astype(np.float64)

    return term


def known_value(column: str) -> Term:
    """The term that adds the value of a column, 0 where there is none."""

    def term(rows: Rows) -> Array:
        if column not in rows.columns:
            return np.zeros(len(rows.reference))
        values = rows.columns[column]
        return np.where(np.isfinite(values), values, 0.0)

    return term


def ratio(total: str, count: str) -> Callable[[Sums], Array]:
    """The formula that divides one sum by another; NaN where the divisor is 0.

    Args:
        total: Name of the sum that is divided.
        count: Name of the sum that divides it.
    """

    def from_sums(sums: Sums) -> Array:
        n = sums[count]
        out: Array = np.full(n.shape, np.nan)
        np.divide(sums[total], n, out=out, where=n > 0)
        return out

    return from_sums


def covariance(sums: Sums, product: str, first: str, second: str) -> Array:
    """Covariance of two quantities (divided by n): E[xy] - E[x] E[y], (...,).

    Args:
        sums: The sums by name.
        product: Name of the sum of x y.
        first: Name of the sum of x.
        second: Name of the sum of y.
    """
    n = np.maximum(sums["n"], 1)
    means: Array = sums[first] / n * sums[second] / n
    out: Array = sums[product] / n - means
    return out
