"""Numbers from label files, whatever wrote them.

Label files come from many programs: with a byte-order mark or without, with CR, LF or CRLF line
ends (also mixed), with a header or without, with decimal points or decimal commas, separated by
commas, semicolons, tabs or blanks, with NaN for what was not measured. The readers here give the
numbers, or one `RecordingError` that names file, line and way out. Nothing is evaluated, nothing
unpickled, and no name that a label file holds is ever used as a path (`tree.inside` checks those).
"""

import math
import re
from pathlib import Path

import numpy as np

from rppgbench.disk import fault_of_disk
from rppgbench.errors import BenchError, RecordingError
from rppgbench.waveform import Array

MAX_BYTES = 256 * 2**20  # an hour at 1 kHz is under 40 MB; more is not a label file
MISSING = frozenset({"", "nan", "-nan", "na", "n/a", "null", "none", "#n/a"})
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")


def read_text(file: Path) -> str:
    """The text of a label file, its line ends made `\\n`.

    Raises:
        RecordingError: the file is missing, not readable, empty, larger than 256 MB, or binary.
        MachineError: it is the disk that cannot read it; so says every reader here.
    """
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise RecordingError(
                f"{file}: {size / 2**20:.0f} MB is more than a label file holds "
                f"({MAX_BYTES / 2**20:.0f} MB); copy the original file again"
            )
        raw = file.read_bytes()
    except OSError as error:
        raise unread(error, file) from error
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


def unread(error: OSError, file: Path, kind: type[BenchError] = RecordingError) -> BenchError:
    """What to say of a file or folder that cannot be read, as `kind`: the disk's fault as such."""
    return fault_of_disk(error, file) or kind(f"{file}: {what_failed(error)}")


def what_failed(error: OSError) -> str:
    """The operating system's complaint about a file, with the way out, in a few words.

    >>> what_failed(FileNotFoundError())
    'does not exist; copy it from the original data set'
    """
    if isinstance(error, FileNotFoundError):
        return "does not exist; copy it from the original data set"
    if isinstance(error, PermissionError):
        return "may not be read; give yourself read permission"
    return f"cannot be read ({error.strerror or error}); check the disk"


def read_rows(file: Path, *, columns: int | None = None) -> list[Array]:
    """Every row of numbers as one array (C,); a header and blank lines are left out.

    A header is a first line in which nothing is a number; where it is missing, the first line
    counts as numbers, so no sample is lost. A comma is a decimal comma where the rows are
    separated by semicolons, tabs or blanks, or where one column is asked for; else it separates.

    Args:
        file: a text file.
        columns: how many numbers each row must have; None allows rows of different lengths.

    Raises:
        RecordingError: no numbers at all, something that is not a number (with its line), or a
            row of another length.
    """
    lines = [(at, line.strip()) for at, line in enumerate(read_text(file).split("\n"), start=1)]
    lines = [(at, line) for at, line in lines if line]
    if lines and _is_header(lines[0][1]):
        lines = lines[1:]
    if not lines:
        raise RecordingError(f"{file}: holds no numbers; copy the original file again")
    separator = _separator([line for _, line in lines[:50]], columns)
    rows = []
    for at, line in lines:
        row = np.array([_number(token, file, at) for token in _cells(line, separator)])
        if columns is not None and len(row) != columns:
            raise RecordingError(
                f"{file}: line {at} has {len(row)} numbers where {columns} belong; "
                "repair that line or copy the original file again"
            )
        rows.append(row)
    return rows


def read_column(file: Path) -> Array:
    """A file with one number a line: (N,); see `read_rows` for what is understood.

    Raises:
        RecordingError: see `read_rows`.
    """
    quick = _quick(read_text(file))
    if quick is not None:
        return quick
    return np.concatenate(read_rows(file, columns=1))


def read_table(file: Path, columns: int) -> Array:
    """A file with the same number of numbers in every line: (N, columns).

    Raises:
        RecordingError: see `read_rows`.
    """
    return np.stack(read_rows(file, columns=columns))


def numbers(cells: list[str], file: Path, line: int) -> Array:
    """The cells of one line that some reader has split itself, as numbers: (C,).

    >>> numbers(["71", " 72,5", ""], Path("x"), 1)
    array([71. , 72.5,  nan])
    """
    return np.array([_number(cell.strip(), file, line) for cell in cells], dtype=np.float64)


def _quick(text: str) -> Array | None:
    """The usual case at C speed: one plain number a line, with or without a header."""
    if "," in text or "_" in text or ";" in text:
        return None
    tokens = text.split()
    if _is_header(tokens[0]) and text.lstrip().split("\n", 1)[0].strip() == tokens[0]:
        tokens = tokens[1:]
    if not tokens or sum(1 for line in text.split("\n") if line.strip()) < len(tokens):
        return None  # more than one a line
    try:
        values = np.array(tokens, dtype=np.float64)
    except ValueError:
        return None
    return values if not np.isinf(values).any() else None


def _is_header(line: str) -> bool:
    cells = [cell.strip().strip("\"'") for cell in re.split(r"[,;\s]+", line)]
    return not any(NUMBER.fullmatch(cell) or cell.lower() in MISSING for cell in cells if cell)


def _separator(lines: list[str], columns: int | None) -> str:
    """What stands between two numbers of a line: ";", "\\t", "," or " " for blanks."""
    text = "\n".join(lines)
    if ";" in text:
        return ";"
    if "\t" in text:
        return "\t"
    if "," not in text or columns == 1:
        return " "
    inner = [re.search(r"[^,\s]\s+[^,\s]", line) for line in lines]
    return " " if any(inner) else ","


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    cells = [cell.strip() for cell in line.split(separator)]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells  # a separator at the end


def _number(token: str, file: Path, line: int) -> float:
    cell = token.strip("\"'")
    if cell.lower() in MISSING:
        return float("nan")
    if "." not in cell:
        cell = cell.replace(",", ".", 1)
    plain = cell.lower().replace("d", "e") if NUMBER.fullmatch(cell) else ""
    if not plain or math.isinf(float(plain)):  # 1e400 is none either
        shown = token if len(token) <= 24 else token[:24] + "..."
        raise RecordingError(
            f"{file}: line {line}: {shown!r} is not a number; "
            "repair that line or copy the original file again"
        )
    return float(plain)
