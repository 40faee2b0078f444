"""A paper's table beside what we measure, as table models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rppgbench.evaluation.evaluator_lookup import find_evaluator
from rppgbench.papers.declaration import (
    COVERED,
    MARGIN_RULE,
    Interval,
    Line,
    Measured,
    NotRun,
    OtherReading,
    PaperTable,
)
from rppgbench.papers.row_hours import hours_text
from rppgbench.papers.verdicts import (
    FAILED,
    NOT_RUN,
    NOT_RUN_HERE,
    Verdict,
    verdict_rule,
    verdicts,
)
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.tables.columns import Column, metric
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.system.plural import pluralise

CellContent = Measured | NotRun
LineKey = tuple[str, str]  # setting's label, printed name of the method

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
    rows = [row for line in lines for row in _rows(table, line, fills, simulated)]
    notes = (
        [*table.notes, verdict_rule(table.measures), MARGIN_RULE]
        if table.measures
        else [*table.notes]
    )
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
        Column(
            "coverage",
            "Coverage",
            unit="%",
            decimals=1,
            about="Share of the scored windows that have an estimate.",
        ),
        Column("verdict", "Verdict", text=True, about=verdict_rule(table.measures)),
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


def _rows(
    table: PaperTable,
    line: Line,
    fills: Mapping[LineKey, CellContent],
    simulated: Mapping[LineKey, CellContent] | None,
) -> list[Row]:
    """The row of a line, and below it a row for each other reading of its estimates."""
    fill = fills.get(line_key(line), NotRun(NOTHING_STORED))
    made = None if simulated is None else simulated.get(line_key(line), NotRun(NOTHING_STORED))
    names = dict.fromkeys(
        reading.name
        for content in (fill, made)
        if isinstance(content, Measured) and line.method.method
        for reading in content.readings
    )
    readings = [_reading_row(table, line, name, fill, made) for name in names]
    return [_row(table, line, fill, made), *readings]


def _reading_row(
    table: PaperTable, line: Line, name: str, fill: CellContent, simulated: CellContent | None
) -> Row:
    """Another reading of a line's estimates: no printed value, and no verdict of its own."""
    label = f"{line.method.printed}, {name if name == COVERED else f'read by {name}'}"
    genuine = fill if isinstance(fill, Measured) and not fill.simulated else None
    reading = genuine.reading(name) if genuine else None
    cells = [Cell(label, label)]
    if len(table.settings) > 1:
        cells.append(Cell(line.setting.label, line.setting.label))
    for metric_name, measure in table.measures.items():
        cells += [Cell("–"), _reading_cell(reading, measure, metric_name)]
    about = "missing estimates left out" if name == COVERED else "another reading, no verdict"
    cells += [*_reading_counts(reading), Cell(about, about)]
    if simulated is not None:
        made = simulated.reading(name) if isinstance(simulated, Measured) else None
        cells += [_reading_cell(made, m, f"SIMULATED {k}") for k, m in table.measures.items()]
        cells.append(_reading_counts(made)[0])
    return Row(tuple(cells))


def _reading_cell(reading: OtherReading | None, measure: str, name: str) -> Cell:
    if reading is None:
        return Cell("–")
    text, interval, value, detail = _number(
        measure, reading.values[measure], reading.recordings, reading.subjects, reading.name
    )
    return Cell(text, value, interval=interval, detail=f"{name} {detail}; {reading.name}")


def _reading_counts(reading: OtherReading | None) -> tuple[Cell, Cell]:
    if reading is None:
        return Cell("–"), Cell("–")
    count = Cell(str(reading.recordings), float(reading.recordings))
    return count, _coverage(reading.coverage)


def _row(table: PaperTable, line: Line, fill: CellContent, simulated: CellContent | None) -> Row:
    cells = [_name(line)]
    if len(table.settings) > 1:
        cells.append(Cell(line.setting.label, line.setting.label, detail=line.setting.about))
    judged = verdicts(table, line, fill)
    for name, measure in table.measures.items():
        cells += [_printed(line, name), _measured(line, name, measure, fill, judged.get(name))]
    shown = isinstance(fill, Measured) and not fill.simulated and bool(line.method.method)
    coverage = Cell("–")
    if shown and isinstance(fill, Measured) and fill.recordings:
        coverage = _coverage(fill.coverage)
    cells += [_n(line, fill), coverage, _verdict(line, judged, fill)]
    if simulated is not None:
        cells += [_simulated(line, measure, simulated) for measure in table.measures.values()]
        cells.append(_n_simulated(line, simulated))
    return Row(tuple(cells), "" if line.method.method else "printed")


def _meaning_notes(lines: Sequence[Line], fills: Sequence[CellContent]) -> list[str]:
    """What a reading is under each evaluator that a table declares, or was scored by."""
    declared = {line.method.evaluator or line.setting.evaluator for line in lines}
    declared |= {name for line in lines for name in line.setting.readings}
    applied = {fill.evaluator for fill in fills if isinstance(fill, Measured)}
    return [
        f"A reading under {name}: {find_evaluator(name, '').meaning}"
        for name in sorted((declared | applied) - {""})
    ]


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
    limits = [
        f"{name} reads {find_evaluator(name, '').window.shortest_s:g} s or more" for name in names
    ]
    return [f"SIMULATED n is 0 where the recordings hold no window: {', '.join(sorted(limits))}."]


def _name(line: Line) -> Cell:
    name = line.method.printed
    return Cell(name, name, detail=line.method.note)


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
    text, interval, value, detail = _number(
        measure, fill.values[measure], fill.recordings, fill.subjects, fill.evaluator
    )
    if verdict is not None:
        detail += f"; {verdict.word}: {verdict.why}"
    return Cell(
        text, value, interval=interval, detail=f"{name} {detail}; evaluator {fill.evaluator}"
    )


def _number(
    measure: str, interval_of: Interval, recordings: int, subjects: int, rule: str
) -> tuple[str, str, float | None, str]:
    """Text, interval, value and words of one measure."""
    column = metric(measure)
    value, low, high = interval_of
    if not recordings:
        return "–", "", None, f"the recordings hold no window that {rule} reads"
    if math.isnan(value):
        return "–", "", None, "not defined here"
    text = column.write(value)
    interval = ""
    detail = f"{text} {column.unit}".rstrip()
    if not (math.isnan(low) or math.isnan(high)):
        interval = f"{column.write(low)} to {column.write(high)}"
        detail += f", 95 % interval {interval}"
    detail += f" over {pluralise(recordings, 'recording')} of "
    detail += pluralise(subjects, "subject")
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
    if isinstance(fill, NotRun) and fill.failed:
        return Cell(f"{FAILED}: {fill.why}", FAILED, detail=fill.why)
    if isinstance(fill, NotRun) or fill.simulated:
        setting = line.setting
        needs = [f"protocol {setting.protocol}"] if setting.protocol else []
        needs += [f"data {' + '.join(setting.data)}"] if setting.data else []
        if isinstance(fill, NotRun) and fill.hours is not None:
            needs.append(hours_text(fill.hours))
        needs += ["bench table --every-epoch"] if line.method.epoch == "best" else []
        text = f"{NOT_RUN}: {', '.join(needs)}" if needs else NOT_RUN
        return Cell(text, text, detail=fill.why if isinstance(fill, NotRun) else "")
    if not verdict_by_name:
        return Cell("nothing printed", "nothing printed")
    distinct = {verdict.word for verdict in verdict_by_name.values()}
    if len(distinct) == 1:
        text = distinct.pop()
        if text in {"not comparable", "estimates missing", "imported"}:
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
    text, interval, value, detail = _number(
        measure, fill.values[measure], fill.recordings, fill.subjects, fill.evaluator
    )
    return Cell(text, value, interval=interval, detail=f"SIMULATED {detail}; no verdict")


def _n_simulated(line: Line, fill: CellContent) -> Cell:
    if isinstance(fill, NotRun) or not fill.simulated or not line.method.method:
        return Cell("–")
    return Cell(str(fill.recordings), float(fill.recordings), detail=f"from {fill.origin}")


def _coverage(share: float) -> Cell:
    text = f"{100 * share:.1f}"
    return Cell("99.9" if share < 1 and text == "100.0" else text, 100 * share)
