"""Variables of MAT files of every version, as arrays; nothing is unpickled."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.datasets.hdf5_files import MOST_LABEL_BYTES, MOST_MAT_BYTES, LimitedReader
from rppgbench.datasets.label_files import AGAIN, begins_as_hdf5, is_hdf5, open_hdf5, short_reason
from rppgbench.datasets.label_text import unreadable_label
from rppgbench.datasets.mat_files import MOST_DEEP, check_mat5, check_mat5_stream
from rppgbench.system.errors import RecordingError


def read_mat(file: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Variables of a MAT file (version 4 to 7.3), with the shapes that MATLAB shows.

    Arrays keep MATLAB's order of axes; text is an array of one string. Other variables are skipped,
    so a label can be read without the video in the same file.

    Args:
        file: the file.
        names: the names of the variables.

    Raises:
        RecordingError: not readable, not a MAT file, or a variable is not there.
    """
    from scipy.io import loadmat

    if is_hdf5(file):
        variables = _read_mat73(file, names)
    else:
        try:
            check_mat5(file, names)
            variables = loadmat(file, variable_names=list(names), chars_as_strings=True)
        except OSError as error:
            raise unreadable_label(error, file) from error
        except Exception as error:  # scipy fails in many ways on damaged files
            raise _not_mat(file, error) from error
    return _pick(variables, names, str(file))


def read_mat_series(file: Path, name: str) -> Array:
    """The numbers (N,) of a variable of a MAT file, also from within cells of one array.

    Args:
        file: the file.
        name: the name of the variable.

    Raises:
        RecordingError: see `read_mat`; or the variable is no array of numbers.
    """
    values = read_mat(file, name)[name]
    while values.dtype == object and values.size == 1:
        values = np.asarray(values.item())
    if values.dtype.kind not in "iuf":
        raise RecordingError(f"{file}: {name} is no array of numbers; {AGAIN}")
    return values.astype(np.float64).ravel()


def read_mat_bytes(content: bytes, place: str, *names: str) -> dict[str, NDArray[Any]]:
    """Variables of a MAT file of version 4 or 5 in memory, as `read_mat` gives them.

    Args:
        content: the file.
        place: where it comes from, for messages.
        names: the names of the variables.

    Raises:
        RecordingError: not a MAT file of these versions, or a variable is not there.
    """
    from scipy.io import loadmat

    if begins_as_hdf5(content):
        raise RecordingError(
            f"{place}: a MAT file of version 7.3 is read from the disk alone; unpack the archive"
        )
    try:
        check_mat5_stream(io.BytesIO(content), names, MOST_LABEL_BYTES)
        variables = loadmat(
            io.BytesIO(content),  # type: ignore[arg-type]
            variable_names=list(names),
            chars_as_strings=True,
        )
    except Exception as error:  # scipy fails in many ways on damaged files
        raise _not_mat(place, error) from error
    return _pick(variables, names, place)


def unpack_single(values: NDArray[Any]) -> object:
    """The single value of a variable of a MAT file, also from within nested cells.

    Raises:
        ValueError: it holds several values, or none.

    >>> unpack_single(np.array([["Walking"]])), unpack_single(np.array([[3]]))
    ('Walking', 3)
    """
    value: object = values
    while isinstance(value, np.ndarray):
        if value.size != 1:
            raise ValueError(f"{value.size} values, where one belongs")
        value = value.item()
    return value


def mat_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the variables of a MAT file, without reading their values.

    Raises:
        RecordingError: not readable, or not a MAT file.
    """
    from scipy.io import whosmat

    if is_hdf5(file):
        with open_hdf5(file) as content:
            reader = LimitedReader(content, file, MOST_MAT_BYTES)
            items = {name: reader.get(name) for name in reader.names()}
            return {
                name: tuple(int(n) for n in reversed(item.shape))
                for name, item in items.items()
                if item is not None and item.shape is not None
            }
    try:
        return {str(name): tuple(map(int, shape)) for name, shape, _ in whosmat(file)}
    except OSError as error:
        raise unreadable_label(error, file) from error
    except Exception as error:
        raise _not_mat(file, error) from error


def _not_mat(place: object, error: Exception) -> RecordingError:
    return RecordingError(f"{place}: not a MAT file ({short_reason(error)}); {AGAIN}")


def _pick(
    variables: Mapping[str, NDArray[Any]], names: Sequence[str], place: str
) -> dict[str, NDArray[Any]]:
    """The variables of these names; RecordingError for one that is not there."""
    missing = [name for name in names if name not in variables]
    if missing:
        raise RecordingError(f"{place}: has no variable {missing[0]!r}; {AGAIN}")
    return {name: np.asarray(variables[name]) for name in names}


def _read_mat73(file: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    variables: dict[str, NDArray[Any]] = {}
    with open_hdf5(file) as content:
        reader = LimitedReader(content, file, MOST_MAT_BYTES)
        for name in names:
            item = reader.get(name)
            if item is not None:
                variables[name] = _value73(reader, item, 0)
    return variables


def _value73(reader: LimitedReader, item: Any, depth: int) -> NDArray[Any]:
    """A variable of a MAT file of version 7.3; a cell array as an array of arrays."""
    value = reader.read(item).T
    kind = item.attrs.get("MATLAB_class")
    if kind == b"char":
        return np.array(["".join(map(chr, value.ravel()))])
    if kind == b"cell" and depth < MOST_DEEP:
        cells = np.empty(value.shape, dtype=object)
        for at, reference in np.ndenumerate(value):
            cells[at] = _value73(reader, reader.content[reference], depth + 1)
        return cells
    return value
