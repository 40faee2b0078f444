"""How far each method knows when not to answer."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from rppgbench.evaluation.risk_coverage import KEPT
from rppgbench.evaluation.selective import ConfidenceLevel, confidence_levels
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.frame import draw_framed
from rppgbench.report.inputs import Section, quantity_of
from rppgbench.report.sections.comparison import without_leaked
from rppgbench.report.sections.confidence_plots import plot_reliability, plot_risk
from rppgbench.report.sections.judged_confidence import JudgedConfidence, judge_confidences
from rppgbench.report.tables.columns import Column, format_bpm
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.signals.rate_confidence import CORRECT_BPM

if TYPE_CHECKING:
    import pandas as pd


def selective_sections(
    windows: pd.DataFrame,
    evaluator: str,
    *,
    baselines: Collection[str] = (),
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """Risk against coverage of every method, errors by level of confidence, and calibration.

    Args:
        windows: Rows of `score_windows` with `confidence_db`.
        evaluator: Name of the evaluator.
        baselines: Methods that are left out: a rate that ignores the video has no confidence.
        marks: What is simulated or imported.

    Returns:
        One section; none where no method has enough windows with a confidence, or where the
        evaluator reads no heart rates: the levels are those of heart rates. Leaked rows are left
        out.
    """
    if quantity_of(windows) != "heart rate":
        return ()
    windows, left_out = without_leaked(windows)
    judged = judge_confidences(windows, baselines=baselines)
    if not judged:
        return ()
    by_snr = [
        confidence.method for confidence in judged if confidence.source == "SNR and agreement"
    ]
    levels = {method: confidence_levels(windows[windows["method"] == method]) for method in by_snr}
    tables = [_curve_table(judged, marks)]
    tables += [_level_table(levels, marks)] if levels else []
    tables += [_calibration_table(judged, marks)] if any(j.calibrations for j in judged) else []
    drawings = (
        draw_framed(
            "risk-coverage",
            "Error of the windows of the highest confidence",
            lambda: plot_risk(judged),
            marks=marks,
        ),
        draw_framed(
            "reliability",
            "Stated probability and share correct",
            lambda: plot_reliability(judged),
            marks=marks,
        ),
    )
    return (
        Section(
            key="selective",
            title="Knowing when not to answer",
            paragraphs=(*_paragraphs(judged, evaluator), *left_out),
            tables=tuple(tables),
            drawings=tuple(drawing for drawing in drawings if drawing is not None),
        ),
    )


def _paragraphs(judged: Sequence[JudgedConfidence], evaluator: str) -> tuple[str, ...]:
    methods = [entry.method for entry in judged if entry.source == "the method's own"]
    has_snr = any(entry.source == "SNR and agreement" for entry in judged)
    definition = (
        "The confidence of a window is the signal-to-noise ratio of the pulse at its own "
        "heart rate, less 1 dB for each bpm from the median of a method's face regions, "
        "less 20 dB at the edge of the band. No reference is needed."
    )
    if not has_snr:
        definition = "Heart rates without a waveform have no signal-to-noise ratio."
    paragraphs = [
        f"{definition} Windows are kept in the order of falling confidence, under {evaluator}. A "
        "window without an estimate comes last.",
        "Skill is 1 where the order is that of the errors, and 0 where it knows nothing of "
        "them. The area is the mean error over all shares of windows, with its 95 % "
        "interval over people.",
    ]
    if methods:
        paragraphs.append(
            f"{', '.join(methods)}: the confidence that the method itself gives, from 0 to 1 by "
            "the definition of its source, averaged over the window. Each confidence orders the "
            "same windows, all of the method; a window without a confidence comes last."
        )
    if any(confidence.calibrations for confidence in judged):
        paragraphs.append(
            f"Calibration reads a confidence as the probability of an error of {CORRECT_BPM:g} bpm "
            "at most. One from 0 to 1 is taken as stated. For one in dB, and once more for one "
            "from 0 to 1, a logistic curve gives the probability: it is fitted on other people. "
            "The expected calibration error is the mean distance of probability and share correct "
            "in tenths of the probability, weighted by windows. True probabilities have one above "
            "0 too, and more so the fewer windows there are."
        )
    return tuple(paragraphs)


def _curve_table(judged: Sequence[JudgedConfidence], marks: DataMarks) -> Table:
    """A row for each method, and for each of its confidences where a method gives its own."""
    with_own = any(confidence.source == "the method's own" for confidence in judged)
    columns = (
        Column("method", "Method", text=True),
        *((Column("confidence", "Confidence", text=True),) if with_own else ()),
        *(
            Column(f"mae_{share:.0%}".rstrip("%"), f"MAE of {share:.0%}", unit="bpm", better="low")
            for share in KEPT
        ),
        Column("area", "Area", unit="bpm", better="low", about="Mean over all shares (AURC)."),
        Column("best", "Best possible", unit="bpm", about="Area of the order of the errors."),
        Column("skill", "Skill", better="high"),
        *(
            (
                Column(
                    "area_difference",
                    "Own less SNR",
                    unit="bpm",
                    better="low",
                    about="The method's own confidence: below 0 where it orders windows better.",
                ),
            )
            if with_own
            else ()
        ),
    )
    rows = []
    for confidence in judged:
        curve = confidence.curve
        cells = [
            Cell(confidence.method, confidence.method),
            *((Cell(confidence.source, confidence.source),) if with_own else ()),
            *(_bpm(curve.risk_at(share)) for share in KEPT),
            _bpm(curve.area_bpm, curve.low_bpm, curve.high_bpm),
            _bpm(curve.best_bpm),
            _number(curve.skill),
            *((_difference(confidence),) if with_own else ()),
        ]
        rows.append(Row(tuple(cells)))
    return Table(
        key="risk-coverage-table",
        caption="Mean absolute error of the windows of the highest confidence",
        columns=columns,
        rows=tuple(rows),
        headers=2 if with_own else 1,
        marks=marks,
    )


def _difference(confidence: JudgedConfidence) -> Cell:
    if confidence.difference is None:
        return Cell("–")
    return _bpm(
        confidence.difference.value_bpm,
        confidence.difference.low_bpm,
        confidence.difference.high_bpm,
    )


def _calibration_table(judged: Sequence[JudgedConfidence], marks: DataMarks) -> Table:
    """A row for each method, confidence, and way from a confidence to a probability."""
    columns = (
        Column("method", "Method", text=True),
        Column("confidence", "Confidence", text=True),
        Column("probability", "Probability", text=True),
        Column("windows", "Windows", decimals=0),
        Column("stated", "Stated", about="Mean of the probabilities."),
        Column("correct", "Correct", about=f"Share within {CORRECT_BPM:g} bpm."),
        Column(
            "excess", "Stated less correct", about="Above 0: overconfident. Interval over people."
        ),
        Column(
            "calibration_error",
            "Calibration error",
            better="low",
            about="Expected calibration error (ECE), tenths. Interval over people.",
        ),
    )
    rows = [
        Row(
            (
                Cell(confidence.method, confidence.method),
                Cell(confidence.source, confidence.source),
                Cell(basis, basis),
                Cell(str(measured.windows), measured.windows),
                _number(measured.stated),
                _number(measured.correct),
                _number(measured.excess, measured.excess_low, measured.excess_high),
                _number(measured.error, measured.error_low, measured.error_high),
            )
        )
        for confidence in judged
        for basis, measured in confidence.calibrations
    ]
    return Table(
        key="calibration",
        caption=f"Probability of an error of {CORRECT_BPM:g} bpm at most, and what is correct",
        columns=columns,
        rows=tuple(rows),
        headers=3,
        notes=("Windows without an estimate have no probability.",),
        marks=marks,
    )


def _level_table(levels: Mapping[str, list[ConfidenceLevel]], marks: DataMarks) -> Table:
    """A row for each method and a column for each level."""
    first = next(iter(levels.values()))
    columns = (
        Column("method", "Method", text=True),
        *(
            Column(f"level_{number}", f"{_limits(level)} dB", unit="bpm", better="low")
            for number, level in enumerate(first)
        ),
    )
    rows = [
        Row((Cell(method, method), *map(_level_cell, method_levels)))
        for method, method_levels in levels.items()
    ]
    return Table(
        key="confidence-levels",
        caption="Mean absolute error by level of confidence",
        columns=columns,
        rows=tuple(rows),
        notes=(
            f"Below: number of windows, and the share of them within {CORRECT_BPM:g} bpm. From 3 "
            "dB on, `bench predict` says that there is a pulse; below 0 dB, that there is none.",
        ),
        marks=marks,
    )


def _level_cell(level: ConfidenceLevel) -> Cell:
    if not level.windows:
        return Cell("–")
    below = f"{level.windows}, {level.correct:.0%}".replace("%", " %")
    return Cell(format_bpm(level.mae_bpm), level.mae_bpm, below=below)


def _limits(level: ConfidenceLevel) -> str:
    if math.isinf(level.low_db):
        return f"below {level.high_db:g}"
    return (
        f"from {level.low_db:g} on"
        if math.isinf(level.high_db)
        else f"{level.low_db:g} to {level.high_db:g}"
    )


def _bpm(value: float, low: float = math.nan, high: float = math.nan) -> Cell:
    interval = "" if math.isnan(low) else f"{format_bpm(low)} to {format_bpm(high)}"
    return Cell(format_bpm(value), None if math.isnan(value) else value, interval=interval)


def _number(value: float, low: float = math.nan, high: float = math.nan) -> Cell:
    interval = "" if math.isnan(low) else f"{_plain(low)} to {_plain(high)}"
    return Cell(_plain(value), None if math.isnan(value) else value, interval=interval)


def _plain(value: float) -> str:
    return Column("", "").write(value)
