"""Notes that a folder of the cache was compared with its checksums, by the state of its files."""

import hashlib
from pathlib import Path

from rppgbench.system.file_digest import read_note, write_note

VERIFIED = "verified"


def is_verified(folder: Path, cache: Path) -> bool:
    """Whether the files of a folder agreed with their checksums and have not changed since.

    The note is of size, inode and both times of change of each file. A program that changes a file
    changes these; bits that a disk loses by itself do not. So a training, which would read all
    clips once before its first step, trusts a note. Other runs compare the content.

    Args:
        folder: a folder of array files.
        cache: the cache, which holds the notes.

    Returns:
        Whether a note says so; False for a folder that cannot be read.
    """
    try:
        place, state = _note(folder, cache)
    except OSError:
        return False
    return read_note(place) == state


def note_verified(folder: Path, cache: Path) -> None:
    """Note that the files of a folder agree with their checksums.

    Args:
        folder: a folder of array files.
        cache: the cache, which holds the notes.
    """
    place, state = _note(folder, cache)
    write_note(place, state)


def _note(folder: Path, cache: Path) -> tuple[Path, str]:
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()
    files = sorted(folder.iterdir())
    states = [
        (file.name, s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns)
        for file in files
        for s in [file.stat()]
    ]
    return cache / "digests" / VERIFIED / name[:2] / name, repr(states)
