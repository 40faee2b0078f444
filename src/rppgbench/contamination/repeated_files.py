"""Recordings whose video files are equal byte for byte."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from itertools import combinations
from pathlib import Path

from rppgbench.contamination.repeats import Repeat
from rppgbench.core.recording import Recording
from rppgbench.system.file_digest import sha256_of_file
from rppgbench.video.suffixes import VIDEO_SUFFIXES


def repeated_files(recordings: Iterable[Recording], folder: Path) -> list[Repeat]:
    """Pairs of recordings whose video files have the same bytes.

    Only files of one size are read: data sets hold up to terabytes of video.

    Args:
        recordings: the recordings.
        folder: the folder of the cache, which keeps digests of files.
    """
    by_size: dict[int, list[tuple[Recording, Path]]] = defaultdict(list)
    for recording in recordings:
        for file in recording.files:
            if file.suffix.lower() in VIDEO_SUFFIXES:
                with suppress(OSError, ValueError):  # the check of the recording says so
                    if size := file.stat().st_size:
                        by_size[size].append((recording, file))
    by_content: dict[str, list[tuple[Recording, Path]]] = defaultdict(list)
    for of_one_size in by_size.values():
        several = len({file for _, file in of_one_size}) > 1
        for recording, file in of_one_size:
            with suppress(OSError):
                content = sha256_of_file(file, folder) if several else str(file)
                by_content[content].append((recording, file))
    return [
        Repeat(first=first, second=second, evidence="the same video file, byte for byte")
        for copies in by_content.values()
        for (first, file), (second, second_file) in combinations(copies, 2)
        # A data set may cut several recordings out of one file.
        if file != second_file or first.dataset != second.dataset
    ]
