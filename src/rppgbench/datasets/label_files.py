"""Readers of label files that are not plain text: JSON, XML, HDF5, NPY; see also `mat_variables`.

Each reader returns plain arrays or Python values, or raises one `RecordingError` that names the
file and the way out. XML with a document type is refused, because only such a file can expand
entities or load others. Of HDF5 files only arrays are read, so nothing is unpickled.
"""

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
from rppgbench.datasets.hdf5_files import MOST_LABEL_BYTES, LimitedReader
from rppgbench.datasets.label_text import read_text, unreadable_label
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
        raise RecordingError(f"{file}: not JSON ({short_reason(error)}); {AGAIN}") from error


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
        raise RecordingError(f"{file}: not XML ({short_reason(error)}); {AGAIN}") from error


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
    return begins_as_hdf5(start)


def begins_as_hdf5(content: bytes) -> bool:
    """Whether bytes begin as an HDF5 file does, with or without MATLAB's header before it."""
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
        raise RecordingError(f"{file}: damaged ({short_reason(error)}); {AGAIN}") from error


def short_reason(error: BaseException) -> str:
    """The message of a library's exception in one short line."""
    return " ".join(str(error).split())[:80] or type(error).__name__
