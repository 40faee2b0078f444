"""What would fill the empty cells of a paper's table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import toml_files
from rppgbench.papers.declaration import Hours, Line, NotRun
from rppgbench.papers.row_hours import HOURS_RULE, write_hours
from rppgbench.papers.rows import NOTHING_STORED, CellContent, LineKey, line_key
from rppgbench.report.tables.columns import Column
from rppgbench.report.tables.table import Cell, Row, Table


def missing_table(
    key: str, lines: Sequence[Line], fills: Mapping[LineKey, CellContent]
) -> Table | None:
    """What would fill the cells that are empty: rows, protocol, data, hours and why.

    Rows of one protocol that lack the same thing stand together: their videos are decoded once, and
    a training that serves several conditions is counted once.

    Args:
        key: Name of the table, unique on its page.
        lines: The lines of the table.
        fills: What was measured of each line.

    Returns:
        The table; None where no cell is empty.
    """
    groups: dict[tuple[str, str, str], list[tuple[Line, NotRun]]] = {}
    for line in lines:
        fill = fills.get(line_key(line), NotRun(NOTHING_STORED))
        if line.method.method and isinstance(fill, NotRun):
            setting = line.setting
            key_of_run = setting.protocol or setting.label, str(setting.pretrain), fill.why
            groups.setdefault(key_of_run, []).append((line, fill))
    if not groups:
        return None
    rows = []
    for (_, _, reason), members in groups.items():
        setting = members[0][0].setting
        total = _total_hours(members)
        names = ", ".join(dict.fromkeys(line.method.printed for line, _ in members))
        label = "; ".join(dict.fromkeys(line.setting.label for line, _ in members))
        texts = [label, names, setting.protocol or "none", ", ".join(setting.data) or "none"]
        cells = [Cell(text, text) for text in texts]
        cells.append(_count(setting.recordings))
        cells += _hour_cells(total)
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
            Column("core_hours", "Core hours, estimated", decimals=1, about=HOURS_RULE),
            Column("gpu_hours", "GPU hours, estimated", decimals=1, about=HOURS_RULE),
            Column("why", "Why they are empty", text=True),
        ),
        rows=tuple(rows),
        notes=(HOURS_RULE,),
    )


def _total_hours(members: Sequence[tuple[Line, NotRun]]) -> Hours | None:
    """The hours of rows of one protocol: videos are decoded once, and equal trainings done once."""
    gpu: dict[tuple[object, ...], float] = {}
    core: list[float] = []
    shared = _trains_once(members[0][0])
    for line, fill in members:
        if fill.hours is not None:
            params = {**line.setting.params, **line.method.params}
            condition = "" if shared else line.setting.condition
            key = line.method.method, str(sorted(params.items())), condition
            gpu[key] = fill.hours.gpu
            core.append(fill.hours.core)
    return Hours(max(core), sum(gpu.values())) if core else None


def _trains_once(line: Line) -> bool:
    """Whether one training serves all conditions of a protocol."""
    files = toml_files("protocols")
    name = line.setting.protocol
    return name not in files or read_protocol(files[name]).train_on == "clean"


def _count(count: int) -> Cell:
    return Cell(str(count), float(count)) if count else Cell("–")


def _hour_cells(hours: Hours | None) -> list[Cell]:
    if hours is None:
        return [Cell("–"), Cell("–")]
    core = Cell(f"about {write_hours(hours.core)}", hours.core)
    if math.isnan(hours.gpu):
        return [core, Cell("not declared")]
    return [core, Cell(f"about {write_hours(hours.gpu)}" if hours.gpu else "0", hours.gpu)]
