"""How far each method knows when not to answer."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.evaluation.selective import (
    KEPT,
    ConfidenceLevel,
    RiskCoverage,
    confidence_levels,
    risk_coverage,
)
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.figures.drawing import MARKERS, SERIES, csv_download, panels
from rppgbench.report.figures.frame import Plot, draw_framed
from rppgbench.report.inputs import Section, quantity_of
from rppgbench.report.sections.comparison import without_leaked
from rppgbench.report.tables.columns import Column, format_bpm
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.signals.rate_confidence import CORRECT_BPM

if TYPE_CHECKING:
    import pandas as pd

MIN_WINDOWS = 20
"""Scored windows of a method from which on a curve is drawn."""

DRAWN_POINTS = 100

Curves = Mapping[str, RiskCoverage]


def selective_sections(
    windows: pd.DataFrame,
    evaluator: str,
    *,
    baselines: Collection[str] = (),
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """Risk against coverage of every method, and errors by level of confidence.

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
    parts = {
        str(method): rows
        for method, rows in windows.groupby("method", sort=True)
        if method not in baselines and rows["confidence_db"].notna().sum() >= MIN_WINDOWS
    }
    possible = {method: risk_coverage(rows) for method, rows in parts.items()}
    curves = {method: curve for method, curve in possible.items() if curve is not None}
    if not curves:
        return ()
    levels = {method: confidence_levels(parts[method]) for method in curves}
    drawing = draw_framed(
        "risk-coverage", "Error of the surest windows", lambda: _plot(curves), marks=marks
    )
    assert drawing is not None
    return (
        Section(
            key="selective",
            title="Knowing when not to answer",
            paragraphs=(
                "The confidence of a window is the signal-to-noise ratio of the pulse at its own "
                "heart rate, less 1 dB for each bpm from the median of a method's face regions, "
                "less 20 dB at the edge of the band. No reference is needed. Windows are kept in "
                f"the order of falling confidence, under {evaluator}. A window without an estimate "
                "comes last.",
                "Skill is 1 where the order is that of the errors, and 0 where it knows nothing of "
                "them. The area is the mean error over all shares of windows, with its 95 % "
                "interval over people.",
                *left_out,
            ),
            tables=(_curve_table(curves, marks), _level_table(levels, marks)),
            drawings=(drawing,),
        ),
    )


def _curve_table(curves: Curves, marks: DataMarks) -> Table:
    columns = (
        Column("method", "Method", text=True),
        *(
            Column(f"mae_{share:.0%}".rstrip("%"), f"MAE of {share:.0%}", unit="bpm", better="low")
            for share in KEPT
        ),
        Column("area", "Area", unit="bpm", better="low", about="Mean over all shares (AURC)."),
        Column("best", "Best possible", unit="bpm", about="Area of the order of the errors."),
        Column("skill", "Skill", better="high"),
    )
    rows = []
    for method, curve in sorted(curves.items(), key=lambda item: item[1].area_bpm):
        interval = f"{format_bpm(curve.low_bpm)} to {format_bpm(curve.high_bpm)}"
        rows.append(
            Row(
                (
                    Cell(method, method),
                    *(_bpm(curve.risk_at(share)) for share in KEPT),
                    Cell(
                        format_bpm(curve.area_bpm),
                        curve.area_bpm,
                        interval="" if math.isnan(curve.low_bpm) else interval,
                    ),
                    _bpm(curve.best_bpm),
                    _number(curve.skill),
                )
            )
        )
    return Table(
        key="risk-coverage-table",
        caption="Mean absolute error of the surest windows",
        columns=columns,
        rows=tuple(rows),
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


def _plot(curves: Curves) -> Plot:
    import pandas as pd

    figure, (axes,) = panels(1, columns=1, width_in=7.5, panel_height_in=3.2)
    tables = []
    for number, (method, curve) in enumerate(curves.items()):
        points = np.unique(
            np.linspace(0, len(curve.coverage) - 1, DRAWN_POINTS).round().astype(int)
        )
        colour = SERIES[number % len(SERIES)]
        share, risk = 100 * curve.coverage[points], curve.risk_bpm[points]
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(
            share, risk, color=colour, marker=marker, markevery=0.2, markersize=4, label=method
        )
        tables.append(pd.DataFrame({"method": method, "coverage": share, "mae_bpm": risk}))
    axes.set_xlim(0, 100)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Windows kept, the surest first (%)")
    axes.set_ylabel("Mean absolute error (bpm)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    errors = ", ".join(
        f"{method} {format_bpm(curve.risk_at(0.5))} and {format_bpm(curve.risk_at(1.0))}"
        for method, curve in curves.items()
    )
    return Plot(
        figure=figure,
        caption=(
            "Mean absolute error of the windows that are kept, the surest first. A curve that "
            "rises to the right belongs to a method whose confidence knows of its errors; a level "
            "one knows nothing."
        ),
        alt=f"Mean absolute error in bpm of the surest half and of all windows: {errors}.",
        data=csv_download("risk-coverage.csv", pd.concat(tables, ignore_index=True)),
    )


def _bpm(value: float) -> Cell:
    return Cell(format_bpm(value), None if math.isnan(value) else value)


def _number(value: float) -> Cell:
    return Cell("–" if math.isnan(value) else f"{value:.2f}", None if math.isnan(value) else value)
