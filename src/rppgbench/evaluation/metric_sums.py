"""Sums over rows that every metric can be worked out from."""

from collections.abc import Callable, Mapping

import numpy as np

from rppgbench.core.waveform import Array

MIDDLE_BPM = 75.0
"""Rates are summed as differences from this, so that variances do not cancel."""

STEADY_BPM2 = 1e-9
"""A variance under this is rounding: rates are told to 1e-3 bpm at best."""

SUMS = (
    "n",  # rows with a reference
    "error",
    "absolute",
    "squared",
    "percent",
    "within_5",
    "within_10",
    "reference",
    "estimate",
    "reference2",
    "estimate2",
    "product",
    "snr_n",  # rows with an SNR
    "snr",
    "mcc_n",
    "mcc",
    "macc_n",
    "macc",
    "covered_n",  # rows with an estimate
    "covered_absolute",
)
"""The sufficient statistics of every metric here: sums over rows, in this order."""

_AT = {name: k for k, name in enumerate(SUMS)}


def sums(reference: Array, error: Array, missing: Array, per_window: Mapping[str, Array]) -> Array:
    """What every row adds to the sums: (n, len(SUMS)).

    `error` is the estimate less the reference, of a missing estimate by the evaluator's rule;
    `per_window` holds the columns snr_db, mcc and macc where there are such.
    """
    out: Array = np.zeros((len(reference), len(SUMS)))
    x, y = reference - MIDDLE_BPM, reference + error - MIDDLE_BPM
    absolute = np.abs(error)
    rows = {
        "n": np.ones(len(reference)),
        "error": error,
        "absolute": absolute,
        "squared": error**2,
        "percent": 100 * absolute / reference,
        "within_5": absolute <= 5,
        "within_10": absolute <= 0.1 * reference,
        "reference": x,
        "estimate": y,
        "reference2": x * x,
        "estimate2": y * y,
        "product": x * y,
        "covered_n": ~missing.astype(bool),
        "covered_absolute": np.where(missing, 0.0, absolute),
    }
    for column, name in (("snr_db", "snr"), ("mcc", "mcc"), ("macc", "macc")):
        if column in per_window:
            known = np.isfinite(per_window[column])
            rows[name + "_n"] = known
            rows[name] = np.where(known, per_window[column], 0.0)
    for name, values in rows.items():
        out[:, _AT[name]] = values
    return out


def ratio(total: str, count: str) -> Callable[[Array], Array]:
    """What divides one sum by another: NaN where there is nothing to divide by."""

    def of_sums(s: Array) -> Array:
        n = s[..., _AT[count]]
        out: Array = np.full(n.shape, np.nan)
        np.divide(s[..., _AT[total]], n, out=out, where=n > 0)
        return out

    return of_sums


def _spread(s: Array, square: str, one: str, other: str) -> Array:
    """Covariance of two columns from their sums: (...,)."""
    n = np.maximum(s[..., _AT["n"]], 1)
    product: Array = s[..., _AT[one]] / n * s[..., _AT[other]] / n
    out: Array = s[..., _AT[square]] / n - product
    return out


def std_of_sums(s: Array) -> Array:
    """Standard deviation of the error from sums (..., len(SUMS))."""
    variance = np.maximum(_spread(s, "squared", "error", "error"), 0)
    return np.where(s[..., _AT["n"]] > 0, np.sqrt(variance), np.nan)


def rmse_of_sums(s: Array) -> Array:
    """Root of the mean squared error from sums (..., len(SUMS))."""
    root: Array = np.sqrt(ratio("squared", "n")(s))
    return root


def r_of_sums(s: Array) -> Array:
    """Pearson's correlation from sums (..., len(SUMS)); NaN where n < 3 or a side is constant."""
    x = _spread(s, "reference2", "reference", "reference")
    y = _spread(s, "estimate2", "estimate", "estimate")
    fine = (np.minimum(x, y) >= STEADY_BPM2) & (s[..., _AT["n"]] >= 3)
    scale = np.sqrt(np.where(fine, x * y, 1.0))
    value = np.clip(_spread(s, "product", "reference", "estimate") / scale, -1, 1)
    return np.where(fine, value, np.nan)


mae_covered_of_sums = ratio("covered_absolute", "covered_n")
"""Mean absolute error over the windows that have an estimate: the number that hides failures."""
