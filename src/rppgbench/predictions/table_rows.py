"""Tables of predictions, CSV and Parquet, read a piece at a time.

A table is read in batches, so that memory is bounded by the largest recording. The rows of one
recording stand together; a recording that begins again later is refused.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from rppgbench.predictions.checking import MOST_SAMPLES
from rppgbench.system.errors import BenchError, one_line, shortened

SEPARATORS = "\t;,"
MOST_HEADER_BYTES = 2**20
BLOCK_BYTES = 2**22
BATCH_ROWS = 65_536
MOST_BATCH_BYTES = 2**28
"""Of the decoded values of one batch of Parquet: its pages may be packed a thousandfold."""
LIST_ROWS = 8
MOST_CHUNK_BYTES = 2**30
PARQUET_MAGIC = b"PAR1"
MISSING = ["", "nan", "NaN", "NAN", "-nan", "na", "NA", "N/A", "n/a", "null", "None", "--"]
TEXT_NAMES = frozenset({"recording", "video", "video_name", "filename", "subject", "method"})


def is_parquet(file: Path) -> bool:
    """Whether a file begins as Parquet does."""
    with file.open("rb") as stream:
        return stream.read(4) == PARQUET_MAGIC


def csv_header(file: Path) -> tuple[list[str], str]:
    """The names in the first line of a CSV file, and the separator.

    Args:
        file: the file.

    Raises:
        BenchError: no text, or a first line of numbers or with two possible separators.
    """
    with file.open("rb") as stream:
        line = stream.readline(MOST_HEADER_BYTES)
    if b"\0" in line:
        raise BenchError(f"{file}: is no text; give another --format")
    if not line.endswith((b"\n", b"\r")) and len(line) == MOST_HEADER_BYTES:
        raise BenchError(f"{file}: a first line of more than 1 MB; give a table with a header")
    try:
        text = line.decode("utf-8-sig").split("\r")[0].rstrip("\n")
    except UnicodeDecodeError:
        raise BenchError(f"{file}: is not in UTF-8; save it as UTF-8") from None
    if not text.strip():
        raise BenchError(f"{file}: has no header in its first line; name the columns there")
    outside = "".join(text.split('"')[::2])
    marks = [mark for mark in SEPARATORS if mark in outside]
    if len(marks) > 1 and "\t" not in marks:
        raise BenchError(
            f"{file}: its header has commas and semicolons, so either could separate; use one"
        )
    separator = marks[0] if marks else ","
    names = [name.strip() for name in next(csv.reader([text], delimiter=separator))]
    return names, separator


def csv_columns(file: Path) -> set[str]:
    """The names in the first line of a file called `.csv`; none where the file is no such table."""
    if file.suffix.lower() != ".csv":
        return set()
    try:
        return set(csv_header(file)[0])
    except BenchError:
        return set()


def check_header(names: Sequence[str], file: Path) -> None:
    """Check that a header has names, and each once.

    Args:
        names: the names of the columns.
        file: the file, for messages.

    Raises:
        BenchError: a number or nothing for a name, or one name twice.
    """
    for name in names:
        if not name or _is_number(name):
            raise BenchError(
                f"{file}: its first line holds {one_line(name)[:40]!r} for the name of a column; "
                "name the columns there, such as recording,time_s,pulse"
            )
    lower = [name.lower() for name in names]
    twice = [name for at, name in enumerate(lower) if name in lower[:at]]
    if twice:
        raise BenchError(f"{file}: two columns are called {one_line(twice[0])!r}; rename one")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Errors of pyarrow as one line."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        text = shortened(one_line(error), 200)
        raise BenchError(f"{file}: not a table that can be read ({text}); repair it") from error


def column_names(file: Path) -> list[str]:
    """The names of the columns of a table.

    Raises:
        BenchError: the file is no table, or its header is at fault.
    """
    if is_parquet(file):
        with _readable(file):
            names = [str(name) for name in pq.ParquetFile(file).schema_arrow.names]
    else:
        names, _ = csv_header(file)
    check_header(names, file)
    return names


def read_batches(file: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The columns of a table, a batch of rows at a time.

    Args:
        file: a CSV or Parquet file.
        columns: which columns.

    Yields:
        Column -> array (rows,): texts as objects, numbers as float64 with NaN for missing ones,
        lists of numbers as objects.

    Raises:
        BenchError: the file is damaged, or a cell is no number.
    """
    with _readable(file):
        batches = _parquet_batches if is_parquet(file) else _csv_batches
        for batch in batches(file, columns):
            yield {name: _values(batch.column(name), name, file) for name in columns}


def _csv_batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    names, separator = csv_header(file)
    types = {name: pa.string() if name.lower() in TEXT_NAMES else pa.float64() for name in columns}
    decimal = "," if separator == ";" and _has_decimal_commas(file) else "."
    reader = pa_csv.open_csv(
        file,
        read_options=pa_csv.ReadOptions(
            use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows=1
        ),
        parse_options=pa_csv.ParseOptions(delimiter=separator),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            include_columns=list(columns),
            null_values=MISSING,
            strings_can_be_null=False,
            decimal_point=decimal,
        ),
    )
    with reader:
        yield from reader


def _has_decimal_commas(file: Path) -> bool:
    """Whether a table that is separated by semicolons has commas in the row after the header."""
    with file.open("rb") as stream:
        stream.readline(MOST_HEADER_BYTES)
        return b"," in stream.readline(MOST_HEADER_BYTES)


def _parquet_batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    content = pq.ParquetFile(file)
    rows = BATCH_ROWS
    lists = [name for name in columns if pa.types.is_nested(content.schema_arrow.field(name).type)]
    if lists:
        rows = LIST_ROWS
    for group in range(content.num_row_groups):
        about = content.metadata.row_group(group)
        for column in range(about.num_columns):
            if about.column(column).total_uncompressed_size > MOST_CHUNK_BYTES:
                raise BenchError(f"{file}: a column of more than 1 GB in one row group; cut it up")
    for batch in content.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
        if batch.nbytes > MOST_BATCH_BYTES:
            raise BenchError(
                f"{file}: {batch.nbytes / 2**20:.0f} MB in {batch.num_rows} rows; cut it up"
            )
        yield batch


def _values(column: pa.Array, name: str, file: Path) -> Any:
    """A column as an array of numpy's."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.asarray(column.to_pylist(), dtype=object)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        cells = np.empty(len(column), dtype=object)
        for at, cell in enumerate(column):
            cells[at] = cell.values.to_numpy(zero_copy_only=False) if cell.is_valid else None
        return cells
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if name.lower() in TEXT_NAMES and pa.types.is_integer(kind):
        return np.asarray([str(value) for value in column.to_pylist()], dtype=object)
    if not (is_number or pa.types.is_decimal(kind)):
        raise BenchError(f"{file}: {one_line(name)!r} holds values of type {kind}, not numbers")
    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def grouped_rows(
    batches: Iterator[dict[str, Any]], keys: Sequence[str], file: Path
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The rows that stand together and have the same keys.

    Args:
        batches: the columns, a batch at a time.
        keys: the columns of texts that tell recordings apart.
        file: the file, for messages.

    Yields:
        The keys, and the columns of the rows.

    Raises:
        BenchError: rows of one recording do not stand together, or are too many.
    """
    read_keys: set[tuple[str, ...]] = set()
    current: tuple[str, ...] | None = None
    parts: list[dict[str, Any]] = []
    for batch in batches:
        for key, rows in _runs(batch, keys):
            if key != current:
                if current is not None:
                    yield current, _joined(parts)
                if key in read_keys:
                    shown = " of ".join(one_line(part)[:80] for part in key)
                    raise BenchError(
                        f"{file}: the rows of {shown!r} do not stand together; sort the table by "
                        "recording"
                    )
                read_keys.add(key)
                current, parts = key, []
            parts.append(rows)
            if sum(len(next(iter(part.values()))) for part in parts) > MOST_SAMPLES:
                raise BenchError(f"{file}: more than {MOST_SAMPLES:,} rows of one recording")
    if current is not None:
        yield current, _joined(parts)


def _runs(
    batch: Mapping[str, Any], keys: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The runs of equal keys in one batch."""
    count = len(next(iter(batch.values())))
    changes = np.zeros(max(count - 1, 0), dtype=bool)
    for key in keys:
        changes |= batch[key][1:] != batch[key][:-1]
    starts = [0, *(np.flatnonzero(changes) + 1).tolist()] if count else []
    for start, stop in zip(starts, [*starts[1:], count], strict=True):
        yield (
            tuple(str(batch[key][start] or "") for key in keys),
            {name: values[start:stop] for name, values in batch.items()},
        )


def _joined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
