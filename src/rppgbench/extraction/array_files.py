"""Write arrays to disk row by row, and map them when they are read."""

import hashlib
import math
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rppgbench.system.array_headers import header_errors_as_value_errors

BLOCK_BYTES = 1 << 15
"""Rows are hashed and written in blocks of this size; a call for each small row costs more."""


class ArrayWriter:
    """Appends rows of one shape to a .npy file, with `BLOCK_BYTES` or one row in memory.

    The file is a valid .npy file after `close()`, which also sets `sha256`, the checksum of the
    content after the header. As a context manager, an exception leaves the file incomplete; the
    caller deletes it.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.path = path
        self.rows = 0
        self.sha256 = ""
        self._shape = shape
        self._dtype = np.dtype(dtype)
        self._hash = hashlib.sha256()
        row_bytes = max(math.prod(shape) * self._dtype.itemsize, 1)
        self._block = np.empty((max(BLOCK_BYTES // row_bytes, 1), *shape), self._dtype)
        self._waiting = 0  # rows of the block
        self._file: BinaryIO = path.open("wb")
        self._start = self._header()

    def _header(self) -> int:
        """Write the header for the rows so far; numpy pads it for a growing row count."""
        self._file.seek(0)
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.rows, *self._shape),
        }
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()

    def append(self, row: Any) -> None:
        """Append one row; ValueError for another shape."""
        if isinstance(row, np.ndarray):
            shape = row.shape
        else:
            shape = () if isinstance(row, (float, int)) else np.shape(row)
        if shape != self._shape:
            raise ValueError(f"{self.path}: a row of shape {shape}, not {self._shape}")
        self._block[self._waiting] = row
        self._waiting += 1
        self.rows += 1
        if self._waiting == len(self._block):
            self._write_block()

    def _write_block(self) -> None:
        content = self._block[: self._waiting].data
        self._hash.update(content)
        self._file.write(content)
        self._waiting = 0

    def close(self) -> None:
        """Write the number of rows into the header."""
        if self._file.closed:
            return
        self._write_block()
        end = self._header()
        if end != self._start:
            raise RuntimeError(f"{self.path}: the header of an array grew while it was written")
        self._file.close()
        self.sha256 = self._hash.hexdigest()

    def __enter__(self) -> "ArrayWriter":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Close the file without what waits to be written; the file stays incomplete."""
        with suppress(OSError):  # a full disk refuses the rest of the buffer once more
            self._file.close()


def read_array(path: Path) -> NDArray[Any]:
    """Map a .npy file as a read-only array; ValueError or OSError if the file is damaged."""
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: empty")
    with header_errors_as_value_errors(str(path)):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.asarray(mapped)


def stored_sha256(path: Path) -> str:
    """The checksum of the rows in a .npy file, read instead of mapped.

    A disk that fails under a mapped file ends the process; a failing read raises OSError.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file was not written by `ArrayWriter`.
    """
    state = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        with header_errors_as_value_errors(str(path)):
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{path}: another version of its format")
            np.lib.format.read_array_header_1_0(file)
        while rows := file.read(1 << 22):
            state.update(rows)
    return state.hexdigest()


def array_sha256(values: NDArray[Any]) -> str:
    """The checksum that `ArrayWriter` computes for the same rows."""
    state = hashlib.sha256()
    flat = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    for start in range(0, len(flat), 1 << 22):
        state.update(flat[start : start + (1 << 22)].data)
    return state.hexdigest()
