"""What is said of many heart rates, as a register."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.evaluation.metric_sums import (
    STEADY_BPM2,
    r_of_sums,
    ratio,
    rmse_of_sums,
    std_of_sums,
)


def validate(reference: Array, estimate: Array) -> None:
    """Refuse what would score silently wrong: other shapes, nothing, NaN, rates of 0 and below."""
    if reference.shape != estimate.shape or reference.ndim != 1 or not len(reference):
        raise ValueError(f"need two (n,) arrays, n > 0; got {reference.shape}, {estimate.shape}")
    if not (np.isfinite(reference).all() and np.isfinite(estimate).all()):
        raise ValueError("reference and estimate must be finite: a missing one has a declared rule")
    if not (reference > 0).all():
        raise ValueError("a reference heart rate must be above 0: a device's 0 means no reading")


def std(reference: Array, estimate: Array) -> float:
    """Standard deviation of the error about its mean (divided by n), in bpm; 0 to inf, 0 is best.

    With the mean error it makes up the RMSE: rmse^2 = std^2 + mean^2. Source: Li et al., Remote
    heart rate measurement from face videos under realistic situations, CVPR 2014,
    10.1109/CVPR.2014.543 ("SDe").

    >>> std(np.array([60.0, 80.0]), np.array([62.0, 78.0]))
    2.0
    """
    validate(reference, estimate)
    return float(np.std(estimate - reference))


def mae(reference: Array, estimate: Array) -> float:
    """Mean absolute error in bpm; 0 to inf, 0 is best. Source: Willmott, Matsuura, 2005,
    10.3354/cr030079.

    >>> mae(np.array([60.0, 80.0]), np.array([62.0, 79.0]))
    1.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference)))


def rmse(reference: Array, estimate: Array) -> float:
    """Root of the mean squared error in bpm; 0 to inf, 0 is best. Source: as `std`.

    >>> rmse(np.array([60.0, 80.0]), np.array([63.0, 76.0]))  # sqrt((9 + 16) / 2)
    3.5355339059327378
    """
    validate(reference, estimate)
    return float(np.sqrt(np.mean((estimate - reference) ** 2)))


def mape(reference: Array, estimate: Array) -> float:
    """Mean absolute error in percent of the reference; 0 to inf, 0 is best.

    Source: Liu et al., rPPG-Toolbox, NeurIPS 2023 datasets and benchmarks, arXiv 2210.00716.

    >>> round(mape(np.array([50.0, 80.0]), np.array([55.0, 84.0])), 9)  # (10 % + 5 %) / 2
    7.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference) / reference) * 100)


def r(reference: Array, estimate: Array) -> float:
    """Pearson's correlation of reference and estimate; -1 to 1, 1 is best.

    NaN where either is constant (their variance is under 1e-9 bpm^2) or n is under 3: two points
    always lie on a line. Source: Pearson, 1895, 10.1098/rspl.1895.0041.

    >>> estimate = np.array([61.0, 70.0, 82.0])
    >>> round(r(np.array([60.0, 70.0, 80.0]), estimate), 4)  # 210 / sqrt(200 x 222)
    0.9966
    >>> r(np.array([60.0, 70.0, 80.0]), np.array([65.0, 65.0, 65.0]))
    nan
    """
    validate(reference, estimate)
    if len(reference) < 3 or min(reference.var(), estimate.var()) < STEADY_BPM2:
        return float("nan")
    return float(np.corrcoef(reference, estimate)[0, 1])


def within_5_bpm(reference: Array, estimate: Array) -> float:
    """Share of estimates at most 5 bpm from the reference; 0 to 1, 1 is best.

    Source: ANSI/AAMI EC13:2002, Cardiac monitors, heart rate meters, and alarms (5 bpm or 10 %).

    >>> within_5_bpm(np.array([60.0, 60.0]), np.array([65.0, 66.0]))
    0.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference) <= 5))


def within_10_percent(reference: Array, estimate: Array) -> float:
    """Share of estimates at most 10 % of the reference from it; 0 to 1, 1 is best.

    Source: as `within_5_bpm`.

    >>> within_10_percent(np.array([100.0, 60.0]), np.array([108.0, 68.0]))
    0.5
    """
    validate(reference, estimate)
    return float(np.mean(np.abs(estimate - reference) <= 0.1 * reference))


def coverage(with_estimate: int, expected: int) -> float:
    """Recordings with an estimate over recordings expected; 0 to 1, 1 is best.

    >>> coverage(41, 42)
    0.9761904761904762
    """
    if not 0 <= with_estimate <= expected or expected == 0:
        raise ValueError(f"{with_estimate} of {expected} recordings is no share")
    return with_estimate / expected


def mean_of_known(values: Array) -> float:
    """Mean over the windows that have the value (SNR, correlation); NaN where none has.

    >>> mean_of_known(np.array([1.0, 4.0, np.nan]))
    2.5
    """
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


@dataclass(frozen=True)
class Metric:
    """One measure: what it is called, which way is better, how bad it can be, what it means.

    `compute` takes (reference, estimate) in bpm or, for what is known of each window (`per_window`
    is the name of its column), its values. `of_sums` gives the same from sums (..., len(SUMS)).
    """

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher"]
    range: tuple[float, float]
    worst: float
    definition: str
    source: str
    compute: Callable[..., float] = field(repr=False)
    of_sums: Callable[[Array], Array] = field(repr=False)
    per_window: str = ""


_INF = float("inf")

_ALL = (
    Metric(
        "std",
        "Std",
        "bpm",
        "lower",
        (0, _INF),
        _INF,
        "Standard deviation of the error.",
        "10.1109/CVPR.2014.543",
        std,
        std_of_sums,
    ),
    Metric(
        "mae",
        "MAE",
        "bpm",
        "lower",
        (0, _INF),
        _INF,
        "Mean absolute error.",
        "10.3354/cr030079",
        mae,
        ratio("absolute", "n"),
    ),
    Metric(
        "rmse",
        "RMSE",
        "bpm",
        "lower",
        (0, _INF),
        _INF,
        "Root of the mean squared error.",
        "10.1109/CVPR.2014.543",
        rmse,
        rmse_of_sums,
    ),
    Metric(
        "mape",
        "MAPE",
        "%",
        "lower",
        (0, _INF),
        _INF,
        "Mean absolute error in percent of the reference.",
        "arXiv 2210.00716",
        mape,
        ratio("percent", "n"),
    ),
    Metric(
        "r",
        "r",
        "",
        "higher",
        (-1, 1),
        -1,
        "Pearson's correlation with the reference; of fewer than three there is none.",
        "10.1098/rspl.1895.0041",
        r,
        r_of_sums,
    ),
    Metric(
        "snr_db",
        "SNR",
        "dB",
        "higher",
        (-_INF, _INF),
        -_INF,
        "Power at the reference rate and its double over the rest, by the evaluator's named "
        "definition; mean of the windows that have an estimate.",
        "10.1109/TBME.2013.2266196",
        mean_of_known,
        ratio("snr", "snr_n"),
        "snr_db",
    ),
    Metric(
        "mcc",
        "MCC",
        "",
        "higher",
        (-1, 1),
        -1,
        "Largest cross-correlation with the reference pulse within 40 to 250 bpm; mean of the "
        "windows that have an estimate. It heeds the sign: a pulse that is drawn upside down "
        "(brightness falls where blood volume rises) scores lower by as much as its rise differs "
        "from its fall.",
        "Gideon, Stent, The Way to my Heart is through Contrastive Learning, ICCV 2021, eq. 1",
        mean_of_known,
        ratio("mcc", "mcc_n"),
        "mcc",
    ),
    Metric(
        "macc",
        "MACC",
        "",
        "higher",
        (0, 1),
        0,
        "Largest absolute correlation with the reference pulse over circular shifts; mean of "
        "the windows that have an estimate.",
        "arXiv 2210.00716",
        mean_of_known,
        ratio("macc", "macc_n"),
        "macc",
    ),
    Metric(
        "within_5_bpm",
        "within 5 bpm",
        "",
        "higher",
        (0, 1),
        0,
        "Share of estimates at most 5 bpm from the reference.",
        "ANSI/AAMI EC13:2002",
        within_5_bpm,
        ratio("within_5", "n"),
    ),
    Metric(
        "within_10_percent",
        "within 10 %",
        "",
        "higher",
        (0, 1),
        0,
        "Share of estimates at most 10 % of the reference from it.",
        "ANSI/AAMI EC13:2002",
        within_10_percent,
        ratio("within_10", "n"),
    ),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every measure of a summary by its name, in the order of a table."""
