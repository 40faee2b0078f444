"""The grammar of numbers in label files.

A text is parsed in every dialect whose marks occur in it. A text that only one dialect can parse is
read. Where two dialects give different numbers, `label_text` refuses the text and shows both.

| part | accepted |
| --- | --- |
| bytes | UTF-8, with or without a byte-order mark; UTF-16 with one; else Latin-1 |
| line ends | LF, CR, CRLF, also mixed; blank lines do not count |
| header | a first line with a name: a letter, in a cell that is no number with a mark |
| separator | one for the whole file: commas, semicolons, tabs, or runs of blanks and tabs |
| decimal mark | one for the whole file: a point, or a comma where commas do not separate |
| number | ASCII digits, at most 64 characters, in quotes or not, exponent by e or d |
| no number | an empty cell, nan, na, n/a, null, none: NaN |
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rppgbench.core.waveform import Array

MAX_CELL = 64  # the longest number of common programs has 24 characters
MISSING = frozenset({"", "nan", "-nan", "na", "n/a", "null", "none", "#n/a"})
_EXPONENT = r"(?:[eEdD][+-]?\d+)?"
_PATTERNS = {
    ".": re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)" + _EXPONENT, re.ASCII),
    ",": re.compile(r"[+-]?\d+(?:,\d+)?" + _EXPONENT, re.ASCII),
}


class Line(NamedTuple):
    """A line that is not blank, and its number, counted from 1."""

    number: int
    text: str


class Dialect(NamedTuple):
    """One way to write rows of numbers; the separator " " is any run of blanks and tabs."""

    separator: str
    decimal: str

    def cells(self, line: str, columns: int | None = None) -> list[str]:
        """The cells of a line, without blanks around them.

        Args:
            line: the text of a line.
            columns: the expected number of cells. An empty cell after a trailing separator counts
                only where it gives this number.

        >>> Dialect(";", ",").cells("1; 2,5;")
        ['1', '2,5']
        """
        if self.separator == " ":
            return line.split()
        cells = [cell.strip() for cell in line.split(self.separator)]
        trailing = len(cells) > 1 and not cells[-1] and len(cells) != columns
        return cells[:-1] if trailing else cells

    def value(self, cell: str) -> float | None:
        """The number in a cell; NaN for a missing number, None for other text.

        >>> Dialect(";", ",").value("2,5"), Dialect(",", ".").value("2,5")
        (2.5, None)
        """
        text = unquote(cell)
        if text.lower() in MISSING:
            return math.nan
        if len(text) > MAX_CELL or not _PATTERNS[self.decimal].fullmatch(text):
            return None
        number = float(text.replace(",", ".").lower().replace("d", "e"))
        return None if math.isinf(number) else number  # 1e400 overflows


POINTS = Dialect(" ", ".")
COMMAS = Dialect(",", ".")
DIALECTS = (
    POINTS,
    Dialect(" ", ","),
    COMMAS,
    *(Dialect(separator, decimal) for separator in ";\t" for decimal in ".,"),
)


class Reading(NamedTuple):
    """The rows (C,) of a text in one dialect, or the first line that cannot be parsed and why."""

    dialect: Dialect
    rows: list[Array]
    fault: str = ""
    fault_at: tuple[int, bool] = (0, False)  # line, and whether the count was wrong


def find_dialects(text: str) -> list[Dialect]:
    """The dialects whose marks occur in a text."""
    return [
        dialect
        for dialect in DIALECTS
        if (dialect.separator == " " or dialect.separator in text)
        and (dialect.decimal == "." or "," in text)
    ]


def parse_lines(dialect: Dialect, lines: Sequence[Line], columns: int | None) -> Reading:
    """The rows of a text in one dialect.

    Args:
        dialect: the dialect.
        lines: the lines without the header.
        columns: the number of numbers in each row; None allows rows of different lengths.
    """
    rows = []
    for line in lines:
        values = []
        for cell in dialect.cells(line.text, columns):
            value = dialect.value(cell)
            if value is None:
                fault = f"line {line.number}: {shorten(cell)!r} is not a number"
                return Reading(dialect, [], fault, (line.number, False))
            values.append(value)
        if columns is not None and len(values) != columns:
            fault = f"line {line.number} has {len(values)} numbers where {columns} belong"
            return Reading(dialect, [], fault, (line.number, True))
        rows.append(np.array(values))
    return Reading(dialect, rows)


def distinct_readings(readings: Sequence[Reading]) -> list[Reading]:
    """The readings without a fault, each with other numbers than those before."""
    out: list[Reading] = []
    for reading in readings:
        if not reading.fault and not any(_is_same_reading(reading, earlier) for earlier in out):
            out.append(reading)
    return out


def first_difference(first: Reading, second: Reading) -> int:
    """The index of the first row that differs between two readings of one text.

    Args:
        first: a reading.
        second: another reading with as many rows.
    """
    pairs = zip(first.rows, second.rows, strict=True)
    return next(i for i, (a, b) in enumerate(pairs) if not np.array_equal(a, b, equal_nan=True))


_NO_NAME = re.compile(
    r"[^\w]*[\d.]|[-+\u2212]*(inf|infinity|n\.?/?a\.?n?|missing|null|nil|none)\W*$", re.IGNORECASE
)
"""Text that begins with a number, or stands for a missing or infinite number."""


def is_header(line: str) -> bool:
    """Whether a line holds names only: no number, and no text that stands for a number.

    Readers refuse a first line that is neither a header nor numbers, because it may be a sample.

    >>> is_header("Time,HR"), is_header("0,53"), is_header("HR;53")
    (True, False, False)
    >>> is_header("-"), is_header("72bpm"), is_header("inf"), is_header("t (s),%")
    (False, False, False, True)
    """
    cells = [cell.strip("\"'") for cell in re.split(r"[,;\s]+", line)]
    names = [cell for cell in cells if cell]
    numeric = any(POINTS.value(c) is not None or len(c) > MAX_CELL for c in names)
    letters = any(character.isalpha() for cell in names for character in cell)
    return letters and not numeric and not any(_NO_NAME.match(cell) for cell in names)


MOST_RISE = 10
"""Whole parts that never fall and rise by so much are an index or a time."""

FEW = 4
"""Fewer lines than this are taken for an index only where they begin at 0 or 1."""


def counts_up(values: Array) -> bool:
    """Whether the integer parts of numbers increase as the index or the time of a table does.

    They never decrease, and rise by `MOST_RISE` in total or by one for each line on average.

    >>> counts_up(np.array([0.53, 1.53])), counts_up(np.array([71.0, 72.5]))
    (True, False)
    >>> counts_up(np.array([0.72, 2.73, 4.75])), counts_up(np.array([71.1, 71.9, 72.3, 72.4]))
    (True, False)
    """
    integers = np.trunc(values[np.isfinite(values)])
    steps = np.diff(integers)
    if not len(steps) or (steps < 0).any():
        return False
    if (
        len(integers) < FEW
        and integers[0] not in {0, 1}
        and not (len(steps) > 1 and (steps == 1).all())
    ):
        return False
    rise = float(integers[-1] - integers[0])
    return rise >= MOST_RISE or rise >= len(steps)


_GROUPED = {
    mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}", re.ASCII) for mark in ".,"
}
_SMALL = re.compile(r"[+-]?\d{1,3}", re.ASCII)


def looks_grouped(cells: Sequence[str], mark: str) -> str:
    """The first of the cells of a column whose mark may group thousands, or "".

    That is so where every cell with the mark has one to three digits before it and three behind,
    none of them a leading 0, and every other cell is a whole number below a thousand.

    Args:
        cells: the cells of one column, as text.
        mark: the mark that may group thousands: "," or ".".

    Returns:
        The cell, or "".

    >>> looks_grouped(["998", "999", "1,000", "1,001"], ",")
    '1,000'
    >>> looks_grouped(["998", "999.5", "1.000"], "."), looks_grouped(["1.000", "1.001"], ".")
    ('', '')
    """
    first_with_mark, has_other = "", False
    for cell in map(unquote, cells):  # most columns end at the first cell with the mark
        if mark in cell:
            if not _GROUPED[mark].fullmatch(cell):
                return ""
            first_with_mark = first_with_mark or cell
        elif cell.lower() not in MISSING:
            if not _SMALL.fullmatch(cell):
                return ""
            has_other = True
    return first_with_mark if has_other else ""


def names_one_column(header: str) -> bool:
    """Whether a header is one word, with or without a unit in brackets.

    >>> names_one_column("HR (bpm)"), names_one_column("Time HR"), names_one_column(",HR")
    (True, False, False)
    """
    name = re.sub(r"[(\[][^()\[\]]*[)\]]", "", header).strip()
    return bool(name) and not re.search(r"[,;\s]", name)


def unquote(cell: str) -> str:
    """A cell without the quotes around it; one quote alone stays.

    >>> unquote('"71"'), unquote('"71')
    ('71', '"71')
    """
    text = cell.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text


def shorten(text: str) -> str:
    """Text for a message: the first 24 characters."""
    return text if len(text) <= 24 else text[:24] + "..."


def _is_same_reading(first: Reading, second: Reading) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(first.rows, second.rows, strict=True)
    )
