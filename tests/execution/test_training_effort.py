"""Time and energy of a training, by counters in a made-up folder."""

from pathlib import Path

import pytest

from rppgbench.execution.training_effort import CONTINUED, measured_effort


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    zone = tmp_path / "powercap" / "intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in (("name", "package-0"), ("max_energy_range_uj", "9000000000")):
        (zone / name).write_text(text)
    (zone / "energy_uj").write_text("1000000")
    return zone / "energy_uj"


def test_a_training_has_its_time_and_the_energy_of_the_machine(counter: Path) -> None:
    with measured_effort(is_continued=False, powercap=counter.parent.parent) as effort:
        counter.write_text("3500000")
        sum(range(1_000_000))
    assert effort["joules"] == pytest.approx(2.5)
    assert effort["seconds"] > 0
    assert effort["processor_s"] > 0
    assert effort["reason"] == ""


def test_of_a_continued_training_no_number_is_stored(counter: Path) -> None:
    with measured_effort(is_continued=True, powercap=counter.parent.parent) as effort:
        counter.write_text("3500000")
    assert (effort["seconds"], effort["joules"], effort["processor_s"]) == (None, None, None)
    assert effort["reason"] == CONTINUED


def test_without_counters_the_time_stays(tmp_path: Path) -> None:
    with measured_effort(is_continued=False, powercap=tmp_path) as effort:
        pass
    assert effort["joules"] is None
    assert effort["reason"].startswith("no energy counters")
    assert effort["seconds"] >= 0
