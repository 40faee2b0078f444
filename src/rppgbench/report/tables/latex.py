"""A table as LaTeX that fits one column of text, in the size that it is set in."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rppgbench.report.tables.table import Cell, Row, Table

COLUMN_PT = 240.0
"""Width that a block of columns has to fit: a column of ACM is 241 pt wide, of IEEE 252 pt."""

NAME_PT = 90.0
"""Width above which a column of words is broken into lines."""

SIZE_PT, SMALL_PT = 8.0, 7.0
"""Sizes of `\\footnotesize` and `\\scriptsize` in a document of 10 pt."""

GAP_PT = 6.0
"""Space between two columns: twice `\\tabcolsep`, which the table sets to 3 pt."""

NARROW = frozenset("iljtfrI.,;:|!'`()[] ")
WIDE = frozenset("mwMW%@&–")

ESCAPES = {
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


def to_latex(table: Table) -> str:
    """A `table` float for booktabs: best in bold, second underlined, the interval below the number.

    Nothing is scaled. Where the columns do not fit beside each other, they stand in blocks below
    each other, each with the names of the rows; long words break in their column.
    """
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(table.marks.caption(table.caption))}}}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{3pt}",
    ]
    for number, places in enumerate(column_blocks(table)):
        lines += [r"\par\medskip"] if number else []
        lines += _tabular(table, places)
    lines += [rf"\par\smallskip\scriptsize {escape(note)}" for note in table.notes]
    lines.append(r"\end{table}")
    return "\n".join(lines) + "\n"


def column_blocks(table: Table) -> list[list[int]]:
    """The places of the columns of each block; every block begins with the names of the rows.

    Args:
        table: The table.

    Returns:
        Blocks that each fit `COLUMN_PT`, as far as a single column beside the names does.
    """
    names = list(range(table.headers))
    names_pt = sum(column_width_pt(table, place) + GAP_PT for place in names) - GAP_PT
    blocks: list[list[int]] = []
    width_pt = math.inf
    for place in range(table.headers, len(table.columns)):
        column_pt = column_width_pt(table, place) + GAP_PT
        if width_pt + column_pt > COLUMN_PT:
            blocks.append([*names])
            width_pt = names_pt
        blocks[-1].append(place)
        width_pt += column_pt
    return blocks or [names]


def column_width_pt(table: Table, place: int) -> float:
    """About how wide a column is set, without the space beside it.

    Args:
        table: The table.
        place: The place of the column.

    Returns:
        The width in points.
    """
    column = table.columns[place]
    cells = [row.cells[place] for row in table.rows]
    head = max(_width_pt(column.label), _width_pt(f"({column.unit})") if column.unit else 0.0)
    if column.text:
        widest = max((_width_pt(cell.text) for cell in cells), default=0.0)
        return min(max(head, widest), max(NAME_PT, head))
    body = max((_width_pt(cell.text) * 1.15 for cell in cells), default=0.0)
    below = max((_width_pt(_interval(cell), SMALL_PT) for cell in cells), default=0.0)
    return max(head, body, below)


def _width_pt(text: str, size_pt: float = SIZE_PT) -> float:
    """The width of a text in Computer Modern, a little more rather than less."""
    ems = 0.0
    for letter in text:
        if letter in NARROW:
            ems += 0.36
        elif letter in WIDE:
            ems += 0.95
        else:
            ems += 0.78 if letter.isupper() else 0.55
    return ems * size_pt


def _tabular(table: Table, places: Sequence[int]) -> list[str]:
    """One block as lines of a `tabular`."""
    columns = [table.columns[place] for place in places]
    heads = [escape(column.label) for column in columns]
    units = [f"({escape(column.unit)})" if column.unit else "" for column in columns]
    lines = [
        rf"\begin{{tabular}}{{@{{}}{''.join(_alignment(table, place) for place in places)}@{{}}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        *([" & ".join(units) + r" \\"] if any(units) else []),
        r"\midrule",
    ]
    for row in table.rows:
        lines.append(" & ".join(_cell(row.cells[place]) for place in places) + r" \\")
        below = [_below(table, row, place) for place in places]
        if any(below):
            small = [rf"{{\scriptsize {escape(text)}}}" if text else "" for text in below]
            lines.append(" & ".join(small) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _below(table: Table, row: Row, place: int) -> str:
    """What stands below a cell: its interval; below the name why the row is not ranked."""
    if place == table.headers - 1 and row.kind in {"baseline", "leaked"}:
        return f"({row.kind})"
    return _interval(row.cells[place])


def _alignment(table: Table, place: int) -> str:
    if not table.columns[place].text:
        return "r"
    width_pt = max((_width_pt(row.cells[place].text) for row in table.rows), default=0.0)
    return "l" if width_pt <= NAME_PT else rf"p{{{NAME_PT:g}pt}}"


def _interval(cell: Cell) -> str:
    """The interval in brackets, as it stands below a number.

    >>> _interval(Cell("1.0", 1.0, interval="0.5 to 2.0")), _interval(Cell("1.0", 1.0))
    ('[0.5, 2.0]', '')
    """
    return f"[{cell.interval.replace(' to ', ', ')}]" if cell.interval else ""


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.mark == "best":
        return rf"\textbf{{{text}}}"
    return rf"\underline{{{text}}}" if cell.mark == "second" else text


def escape(text: str) -> str:
    """Escape what LaTeX would read as a command.

    >>> print(escape("two_sr & 5 %"))
    two\\_sr \\& 5 \\%
    """
    return "".join(ESCAPES.get(letter, letter) for letter in text).replace("\n", " ")
