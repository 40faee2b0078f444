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
    """Why a row of a summary is not ranked: "baseline", "leaked", or "" where it is ranked."""
    if record.get("method") in baselines:
        return "baseline"
    return "leaked" if record.get("leaked") else ""


def highlights(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    within: Sequence[str],
    baselines: Collection[str],
) -> dict[str, list[Highlight]]:
    """The mark of every row for every column, by the rule that `RANKING` states."""
    rows_of = records(frame)
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, record in enumerate(rows_of):
        if not row_kind(record, baselines):
            groups.setdefault(tuple(record[key] for key in within), []).append(number)
    given: dict[str, list[Highlight]] = {column.key: [""] * len(rows_of) for column in columns}
    for rows in groups.values():
        covered = {row: _covered(rows_of[row]) for row in rows}
        most = [max(parts) for parts in zip(*covered.values(), strict=True)]
        enough = {
            row
            for row, parts in covered.items()
            if all(
                part >= top - COVERAGE_MARGIN - 1e-9 for part, top in zip(parts, most, strict=True)
            )
        }
        for column in columns:
            # Ranks go by what is printed: a lead that the table does not show is no lead.
            sign = -1.0 if column.better == "high" else 1.0
            rank = {
                row: sign * round(float(rows_of[row][column.key]) * column.scale, column.decimals)
                for row in rows
                if column.better and not math.isnan(float(rows_of[row][column.key]))
            }
            full = rank.keys() & enough
            if len(full) < 2:
                continue
            places = sorted({rank[row] for row in full})
            for row, value in rank.items():
                if row not in full:
                    given[column.key][row] = "ahead" if value < places[0] else ""
                elif value == places[0]:
                    given[column.key][row] = "best"
                elif value == places[1]:
                    given[column.key][row] = "second"
    return given


def _covered(record: Mapping[str, Any]) -> tuple[float, float]:
    recordings = float(record["coverage"])
    return recordings, float(record.get("window_coverage", recordings))
