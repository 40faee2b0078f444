"""What a plan needs of disk and memory is compared with what there is."""

from pathlib import Path

import pytest

from rppgbench.execution import plan_room
from rppgbench.execution.plan_room import NETWORK_BYTES, PASS_BYTES, disk_line, memory_line


def test_too_little_room_is_told_with_a_way_out(tmp_path: Path) -> None:
    line = disk_line(tmp_path / "new", "--cache", 2**20, "frames x 1")
    assert line.startswith(f"disk: at most 1 MiB in {tmp_path / 'new'} (frames x 1); ")
    assert line.endswith(" are free")
    assert disk_line(tmp_path, "--cache", 1e20, "x").endswith(
        "are free; TOO LITTLE ROOM: give another --cache"
    )


def test_a_folder_that_takes_no_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_room, "unwritable_reason", lambda folder: "Read-only file system")
    line = disk_line(tmp_path, "--cache", 1, "x")
    assert line.endswith(
        "NOT WRITABLE (Read-only file system): the first file to write ends the run"
    )


@pytest.mark.parametrize(
    ("processes", "trains", "available_bytes", "end"),
    [
        (1, False, PASS_BYTES, "are available"),
        (2, False, 2 * PASS_BYTES - 1, "TOO LITTLE MEMORY: fewer --jobs"),
        (1, True, NETWORK_BYTES, "are available"),
        (1, True, NETWORK_BYTES - 1, "TOO LITTLE MEMORY: a larger machine"),
        (1, True, None, "what is available is not known"),
    ],
)
def test_passes_and_trainings_follow_each_other_so_the_greater_counts(
    monkeypatch: pytest.MonkeyPatch,
    processes: int,
    trains: bool,
    available_bytes: float | None,
    end: str,
) -> None:
    monkeypatch.setattr(plan_room, "available_memory_bytes", lambda: available_bytes)
    line = memory_line(processes, trains=trains)
    assert line.endswith(end), line
    assert ("a training, whose clips stay in files" in line) == trains
