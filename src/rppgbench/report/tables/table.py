"""The one model of a table: columns, rows, cells and marks."""

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

from rppgbench.report.data_marks import UNMARKED, DataMarks
from rppgbench.report.tables.columns import Column, in_unit

Highlight = Literal["", "best", "second", "ahead"]
RowKind = Literal["", "baseline", "leaked", "printed"]


@dataclass(frozen=True)
class Cell:
    """What one place of a table shows.

    `value` is what sorting goes by (a number, a word, or None, which sorts last); `interval` is
    the 95 % interval as written, "" without one; `below` is another small line under the text;
    `detail` says the cell in words.
    """

    text: str
    value: float | str | None = None
    _: KW_ONLY
    interval: str = ""
    below: str = ""
    mark: Highlight = ""
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """One row; `kind` is "baseline" for a method that learns nothing, "printed" for a paper's own.

    "leaked" is a method whose weights were learned on the data that it is tested on.
    """

    cells: tuple[Cell, ...]
    kind: RowKind = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns, rows, a caption that says n, and notes below.

    The leading `headers` columns name the row. `key` is unique on a page and names the files.
    """

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    headers: int = 1
    notes: tuple[str, ...] = ()
    marks: DataMarks = UNMARKED

    def in_unit(self, unit: str) -> "Table":
        """The table with its columns of rates in the unit of a quantity: see `columns.in_unit`."""
        return replace(self, columns=tuple(in_unit(column, unit) for column in self.columns))

    def without_columns(self, keys: Collection[str]) -> "Table":
        """The table without the columns of some keys; none of them names the row."""
        kept = [place for place, column in enumerate(self.columns) if column.key not in keys]
        return replace(
            self,
            columns=tuple(self.columns[place] for place in kept),
            rows=tuple(replace(row, cells=tuple(row.cells[k] for k in kept)) for row in self.rows),
        )
