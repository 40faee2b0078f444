"""NPY and NPZ files of predictions, read with limits and without pickles."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from rppgbench.predictions.checking import MOST_SAMPLES
from rppgbench.system.errors import BenchError, RecordingError, shortened
from rppgbench.system.npy_files import WAY_OUT, read_array

ZIP_MAGIC = b"PK\x03\x04"
MOST_ITEM_BYTES = MOST_SAMPLES * 8


def is_npz(file: Path) -> bool:
    """Whether a file is an archive whose first member is an array."""
    with file.open("rb") as stream:
        head = stream.read(30 + 2**16)  # the longest name
    name_bytes = int.from_bytes(head[26:28], "little")
    return head[:4] == ZIP_MAGIC and head[30 : 30 + name_bytes].endswith(b".npy")


def read_npy(file: Path) -> NDArray[Any]:
    """The array in an NPY file of predictions.

    Raises:
        BenchError: no array of numbers or texts, or one that claims more than the file holds.
    """
    with file.open("rb") as stream:
        return read_array(stream, file.stat().st_size, str(file), MOST_ITEM_BYTES)


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
                return read_array(stream, member.file_size, location, MOST_ITEM_BYTES)
        except BenchError:
            raise
        except Exception as error:  # a damaged archive raises exceptions of several modules
            text = shortened(str(error), 100)
            raise RecordingError(f"{location}: a damaged array ({text}); {WAY_OUT}") from error
