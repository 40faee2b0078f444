"""A table as CSV and Markdown."""

import csv
import io
import re

from rppgbench.report.tables.table import Cell, Row, Table


def to_csv(table: Table) -> str:
    """What the table shows, a line a row; an interval takes two columns of its own.

    Numbers carry every digit; a value that is missing is empty. The last columns say whether
    the data are simulated, and where a row was imported from.
    """
    spans = [
        any(row.cells[place].interval for row in table.rows) for place in range(len(table.columns))
    ]
    head: list[str] = []
    for column, span in zip(table.columns, spans, strict=True):
        head += [column.key, f"{column.key}_interval"] if span else [column.key]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*head, "simulated", "imported"])
    for row in table.rows:
        line: list[str | float] = []
        for cell, column, span in zip(row.cells, table.columns, spans, strict=True):
            missing = cell.value is None and cell.text == "–"
            line.append("" if missing else cell.text if column.text else _number(cell))
            if span:
                line.append(cell.interval.replace("−", "-"))
        writer.writerow([*line, table.marks.simulated, _imported(table, row)])
    return out.getvalue()


def to_markdown(table: Table) -> str:
    """A pipe table: best in bold, second underlined, the interval in brackets."""
    lines = [f"**{_markdown(_caption(table))}**", ""]
    lines.append("| " + " | ".join(_markdown(_heading(table, n)) for n in _places(table)) + " |")
    rule = ["---" if table.columns[n].text else "---:" for n in _places(table)]
    lines.append("| " + " | ".join(rule) + " |")
    for row in table.rows:
        cells = [_markdown_cell(cell) for cell in row.cells]
        if row.kind in {"baseline", "leaked"}:
            cells[table.headers - 1] += f" ({row.kind})"
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(_markdown(note) for note in table.notes)]
    return "\n".join(lines) + "\n"


def _places(table: Table) -> range:
    return range(len(table.columns))


def _caption(table: Table) -> str:
    return table.marks.caption(table.caption)


def _imported(table: Table, row: Row) -> str:
    """Where a row was imported from; of a table without methods, where any was."""
    places = [place for place, column in enumerate(table.columns) if column.key == "method"]
    if not places:
        return table.marks.full if table.marks.imported else ""
    return table.marks.of_method(str(row.cells[places[0]].value))


def _heading(table: Table, place: int) -> str:
    column = table.columns[place]
    return f"{column.label} ({column.unit})" if column.unit else column.label


def _number(cell: Cell) -> str | float:
    return cell.text if cell.value is None else cell.value


def _markdown(text: str) -> str:
    """Escape what Markdown or its HTML would read as markup.

    >>> print(_markdown("a|b_<i>"))
    a\\|b\\_\\<i\\>
    """
    return re.sub(r"([\\`*_{}\[\]<>|#~&$])", r"\\\1", text).replace("\n", " ")


def _markdown_cell(cell: Cell) -> str:
    text = _markdown(cell.text)
    if cell.mark == "best":
        text = f"**{text}**"
    elif cell.mark == "second":
        text = f"<u>{text}</u>"
    return f"{text} [{_markdown(cell.interval)}]" if cell.interval else text
