"""Folders for output."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rppgbench.system.atomic_files import atomic_dir, move_into_place
from rppgbench.system.errors import BenchError
from rppgbench.system.io_errors import writing


def make_folder(folder: Path) -> Path:
    """Make a folder for output, and its parents, unless it exists.

    Raises:
        BenchError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{folder}: cannot be made: {error.strerror}; give another") from error
    return folder


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to, which gets its name when the block has ended without an exception.

    Args:
        folder: its name; an empty folder of this name is replaced.

    Yields:
        The folder under another name.

    Raises:
        BenchError: something else has this name, or the folder cannot be written.
    """
    with writing(folder):
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise BenchError(f"{folder}: not an empty folder; give a new one")
        make_folder(folder.parent)
        with atomic_dir(folder) as partial:
            yield partial
            move_into_place(partial, folder)


def existing_folder(folder: Path) -> Path:
    """The folder, or the nearest of its parents that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if _is_dir(path))


def _is_dir(path: Path) -> bool:
    """Whether a folder is there; what lies in a folder without permission is not seen."""
    try:
        return path.is_dir()
    except PermissionError:
        return False


def unwritable_reason(folder: Path) -> str:
    """Why no file can be written into a folder, or into the parent in which it would be made.

    A file without a name is made and is gone at once.

    Args:
        folder: the folder; it may not exist yet.

    Returns:
        What the system says; "" where a file can be written.
    """
    try:
        with tempfile.TemporaryFile(dir=existing_folder(folder)):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def require_writable(folder: Path, option: str) -> None:
    """Refuse a folder for output into which nothing can be written.

    Args:
        folder: the folder; it may not exist yet.
        option: the option that names it, such as "--out".

    Raises:
        BenchError: a file cannot be written there.
    """
    reason = unwritable_reason(folder)
    if reason:
        raise BenchError(f"{folder}: cannot be written: {reason}; give another {option}")


def refuse_folder(file: Path, option: str) -> None:
    """Refuse a folder where a file is to be written.

    Args:
        file: the file; it may not exist yet.
        option: the option that names it, such as "--out".

    Raises:
        BenchError: a folder has this name.
    """
    if _is_dir(file):
        raise BenchError(f"{option}: {file} is a folder; name a file in it")
