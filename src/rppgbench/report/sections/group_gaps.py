"""Gaps between groups: skin tones, lights, scenarios."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from rppgbench.evaluation.group_gaps import GROUPS, GroupGap, group_gaps
from rppgbench.evaluation.paired_differences import MIN_PEOPLE
from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.inputs import Section, quantity_of
from rppgbench.report.sections.comparison import without_leaked
from rppgbench.report.tables.columns import Column, format_bpm
from rppgbench.report.tables.table import Cell, Row, Table

if TYPE_CHECKING:
    import pandas as pd

TITLES = {"skin_tone": "skin tones", "light": "lights", "scenario": "scenarios"}


def group_gap_sections(
    windows: pd.DataFrame,
    evaluator: str,
    *,
    margin_bpm: float,
    baselines: Collection[str] = (),
    marks: DataMarks = UNMARKED,
) -> tuple[Section, ...]:
    """Whether methods are worse for a group than for the others.

    Args:
        windows: Rows of `score_windows` with the columns of the groups.
        evaluator: Name of the evaluator.
        margin_bpm: The largest gap that does not matter.
        baselines: Methods that are left out.
        marks: What is simulated or imported.

    Returns:
        One section; none where no group has the people for an interval, or where the evaluator
        reads no heart rates: the margin is one of heart rates. Leaked rows are left out.
    """
    if quantity_of(windows) != "heart rate":
        return ()
    rows, left_out = without_leaked(windows[~windows["method"].isin(list(baselines))])
    by_column = {
        column: group_gaps(rows, column, margin_bpm=margin_bpm)
        for column in GROUPS
        if column in rows
    }
    tables = [
        _table(gaps, column, marks)
        for column, gaps in by_column.items()
        if any(math.isfinite(gap.low_bpm) for gap in gaps)
    ]
    if not tables:
        return ()
    return (
        Section(
            key="group-gaps",
            title="Gaps between groups",
            paragraphs=(
                "The gap is the mean absolute error in a group less that in all other groups, "
                f"under {evaluator}, with its 95 % interval over people. A method is not worse for "
                f"a group where the whole interval lies below {margin_bpm:g} bpm, and worse where "
                "it lies above. Each interval stands for itself: with many groups some of them "
                "miss the true gap.",
                *left_out,
            ),
            tables=tuple(tables),
        ),
    )


def _table(gaps: list[GroupGap], column: str, marks: DataMarks) -> Table:
    """A row for each method and a column for each group."""
    people = {gap.group: gap.people for gap in gaps}
    cells = {(gap.method, gap.group): _cell(gap) for gap in gaps}
    columns = (
        Column("method", "Method", text=True),
        *(
            Column(group, group.replace("_", " "), unit="bpm", about=f"{count} people.")
            for group, count in people.items()
        ),
    )
    return Table(
        key=f"gaps-{column.replace('_', '-')}",
        caption=f"Gaps between {TITLES[column]}",
        columns=columns,
        rows=tuple(
            Row((Cell(method, method), *(cells.get((method, g), Cell("–")) for g in people)))
            for method in dict.fromkeys(gap.method for gap in gaps)
        ),
        notes=(
            "People: " + ", ".join(f"{group} {count}" for group, count in people.items()) + ". "
            f"No interval with fewer than {MIN_PEOPLE} people in the group or in the others.",
        ),
        marks=marks,
    )


def _cell(gap: GroupGap) -> Cell:
    has_interval = not math.isnan(gap.low_bpm)
    return Cell(
        format_bpm(gap.gap_bpm),
        gap.gap_bpm,
        interval=f"{format_bpm(gap.low_bpm)} to {format_bpm(gap.high_bpm)}" if has_interval else "",
        below=gap.verdict,
        detail=f"{gap.method}, {gap.group}: MAE {format_bpm(gap.mae_bpm)} bpm",
    )
