"""Files and folders that are written whole or not at all.

Everything is made under another name in the folder of its place. When it is whole it is written
through to the disk, renamed, and then the folder is written through too: without that a rename can
be lost when the machine stops.
"""

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STALE_S = 86400.0
LOCK = ".lock"
PARTIAL = ".partial-"
"""What the name of a file that is not whole yet begins with."""

NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM)
"""What systems say that have no fsync of a folder."""


@contextmanager
def atomic_file(place: Path) -> Iterator[Path]:
    """A file beside `place` to write to, with the same suffix; it is moved into place at the end.

    Where the block ends in an exception, `place` is as it was. The file gets the mode that the
    umask asks for, whatever mode its writer gave it.

    Raises:
        OSError: the file cannot be written or moved.
    """
    _require_name(place)
    partial = place.with_name(f"{PARTIAL}{os.getpid()}-{uuid.uuid4().hex[:8]}-{place.name}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        mode = os.fstat(descriptor).st_mode & 0o777
        os.close(descriptor)
        yield partial
        if partial.stat().st_mode & 0o777 != mode:
            partial.chmod(mode)
        move_into_place(partial, place)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_file(place: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text as UTF-8, its line ends as they are.

    Args:
        place: the file.
        content: text or bytes.

    Raises:
        OSError: the file cannot be written.
    """
    with atomic_file(place) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def move_into_place(source: Path, place: Path) -> None:
    """Rename a finished file or folder; content and rename are on the disk afterwards.

    Args:
        source: the finished file or folder.
        place: its new path.

    Raises:
        OSError: it cannot be written through or renamed, such as where `place` is a folder that
            holds something.
    """
    for path in [*(source.rglob("*") if source.is_dir() else ()), source]:
        if path.is_dir():
            _sync_folder(path)
        elif path.is_file():
            _sync(path)
    source.replace(place)
    _sync_folder(place.parent)


def _require_name(place: Path) -> None:
    """Refuse `.` and the root, beside which nothing can be made.

    Raises:
        IsADirectoryError: the place has no name of its own.
    """
    if not place.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(place))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise


@contextmanager
def atomic_dir(place: Path) -> Iterator[Path]:
    """A new folder beside `place` to work in; `move_into_place` it, or what is in it, when whole.

    What is left of it at the end is deleted. Where the process is killed before, the next folder
    for the same place deletes what it left: the file `.NAME-....lock` beside the folder is locked
    for as long as its process lives, so clocks are not compared. Where there are no such locks
    (Windows), a folder counts as left after a day.

    Raises:
        OSError: the folder cannot be made.
    """
    _require_name(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(place.parent, place.name)
    folder = place.with_name(f".{place.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    lock = _lock_path(folder)
    descriptor = _hold(lock)
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            with suppress(OSError):
                lock.unlink()
            os.close(descriptor)


def remove_stale(folder: Path, name: str = "*") -> None:
    """Delete unfinished files of processes that have ended.

    Args:
        folder: where they lie.
        name: the name that they were made for; by default all names.
    """
    for path in folder.glob(f".{name}-*"):
        if path.suffix == LOCK:
            _delete_unheld(path, path.with_suffix(""))
        elif not _lock_path(path).exists():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime <= STALE_S:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _lock_path(folder: Path) -> Path:
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
        os.close(descriptor)  # another process deleted the file before it was locked: once more


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
