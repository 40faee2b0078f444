"""Folders for output."""

from pathlib import Path

from rppgbench.system.errors import BenchError


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
