"""The confidences of each method, judged on the same windows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rppgbench.evaluation.calibration import Calibration, calibration, fitted_probability
from rppgbench.evaluation.risk_coverage import (
    AreaDifference,
    RiskCoverage,
    area_difference,
    risk_coverage,
)
from rppgbench.evaluation.selective import OWN_CONFIDENCE, SNR_CONFIDENCE

if TYPE_CHECKING:
    import pandas as pd

MIN_WINDOWS = 20
"""Scored windows with a confidence from which on it is judged."""

Source = Literal["SNR and agreement", "the method's own"]
Basis = Literal["as stated", "fitted on other people"]


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedConfidence:
    """One confidence of one method.

    Attributes:
        method: Name of the method.
        source: Where the confidence comes from.
        curve: Risk against coverage of all scored windows of the method.
        difference: Area of the method's own confidence less that of the SNR; None where the method
            has one of the two, and for the SNR.
        calibrations: Its probabilities beside the share of correct windows, by what they are: those
            that a confidence from 0 to 1 states, and those of a fit on other people.
    """

    method: str
    source: Source
    curve: RiskCoverage
    difference: AreaDifference | None
    calibrations: tuple[tuple[Basis, Calibration], ...]


def judge_confidences(
    windows: pd.DataFrame, *, baselines: Collection[str] = ()
) -> list[JudgedConfidence]:
    """The confidences of all methods, the method with the smallest area first.

    Args:
        windows: Rows of `score_windows` with `confidence_db`.
        baselines: Methods that are left out.

    Returns:
        One record for each method and confidence, those of a method side by side.
    """
    by_method = [
        judged
        for method, rows in windows.groupby("method", sort=True)
        if method not in baselines and (judged := _judged(str(method), rows))
    ]
    by_method.sort(key=lambda judged: min(confidence.curve.area_bpm for confidence in judged))
    return [confidence for judged in by_method for confidence in judged]


def _judged(method: str, rows: pd.DataFrame) -> list[JudgedConfidence]:
    """The confidences of one method that have enough windows."""
    sources: dict[Source, str] = {
        "SNR and agreement": SNR_CONFIDENCE,
        "the method's own": OWN_CONFIDENCE,
    }
    is_scored = rows["reference_bpm"].notna()
    columns = {
        source: column
        for source, column in sources.items()
        if column in rows and (is_scored & rows[column].notna()).sum() >= MIN_WINDOWS
    }
    judged = []
    for source, column in columns.items():
        curve = risk_coverage(rows, column)
        assert curve is not None  # there are windows with a confidence
        is_own = column == OWN_CONFIDENCE
        both = is_own and len(columns) > 1
        judged.append(
            JudgedConfidence(
                method=method,
                source=source,
                curve=curve,
                difference=area_difference(rows, column, SNR_CONFIDENCE) if both else None,
                calibrations=tuple(_calibrations(rows, column, states_probability=is_own)),
            )
        )
    return judged


def _calibrations(
    rows: pd.DataFrame, column: str, *, states_probability: bool
) -> Sequence[tuple[Basis, Calibration]]:
    probabilities: dict[Basis, np.ndarray] = {}
    if states_probability:
        probabilities["as stated"] = rows[column].to_numpy(np.float64)
    probabilities["fitted on other people"] = fitted_probability(rows, column)
    return [
        (basis, measured)
        for basis, probability in probabilities.items()
        if (measured := calibration(rows, probability)) is not None
    ]
