"""Which files a result saw: a short digest of recordings."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rppgbench.core.recording import Recording
from rppgbench.system.file_digest import read_note, sha256_of_file, write_note
from rppgbench.system.io_errors import disk_fault, kind_of_special_file


def fingerprint(recordings: Iterable[Recording], cache: Path | None = None) -> str:
    """Sixteen hex digits that tell whether two results saw the same files.

    In: the recordings' names, subjects and parts and, of each of their files, the name without
    folders and all of its content. Where the set lies, the order of the recordings, and times of
    change do not matter. A file is read whole once; later its size, inode and times of change
    answer for it, which are kept in `cache` (`file_digest`), so that a whole set of 2,400 videos
    takes seconds. A missing file counts as missing; MachineError where the disk cannot read one.
    """
    return fingerprint_from_lines(fingerprint_line(recording, cache) for recording in recordings)


def fingerprint_line(recording: Recording, cache: Path | None = None) -> str:
    """One recording in a fingerprint: what is asked of its files, asked once."""
    r = recording
    return f"{r.dataset}\0{r.name}\0{r.subject}\0{r.part}\0{_files(r.files, cache)}"


def fingerprint_from_lines(lines: Iterable[str]) -> str:
    """The fingerprint of the recordings that these are the lines of."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _files(files: tuple[Path, ...], cache: Path | None) -> str:
    """Digest of the names and contents of files; that of files in the same state is kept."""
    states = [(file.name, *_state(file)) for file in files]
    place = hashlib.sha256(repr(states).encode()).hexdigest()
    note = None if cache is None else cache / "digests" / "recordings" / place[:2] / place
    found = "" if note is None else read_note(note)
    if len(found) == 64:
        return found
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.name}\0{_content(file, cache)}\0".encode())
    found = whole.hexdigest()
    if note is not None:
        write_note(note, found)
    return found


def _state(file: Path) -> tuple[int, ...]:
    try:
        state = file.stat()
    except (OSError, ValueError):
        return ()
    times_ns = state.st_mtime_ns, state.st_ctime_ns
    return (state.st_dev, state.st_ino, state.st_size, *times_ns)


def _content(file: Path, cache: Path | None) -> str:
    if kind := kind_of_special_file(file):
        return kind
    try:
        return sha256_of_file(file, cache)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and (fault := disk_fault(error, file)):
            raise fault from error
        return "missing"
