"""A table as CSV, Markdown and LaTeX."""

import csv
import io
import re

from rppgbench.report.tables.table import Cell, Row, Table

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "≤": r"$\leq$",
    "−": "$-$",
    "†": r"\textdagger{}",
    "–": "--",
    "·": r"\textperiodcentered{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "“": "``",
    "”": "''",
    "→": r"$\to$",
    "…": r"\ldots{}",
}

MAX_UNWRAPPED_LETTERS = 30
"""Letters up to which a column of words is as wide as its longest cell in LaTeX."""


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


def to_latex(table: Table) -> str:
    """A `table` float for booktabs: best in bold, second underlined, the interval in brackets.

    Long words break in their column, and a table that is wider than the text is scaled to fit.
    """
    lines = [
        r"% needs \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_latex(_caption(table))}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{''.join(_latex_column(table, n) for n in _places(table))}}}",
        r"\toprule",
        " & ".join(_latex(_heading(table, n)) for n in _places(table)) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        cells = [_latex_cell(cell) for cell in row.cells]
        if row.kind in {"baseline", "leaked"}:
            cells[table.headers - 1] += f" ({row.kind})"
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}"]
    lines += [rf"\par\smallskip\footnotesize {_latex(note)}" for note in table.notes]
    lines.append(r"\end{table}")
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


def _latex(text: str) -> str:
    """Escape what LaTeX would read as a command.

    >>> print(_latex("two_sr & 5 %"))
    two\\_sr \\& 5 \\%
    """
    return "".join(_LATEX.get(letter, letter) for letter in text).replace("\n", " ")


def _latex_column(table: Table, place: int) -> str:
    if not table.columns[place].text:
        return "r"
    longest = max((len(row.cells[place].text) for row in table.rows), default=0)
    return "l" if longest <= MAX_UNWRAPPED_LETTERS else r"p{14em}"


def _latex_cell(cell: Cell) -> str:
    text = _latex(cell.text)
    if cell.mark == "best":
        text = rf"\textbf{{{text}}}"
    elif cell.mark == "second":
        text = rf"\underline{{{text}}}"
    return rf"{text} {{\scriptsize [{_latex(cell.interval)}]}}" if cell.interval else text
