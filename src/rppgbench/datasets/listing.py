"""The list of recordings in a data set's folder."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rppgbench.core.recording import Recording
from rppgbench.datasets.layout import first_folder, is_simulated, no_recordings_error


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
        """The recordings under `root`, marked as simulated where `bench simulate` wrote the tree.

        Raises:
            BenchError: the root is missing, may not be read, or holds no recording of the set.
        """
        folder = first_folder(root, *self.folders)
        simulated = is_simulated(root)
        empty = True
        for recording in self.recordings(folder):
            empty = False
            yield replace(recording, simulated=True) if simulated else recording
        if empty:
            raise no_recordings_error(folder, self.title, self.example, self.url)
