"""The list of recordings in a data set's folder."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rppgbench.core.recording import Recording
from rppgbench.datasets.layout import (
    first_folder,
    is_simulated,
    no_recordings_error,
    simulated_tree,
)
from rppgbench.system.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class FolderListing:
    """Lists the recordings in a folder: what `Dataset.recordings` calls.

    Attributes:
        recordings: lists the recordings of a folder; it opens no video.
        folders: names of outer folders in which the set may have been unpacked.
        title: the data set's title, for messages.
        example: a path of the layout, for messages.
        url: where the set can be obtained, for messages.
    """

    recordings: Callable[[Path], Iterable[Recording]]
    folders: tuple[str, ...] = ()
    title: str
    example: str
    url: str

    def __call__(self, root: Path) -> Iterator[Recording]:
        """The recordings under `root`, marked as simulated where it is or lies in a simulated tree.

        Raises:
            BenchError: the root is missing, may not be read, holds no recording of the set, or is
                not simulated and holds recordings of a simulated tree.
        """
        folder = first_folder(root, *self.folders)
        simulated = is_simulated(root)
        empty = True
        for recording in self.recordings(folder):
            empty = False
            if not simulated:
                _require_genuine(recording, root)
            yield replace(recording, simulated=True) if simulated else recording
        if empty:
            raise no_recordings_error(folder, self.title, self.example, self.url)


def _require_genuine(recording: Recording, root: Path) -> None:
    """Refuse a recording of a simulated tree in a folder that is none: nothing would mark it."""
    tree = simulated_tree(recording.files[0]) if recording.files else None
    if tree is not None:
        raise BenchError(
            f"{root}: {recording.name} is of the simulated tree {tree}; give that folder, or leave "
            "it out of this one"
        )
