"""Metrics of heart rates: formulas, and the registry of what they mean and how they are shown.

A metric is added here alone: one function (the plain formula), one `Metric` in `METRICS`, and a
line in `TERMS` where its sums need a term that no other metric has; those of beats are in
`rppgbench.evaluation.variability_metrics`. The summary, the intervals, the tables and the pages
read the registry. The formula from sums exists beside the plain one because intervals need it
(`rppgbench.evaluation.metric_sums`); tests hold that both are equal.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.evaluation.metric_record import Metric, mean_of_known
from rppgbench.evaluation.metric_sums import (
    Sums,
    Term,
    covariance,
    has_value,
    known_value,
    ratio,
)
from rppgbench.evaluation.variability_metrics import VARIABILITY_METRICS, VARIABILITY_TERMS

CONSTANT_BPM2 = 1e-9
"""A variance below this is rounding: a rate is resolved to 1e-3 bpm at best."""


HARMONIC_BPM = 5.0
"""An estimate this near to half or twice the reference counts as a harmonic of it."""


def validate(reference: Array, estimate: Array) -> None:
    """Refuse input that would be scored wrongly without a sign of it.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    Raises:
        ValueError: The shapes differ, there is no value, a value is not finite, or a reference is
            0 or below.
    """
    if reference.shape != estimate.shape or reference.ndim != 1 or not len(reference):
        raise ValueError(f"need two (n,) arrays, n > 0; got {reference.shape}, {estimate.shape}")
    if not (np.isfinite(reference).all() and np.isfinite(estimate).all()):
        raise ValueError("reference and estimate must be finite: a missing one has a declared rule")
    if not (reference > 0).all():
        raise ValueError("a reference heart rate must be above 0: a device's 0 means no reading")


def std(reference: Array, estimate: Array) -> float:
    """Standard deviation of the error about its mean (divided by n), in bpm; 0 to inf, 0 is best.

    With the mean error it gives the RMSE: rmse^2 = std^2 + mean^2. Source: Li et al., Remote heart
    rate measurement from face videos under realistic situations, CVPR 2014, 10.1109/CVPR.2014.543
    ("SDe").

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> std(np.array([60.0, 80.0]), np.array([62.0, 78.0]))
    2.0
    """
    validate(reference, estimate)
    return float(np.std(estimate - reference))


def _std_from_sums(sums: Sums) -> Array:
    variance = np.maximum(covariance(sums, "squared", "error", "error"), 0)
    return np.where(sums["n"] > 0, np.sqrt(variance), np.nan)


def mae(reference: Array, estimate: Array) -> float:
    """Mean absolute error in bpm; 0 to inf, 0 is best.

    Source: Willmott, Matsuura, 2005, 10.3354/cr030079.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> mae(np.array([60.0, 80.0]), np.array([62.0, 79.0]))
    1.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference)))


def rmse(reference: Array, estimate: Array) -> float:
    """Root of the mean squared error in bpm; 0 to inf, 0 is best. Source: as `std`.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> rmse(np.array([60.0, 80.0]), np.array([63.0, 76.0]))  # sqrt((9 + 16) / 2)
    3.5355339059327378
    """
    validate(reference, estimate)
    return float(np.sqrt(np.mean((estimate - reference) ** 2)))


def _rmse_from_sums(sums: Sums) -> Array:
    root: Array = np.sqrt(ratio("squared", "n")(sums))
    return root


def mape(reference: Array, estimate: Array) -> float:
    """Mean absolute error in percent of the reference; 0 to inf, 0 is best.

    Source: Liu et al., rPPG-Toolbox, NeurIPS 2023 datasets and benchmarks, arXiv 2210.00716.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> round(mape(np.array([50.0, 80.0]), np.array([55.0, 84.0])), 9)  # (10 % + 5 %) / 2
    7.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference) / reference) * 100)


def r(reference: Array, estimate: Array) -> float:
    """Pearson's correlation of reference and estimate; -1 to 1, 1 is best.

    NaN where either is constant (a variance below 1e-9 bpm^2) or n is below 3: two points always
    lie on a line. Source: Pearson, 1895, 10.1098/rspl.1895.0041.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> estimate = np.array([61.0, 70.0, 82.0])
    >>> round(r(np.array([60.0, 70.0, 80.0]), estimate), 4)  # 210 / sqrt(200 x 222)
    0.9966
    >>> r(np.array([60.0, 70.0, 80.0]), np.array([65.0, 65.0, 65.0]))
    nan
    """
    validate(reference, estimate)
    if len(reference) < 3 or min(reference.var(), estimate.var()) < CONSTANT_BPM2:
        return float("nan")
    return float(np.corrcoef(reference, estimate)[0, 1])


def _r_from_sums(sums: Sums) -> Array:
    x = covariance(sums, "reference2", "reference", "reference")
    y = covariance(sums, "estimate2", "estimate", "estimate")
    defined = (np.minimum(x, y) >= CONSTANT_BPM2) & (sums["n"] >= 3)
    scale = np.sqrt(np.where(defined, x * y, 1.0))
    value = np.clip(covariance(sums, "product", "reference", "estimate") / scale, -1, 1)
    return np.where(defined, value, np.nan)


def ccc(reference: Array, estimate: Array) -> float:
    """Lin's concordance correlation of reference and estimate; -1 to 1, 1 is best.

    2 cov / (var + var + (difference of means)^2), with variances divided by n: a correlation that a
    bias or another scale lowers. NaN where both are constant and equal, or n is below 3.
    Source: Lin, A concordance correlation coefficient to evaluate reproducibility, 1989,
    10.2307/2532051.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> round(ccc(np.array([60.0, 70.0, 80.0]), np.array([65.0, 75.0, 85.0])), 4)  # 400 / 475
    0.8421
    """
    validate(reference, estimate)
    spread = reference.var() + estimate.var() + (reference.mean() - estimate.mean()) ** 2
    if len(reference) < 3 or spread < CONSTANT_BPM2:
        return float("nan")
    common = np.mean((reference - reference.mean()) * (estimate - estimate.mean()))
    return float(2 * common / spread)


def _ccc_from_sums(sums: Sums) -> Array:
    x = covariance(sums, "reference2", "reference", "reference")
    y = covariance(sums, "estimate2", "estimate", "estimate")
    spread = x + y + ratio("error", "n")(sums) ** 2
    defined = (spread >= CONSTANT_BPM2) & (sums["n"] >= 3)
    common = covariance(sums, "product", "reference", "estimate")
    return np.where(defined, np.clip(2 * common / np.where(defined, spread, 1.0), -1, 1), np.nan)


def at_half_rate(reference: Array, estimate: Array) -> float:
    """Share of estimates near half the reference, as if beats were missed; 0 to 1, 0 is best.

    Near is at most 5 bpm; an estimate that is also near the reference does not count. Source: this
    suite.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> at_half_rate(np.array([90.0, 90.0]), np.array([47.0, 89.0]))
    0.5
    """
    validate(reference, estimate)
    return float(np.mean(_near_multiple(reference, estimate - reference, 0.5)))


def at_double_rate(reference: Array, estimate: Array) -> float:
    """Share of estimates near twice the reference, its second harmonic; 0 to 1, 0 is best.

    Near is as for `at_half_rate`. Source: this suite.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> at_double_rate(np.array([60.0, 60.0]), np.array([123.0, 61.0]))
    0.5
    """
    validate(reference, estimate)
    return float(np.mean(_near_multiple(reference, estimate - reference, 2.0)))


def _near_multiple(reference: Array, error: Array, factor: float) -> NDArray[np.bool_]:
    """Whether an estimate is near a multiple of the reference and not near the reference: (n,)."""
    off = np.abs(error - (factor - 1) * reference)
    return (off <= HARMONIC_BPM) & (np.abs(error) > HARMONIC_BPM)


def within_5_bpm(reference: Array, estimate: Array) -> float:
    """Share of estimates at most 5 bpm from the reference; 0 to 1, 1 is best.

    Source: ANSI/AAMI EC13:2002, Cardiac monitors, heart rate meters, and alarms (5 bpm or 10 %).

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> within_5_bpm(np.array([60.0, 60.0]), np.array([65.0, 66.0]))
    0.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference) <= 5))


def within_10_percent(reference: Array, estimate: Array) -> float:
    """Share of estimates at most 10 % of the reference from it; 0 to 1, 1 is best.

    Source: as `within_5_bpm`.

    Args:
        reference: Heart rates of the reference (n,), in bpm.
        estimate: Estimated heart rates (n,), in bpm.

    >>> within_10_percent(np.array([100.0, 60.0]), np.array([108.0, 68.0]))
    0.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference) <= 0.1 * reference))


TERMS: Mapping[str, Term] = {
    "n": lambda rows: np.ones(len(rows.reference)),
    "error": lambda rows: rows.error,
    "absolute": lambda rows: rows.absolute,
    "squared": lambda rows: rows.error**2,
    "percent": lambda rows: 100 * rows.absolute / rows.reference,
    "within_5": lambda rows: rows.absolute <= 5,
    "within_10": lambda rows: rows.absolute <= 0.1 * rows.reference,
    "reference": lambda rows: rows.centred_reference,
    "estimate": lambda rows: rows.centred_estimate,
    "reference2": lambda rows: rows.centred_reference * rows.centred_reference,
    "estimate2": lambda rows: rows.centred_estimate * rows.centred_estimate,
    "product": lambda rows: rows.centred_reference * rows.centred_estimate,
    "snr_n": has_value("snr_db"),
    "snr": known_value("snr_db"),
    "mcc_n": has_value("mcc"),
    "mcc": known_value("mcc"),
    "macc_n": has_value("macc"),
    "macc": known_value("macc"),
    "covered_n": lambda rows: ~rows.missing,
    "covered_absolute": lambda rows: np.where(rows.missing, 0.0, rows.absolute),
    "covered_percent": lambda rows: np.where(
        rows.missing, 0.0, 100 * rows.absolute / rows.reference
    ),
    "half_rate": lambda rows: ~rows.missing & _near_multiple(rows.reference, rows.error, 0.5),
    "double_rate": lambda rows: ~rows.missing & _near_multiple(rows.reference, rows.error, 2.0),
    **VARIABILITY_TERMS,
}
"""What every row adds to each sum; sums of these terms give every metric."""


def named_sums(total: Array) -> Sums:
    """Sums (..., K) of all terms as views by name, each (...,)."""
    return {name: total[..., k] for k, name in enumerate(TERMS)}


mae_covered_from_sums = ratio("covered_absolute", "covered_n")
"""Mean absolute error over the windows that have an estimate; it does not count failures."""

mape_covered_from_sums = ratio("covered_percent", "covered_n")
"""Mean absolute error in percent over the windows that have an estimate ("gated")."""


_INF = float("inf")

_ALL = (
    Metric(
        name="std",
        label="Std",
        unit="bpm",
        better="lower",
        range=(0, _INF),
        definition="Standard deviation of the error.",
        source="10.1109/CVPR.2014.543",
        compute=std,
        from_sums=_std_from_sums,
        place=3,
    ),
    Metric(
        name="mae",
        label="MAE",
        unit="bpm",
        better="lower",
        range=(0, _INF),
        definition="Mean absolute error.",
        source="10.3354/cr030079",
        compute=mae,
        from_sums=ratio("absolute", "n"),
        seed_std=True,
        place=1,
    ),
    Metric(
        name="rmse",
        label="RMSE",
        unit="bpm",
        better="lower",
        range=(0, _INF),
        definition="Root of the mean squared error.",
        source="10.1109/CVPR.2014.543",
        compute=rmse,
        from_sums=_rmse_from_sums,
        seed_std=True,
        place=2,
    ),
    Metric(
        name="mape",
        label="MAPE",
        unit="%",
        better="lower",
        range=(0, _INF),
        definition="Mean absolute error in percent of the reference; ANSI/CTA-2065 asks for less "
        "than 10 % of a consumer device.",
        source="arXiv 2210.00716",
        compute=mape,
        from_sums=ratio("percent", "n"),
    ),
    Metric(
        name="r",
        label="r",
        better="higher",
        range=(-1, 1),
        definition="Pearson's correlation with the reference; of fewer than three there is none.",
        source="10.1098/rspl.1895.0041",
        compute=r,
        from_sums=_r_from_sums,
    ),
    Metric(
        name="snr_db",
        label="SNR",
        unit="dB",
        better="higher",
        range=(-_INF, _INF),
        definition="Power at the reference rate and its double over the rest, by the evaluator's "
        "named definition; mean of the windows that have an estimate.",
        source="10.1109/TBME.2013.2266196",
        compute=mean_of_known,
        from_sums=ratio("snr", "snr_n"),
        column="snr_db",
        decimals=1,
    ),
    Metric(
        name="mcc",
        label="MCC",
        better="higher",
        range=(-1, 1),
        definition="Largest cross-correlation with the reference pulse within 40 to 250 bpm; mean "
        "of the windows that have an estimate. The sign matters: a pulse that is drawn upside "
        "down (brightness falls where blood volume rises) scores lower by as much as its rise "
        "differs from its fall.",
        source="Gideon, Stent, The Way to my Heart is through Contrastive Learning, ICCV 2021, "
        "eq. 1",
        compute=mean_of_known,
        from_sums=ratio("mcc", "mcc_n"),
        column="mcc",
        optional=True,
    ),
    Metric(
        name="macc",
        label="MACC",
        better="higher",
        range=(0, 1),
        definition="Largest absolute correlation with the reference pulse over circular shifts; "
        "mean of the windows that have an estimate.",
        source="arXiv 2210.00716",
        compute=mean_of_known,
        from_sums=ratio("macc", "macc_n"),
        column="macc",
        optional=True,
    ),
    Metric(
        name="within_5_bpm",
        label="Within 5 bpm",
        better="higher",
        range=(0, 1),
        definition="Share of estimates at most 5 bpm from the reference.",
        source="ANSI/AAMI EC13:2002",
        compute=within_5_bpm,
        from_sums=ratio("within_5", "n"),
        decimals=1,
        percent=True,
    ),
    Metric(
        name="within_10_percent",
        label="Within 10 %",
        better="higher",
        range=(0, 1),
        definition="Share of estimates at most 10 % of the reference from it.",
        source="ANSI/AAMI EC13:2002",
        compute=within_10_percent,
        from_sums=ratio("within_10", "n"),
        decimals=1,
        percent=True,
    ),
    Metric(
        name="ccc",
        label="CCC",
        better="higher",
        range=(-1, 1),
        definition="Lin's concordance correlation with the reference; a bias lowers it.",
        source="10.2307/2532051",
        compute=ccc,
        from_sums=_ccc_from_sums,
        on_page=False,
    ),
    Metric(
        name="at_half_rate",
        label="At half the rate",
        better="lower",
        range=(0, 1),
        definition="Share of windows whose estimate is within 5 bpm of half the reference, and not "
        "of the reference.",
        source="this suite",
        compute=at_half_rate,
        from_sums=ratio("half_rate", "n"),
        decimals=1,
        percent=True,
        on_page=False,
    ),
    Metric(
        name="at_double_rate",
        label="At double the rate",
        better="lower",
        range=(0, 1),
        definition="Share of windows whose estimate is within 5 bpm of twice the reference, and "
        "not of the reference.",
        source="this suite",
        compute=at_double_rate,
        from_sums=ratio("double_rate", "n"),
        decimals=1,
        percent=True,
        on_page=False,
    ),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in (*_ALL, *VARIABILITY_METRICS)}
"""Every metric of a summary by name, in the order of table.csv."""
