"""Folders for output: their parents, and whether something can be written."""

import errno
import os
from pathlib import Path

import pytest

from rppgbench.system.errors import BenchError
from rppgbench.system.folders import (
    existing_folder,
    new_folder,
    require_writable,
    unwritable_reason,
)


def test_the_nearest_parent_is_tried_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    assert existing_folder(tmp_path / "a" / "b") == tmp_path
    assert existing_folder(tmp_path) == tmp_path
    assert unwritable_reason(tmp_path / "a" / "b") == ""
    require_writable(tmp_path / "a", "--out")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder without files: /proc")
def test_a_folder_that_takes_no_file_is_named_with_the_option() -> None:
    with pytest.raises(BenchError, match=r"^/proc/a: cannot be written: .+; give another --out$"):
        require_writable(Path("/proc/a"), "--out")


def write_and_fail(place: Path, error: Exception) -> None:
    with new_folder(place) as partial:
        (partial / "x").write_text("1")
        raise error


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "a" / "out"
    with pytest.raises(ZeroDivisionError):
        write_and_fail(place, ZeroDivisionError())
    with pytest.raises(BenchError, match="out: cannot be written: No space"):
        write_and_fail(place, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert not list(place.parent.iterdir())
    place.mkdir()
    with new_folder(place) as partial:
        (partial / "x").write_text("1")
        assert not list(place.iterdir())
    assert (place / "x").read_text() == "1"
    assert list(place.parent.iterdir()) == [place]
    with pytest.raises(BenchError, match="out: not an empty folder"), new_folder(place):
        pass
