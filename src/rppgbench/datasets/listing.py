"""Data sets listed once, for several plans over their files."""

from collections.abc import Sequence
from pathlib import Path

from rppgbench.content import load_datasets
from rppgbench.datasets.fingerprint import line_of
from rppgbench.recording import Recording


class Listing:
    """The recordings of data sets, and what fingerprints say of them, each asked of the disk once.

    It lasts as long as the files are not expected to change, which is one command.
    """

    def __init__(self) -> None:
        self._recordings: dict[tuple[str, Path], Sequence[Recording]] = {}
        self._lines: dict[Recording, str] = {}

    def recordings(self, dataset: str, root: Path) -> Sequence[Recording]:
        """All recordings of a data set at this root; BenchError as its reader says."""
        key = dataset, root
        if key not in self._recordings:
            self._recordings[key] = tuple(load_datasets().found[dataset].recordings(root))
        return self._recordings[key]

    def line(self, recording: Recording) -> str:
        """A recording's line in a fingerprint (`fingerprint.line_of`)."""
        if recording not in self._lines:
            self._lines[recording] = line_of(recording)
        return self._lines[recording]
