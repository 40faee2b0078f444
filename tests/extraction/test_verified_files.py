"""Notes that a folder was verified: what they are of, and what ends them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rppgbench.extraction.verified_files import is_verified, note_verified


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "entry"
    folder.mkdir()
    for name in ("frames.npy", "facts.json"):
        (folder / name).write_bytes(b"content")
    note_verified(folder, tmp_path)
    return folder


def write_and_set_the_time_back(folder: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no time of the last change of a file's state")
    file = folder / "frames.npy"
    times_ns = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_bytes(b"another")
    os.utime(file, ns=times_ns)


CHANGES: dict[str, Callable[[Path], object]] = {
    "the same size": write_and_set_the_time_back,
    "a file more": lambda folder: (folder / "valid.npy").write_bytes(b"x"),
    "a file less": lambda folder: (folder / "facts.json").unlink(),
    "another name": lambda folder: (folder / "facts.json").rename(folder / "other.json"),
    "another folder": lambda folder: folder.rename(folder.with_name("moved")),
}


def test_a_note_is_of_one_folder_and_one_cache(folder: Path, tmp_path: Path) -> None:
    assert is_verified(folder, tmp_path)
    assert not is_verified(folder, tmp_path / "other")


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_folder_is_not_verified(folder: Path, tmp_path: Path, change: str) -> None:
    CHANGES[change](folder)
    assert not is_verified(folder, tmp_path)
    assert not is_verified(tmp_path / "moved", tmp_path)
