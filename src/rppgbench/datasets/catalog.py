"""A catalog that lists each data set once, for several plans."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rppgbench.core.guarded_calls import list_recordings
from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.fingerprint import fingerprint_line

READERS = 4
EVERY_S = 10.0
"""Interval of progress messages."""


class Catalog:
    """The recordings of data sets and their fingerprints, each read from the disk once.

    A catalog is valid as long as the files do not change, which is one command.
    """

    def __init__(
        self, cache: Path | None = None, log: Callable[[str], None] = lambda line: None
    ) -> None:
        """Make an empty catalog.

        Args:
            cache: the folder for digests of files.
            log: called with lines of progress while files are read.
        """
        self._cache = cache
        self._log = log
        self._recordings: dict[tuple[str, Path], Sequence[Recording]] = {}
        self._lines: dict[Recording, str] = {}

    def recordings(self, dataset: str, root: Path) -> Sequence[Recording]:
        """All recordings of a data set.

        Args:
            dataset: name of the data set.
            root: its folder.

        Raises:
            BenchError: as the reader of the set raises.
        """
        key = dataset, root
        if key not in self._recordings:
            self._recordings[key] = list_recordings(load_datasets().available[dataset], root)
        return self._recordings[key]

    def line(self, recording: Recording) -> str:
        """The line of a recording in a fingerprint (`fingerprint.fingerprint_line`)."""
        if recording not in self._lines:
            self._lines[recording] = fingerprint_line(recording, self._cache)
        return self._lines[recording]

    def lines(self, recordings: Iterable[Recording]) -> list[str]:
        """The lines of recordings; several files are read at once."""
        ordered = list(recordings)
        lines, last_message_s = [], time.monotonic()
        with ThreadPoolExecutor(READERS) as pool:
            for line in pool.map(self.line, ordered):
                lines.append(line)
                if time.monotonic() - last_message_s > EVERY_S:
                    last_message_s = time.monotonic()
                    self._log(f"reading the files once: {len(lines)} of {len(ordered)} recordings")
        return lines
