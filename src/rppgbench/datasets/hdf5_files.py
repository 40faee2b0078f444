"""A reader of arrays in untrusted HDF5 files.

A file declares the sizes of its arrays, and may refer to other files. The declared size is compared
with a limit and with the stored size before memory is allocated. Links, external storage and
virtual data sets are refused.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.errors import RecordingError

MOST_LABEL_BYTES = 256 * 2**20
"""Of an HDF5 file of labels, as of a text: an hour of three signals at 1 kHz is 86 MB."""
MOST_MAT_BYTES = 4 * 2**30
"""Of the variables of a MAT file, as in `mat_files`: MMPD's videos have 415 MB as bytes."""
MOST_RATIO = 2000
"""Of an array's size to that of its storage: deflate packs at most 1,032 to one."""
FREE_BYTES = 2**20
ITEM_BYTES = 64  # counted for each array in addition to its values
WAY_OUT = "copy the original file again"


class LimitedReader:
    """Reads arrays of one open HDF5 file, up to a number of bytes in all."""

    def __init__(self, content: Any, file: Path, limit: int) -> None:
        self.content = content
        self.file = file
        self._limit = self._left = limit

    def names(self) -> Iterator[str]:
        """The names at the root.

        Raises:
            RecordingError: one of them is a link to elsewhere.
        """
        for name in self.content:
            self._check_link(name)
            yield str(name)

    def get(self, name: str) -> Any:
        """The data set of this name at the root, None where there is none.

        Raises:
            RecordingError: the name is a link to elsewhere.
        """
        import h5py

        if self.content.get(name, getlink=True) is None:
            return None
        self._check_link(name)
        item = self.content[name]
        return item if isinstance(item, h5py.Dataset) else None

    def read(self, item: Any) -> NDArray[Any]:
        """All values of a data set.

        Raises:
            RecordingError: as `check`.
        """
        self.check(item)
        return np.asarray(item[()])

    def check(self, item: Any) -> None:
        """Check that the values of a data set may be read; they count toward the limit.

        Raises:
            RecordingError: they are more than the limit or than the file can hold, lie in another
                file, or have no fixed size.
        """
        import h5py

        location = f"{self.file}: {item.name.rsplit('/', 1)[-1]!r}"
        if item.shape is None:
            raise RecordingError(f"{location} holds no values; {WAY_OUT}")
        if item.external or item.is_virtual:
            raise RecordingError(f"{location} lies in other files, which are not read; {WAY_OUT}")
        if item.dtype.hasobject and h5py.check_ref_dtype(item.dtype) is None:
            raise RecordingError(f"{location} has values of no fixed size; {WAY_OUT}")
        claimed = math.prod(item.shape) * item.dtype.itemsize
        chunk = math.prod(item.chunks or (0,)) * item.dtype.itemsize
        self._left -= claimed + ITEM_BYTES
        if self._left < 0 or chunk > self._limit:
            raise RecordingError(
                f"{location} claims {_size(max(claimed, chunk))}, and at most {_size(self._limit)} "
                f"are read of such a file; {WAY_OUT}"
            )
        stored = item.id.get_storage_size()
        on_disk = self.file.stat().st_size
        if stored > on_disk or claimed > FREE_BYTES + MOST_RATIO * stored:
            raise RecordingError(
                f"{location} claims {_size(claimed)}, and {_size(min(stored, on_disk))} of it are "
                f"in the file; {WAY_OUT}"
            )

    def attributes(self) -> dict[str, Any]:
        """The attributes of the root.

        Raises:
            RecordingError: one claims more than the limit.
        """
        attributes = {}
        for name in self.content.attrs:
            about = self.content.attrs.get_id(name)
            self._left -= math.prod(about.shape) * about.dtype.itemsize + ITEM_BYTES
            if self._left < 0:
                raise RecordingError(
                    f"{self.file}: its attributes claim more than {_size(self._limit)}; {WAY_OUT}"
                )
            attributes[str(name)] = self.content.attrs[name]
        return attributes

    def _check_link(self, name: str) -> None:
        import h5py

        if not isinstance(self.content.get(name, getlink=True), h5py.HardLink):
            raise RecordingError(
                f"{self.file}: {name!r} is a link to elsewhere, which is not followed; {WAY_OUT}"
            )


def _size(count: int) -> str:
    for unit, name in ((2**40, "TB"), (2**30, "GB"), (2**20, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:,} bytes"
