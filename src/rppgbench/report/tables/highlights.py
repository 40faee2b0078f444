"""Which numbers of a table are marked as best and second."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.summary_rows import records
from rppgbench.report.tables.table import Highlight, RowKind

if TYPE_CHECKING:
    import pandas as pd

COVERAGE_MARGIN = 0.01
"""How far below the best coverage a row may lie and still be ranked."""

RANKING = (
    "Best in bold, second underlined, as printed (equal prints share a mark), among the rows whose "
    "coverage, of recordings and of windows, is within 1 percentage point of the highest; "
    "baselines and leaked rows, whose weights were learned on the data tested here, are not "
    "ranked. A dagger (†) marks a number that is ahead of the best on less coverage."
)

SAME_RANKING = "Best in bold, second underlined, by the rule of the table of all measures."


def row_kind(record: Mapping[str, Any], baselines: Collection[str]) -> RowKind:
    """Why a row of a summary is not ranked: "baseline", "leaked", or "" where it is ranked.

    Args:
        record: A row of a summary.
        baselines: The methods that are baselines.

    Returns:
        "baseline", "leaked", or "" for a row that is ranked.
    """
    if record.get("method") in baselines:
        return "baseline"
    return "leaked" if record.get("leaked") else ""


def highlights(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    within: Sequence[str],
    baselines: Collection[str],
) -> dict[str, list[Highlight]]:
    """Mark the best and second row of every column, by the rule that `RANKING` states.

    Args:
        frame: A summary, a row for each method.
        columns: The measures to rank by.
        within: Columns that divide the rows into groups; each group is ranked alone.
        baselines: The methods that are baselines; they are not ranked.

    Returns:
        For each column's key the marks of all rows, in the order of `frame`.
    """
    rows = records(frame)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, record in enumerate(rows):
        if not row_kind(record, baselines):
            groups.setdefault(tuple(record[key] for key in within), []).append(number)
    marks: dict[str, list[Highlight]] = {column.key: [""] * len(rows) for column in columns}
    for group in groups.values():
        covered = _fully_covered(rows, group)
        for column in columns:
            ranks = _printed_ranks(rows, group, column)
            for number, mark in _rank_marks(ranks, covered).items():
                marks[column.key][number] = mark
    return marks


def _fully_covered(rows: Sequence[Mapping[str, Any]], group: Sequence[int]) -> set[int]:
    """The rows of a group whose coverage is near the group's highest."""
    coverages = {number: _coverage(rows[number]) for number in group}
    highest = [max(values) for values in zip(*coverages.values(), strict=True)]
    return {
        number
        for number, values in coverages.items()
        if all(
            value >= top - COVERAGE_MARGIN - 1e-9
            for value, top in zip(values, highest, strict=True)
        )
    }


def _printed_ranks(
    rows: Sequence[Mapping[str, Any]], group: Sequence[int], column: Column
) -> dict[int, float]:
    """The printed value of each row, signed so that lower is better.

    Rows are ranked by the printed value: a difference that the table does not show is no lead.
    """
    if not column.better:
        return {}
    sign = -1.0 if column.better == "high" else 1.0
    values = {number: float(rows[number][column.key]) for number in group}
    return {
        number: sign * round(value * column.scale, column.decimals)
        for number, value in values.items()
        if not math.isnan(value)
    }


def _rank_marks(ranks: Mapping[int, float], covered: Collection[int]) -> dict[int, Highlight]:
    """The marks of one group and column; none with fewer than two fully covered rows."""
    ranked = ranks.keys() & set(covered)
    if len(ranked) < 2:
        return {}
    best, *later = sorted({ranks[number] for number in ranked})
    marks: dict[int, Highlight] = {}
    for number, value in ranks.items():
        if number not in ranked:
            marks[number] = "ahead" if value < best else ""
        elif value == best:
            marks[number] = "best"
        elif value == later[0]:
            marks[number] = "second"
    return marks


def _coverage(record: Mapping[str, Any]) -> tuple[float, float]:
    """Coverage of recordings and of windows."""
    recordings = float(record["coverage"])
    return recordings, float(record.get("window_coverage", recordings))
