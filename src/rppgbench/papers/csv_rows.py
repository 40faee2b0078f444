"""The rows of a CSV file whose columns are declared."""

import csv
from collections.abc import Sequence
from pathlib import Path

from rppgbench.system.errors import BenchError


def read_rows(file: Path, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """The rows of a file, each with its place in the file for messages.

    Args:
        file: CSV in UTF-8, with a heading.
        columns: The names that the heading must have, in this order.

    Returns:
        For each row its place, as in "FILE: line 2", and its text by column.

    Raises:
        BenchError: The file cannot be read, its columns are others, or a row has more or fewer
            cells.
    """
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = [(f"{file}: line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{file}: not readable: {error}; save it as CSV in UTF-8") from error
    if list(reader.fieldnames or ()) != list(columns):
        raise BenchError(f"{file}: its columns must be {', '.join(columns)}")
    for place, row in rows:
        if None in row or None in row.values():
            raise BenchError(f"{place} has not {len(columns)} cells")
    return rows
