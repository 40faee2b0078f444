"""Digest of what a video is made of, read once."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.atomic_files import write_file
from rppgbench.digest import digest
from rppgbench.disk import check_regular, unreadable
from rppgbench.extraction.array_files import array_sha256
from rppgbench.recording import VideoSource

_known: dict[tuple[str | int, ...], str] = {}
"""Content digests of this process: path and state of a file -> sha256."""


def content_digest(source: VideoSource, cache: Path | None = None) -> str:
    """Digest of the bytes that a source is made of, and of the times given for its frames.

    A file is read once: its sha256 is kept by path, size, inode and both times of change (that of
    the content is set back by programs that copy), in this process and in `cache`. Images count
    with their names (not their folder's), in their order. Frames that a callable takes out of a
    file count as that file: it holds one recording.
    """
    if source.images:
        content: Any = [[file.name, _file_sha256(file, cache)] for file in source.images]
    else:
        content = _file_sha256(source.path, cache)
    times = None if source.times_s is None else array_sha256(np.asarray(source.times_s))
    return digest({"content": content, "times": times, "inner": source.frames is not None})


def _file_sha256(path: Path, cache: Path | None) -> str:
    try:
        return _sha256(path, cache)
    except OSError as fault:  # one in the middle of a file does not name it
        raise unreadable(fault, fault.filename or path) from fault


def _sha256(path: Path, cache: Path | None) -> str:
    check_regular(path)
    state = path.stat()
    times_ns = (state.st_mtime_ns, state.st_ctime_ns)
    key = (str(path.resolve()), state.st_size, state.st_ino, *times_ns)
    if key in _known:
        return _known[key]
    place = hashlib.sha256(repr(key).encode()).hexdigest()
    note = None if cache is None else cache / "digests" / place[:2] / place
    found = _noted(note)
    if found is None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if note is not None:
            write_note(note, found)
    _known[key] = found
    return found


def read_note(file: Path) -> str:
    """The text of a small file; empty where there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _noted(note: Path | None) -> str | None:
    text = "" if note is None else read_note(note)
    is_sha256 = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    return text if is_sha256 else None


def write_note(path: Path, text: str) -> None:
    """Write a small file whole or not at all; a cache that cannot be written is no fault here."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text)
