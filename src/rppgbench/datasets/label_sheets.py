"""Tables of text with named columns, as spreadsheets write them."""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.datasets.label_grammar import Dialect, shorten
from rppgbench.datasets.label_text import read_text
from rppgbench.system.errors import RecordingError


class Sheet(NamedTuple):
    """A table of text with named columns: `rows` holds each row's line number and cells."""

    file: Path
    names: list[str]
    rows: list[tuple[int, list[str]]]
    separator: str

    def place(self, name: str) -> int:
        """The place of the single column of a name.

        Raises:
            RecordingError: there is none, or more than one.
        """
        if self.names.count(name) != 1:
            raise RecordingError(
                f"{self.file}: has no single column {name!r}; copy the original file again"
            )
        return self.names.index(name)

    def numbers(self, column: int) -> Array:
        """A column as numbers (N,), NaN where a cell is empty.

        Raises:
            RecordingError: a cell is no number, or points and commas both are decimal marks.
        """
        marks = ".," if self.separator != "," else "."
        faults = []
        for mark in marks:
            values = [Dialect(self.separator, mark).value(cells[column]) for _, cells in self.rows]
            at = next((i for i, value in enumerate(values) if value is None), None)
            if at is None:
                return np.array(values, dtype=np.float64)
            faults.append(at)
        line, cells = self.rows[max(faults)]
        raise RecordingError(
            f"{self.file}: line {line}: {shorten(cells[column])!r} is not a number "
            f"written as those above it; repair that line"
        )


def read_sheet(file: Path) -> Sheet:
    """A text table with named columns, as spreadsheets write it; cells may be in quotes.

    The separator is the one mark in the header: a comma, a semicolon or a tab.

    Raises:
        RecordingError: not readable, a header that can be split in two ways, or a row that has
            another number of cells than the header.
    """
    text = read_text(file)
    first = next(line for line in text.split("\n") if line.strip())
    unquoted_part = re.sub(r'"[^"]*"', "", first)
    splits = [mark for mark in ",;\t" if mark in unquoted_part]
    if len(splits) > 1:
        choices = " or ".join(
            f"{unquoted_part.count(mark) + 1} columns by {mark!r}" for mark in splits
        )
        raise RecordingError(
            f"{file}: line 1 {shorten(first)!r} can be read as {choices}; use one separator"
        )
    separator = splits[0] if splits else ","
    table = list(_csv_rows(file, text, separator))
    if not table:
        raise RecordingError(f"{file}: line 1 {shorten(first)!r} names no column; copy it again")
    (_, names), *rows = table
    for number, cells in rows:
        while len(cells) > len(names) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(names):
            raise RecordingError(
                f"{file}: line {number} has {len(cells)} cells, the header has {len(names)}; "
                f"separate all by {separator!r}, and put a cell that holds one in quotes"
            )
    return Sheet(file, [name.strip() for name in names], rows, separator)


def _csv_rows(file: Path, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """The rows of a text that are not blank, with their line numbers."""
    table = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    try:
        return [(table.line_num, cells) for cells in table if any(c.strip() for c in cells)]
    except csv.Error as error:
        raise RecordingError(f"{file}: line {table.line_num}: {error}; repair that line") from error
