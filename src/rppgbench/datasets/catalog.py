"""Data sets listed once, for several plans over their files."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_datasets
from rppgbench.core.validation import list_recordings
from rppgbench.datasets.fingerprint import fingerprint_line

READERS = 4
EVERY_S = 10.0
"""How often to say how far the reading of files is."""


class Catalog:
    """The recordings of data sets, and what fingerprints say of them, each asked of the disk once.

    It lasts as long as the files are not expected to change, which is one command.
    """

    def __init__(
        self, cache: Path | None = None, say: Callable[[str], None] = lambda line: None
    ) -> None:
        """Keep digests of files in `cache`; `say` takes lines while files are read."""
        self._cache = cache
        self._say = say
        self._recordings: dict[tuple[str, Path], Sequence[Recording]] = {}
        self._lines: dict[Recording, str] = {}

    def recordings(self, dataset: str, root: Path) -> Sequence[Recording]:
        """All recordings of a data set at this root; BenchError as its reader says."""
        key = dataset, root
        if key not in self._recordings:
            self._recordings[key] = list_recordings(load_datasets().found[dataset], root)
        return self._recordings[key]

    def line(self, recording: Recording) -> str:
        """A recording's line in a fingerprint (`fingerprint.line_of`)."""
        if recording not in self._lines:
            self._lines[recording] = fingerprint_line(recording, self._cache)
        return self._lines[recording]

    def lines(self, recordings: Iterable[Recording]) -> list[str]:
        """The lines of recordings, several files read at once."""
        wanted = list(recordings)
        found, spoke = [], time.monotonic()
        with ThreadPoolExecutor(READERS) as pool:
            for line in pool.map(self.line, wanted):
                found.append(line)
                if time.monotonic() - spoke > EVERY_S:
                    spoke = time.monotonic()
                    self._say(f"reading the files once: {len(found)} of {len(wanted)} recordings")
        return found
