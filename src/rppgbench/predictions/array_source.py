"""NPY and NPZ files of predictions, read with limits and without pickles."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.predictions.checking import MOST_SAMPLES
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
        head = stream.read(512)
    name_bytes = int.from_bytes(head[26:28], "little")
    return head[:4] == ZIP_MAGIC and head[30 : 30 + name_bytes].endswith(b".npy")


def read_npy(file: Path) -> NDArray[Any]:
    """The array in an NPY file.

    Raises:
        BenchError: no array of numbers or texts, or one that claims more than the file holds.
    """
    with file.open("rb") as stream:
        return _read_array(stream, file.stat().st_size, str(file))


def _read_array(stream: IO[bytes], size: int, where: str) -> NDArray[Any]:
    """The array in a stream of `size` bytes; numpy reserves the claimed memory unchecked."""
    try:
        version = np.lib.format.read_magic(stream)
        read_header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, in_fortran_order, dtype = read_header(stream)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        text = shortened(str(error).splitlines()[0] if str(error) else "", 100)
        raise RecordingError(f"{where}: a damaged array ({text}); {WAY_OUT}") from error
    if dtype.kind not in "biufSU" or dtype.hasobject:
        raise RecordingError(f"{where}: an array of type {dtype}, which is not read; {WAY_OUT}")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed > min(size, MOST_ITEM_BYTES):
        raise RecordingError(f"{where}: an array that claims {claimed:,} bytes; {WAY_OUT}")
    raw = stream.read(claimed)
    if len(raw) != claimed:
        raise RecordingError(f"{where}: an array of {claimed:,} bytes that ends early; {WAY_OUT}")
    array = np.frombuffer(raw, dtype)
    return array.reshape(shape, order="F" if in_fortran_order else "C")


class NpzTree(Mapping[str, Any]):
    """The arrays of an NPZ file by name, each read when it is asked for; "/" in names nests."""

    def __init__(self, archive: Any, file: Path, prefix: str = "") -> None:
        self._archive = archive
        self._file = file
        self._prefix = prefix
        members = [name for name in archive.namelist() if name.endswith(".npy")]
        inner = [name.removeprefix(prefix).removesuffix(".npy") for name in members]
        self._children = dict.fromkeys(
            rest.partition("/")[0]
            for name, rest in zip(members, inner, strict=True)
            if name.startswith(prefix)
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._children)

    def __len__(self) -> int:
        return len(self._children)

    def __getitem__(self, key: str) -> Any:
        if key not in self._children:
            raise KeyError(key)
        try:
            member = self._archive.getinfo(f"{self._prefix}{key}.npy")
        except KeyError:
            return NpzTree(self._archive, self._file, f"{self._prefix}{key}/")
        where = f"{self._file}: {self._prefix}{key}"
        try:
            with self._archive.open(member) as stream:
                return _read_array(stream, member.file_size, where)
        except BenchError:
            raise
        except Exception as error:  # a damaged archive raises exceptions of several modules
            text = shortened(str(error), 100)
            raise RecordingError(f"{where}: a damaged array ({text}); {WAY_OUT}") from error
