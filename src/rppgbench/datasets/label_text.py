"""Readers of numbers in text label files.

The readers in `benchmarks/` use these functions. They return numbers, or raise one `RecordingError`
that names file, line and way out; `label_grammar` defines what is accepted. A text that can be read
in two ways is refused with both readings. No text is evaluated or unpickled, and a name in a label
file is not used as a path (`layout.require_inside` checks such names).
"""

import csv
import io
import re
from collections.abc import Collection
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.datasets.label_grammar import (
    COMMAS,
    POINTS,
    Dialect,
    Line,
    Reading,
    counts_up,
    distinct_readings,
    find_dialects,
    first_difference,
    is_header,
    looks_grouped,
    names_one_column,
    parse_lines,
    shorten,
    unquote,
)
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.system.io_errors import check_regular, disk_fault

MAX_BYTES = 256 * 2**20  # an hour at 1 kHz is under 40 MB; more is not a label file
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def read_text(file: Path) -> str:
    """The text of a label file with `\\n` as line end.

    Raises:
        RecordingError: the file is missing, not readable, no regular file, empty, larger than
            256 MB, or binary.
        MachineError: the disk cannot read the file.
    """
    check_regular(file)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise RecordingError(
                f"{file}: {size / 2**20:.0f} MB is more than a label file holds "
                f"({MAX_BYTES / 2**20:.0f} MB); copy the original file again"
            )
        raw = file.read_bytes()
    except OSError as error:
        raise unreadable_label(error, file) from error
    encoding = next((name for mark, name in MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if not text.strip():
        raise RecordingError(f"{file}: is empty; copy the original file again")
    if "\0" in text:
        raise RecordingError(f"{file}: holds zero bytes, so it is no text; copy the original again")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unreadable_label(
    error: OSError, file: Path, kind: type[BenchError] = RecordingError
) -> BenchError:
    """The error for a file or folder that cannot be read.

    Args:
        error: the error of the operating system.
        file: the file or folder.
        kind: the class of the error, where the disk is not at fault.
    """
    return disk_fault(error, file) or kind(f"{file}: {failure_text(error)}")


def failure_text(error: OSError) -> str:
    """The operating system's error about a file, with the way out, in a few words.

    >>> failure_text(FileNotFoundError())
    'does not exist; copy it from the original data set'
    """
    if isinstance(error, FileNotFoundError):
        return "does not exist; copy it from the original data set"
    if isinstance(error, PermissionError):
        return "may not be read; give yourself read permission"
    return f"cannot be read ({error.strerror or error}); check the disk"


def read_rows(file: Path, *, columns: int | None = None) -> list[Array]:
    """The rows of numbers, each an array (C,), without header and blank lines.

    `label_grammar` defines what is accepted. A header is a first line of names. Without a header
    the first line holds numbers, so no sample is lost.

    Args:
        file: a text file.
        columns: the number of numbers in each row; None allows rows of different lengths.

    Raises:
        RecordingError: no numbers at all, something that is not a number (with its line), a row of
            another length, or a text that two dialects read differently (with both readings).
    """
    text = read_text(file)
    lines = [Line(number, line.strip(" ")) for number, line in enumerate(text.split("\n"), start=1)]
    lines = [line for line in lines if line.text.strip()]
    header = lines.pop(0).text if is_header(lines[0].text) else ""
    if not lines:
        raise RecordingError(f"{file}: holds no numbers; copy the original file again")
    candidates = [parse_lines(dialect, lines, columns) for dialect in find_dialects(text)]
    readings = distinct_readings(candidates)
    if not readings:
        worst = max(candidates, key=lambda reading: reading.fault_at)
        raise RecordingError(
            f"{file}: {worst.fault}; repair that line or copy the original file again"
        )
    if columns is not None:
        readings += _read_with_empty_cells(readings[0], lines, columns)
    if len(readings) > 1:
        row = first_difference(*readings[:2])
        raise _ambiguity_error(file, lines[row], *(reading.rows[row] for reading in readings[:2]))
    _check_grouped(file, lines, readings[0].dialect, columns)
    if columns == 1:
        _check_single(file, header, lines, readings[0])
    elif columns is not None:
        _check_names(file, header, readings[0].dialect, columns)
    return readings[0].rows


def read_column(file: Path) -> Array:
    """The numbers (N,) of a file with one number in each line, as `read_rows` accepts them.

    A comma is a decimal mark only where it cannot be a separator: the header is one word, or the
    numbers are in quotes, and the integer parts do not increase by one as an index does.

    Raises:
        RecordingError: see `read_rows`.
    """
    quick = _read_plain_numbers(read_text(file))
    if quick is not None:
        return quick
    return np.concatenate(read_rows(file, columns=1))


def read_table(
    file: Path, columns: int, *, time_first: bool = False, time_unit: str = "s"
) -> Array:
    """A file with the same number of numbers in every line: (N, columns).

    Args:
        file: a text file.
        columns: how many numbers each line must have.
        time_first: the first column is time, so a header names it so, and no other column.
        time_unit: the unit of that time: "s" or "ms".

    Raises:
        RecordingError: see `read_rows`; a header that names another number of columns, an index
            (a first column without a name), or the time elsewhere.
    """
    rows = read_rows(file, columns=columns)
    if time_first:
        _check_time(file, time_unit)
    return np.stack(rows)


def parse_numbers(cells: list[str], file: Path, line: int) -> Array:
    """The numbers (C,) in cells with decimal points, which a reader has split.

    Args:
        cells: the text of the cells.
        file: the file, for messages.
        line: the number of the line, for messages.

    Raises:
        RecordingError: a cell holds no number.

    >>> parse_numbers(["71", " 72.5", ""], Path("x"), 1)
    array([71. , 72.5,  nan])
    """
    values = [POINTS.value(cell) for cell in cells]
    for cell, value in zip(cells, values, strict=True):
        if value is None:
            raise RecordingError(
                f"{file}: line {line}: {shorten(cell)!r} is not a number; "
                "repair that line or copy the original file again"
            )
    return np.array(values, dtype=np.float64)


def read_row_named(file: Path, *names: Collection[str]) -> Array | None:
    """The numbers (C,) of the first line that begins with given names, one in each cell.

    Args:
        file: a text file of rows with names before the numbers.
        names: the accepted names of each cell at the beginning of the line.

    Returns:
        The numbers after the names; None where no line has the names and a number.

    Raises:
        RecordingError: see `read_rows`.
    """
    text = read_text(file)
    dialects = find_dialects(text)
    for at, line in enumerate(text.split("\n"), start=1):
        readings, faults = list[Reading](), list[str]()
        for dialect in dialects:
            cells = dialect.cells(line.strip())
            labels, numbers = cells[: len(names)], cells[len(names) :]
            if not numbers or any(
                cell not in name for cell, name in zip(labels, names, strict=True)
            ):
                continue
            values = [dialect.value(cell) for cell in numbers]
            bad = next((c for c, v in zip(numbers, values, strict=True) if v is None), None)
            if bad is None:
                readings.append(Reading(dialect, [np.array(values, dtype=np.float64)]))
            else:
                faults.append(bad)
        readings = distinct_readings(readings)
        if len(readings) > 1:
            raise _ambiguity_error(
                file, Line(at, line), *(reading.rows[0] for reading in readings[:2])
            )
        if readings:
            return readings[0].rows[0]
        if faults:
            return parse_numbers(faults, file, at)  # raises: names the cell and the line
    return None


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


def _read_with_empty_cells(reading: Reading, lines: list[Line], columns: int) -> list[Reading]:
    """The reading with empty cells between tabs, where blanks and tabs were one separator."""
    if reading.dialect.separator != " " or not any("\t" in line.text for line in lines):
        return []
    wider = parse_lines(Dialect("\t", reading.dialect.decimal), lines, None)
    return [wider] if any(len(row) > columns for row in wider.rows) else []


def _check_grouped(file: Path, lines: list[Line], dialect: Dialect, columns: int | None) -> None:
    """Refuse a decimal mark that could as well group thousands."""
    if not any(dialect.decimal in line.text for line in lines):
        return
    rows = [dialect.cells(line.text, columns) for line in lines]
    series = rows  # a few long rows are each a series; else the columns are
    if columns is not None or len(rows) >= max(map(len, rows)):
        series = [list(filter(None, column)) for column in zip_longest(*rows)]
    for cells in series:
        cell = looks_grouped(cells, dialect.decimal)
        if cell:
            number = next(line.number for line in lines if cell in line.text)
            as_fraction, as_integer = cell.replace(",", "."), re.sub("[.,]", "", cell)
            raise RecordingError(
                f"{file}: line {number}: {shorten(cell)!r} can be read as {as_fraction} or as "
                f"{as_integer}, for the other numbers are whole and below a thousand; write "
                "numbers without marks between thousands, and every fraction with a decimal point"
            )


def _check_single(file: Path, header: str, lines: list[Line], reading: Reading) -> None:
    """Refuse one column that could as well be two: a comma may separate or be a decimal mark."""
    commas = [line for line in lines if "," in line.text or line.text.endswith(";")]
    names = [name for name in re.split(r"[,;\t]", header.rstrip(",;\t")) if header]
    if commas:
        rivals = reading.dialect.decimal == "," and distinct_readings(
            [parse_lines(COMMAS, lines, 2)]
        )
        if counts_up(np.concatenate(reading.rows)) or (rivals and not names_one_column(header)):
            line = commas[0]
            cells = [unquote(cell) for cell in re.split("[,;]", unquote(line.text))]
            single = ".".join(cell for cell in cells if cell)
            pair = " and ".join(cell or "nothing" for cell in cells)
            raise RecordingError(
                f"{file}: line {line.number}: {shorten(line.text)!r} can be read as one number, "
                f"{shorten(single)}, or as two, {shorten(pair)}; if it is one, write a decimal "
                "point; if it is two, keep only the column that belongs here"
            )
    if len(names) > 1:
        raise RecordingError(
            f"{file}: the header {shorten(header)!r} names {len(names)} columns, the lines hold "
            "one number each; keep only the column that belongs here, with its name"
        )


def _check_names(file: Path, header: str, dialect: Dialect, columns: int) -> None:
    one_name = dialect.separator == "," and names_one_column(header)
    if dialect.separator == " " or not (one_name or dialect.separator in header):
        return
    names = [unquote(name) for name in dialect.cells(header, columns)]
    if len(names) != columns:
        noun = "column" if one_name else "columns"
        raise RecordingError(
            f"{file}: the header {shorten(header)!r} names {len(names)} {noun}, the lines hold "
            f"{columns} numbers each; repair the header or copy the original file again"
        )
    if not names[0]:
        raise RecordingError(
            f"{file}: the first column has no name in the header {shorten(header)!r}: it can be "
            "read as data or as an index; name it, or save the table again without its index"
        )


TIME_WORDS = re.compile(
    r"t|time.*|.*(time|stamp|elapsed|clock|uhrzeit)s?|zeit.*|temps|tiempo|tempo|"
    r"s|secs?|seconds?|ms|msec|milliseconds?|date",
    re.IGNORECASE,
)
"""Names of a column of times, without the unit behind them."""

TIME_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "millis"), "ms"),
    **dict.fromkeys(("us", "\u00b5s", "\u03bcs", "usec", "microseconds"), "microseconds"),
    **dict.fromkeys(("ns", "nsec", "nanoseconds"), "nanoseconds"),
    **dict.fromkeys(("min", "mins", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hours"), "hours"),
    **dict.fromkeys(("frame", "frames", "samples"), "samples"),
}


def _parse_time_name(name: str) -> tuple[bool, str]:
    """Whether a column's name is one of times, and the unit that it names, or "".

    >>> _parse_time_name("time_ms"), _parse_time_name("Timestamp")
    ((True, 'ms'), (True, ''))
    >>> _parse_time_name("t (s)"), _parse_time_name("bvp")
    ((True, 's'), (False, ''))
    """
    label = name.strip().rstrip(")]").lower()
    base, _, unit = re.sub(r"[ _(\[/]+", " ", label).strip().rpartition(" ")
    if unit in TIME_UNITS and base:
        return bool(TIME_WORDS.fullmatch(base.replace(" ", ""))), TIME_UNITS[unit]
    return bool(TIME_WORDS.fullmatch(label.replace(" ", ""))), TIME_UNITS.get(label, "")


def _check_time(file: Path, unit: str) -> None:
    """Refuse a header by which the first column is no time, another one is, or its unit differs."""
    first = next(line for line in read_text(file).split("\n") if line.strip()).strip()
    if not is_header(first):
        return
    mark = next((mark for mark in ";\t," if mark in first), None)
    names = [unquote(name) for name in first.split(mark)]
    times = [i for i, name in enumerate(names) if _parse_time_name(name)[0]]
    location = f"{file}: the header {shorten(first)!r}"
    if times and times[0] > 0:
        raise RecordingError(
            f"{location} names the time in column {times[0] + 1}, and column 1 is read as time; "
            "put the time first"
        )
    if not times:
        raise RecordingError(
            f"{location} names no time, and column 1 is read as time in {unit}: it may be an "
            f"index or a value; name that column time_{unit} if it is the time"
        )
    if _parse_time_name(names[0])[1] not in {"", unit}:
        raise RecordingError(
            f"{location} names a time in {_parse_time_name(names[0])[1]}, and column 1 is read as "
            f"{unit}; write the time in {unit}"
        )


def _ambiguity_error(file: Path, line: Line, *rows: Array) -> RecordingError:
    """A line that two dialects read differently, with both readings."""
    readings = " or as ".join(
        " and ".join(f"{value:.10g}" for value in row[:4]) + (" ..." if len(row) > 4 else "")
        for row in rows
    )
    return RecordingError(
        f"{file}: line {line.number}: {shorten(line.text)!r} can be read as {readings}; separate "
        "numbers by semicolons, write decimal points, and nan for a number that is missing"
    )


def _read_plain_numbers(text: str) -> Array | None:
    """The common case at C speed: one plain number in each line, with or without a header."""
    if any(mark in text for mark in ",;\t_") or not text.isascii():
        return None
    tokens = text.split()
    if is_header(tokens[0]) and text.lstrip().split("\n", 1)[0].strip() == tokens[0]:
        tokens = tokens[1:]
    if not tokens or sum(1 for line in text.split("\n") if line.strip()) < len(tokens):
        return None  # more than one a line
    try:
        values = np.array(tokens, dtype=np.float64)
    except ValueError:
        return None
    grouped = "." in text and looks_grouped(tokens, ".")
    return None if np.isinf(values).any() or grouped else values
