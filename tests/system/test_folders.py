"""Folders for output: their parents, and whether something can be written."""

from pathlib import Path

import pytest

from rppgbench.system.errors import BenchError
from rppgbench.system.folders import existing_folder, require_writable, unwritable_reason


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
