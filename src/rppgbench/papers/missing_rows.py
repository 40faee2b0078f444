"""What would fill the empty cells of a paper's table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rppgbench.papers.declaration import HOURS_OF_A_PASS, HOURS_RULE, Line, NotRun, estimate_hours
from rppgbench.papers.rows import NOTHING_STORED, CellContent, LineKey, line_key, write_hours
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table


def missing_table(
    key: str, lines: Sequence[Line], fills: Mapping[LineKey, CellContent]
) -> Table | None:
    """What would fill the cells that are empty: rows, protocol, data, hours and why.

    Rows of one setting that lack the same thing stand together: their videos are decoded once.

    Args:
        key: Name of the table, unique on its page.
        lines: The lines of the table.
        fills: What was measured of each line.

    Returns:
        The table; None where no cell is empty.
    """
    groups: dict[tuple[str, str], list[tuple[Line, NotRun]]] = {}
    for line in lines:
        fill = fills.get(line_key(line), NotRun(NOTHING_STORED))
        if line.method.method and isinstance(fill, NotRun):
            groups.setdefault((line.setting.label, fill.why), []).append((line, fill))
    if not groups:
        return None
    rows = []
    for (label, reason), members in groups.items():
        setting = members[0][0].setting
        once = setting.video_hours * HOURS_OF_A_PASS
        total = once + sum(fill.hours - once for _, fill in members)
        names = ", ".join(line.method.printed for line, _ in members)
        texts = [label, names, setting.protocol or "none", ", ".join(setting.data) or "none"]
        cells = [Cell(text, text) for text in texts]
        cells.append(_count(setting.recordings))
        cells.append(Cell("–") if math.isnan(total) else Cell(write_hours(total), total))
        rows.append(Row((*cells, Cell(reason, reason))))
    return Table(
        key=f"{key}-missing",
        caption="What would fill the empty cells",
        columns=(
            Column("setting", "Setting", text=True),
            Column("rows", "Rows", text=True),
            Column("protocol", "Protocol", text=True),
            Column("data", "Data sets", text=True),
            Column("recordings", "n", decimals=0, about="Recordings that the paper tests."),
            Column("hours", "Hours, estimated", decimals=1, about=HOURS_RULE),
            Column("why", "Why they are empty", text=True),
        ),
        rows=tuple(rows),
        notes=(HOURS_RULE,),
    )


def line_hours(line: Line, *, learns: bool, seeds: int) -> float:
    """Hours of a line, NaN where there is nothing to run.

    Args:
        line: The line of the table.
        learns: Whether the method is trained.
        seeds: Number of seeds.

    Returns:
        Hours, NaN where there is nothing to run.
    """
    if not line.setting.protocol or not line.method.method:
        return math.nan
    return estimate_hours(line.setting, learns=learns, seeds=seeds)


def _count(count: int) -> Cell:
    return Cell(str(count), float(count)) if count else Cell("–")
