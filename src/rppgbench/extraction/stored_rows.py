"""Rows of an array file that are mapped when they are read, so that no file stays open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from rppgbench.system.array_headers import header_errors_as_value_errors


class StoredRows(NDArrayOperatorsMixin):
    """A range of rows of a .npy file that serves as a read-only array (T, ...).

    A slice maps only its rows, and the map ends with the last array that uses it. A training can
    hold the clips of thousands of recordings: their maps would be as many open files, and every
    page that was read would count as memory of the process.

    Everything else that an array can do is done on a map of all rows.
    """

    def __init__(self, file: Path, first: int = 0, end: int | None = None) -> None:
        """Read the header of a file.

        Args:
            file: the file, in C order.
            first: the first row.
            end: the row after the last; None is the end of the file.

        Raises:
            OSError: the file cannot be read.
            ValueError: its header is damaged, or the rows are not in the file.
        """
        with file.open("rb") as stream:
            with header_errors_as_value_errors(str(file)):
                version = np.lib.format.read_magic(stream)
                if version != (1, 0):
                    raise ValueError(f"{file}: another version of its format")
                shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
            start = stream.tell()
        end = shape[0] if end is None else end
        if fortran_order or dtype.hasobject or not 0 <= first <= end <= shape[0]:
            raise ValueError(f"{file}: rows {first} to {end} are not in it as plain values")
        self.file, self.dtype = file, dtype
        self.shape: tuple[int, ...] = (end - first, *shape[1:])
        self._row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        self._offset = start + first * self._row_bytes

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._map(0, len(self)))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice) and key.step in {None, 1}:
            first, end, _ = key.indices(len(self))
            return self._map(first, max(first, end))
        return self._map(0, len(self))[key]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        whole = self._map(0, len(self))
        wanted = whole if dtype is None else whole.astype(dtype, copy=False)
        return wanted.copy() if copy and wanted is whole else wanted

    def __array_ufunc__(self, function: Any, kind: str, *inputs: Any, **keywords: Any) -> Any:
        plain = [np.asarray(x) if isinstance(x, StoredRows) else x for x in inputs]
        return getattr(function, kind)(*plain, **keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(np.asarray(self), name)

    def _map(self, first: int, end: int) -> NDArray[Any]:
        shape = (end - first, *self.shape[1:])
        if not all(shape):
            return np.empty(shape, self.dtype)
        offset = self._offset + first * self._row_bytes
        return np.asarray(np.memmap(self.file, self.dtype, "r", offset, shape))
