"""Marks and locks of a cache: what is in use is not held by anybody else."""

import subprocess
import sys
from pathlib import Path

import pytest

from rppgbench.system.cache_use import USED, hold_unused, in_use, mark_used
from rppgbench.system.errors import BenchError

pytest.importorskip("fcntl")

HOLDER = """
import sys
from pathlib import Path
from rppgbench.system.cache_use import in_use
with in_use(Path(sys.argv[1]), sys.argv[2:]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_is_killed_no_longer_uses_anything(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), "pure"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    names = ["", "pure", "ubfc_rppg"]
    with hold_unused(tmp_path, names) as unused:
        assert unused == {"ubfc_rppg"}
    holder.kill()
    holder.communicate()
    with hold_unused(tmp_path, names) as unused:
        assert unused == set(names)
        with hold_unused(tmp_path, names) as again:
            assert again == set()


def test_several_processes_may_use_one_data_set(tmp_path: Path) -> None:
    with (
        in_use(tmp_path, ["pure"]),
        in_use(tmp_path, ["pure", ""]),
        hold_unused(tmp_path, ["pure", "no data set"]) as unused,
    ):
        assert unused == set()
    with hold_unused(tmp_path, ["pure"]) as unused:
        assert unused == {"pure"}


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / USED).write_text("a file where a folder belongs")
    mark_used(tmp_path, "pure", "features", "ab")
    with in_use(tmp_path, ["pure"]):
        pass


def test_a_system_without_locks_prunes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with in_use(tmp_path, ["pure"]):
        pass
    with pytest.raises(BenchError, match="no locks of files"), hold_unused(tmp_path, ["pure"]):
        pass
