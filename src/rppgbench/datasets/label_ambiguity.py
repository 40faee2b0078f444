"""Refusals of text labels that can be read in two ways."""

import re
from itertools import zip_longest
from pathlib import Path

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.datasets.label_grammar import (
    COMMAS,
    Dialect,
    Line,
    Reading,
    counts_up,
    distinct_readings,
    is_header,
    looks_grouped,
    names_one_column,
    parse_lines,
    shorten,
    unquote,
)
from rppgbench.system.errors import RecordingError


def check_grouped(file: Path, lines: list[Line], dialect: Dialect, columns: int | None) -> None:
    """Refuse a decimal mark that could as well group thousands.

    Args:
        file: the label file, for the message.
        lines: the lines of numbers.
        dialect: how the lines were read.
        columns: how many numbers each line has; None for any.

    Raises:
        RecordingError: it can be read in two ways.
    """
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


def check_single(file: Path, header: str, lines: list[Line], reading: Reading) -> None:
    """Refuse one column that could as well be two: a comma may separate or be a decimal mark.

    Args:
        file: the label file, for the message.
        header: the line of names, or "".
        lines: the lines of numbers.
        reading: the lines as one column.

    Raises:
        RecordingError: it can be read in two ways.
    """
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


def check_names(file: Path, header: str, dialect: Dialect, columns: int) -> None:
    """Refuse a header that names another number of columns, or an index without a name.

    Args:
        file: the label file, for the message.
        header: the line of names, or "".
        dialect: how the lines were read.
        columns: how many numbers each line has.

    Raises:
        RecordingError: the names do not fit the numbers.
    """
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


def check_time(file: Path, first: str, unit: str) -> None:
    """Refuse a header by which the first column is no time, another one is, or its unit differs.

    Args:
        file: the label file, for the message.
        first: the first line that is not blank.
        unit: the unit in which the first column is read.

    Raises:
        RecordingError: the header says something else.
    """
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


def ambiguity_error(file: Path, line: Line, *rows: Array) -> RecordingError:
    """The error for a line that two dialects read differently, with both readings.

    Args:
        file: the label file, for the message.
        line: the line.
        *rows: the numbers of each reading.
    """
    readings = " or as ".join(
        " and ".join(f"{value:.10g}" for value in row[:4]) + (" ..." if len(row) > 4 else "")
        for row in rows
    )
    return RecordingError(
        f"{file}: line {line.number}: {shorten(line.text)!r} can be read as {readings}; separate "
        "numbers by semicolons, write decimal points, and nan for a number that is missing"
    )
