"""Readers of numbers in text label files.

The readers in `benchmarks/` use these functions. They return numbers, or raise one `RecordingError`
that names file, line and way out; `label_grammar` defines what is accepted. A text that can be read
in two ways is refused with both readings. No text is evaluated or unpickled, and a name in a label
file is not used as a path (`layout.require_inside` checks such names).
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.datasets.label_ambiguity import (
    ambiguity_error,
    check_grouped,
    check_names,
    check_single,
    check_time,
)
from rppgbench.datasets.label_grammar import (
    POINTS,
    Dialect,
    Line,
    Reading,
    distinct_readings,
    find_dialects,
    first_difference,
    is_header,
    looks_grouped,
    parse_lines,
    shorten,
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
        raise ambiguity_error(file, lines[row], *(reading.rows[row] for reading in readings[:2]))
    check_grouped(file, lines, readings[0].dialect, columns)
    if columns == 1:
        check_single(file, header, lines, readings[0])
    elif columns is not None:
        check_names(file, header, readings[0].dialect, columns)
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
        check_time(file, read_text(file).strip().split("\n")[0].strip(), time_unit)
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
            raise ambiguity_error(
                file, Line(at, line), *(reading.rows[0] for reading in readings[:2])
            )
        if readings:
            return readings[0].rows[0]
        if faults:
            return parse_numbers(faults, file, at)  # raises: names the cell and the line
    return None


def _read_with_empty_cells(reading: Reading, lines: list[Line], columns: int) -> list[Reading]:
    """The reading with empty cells between tabs, where blanks and tabs were one separator."""
    if reading.dialect.separator != " " or not any("\t" in line.text for line in lines):
        return []
    wider = parse_lines(Dialect("\t", reading.dialect.decimal), lines, None)
    return [wider] if any(len(row) > columns for row in wider.rows) else []


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
