"""Readers of label files that are not plain text: JSON, XML, MAT, HDF5, NPY.

Each reader returns plain arrays or Python values, or raises one `RecordingError` that names the
file and the way out. XML with a document type is refused, because only such a file can expand
entities or load others. Of MAT and HDF5 files only arrays are read, so nothing is unpickled.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.datasets.hdf5_files import MOST_LABEL_BYTES, MOST_MAT_BYTES, LimitedReader
from rppgbench.datasets.label_text import read_text, unreadable_label
from rppgbench.datasets.mat_files import MOST_DEEP, check_mat5, check_mat5_stream
from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import check_disk, check_regular, disk_fault
from rppgbench.system.npy_files import read_array

AGAIN = "copy the original file again"


def read_json(file: Path) -> Any:
    """The value in a JSON file.

    Raises:
        RecordingError: not readable, not JSON, or a key that stands twice in one object.
    """

    def require_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise RecordingError(
                f"{file}: the key {twice[:60]!r} stands twice, so it can be read as either value; "
                f"keep one, or {AGAIN}"
            )
        return content

    try:
        return json.loads(read_text(file), object_pairs_hook=require_unique_keys)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{file}: not JSON ({_shorten_error(error)}); {AGAIN}") from error


def read_xml(file: Path) -> ElementTree.Element:
    """The root of an XML file without a document type, so without entities to expand.

    Raises:
        RecordingError: not readable, not XML, or with a document type.
    """
    text = read_text(file)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise RecordingError(f"{file}: XML with a document type is not read; {AGAIN}")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise RecordingError(f"{file}: not XML ({_shorten_error(error)}); {AGAIN}") from error


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
            raise RecordingError(
                f"{file}: not a MAT file ({_shorten_error(error)}); {AGAIN}"
            ) from error
    missing = [name for name in names if name not in variables]
    if missing:
        raise RecordingError(f"{file}: has no variable {missing[0]!r}; {AGAIN}")
    return {name: np.asarray(variables[name]) for name in names}


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

    if _begins_as_hdf5(content):
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
        raise RecordingError(
            f"{place}: not a MAT file ({_shorten_error(error)}); {AGAIN}"
        ) from error
    missing = [name for name in names if name not in variables]
    if missing:
        raise RecordingError(f"{place}: has no variable {missing[0]!r}; {AGAIN}")
    return {name: np.asarray(variables[name]) for name in names}


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
        raise RecordingError(
            f"{file}: not a MAT file ({_shorten_error(error)}); {AGAIN}"
        ) from error


def read_hdf5(file: Path, *names: str) -> tuple[dict[str, NDArray[Any]], Mapping[str, Any]]:
    """Arrays of an HDF5 file, and the attributes of its root.

    Args:
        file: the file.
        names: the names of the HDF5 data sets.

    Raises:
        RecordingError: not readable, not HDF5, a data set is not there, or claims more than
            `hdf5_files` allows.
    """
    with open_hdf5(file) as content:
        reader = LimitedReader(content, file, MOST_LABEL_BYTES)
        arrays = {}
        for name in names:
            item = reader.get(name)
            if item is None or item.dtype.hasobject:
                raise RecordingError(f"{file}: has no data set {name!r}; {AGAIN}")
            arrays[name] = reader.read(item)
        return arrays, reader.attributes()


def read_npy_series(file: Path) -> Array:
    """The numbers (N,) of an NPY file: an array of one axis, or of one that is longer than 1.

    Raises:
        RecordingError: not readable, no array of numbers, or several series.
    """
    check_regular(file)
    try:
        with file.open("rb") as stream:
            values = read_array(stream, file.stat().st_size, str(file), MOST_LABEL_BYTES)
    except OSError as error:
        raise unreadable_label(error, file) from error
    if values.dtype.kind not in "iuf" or values.size != max(values.shape, default=0):
        raise RecordingError(
            f"{file}: holds an array of type {values.dtype} and shape {values.shape}, where one "
            f"series of numbers belongs; {AGAIN}"
        )
    return values.astype(np.float64).ravel()


def is_hdf5(file: Path) -> bool:
    """Whether a file is HDF5, as MAT files of version 7.3 are.

    Raises:
        RecordingError: the file is missing or not readable.
    """
    check_regular(file)
    try:
        with file.open("rb") as stream:
            start = stream.read(520)
    except OSError as error:
        raise unreadable_label(error, file) from error
    if not start:
        raise RecordingError(f"{file}: is empty; {AGAIN}")
    return _begins_as_hdf5(start)


def _begins_as_hdf5(content: bytes) -> bool:
    magic = b"\x89HDF\r\n\x1a\n"
    return content.startswith(magic) or content[512:520] == magic


@contextmanager
def open_hdf5(file: Path) -> Iterator[Any]:
    """An open HDF5 file; errors while reading are raised as errors while opening.

    Raises:
        RecordingError: not readable, not HDF5, or damaged.
        MachineError: the disk cannot read the file.
    """
    import h5py

    if not is_hdf5(file):
        raise RecordingError(f"{file}: not an HDF5 file; {AGAIN}")
    try:
        with h5py.File(file, "r") as content:
            yield content
    except RecordingError:
        check_disk(file)  # a name that HDF5 cannot read counts as one that is not there
        raise
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and (fault := disk_fault(error, file)):
            raise fault from error
        check_disk(file)
        raise RecordingError(f"{file}: damaged ({_shorten_error(error)}); {AGAIN}") from error


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


def _shorten_error(error: BaseException) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
