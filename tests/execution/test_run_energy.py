"""The energy that a run records, by counters in a made-up folder."""

import json
from pathlib import Path

import pytest

from rppgbench.execution.run_energy import OTHER_MACHINES, read_energy, recorded_energy
from rppgbench.system.errors import BenchError

BEGAN = {"began": "2026-11-27T06:00:00+00:00"}


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    zone = tmp_path / "powercap" / "intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0")
    (zone / "max_energy_range_uj").write_text("1000000000")
    (zone / "energy_uj").write_text("5000000")
    return zone / "energy_uj"


def test_each_run_adds_a_line(tmp_path: Path, counter: Path) -> None:
    for count_uj in (8_000_000, 9_500_000):
        with recorded_energy(tmp_path, BEGAN, counter.parent.parent):
            counter.write_text(str(count_uj))
    first, second = read_energy(tmp_path)
    assert (first["joules"], second["joules"]) == (3.0, 1.5)
    assert (first["began"], first["packages"], first["reason"]) == (BEGAN["began"], 1, "")


def test_an_interrupted_run_has_its_line(tmp_path: Path, counter: Path) -> None:
    def run() -> None:
        with recorded_energy(tmp_path, BEGAN, counter.parent.parent):
            counter.write_text("6000000")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert [line["joules"] for line in read_energy(tmp_path)] == [1.0]


def test_without_counters_the_reason_is_stored(tmp_path: Path) -> None:
    with recorded_energy(tmp_path, BEGAN, tmp_path / "absent"):
        pass
    (line,) = read_energy(tmp_path)
    assert line["joules"] is None
    assert line["reason"].startswith("no energy counters")


def test_counters_of_this_machine_say_nothing_of_workers_elsewhere(
    tmp_path: Path, counter: Path
) -> None:
    with recorded_energy(
        tmp_path, {**BEGAN, "scheduler": "tcp://head:8786"}, counter.parent.parent
    ):
        counter.write_text("6000000")
    (line,) = read_energy(tmp_path)
    assert (line["joules"], line["reason"]) == (None, OTHER_MACHINES)


def test_older_folders_and_a_line_that_was_cut_are_read(tmp_path: Path) -> None:
    assert read_energy(tmp_path) == []
    whole = {"joules": 1.0, "processor_share": None, "seconds": 2.0}
    file = tmp_path / "energy.jsonl"
    file.write_text(json.dumps(whole) + '\n{"joul')
    assert read_energy(tmp_path) == [whole]
    with recorded_energy(tmp_path, BEGAN, tmp_path / "absent"):
        pass
    first, second = read_energy(tmp_path)
    assert first == whole
    assert second["began"] == BEGAN["began"]


@pytest.mark.parametrize(
    "line",
    ["{}", "{]}", '{"joules": "much", "seconds": 1.0, "processor_share": null}', "[{}"],
)
def test_a_line_of_something_else_is_refused_in_one_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "energy.jsonl").write_text(f"{line}\n")
    with pytest.raises(BenchError, match=r"energy\.jsonl: not what a run writes; move it away"):
        read_energy(tmp_path)
