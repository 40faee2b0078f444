"""What a run that simulates tells, and when: before the first video is rendered, and while."""

from pathlib import Path

import pytest

from rppgbench.cli import main

SIZE = ["--subjects", "2", "--seconds", "1"]


def simulated(capfd: pytest.CaptureFixture[str], folder: Path, *options: str) -> list[str]:
    """What `bench run --dry-run` tells on standard error; the videos are rendered."""
    command = ["run", "--protocol", "pure_toolbox", "--simulate", *SIZE, "--methods", "green"]
    command += ["--cache", str(folder / "cache"), "--out", str(folder / "out"), "--dry-run"]
    assert main([*command, *options]) == 0
    return capfd.readouterr().err.splitlines()


def test_the_simulation_is_told_before_it_begins_and_counted_to_its_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = simulated(capfd, tmp_path)
    (begin,) = (n for n, line in enumerate(lines) if "pure is simulated once: 2 subjects" in line)
    counted = [n for n, line in enumerate(lines) if line.startswith("simulating pure: ")]
    assert begin < counted[0]
    assert lines[counted[0]].split()[2].startswith("0/")  # told at once
    done, total = lines[counted[-1]].split()[2].split("/")
    assert done == total
    assert int(total) == len(list((tmp_path / "cache").rglob("??-??.json")))
    assert not [line for line in simulated(capfd, tmp_path) if "simulat" in line]  # kept


def test_quiet_shows_no_progress(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert simulated(capfd, tmp_path, "--quiet") == []
