"""NPY and NPZ files of predictions, read with limits and without pickles."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.predictions.checking import MOST_SAMPLES
from rppgbench.system.array_headers import header_errors_as_value_errors
from rppgbench.system.errors import BenchError, RecordingError, shortened

NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK\x03\x04"
MOST_ITEM_BYTES = MOST_SAMPLES * 8
WAY_OUT = "save arrays of numbers only"


def is_npy(file: Path) -> bool:
    """Whether a file begins as NPY does."""
    with file.open("rb") as stream:
        return stream.read(len(NPY_MAGIC)) == NPY_MAGIC


def is_npz(file: Path) -> bool:
    """Whether a file is an archive whose first member is an array."""
    with file.open("rb") as stream:
        head = stream.read(30 + 2**16)  # the longest name
    name_bytes = int.from_bytes(head[26:28], "little")
    return head[:4] == ZIP_MAGIC and head[30 : 30 + name_bytes].endswith(b".npy")


def read_npy(file: Path) -> NDArray[Any]:
    """The array in an NPY file.

    Raises:
        BenchError: no array of numbers or texts, or one that claims more than the file holds.
    """
    with file.open("rb") as stream:
        return _read_array(stream, file.stat().st_size, str(file))


def _read_array(stream: IO[bytes], size: int, location: str) -> NDArray[Any]:
    """The array in a stream of `size` bytes; numpy reserves the claimed memory unchecked."""
    try:
        with header_errors_as_value_errors():
            version = np.lib.format.read_magic(stream)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, in_fortran_order, dtype = read_header(stream)
    except ValueError as error:
        text = shortened(str(error).splitlines()[0] if str(error) else "", 100)
        raise RecordingError(f"{location}: a damaged array ({text}); {WAY_OUT}") from error
    if dtype.kind not in "biufSU" or dtype.hasobject:
        raise RecordingError(f"{location}: an array of type {dtype}, which is not read; {WAY_OUT}")
    if any(length < 0 for length in shape):
        raise RecordingError(f"{location}: an array of shape {shape}; {WAY_OUT}")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > min(size, MOST_ITEM_BYTES):
        raise RecordingError(f"{location}: an array that claims {claimed:,} bytes; {WAY_OUT}")
    raw = stream.read(claimed)
    if len(raw) != claimed:
        raise RecordingError(
            f"{location}: an array of {claimed:,} bytes that ends early; {WAY_OUT}"
        )
    array = np.frombuffer(raw, dtype)
    return array.reshape(shape, order="F" if in_fortran_order else "C")


class NpzTree(Mapping[str, Any]):
    """The arrays of an NPZ file by name, each read when it is asked for; "/" in names nests."""

    def __init__(self, archive: Any, file: Path, members: Mapping[str, Any] | None = None) -> None:
        self._archive = archive
        self._file = file
        self._members: dict[str, Any] = {}
        if members is None:
            members = {
                member.filename.removesuffix(".npy"): member
                for member in archive.infolist()
                if member.filename.endswith(".npy")
            }
        for name, member in members.items():
            first, _, inner_name = name.partition("/")
            if inner_name:
                inner = self._members.setdefault(first, {})
                if isinstance(inner, dict):
                    inner[inner_name] = member
            else:
                self._members[first] = member

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, key: str) -> Any:
        member = self._members[key]
        if isinstance(member, dict):
            return NpzTree(self._archive, self._file, member)
        location = f"{self._file}: {member.filename.removesuffix('.npy')}"
        try:
            with self._archive.open(member) as stream:
                return _read_array(stream, member.file_size, location)
        except BenchError:
            raise
        except Exception as error:  # a damaged archive raises exceptions of several modules
            text = shortened(str(error), 100)
            raise RecordingError(f"{location}: a damaged array ({text}); {WAY_OUT}") from error
