"""HDF5 files of predictions: groups, data sets, attributes and pickles inside, read with limits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.datasets.hdf5_files import LimitedReader
from rppgbench.datasets.label_files import is_hdf5, open_hdf5
from rppgbench.predictions.fields import FS_NAMES, METHOD_NAMES
from rppgbench.system.errors import BenchError, RecordingError

MOST_GROUP_BYTES = 2**30
"""Of the arrays of one group, which is one recording."""
MOST_DESCRIPTOR_BYTES = 2**22
VLEN_BYTES = 16
"""A value of varying length lies in its data set as length (4 bytes), address (8), index (4)."""
ATTRIBUTE_NAMES = frozenset({*FS_NAMES, *METHOD_NAMES})
WAY_OUT = "export the predictions to CSV or NPZ instead"


@contextmanager
def open_source(file: Path) -> Iterator[Any]:
    """An open HDF5 file.

    Raises:
        RecordingError: not readable, not HDF5, or damaged.
    """
    with open_hdf5(file) as content:
        yield content


def holds(file: Path, *names: str) -> bool:
    """Whether a file is HDF5 and has these attributes or members at its root.

    Args:
        file: the file.
        names: the names.
    """
    if not is_hdf5(file):
        return False
    try:
        with open_hdf5(file) as content:
            return all(name in content.attrs or name in content for name in names)
    except BenchError:
        return False


def groups(content: Any, file: Path) -> Iterator[tuple[str, Any]]:
    """The groups at the root of an open file, by name; links to elsewhere are refused.

    Args:
        content: the open file.
        file: its path, for messages.

    Raises:
        RecordingError: a member is a link to elsewhere.
    """
    import h5py

    reader = LimitedReader(content, file, MOST_GROUP_BYTES)
    for name in reader.names():
        item = content[name]
        if isinstance(item, h5py.Group):
            yield name, item


def read_arrays(group: Any, file: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Data sets of one group.

    Args:
        group: the open group.
        file: its file, for messages.
        names: which data sets; those that are not there are left out.

    Raises:
        RecordingError: a data set claims too much, or lies elsewhere.
    """
    reader = LimitedReader(group, file, MOST_GROUP_BYTES)
    items = {name: reader.get(name) for name in names}
    return {name: reader.read(item) for name, item in items.items() if item is not None}


def text_attribute(item: Any, name: str) -> str:
    """An attribute that is a text; empty where there is none, or another kind of value.

    Args:
        item: the open file, group or data set.
        name: the attribute's name.
    """
    value = item.attrs.get(name, "")
    if isinstance(value, bytes | np.bytes_):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def read_object(item: Any, file: Path) -> bytes:
    """The bytes of the one object that PyTables keeps in an array of varying length.

    HDF5 reserves memory for the length that the file claims before it compares this length with
    what is stored, so the length is compared with the size of the file first.

    Args:
        item: the open data set: one value, of bytes of varying length.
        file: its file, for messages.

    Raises:
        RecordingError: not one value, compressed, or of a length that the file cannot hold.
    """
    location = f"{file}: {item.name!r}"
    if item.shape != (1,) or item.chunks is None or item.external or item.is_virtual:
        raise RecordingError(f"{location} is not one object; {WAY_OUT}")
    claimed = int(np.prod(item.chunks)) * VLEN_BYTES
    packed = item.compression or item.shuffle or item.fletcher32 or item.scaleoffset is not None
    if packed or claimed > MOST_DESCRIPTOR_BYTES:
        raise RecordingError(f"{location} is an object in a compressed array; {WAY_OUT}")
    _, descriptor = item.id.read_direct_chunk((0,))
    length = int.from_bytes(descriptor[:4], "little")
    if length > file.stat().st_size:
        raise RecordingError(
            f"{location} claims {length:,} bytes, more than the file has; {WAY_OUT}"
        )
    value = item[0]
    if value.dtype != np.uint8:
        raise RecordingError(f"{location} holds no bytes; {WAY_OUT}")
    return bytes(value)


class Hdf5Tree(Mapping[str, Any]):
    """The members of an HDF5 group by name, each read when it is asked for.

    Attributes with the name of a sampling rate or of the method are members as well. A group that
    is reached on two ways is refused: such a file has no end.
    """

    def __init__(self, group: Any, file: Path, addresses: set[int] | None = None) -> None:
        self._group = group
        self._file = file
        self._addresses: set[int] = set() if addresses is None else addresses
        address = _address(group)
        if address in self._addresses:
            raise BenchError(f"{file}: the group {group.name!r} is there twice; {WAY_OUT}")
        self._addresses.add(address)
        self._members = [
            name
            for name in LimitedReader(group, file, MOST_GROUP_BYTES).names()
            if not name.startswith("#")  # MATLAB's own groups
        ]
        self._attributes = [
            name
            for name in group.attrs
            if name.lower() in ATTRIBUTE_NAMES and name not in self._members
        ]

    def __iter__(self) -> Iterator[str]:
        yield from self._members
        yield from self._attributes

    def __len__(self) -> int:
        return len(self._members) + len(self._attributes)

    def __getitem__(self, key: str) -> Any:
        import h5py

        if key in self._attributes:
            value = self._group.attrs[key]
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        item = self._group[key]
        if isinstance(item, h5py.Group):
            return Hdf5Tree(item, self._file, self._addresses)
        if not isinstance(item, h5py.Dataset):
            raise RecordingError(f"{self._file}: {key!r} is neither group nor data set; {WAY_OUT}")
        values = LimitedReader(self._group, self._file, MOST_GROUP_BYTES).read(item)
        if item.attrs.get("MATLAB_class") == b"char" and values.dtype.kind == "u":
            return "".join(map(chr, values.T.ravel()))
        return values


def _address(group: Any) -> int:
    import h5py

    return int(h5py.h5o.get_info(group.id).addr)
