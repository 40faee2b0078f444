"""Label files whose lines are a number, a date and a time."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.datasets.label_grammar import shorten
from rppgbench.datasets.label_text import read_text
from rppgbench.datasets.simulated_writers import write_lines
from rppgbench.system.errors import RecordingError

LINE = re.compile(r"([+-]?\d+(?:\.\d+)?)\s+(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)")


def read_dated_lines(file: Path) -> tuple[Array, Array]:
    """The numbers and the times of lines such as `71 2023-11-13 14:18:09.856232`.

    Args:
        file: a text file.

    Returns:
        The numbers (N,), and seconds of the clock that wrote the dates (N,), from 1970 on. A date
        without a time zone is taken as it stands, so only differences have a meaning.

    Raises:
        RecordingError: not readable, or a line of another form.
    """
    lines = read_text(file).split("\n")
    numbers, stamps = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise RecordingError(
                f"{file}: line {number}: {shorten(line)!r} is not a number, a date and a time such "
                "as '71 2023-11-13 14:18:09.856232'; repair that line or copy the original again"
            )
        numbers.append(float(match[1]))
        stamps.append(f"{match[2]}T{match[3]}")
    try:
        nanoseconds = np.array(stamps, dtype="datetime64[ns]").astype(np.int64)
    except ValueError as error:
        raise RecordingError(f"{file}: holds a date that is none ({error})") from error
    return np.array(numbers), nanoseconds / 1e9


def write_dated_lines(file: Path, numbers: Iterable[object], unix_s: Array) -> None:
    """Write a line for each number, with microseconds; the folder is created.

    Args:
        file: the file.
        numbers: what each line begins with.
        unix_s: seconds from 1970 on (N,).
    """
    stamps = np.rint(unix_s * 1e6).astype(np.int64).astype("datetime64[us]")
    texts = (str(stamp).replace("T", " ") for stamp in stamps)
    write_lines(file, (f"{n} {text}" for n, text in zip(numbers, texts, strict=True)))
