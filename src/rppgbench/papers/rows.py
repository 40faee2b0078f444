"""A paper's table beside what we measure, as table models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rppgbench.core.registry import find_toml
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.papers.declaration import (
    HOURS_OF_A_PASS,
    HOURS_RULE,
    MARGIN_RULE,
    MARGINS,
    VERDICT_RULE,
    Line,
    Measured,
    NotRun,
    PaperTable,
    Verdict,
    estimate_hours,
    judge,
)
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.tables.columns import Column, metric
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.system.plural import pluralise

CellContent = Measured | NotRun
LineKey = tuple[str, str]  # setting's label, printed name of the method

NOT_RUN_HERE = "not run by us"
NOT_RUN = "not run"
NOTHING_STORED = "nothing of this row is stored"


def line_key(line: Line) -> LineKey:
    """The key of a line's content."""
    return line.setting.label, line.method.printed


def printed_table(
    table: PaperTable,
    key: str,
    lines: Sequence[Line],
    fills: Mapping[LineKey, CellContent],
    simulated: Mapping[LineKey, CellContent] | None = None,
    scale: str = "",
) -> Table:
    """Printed value, measured value with its interval, n and verdict of every line.

    Measured values come from genuine recordings alone. Simulated values have columns of their own
    at the right, without a verdict; the table is then marked as simulated.

    Args:
        table: The declaration.
        key: Name of the table, unique on its page.
        lines: The lines of the table.
        fills: What was measured of each line.
        simulated: What was measured on simulated recordings; None leaves these columns out.
        scale: How small the simulated runs were, for a note.

    Returns:
        The table.
    """
    rows = [_row(table, line, fills, simulated) for line in lines]
    notes = [*table.notes, verdict_rule(table), MARGIN_RULE] if table.measures else [*table.notes]
    notes += _meaning_notes(lines, [*fills.values(), *(simulated or {}).values()])
    if simulated is not None:
        notes += _simulated_notes(simulated, scale)
    return Table(
        key=key,
        caption=f"{table.title}. {'Printed' if table.measures else 'After'}: {table.source}",
        columns=tuple(_columns(table, simulated=simulated is not None)),
        rows=tuple(rows),
        notes=tuple(notes),
        marks=DataMarks(simulated=simulated is not None),
    )


def _columns(table: PaperTable, *, simulated: bool) -> list[Column]:
    columns = [Column("method", "Method", text=True)]
    if len(table.settings) > 1:
        columns.append(Column("setting", "Setting", text=True))
    measures = {name: metric(measure) for name, measure in table.measures.items()}
    for name, column in measures.items():
        columns += [
            replace(column, key=f"{column.key}_printed", label=f"{name} printed"),
            replace(column, key=f"{column.key}_measured", label=f"{name} measured"),
        ]
    columns += [
        Column("n", "n", decimals=0, about="Recordings measured; “of” gives the table's number."),
        Column("verdict", "Verdict", text=True, about=verdict_rule(table)),
    ]
    if simulated:
        columns += [
            replace(column, key=f"{column.key}_simulated", label=f"SIMULATED {name}")
            for name, column in measures.items()
        ]
        columns.append(
            Column("n_simulated", "SIMULATED n", decimals=0, about="Simulated recordings.")
        )
    return columns


def _row(
    table: PaperTable,
    line: Line,
    fills: Mapping[LineKey, CellContent],
    simulated: Mapping[LineKey, CellContent] | None,
) -> Row:
    fill = fills.get(line_key(line), NotRun(NOTHING_STORED))
    cells = [_name(line)]
    if len(table.settings) > 1:
        cells.append(Cell(line.setting.label, line.setting.label, detail=line.setting.about))
    judged = verdicts(table, line, fill)
    for name, measure in table.measures.items():
        cells += [_printed(line, name), _measured(line, name, measure, fill, judged.get(name))]
    cells += [_n(line, fill), _verdict(line, judged, fill)]
    if simulated is not None:
        simulated_fill = simulated.get(line_key(line), NotRun(NOTHING_STORED))
        cells += [_simulated(line, measure, simulated_fill) for measure in table.measures.values()]
        cells.append(_n_simulated(line, simulated_fill))
    return Row(tuple(cells), "" if line.method.method else "printed")


def _meaning_notes(lines: Sequence[Line], fills: Sequence[CellContent]) -> list[str]:
    """What a reading is under each evaluator that a table declares, or was scored by."""
    declared = {line.method.evaluator or line.setting.evaluator for line in lines}
    applied = {fill.evaluator for fill in fills if isinstance(fill, Measured)}
    return [
        f"A reading under {name}: {_read_rule(name).meaning}"
        for name in sorted((declared | applied) - {""})
    ]


def _read_rule(name: str) -> Evaluator:
    return read_evaluator(find_toml("protocols/evaluators", "evaluator", name, ""))


def _simulated_notes(simulated: Mapping[LineKey, CellContent], scale: str) -> list[str]:
    notes = [
        "The columns headed SIMULATED are of videos that a program made. They show how the methods "
        "behave on the simulation. They have no verdict and do not reproduce a printed value."
    ]
    if scale:
        notes.append(f"SIMULATED at smoke scale: {scale}. No training is completed.")
    return [*notes, *_too_short(simulated)]


def _too_short(fills: Mapping[LineKey, CellContent]) -> list[str]:
    """A note where an evaluator finds no window to read."""
    names = {f.evaluator for f in fills.values() if isinstance(f, Measured) and not f.recordings}
    if not names:
        return []
    limits = [f"{name} reads {_read_rule(name).window.shortest_s:g} s or more" for name in names]
    return [f"SIMULATED n is 0 where the recordings hold no window: {', '.join(sorted(limits))}."]


def verdict_rule(table: PaperTable) -> str:
    """The rule of the verdicts with the table's margins."""
    margins = ", ".join(
        f"{name} {MARGINS[measure]:g}" + (f" {unit}" if (unit := metric(measure).unit) else "")
        for name, measure in table.measures.items()
    )
    return VERDICT_RULE.format(margins=margins)


def verdicts(table: PaperTable, line: Line, fill: CellContent) -> dict[str, Verdict]:
    """The verdict on each printed value of a line; none where nothing was measured.

    Simulated results have none, wherever they are handed in.

    Args:
        table: The declaration.
        line: The line of the table.
        fill: What was measured of the line.

    Returns:
        The verdict by the paper's name of the measure.
    """
    if isinstance(fill, NotRun) or fill.simulated or not line.method.method:
        return {}
    return {
        name: judge(
            value.number,
            fill.values[table.measures[name]],
            margin=MARGINS[table.measures[name]],
            lower_is_better=metric(table.measures[name]).better == "low",
            obstacles=fill.obstacles,
        )
        for name, value in line.printed.items()
    }


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
        cells.append(Cell("–") if math.isnan(total) else Cell(_hours(total), total))
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


def _name(line: Line) -> Cell:
    name = line.method.printed
    return Cell(name, name, detail=line.method.note)


def _count(count: int) -> Cell:
    return Cell(str(count), float(count)) if count else Cell("–")


def _hours(value: float) -> str:
    return f"about {value:.2g}" if value < 10 else f"about {value:.0f}"


def _printed(line: Line, name: str) -> Cell:
    value = line.printed.get(name)
    if value is None:
        return Cell("–")
    return Cell(value.value, value.number, detail=f"{name} printed: {value.value}. {value.note}")


def _measured(
    line: Line, name: str, measure: str, fill: CellContent, verdict: Verdict | None
) -> Cell:
    if isinstance(fill, NotRun) or fill.simulated or not line.method.method:
        reason = fill.why if isinstance(fill, NotRun) and line.method.method else line.method.note
        return Cell("–", detail=f"{name}: {reason or NOT_RUN}")
    text, interval, value, detail = _number(measure, fill)
    if verdict is not None:
        detail += f"; {verdict.word}: {verdict.why}"
    return Cell(
        text, value, interval=interval, detail=f"{name} {detail}; evaluator {fill.evaluator}"
    )


def _number(measure: str, fill: Measured) -> tuple[str, str, float | None, str]:
    """Text, interval, value and words of one measure."""
    column = metric(measure)
    value, low, high = fill.values[measure]
    if not fill.recordings:
        return "–", "", None, f"the recordings hold no window that {fill.evaluator} reads"
    if math.isnan(value):
        return "–", "", None, "not defined here"
    text = column.write(value)
    interval = ""
    detail = f"{text} {column.unit}".rstrip()
    if not (math.isnan(low) or math.isnan(high)):
        interval = f"{column.write(low)} to {column.write(high)}"
        detail += f", 95 % interval {interval}"
    detail += f" over {pluralise(fill.recordings, 'recording')} of "
    detail += pluralise(fill.subjects, "subject")
    return text, interval, value, detail


def _n(line: Line, fill: CellContent) -> Cell:
    if isinstance(fill, NotRun) or fill.simulated or not line.method.method:
        return Cell("–")
    expected = line.setting.recordings or fill.expected
    complete = fill.recordings == expected
    text = str(fill.recordings) if complete else f"{fill.recordings} of {expected}"
    return Cell(text, float(fill.recordings), detail=f"from {fill.origin}")


def _verdict(line: Line, verdict_by_name: Mapping[str, Verdict], fill: CellContent) -> Cell:
    if not line.method.method:
        return Cell(NOT_RUN_HERE, NOT_RUN_HERE, detail=line.method.note)
    if isinstance(fill, NotRun) or fill.simulated:
        setting = line.setting
        needs = [f"protocol {setting.protocol}"] if setting.protocol else []
        needs += [f"data {' + '.join(setting.data)}"] if setting.data else []
        if isinstance(fill, NotRun) and not math.isnan(fill.hours):
            needs.append(f"{_hours(fill.hours)} h")
        text = f"{NOT_RUN}: {', '.join(needs)}" if needs else NOT_RUN
        return Cell(text, text, detail=fill.why if isinstance(fill, NotRun) else "")
    if not verdict_by_name:
        return Cell("nothing printed", "nothing printed")
    distinct = {verdict.word for verdict in verdict_by_name.values()}
    if len(distinct) == 1:
        text = distinct.pop()
        if text == "not comparable":
            text = f"{text} ({'; '.join(dict.fromkeys(v.why for v in verdict_by_name.values()))})"
    else:
        text = ", ".join(f"{name} {verdict.word}" for name, verdict in verdict_by_name.items())
    detail = "; ".join(
        f"{name} {verdict.word}: {verdict.why}" for name, verdict in verdict_by_name.items()
    )
    return Cell(str(text), str(text), detail=detail)


def _simulated(line: Line, measure: str, fill: CellContent) -> Cell:
    if isinstance(fill, NotRun) or not fill.simulated or not line.method.method:
        reason = fill.why if isinstance(fill, NotRun) and line.method.method else line.method.note
        return Cell("–", detail=f"SIMULATED: {reason}" if reason else "")
    text, interval, value, detail = _number(measure, fill)
    return Cell(text, value, interval=interval, detail=f"SIMULATED {detail}; no verdict")


def _n_simulated(line: Line, fill: CellContent) -> Cell:
    if isinstance(fill, NotRun) or not fill.simulated or not line.method.method:
        return Cell("–")
    return Cell(str(fill.recordings), float(fill.recordings), detail=f"from {fill.origin}")
