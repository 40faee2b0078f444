"""Fingerprints: a short digest of the files of recordings."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rppgbench.core.recording import Recording
from rppgbench.system.file_digest import read_note, sha256_of_file, write_note
from rppgbench.system.io_errors import disk_fault, special_file_kind


def fingerprint(recordings: Iterable[Recording], cache: Path | None = None) -> str:
    """Sixteen hex digits that show whether two results used the same files.

    The fingerprint depends on the names, subjects, parts and shared labels of the recordings and,
    for each file, on the name without folders and the whole content. It does not depend on the
    folder of the set, the order of the recordings, or modification times. A file is read once;
    later the digest in `cache` is used as long as size, inode and modification times are the same
    (`file_digest`), so 2,400 videos take seconds. A missing file counts as missing.

    Args:
        recordings: the recordings.
        cache: the folder for digests of files; None reads every file.

    Raises:
        MachineError: the disk cannot read a file.
    """
    return fingerprint_from_lines(fingerprint_line(recording, cache) for recording in recordings)


def fingerprint_line(recording: Recording, cache: Path | None = None) -> str:
    """The line of one recording in a fingerprint.

    Args:
        recording: the recording.
        cache: the folder for digests of files; None reads every file.
    """
    r = recording
    label = f"\0{r.shared_label}" if r.shared_label else ""
    return f"{r.dataset}\0{r.name}\0{r.subject}\0{r.part}\0{_files(r.files, cache)}{label}"


def fingerprint_from_lines(lines: Iterable[str]) -> str:
    """The fingerprint of recordings, from their lines."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _files(files: tuple[Path, ...], cache: Path | None) -> str:
    """The digest of names and contents of files; the cache holds it for files in the same state."""
    states = [(file.name, *_state(file)) for file in files]
    place = hashlib.sha256(repr(states).encode()).hexdigest()
    note = None if cache is None else cache / "digests" / "recordings" / place[:2] / place
    stored = "" if note is None else read_note(note)
    if len(stored) == 64:
        return stored
    hasher = hashlib.sha256()
    for file in files:
        hasher.update(f"{file.name}\0{_content(file, cache)}\0".encode())
    result = hasher.hexdigest()
    if note is not None:
        write_note(note, result)
    return result


def _state(file: Path) -> tuple[int, ...]:
    try:
        state = file.stat()
    except (OSError, ValueError):
        return ()
    times_ns = state.st_mtime_ns, state.st_ctime_ns
    return (state.st_dev, state.st_ino, state.st_size, *times_ns)


def _content(file: Path, cache: Path | None) -> str:
    if kind := special_file_kind(file):
        return kind
    try:
        return sha256_of_file(file, cache)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and (fault := disk_fault(error, file)):
            raise fault from error
        return "missing"
