"""Folders made beside their place, so that none is half-made."""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STALE_S = 86400.0
LOCK = ".lock"


@contextmanager
def draft(place: Path) -> Iterator[Path]:
    """A new folder beside `place` to work in; rename it, or what is in it, when it is whole.

    What is left of it at the end is deleted. Where the process is killed before, the next draft of
    the same place deletes what it left: the file `.NAME-....lock` beside a draft is locked for as
    long as its process lives, so no clock has a say. Where there are no such locks (Windows), a
    draft counts as left after a day.

    Raises:
        OSError: the folder cannot be made.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    sweep(place.parent, place.name)
    folder = place.with_name(f".{place.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    lock = _lock_of(folder)
    held = _hold(lock)
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            with suppress(OSError):
                lock.unlink()
            os.close(held)


def sweep(folder: Path, name: str = "*") -> None:
    """Delete the drafts of a place, or of all in a folder, whose processes are gone."""
    for left in folder.glob(f".{name}-*"):
        if left.suffix == LOCK:
            _delete_unheld(left, left.with_suffix(""))
        elif not _lock_of(left).exists():
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > STALE_S:
                    shutil.rmtree(left, ignore_errors=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + LOCK)


def _hold(lock: Path) -> int | None:
    """Lock a new file; its descriptor, or None where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # a sweep deleted the file before it was locked: once more


def _delete_unheld(lock: Path, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:
        return
    with suppress(OSError):
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink()
        finally:
            os.close(descriptor)
