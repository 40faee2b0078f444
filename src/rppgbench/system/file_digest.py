"""Digests of whole files, each file read once."""

import hashlib
from contextlib import suppress
from pathlib import Path

from rppgbench.system.atomic_files import write_file

_known: dict[tuple[str | int, ...], str] = {}
"""Content digests of this process: path and state of a file -> sha256."""


def sha256_of_file(path: Path, cache: Path | None = None) -> str:
    """Compute the sha256 of a file.

    The file is read once: the answer is kept by path, size, inode and both times of change (that of
    the content is set back by programs that copy), in this process and in `cache`.

    Args:
        path: the file.
        cache: the folder of cached digests; None keeps none on disk.

    Returns:
        64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    state = path.stat()
    times_ns = (state.st_mtime_ns, state.st_ctime_ns)
    key = (str(path.resolve()), state.st_size, state.st_ino, *times_ns)
    if key in _known:
        return _known[key]
    place = hashlib.sha256(repr(key).encode()).hexdigest()
    note = None if cache is None else cache / "digests" / place[:2] / place
    sha256 = _read_digest_note(note)
    if sha256 is None:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if note is not None:
            write_note(note, sha256)
    _known[key] = sha256
    return sha256


def read_note(file: Path) -> str:
    """The text of a small file; empty where there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _read_digest_note(note: Path | None) -> str | None:
    text = "" if note is None else read_note(note)
    is_sha256 = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    return text if is_sha256 else None


def write_note(path: Path, text: str) -> None:
    """Write a small file whole or not at all; a cache that cannot be written is no fault here.

    Args:
        path: the file.
        text: its content.
    """
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text)
