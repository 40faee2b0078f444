"""The memory that is available, as the system and the control group tell it."""

from pathlib import Path

import pytest

from rppgbench.system import machine_memory
from rppgbench.system.machine_memory import available_memory_bytes


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 4,000 kB available."""
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    4000 kB\n")
    monkeypatch.setattr(machine_memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine_memory, "CONTROL_GROUP", tmp_path)
    return tmp_path


def test_the_lower_of_machine_and_control_group_counts(told: Path) -> None:
    assert available_memory_bytes() == 4000 * 1024
    (told / "memory.current").write_text("1000\n")
    (told / "memory.max").write_text("max\n")
    assert available_memory_bytes() == 4000 * 1024
    (told / "memory.max").write_text("3000\n")
    assert available_memory_bytes() == 2000


def test_a_system_without_these_files_tells_its_whole_memory_or_nothing(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (told / "meminfo").unlink()
    sizes = {"SC_PHYS_PAGES": 10, "SC_PAGE_SIZE": 512}
    monkeypatch.setattr("os.sysconf", sizes.__getitem__)
    assert available_memory_bytes() == 5120
    monkeypatch.delattr("os.sysconf")
    assert available_memory_bytes() is None
