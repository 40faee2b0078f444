"""The grammar of numbers in label text.

A text is tried in every dialect whose marks occur in it. What reads in one dialect alone is read;
what reads in two, with other numbers, is refused by `labels`, which shows both.

| part | what is read |
| --- | --- |
| bytes | UTF-8, with or without a byte-order mark; UTF-16 with one; else Latin-1 |
| line ends | LF, CR, CRLF, also mixed; blank lines do not count |
| header | a first line in which no cell is a number |
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

MAX_CELL = 64  # the longest number that a program writes has 24 characters
MISSING = frozenset({"", "nan", "-nan", "na", "n/a", "null", "none", "#n/a"})
_EXPONENT = r"(?:[eEdD][+-]?\d+)?"
_PATTERNS = {
    ".": re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)" + _EXPONENT, re.ASCII),
    ",": re.compile(r"[+-]?\d+(?:,\d+)?" + _EXPONENT, re.ASCII),
}


class Line(NamedTuple):
    """A line that is not blank, and its number from 1."""

    number: int
    text: str


class Dialect(NamedTuple):
    """One way to write rows of numbers; the separator " " is any run of blanks and tabs."""

    separator: str
    decimal: str

    def cells(self, line: str, columns: int | None = None) -> list[str]:
        """The cells of a line, without blanks around them.

        An empty cell after a separator at the end counts where it makes up the `columns` asked for.

        >>> Dialect(";", ",").cells("1; 2,5;")
        ['1', '2,5']
        """
        if self.separator == " ":
            return line.split()
        cells = [cell.strip() for cell in line.split(self.separator)]
        trailing = len(cells) > 1 and not cells[-1] and len(cells) != columns
        return cells[:-1] if trailing else cells

    def value(self, cell: str) -> float | None:
        """The number in a cell, NaN where there is none, None where it is something else.

        >>> Dialect(";", ",").value("2,5"), Dialect(",", ".").value("2,5")
        (2.5, None)
        """
        bare = unquote(cell)
        if bare.lower() in MISSING:
            return math.nan
        if len(bare) > MAX_CELL or not _PATTERNS[self.decimal].fullmatch(bare):
            return None
        number = float(bare.replace(",", ".").lower().replace("d", "e"))
        return None if math.isinf(number) else number  # 1e400 is no number


POINTS = Dialect(" ", ".")
COMMAS = Dialect(",", ".")
DIALECTS = (
    POINTS,
    Dialect(" ", ","),
    COMMAS,
    *(Dialect(separator, decimal) for separator in ";\t" for decimal in ".,"),
)


class Reading(NamedTuple):
    """What a text holds in one dialect: a row (C,) a line, or at which line that ends and why."""

    dialect: Dialect
    rows: list[Array]
    fault: str = ""
    fault_at: tuple[int, bool] = (0, False)  # line, and whether its numbers were too many or few


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
        dialect: how its numbers are written.
        lines: without the header.
        columns: how many numbers each row must have; None allows rows of different lengths.
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
    """Those of the readings without a fault that hold other numbers than the ones before."""
    out: list[Reading] = []
    for reading in readings:
        if not reading.fault and not any(_same(reading, other) for other in out):
            out.append(reading)
    return out


def first_difference(one: Reading, other: Reading) -> int:
    """The index of the first row that two readings of one text read differently."""
    pairs = zip(one.rows, other.rows, strict=True)
    return next(i for i, (a, b) in enumerate(pairs) if not np.array_equal(a, b, equal_nan=True))


def is_header(line: str) -> bool:
    """Whether a line holds words, and nothing that is a number in any dialect.

    >>> is_header("Time,HR"), is_header("0,53"), is_header("HR;53")
    (True, False, False)
    """
    cells = [cell.strip("\"'") for cell in re.split(r"[,;\s]+", line)]
    named = [cell for cell in cells if cell]
    numeric = (POINTS.value(cell) is not None or len(cell) > MAX_CELL for cell in named)
    return bool(named) and not any(numeric)


def counts_up(values: Array) -> bool:
    """Whether the whole parts of numbers go up by one each, as the index of a table does.

    >>> counts_up(np.array([0.53, 1.53])), counts_up(np.array([71.0, 72.5]))
    (True, False)
    """
    whole = np.trunc(values)
    steps = np.diff(whole)
    by_one = bool(len(steps)) and bool((steps == 1).all())
    return by_one and (len(steps) > 1 or whole[0] in {0, 1})


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
    bare = cell.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return bare[1:-1].strip()
    return bare


def shorten(text: str) -> str:
    """Text for a message: the first 24 characters."""
    return text if len(text) <= 24 else text[:24] + "..."


def _same(one: Reading, other: Reading) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(one.rows, other.rows, strict=True)
    )
