"""The named columns of a table, NPZ or MAT file of mean colours or of a contact sensor."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.datasets.mat_variables import mat_shapes, read_mat
from rppgbench.predictions.array_source import NpzTree, is_npz
from rppgbench.predictions.checking import as_vector
from rppgbench.system.errors import BenchError, MachineError, RecordingError, one_line, shortened
from rppgbench.system.io_errors import check_regular, classify_os_error

TIME, RATE = "time_s", "fs"
COLOURS = ("red", "green", "blue")
PULSE, HEART_RATE = "pulse", "heart_rate_bpm"
COLUMNS = (TIME, RATE, *COLOURS, PULSE, HEART_RATE)
UNCLEAR_TIMES = frozenset({"time", "times", "t", "timestamp", "timestamps"})


def read_columns(file: Path) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Read the columns that `COLUMNS` names: (T,) each, `fs` (1,) or (T,).

    Args:
        file: a table (CSV, TSV, Parquet), an NPZ or a MAT file.

    Returns:
        The columns, and the names of those that are not read.

    Raises:
        RecordingError: the file is damaged, a column is no row of numbers or has another length, or
            the file can be read in two ways.
        MachineError: the disk cannot read the file.
    """
    try:
        check_regular(file)
        names, read = _open(file)
        wanted = _choose(file, names)
        columns = {key: as_vector(read[name], str(file), key) for key, name in wanted.items()}
    except (RecordingError, MachineError):
        raise
    except BenchError as error:
        raise RecordingError(one_line(error)) from error
    except OSError as error:
        raise classify_os_error(error, file) from error
    lengths = {key: len(values) for key, values in columns.items() if key != RATE}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise RecordingError(f"{file}: columns of different lengths ({shown}); one row a frame")
    if lengths and min(lengths.values()) < 2:
        raise RecordingError(f"{file}: fewer than two rows; check the file")
    return columns, tuple(name for name in names if name not in wanted.values())


def _choose(file: Path, names: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Declared name -> name in the file; refuse what can be read in two ways."""
    chosen: dict[str, str] = {}
    for name in names:
        key = name.lower()
        if key in chosen:
            raise RecordingError(f"{file}: holds {chosen[key]!r} and {name!r}; keep one of them")
        if key in COLUMNS:
            chosen[key] = name
    if not chosen.keys() & {TIME, RATE}:
        for name in names:
            if name.lower() in UNCLEAR_TIMES:
                raise RecordingError(
                    f"{file}: {name!r} can be seconds or milliseconds; name it {TIME} and give "
                    "seconds"
                )
    if not chosen.keys() & {*COLOURS}:
        for name, shape in names.items():
            if len(shape) == 2 and 3 in shape and max(shape) > 3:
                raise RecordingError(
                    f"{file}: {name!r} {shape} can be in the order red, green, blue or blue, "
                    f"green, red (OpenCV's); store {', '.join(COLOURS)} each on its own"
                )
    return chosen


def _open(file: Path) -> tuple[dict[str, tuple[int, ...]], Mapping[str, Any]]:
    """The names in a file with their shapes (() for columns of a table), and their values."""
    if is_npz(file):
        return _open_npz(file)
    if file.suffix.lower() == ".mat":
        shapes = {n: s for n, s in mat_shapes(file).items() if not n.startswith("__")}
        wanted = [name for name in shapes if name.lower() in COLUMNS]
        return shapes, read_mat(file, *wanted) if wanted else {}
    from rppgbench.predictions.table_rows import column_names, read_batches  # loads pyarrow

    names = column_names(file)
    wanted = [name for name in names if name.lower() in COLUMNS]
    batches = list(read_batches(file, wanted)) if wanted else []
    if wanted and not batches:
        raise RecordingError(f"{file}: has no rows below its header; check the file")
    values = {name: np.concatenate([batch[name] for batch in batches]) for name in wanted}
    return dict.fromkeys(names, ()), values


def _open_npz(file: Path) -> tuple[dict[str, tuple[int, ...]], Mapping[str, Any]]:
    try:
        archive = np.load(file, allow_pickle=False)
    except Exception as error:  # a damaged archive raises exceptions of several modules
        text = shortened(one_line(error), 100)
        raise RecordingError(f"{file}: not an archive of arrays ({text}); save it again") from error
    with archive:
        tree = NpzTree(archive.zip, file)
        values: dict[str, NDArray[Any]] = {
            name: value.copy() for name in tree if isinstance(value := tree[name], np.ndarray)
        }
    return {name: value.shape for name, value in values.items()}, values
