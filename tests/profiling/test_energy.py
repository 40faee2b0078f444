"""Energy of work: attributed to it where no other program works, by made-up counters."""

from pathlib import Path

import pytest

from rppgbench.profiling.energy import energy_rate, work_energy
from rppgbench.system.processor_time import ProcessorTime


class Machine:
    """A made-up machine whose counter grows by 3 J with each piece of work."""

    def __init__(self, folder: Path) -> None:
        self.powercap, self.stat = folder / "powercap", folder / "stat"
        zone = self.powercap / "intel-rapl:0"
        zone.mkdir(parents=True)
        (zone / "name").write_text("package-0")
        (zone / "max_energy_range_uj").write_text("262143328850")
        self.counter = zone / "energy_uj"
        self.work_done = 0
        self.counter.write_text("0")
        self.stat.write_text("cpu 0 0 0 0 0 0 0\n")

    def work(self) -> None:
        self.work_done += 1
        self.counter.write_text(str(3_000_000 * self.work_done))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def set_share(monkeypatch: pytest.MonkeyPatch, share: float | None) -> None:
    """Let every measurement take 8 s of processor time, and that share of the machine's."""
    readings = [ProcessorTime(own_s=10.0 + 8 * k, machine_s=None) for k in range(2)]
    if share is not None:
        readings = [
            ProcessorTime(own_s=r.own_s, machine_s=8 * k / share) for k, r in enumerate(readings)
        ]
    monkeypatch.setattr(ProcessorTime, "now", lambda *_: readings.pop(0))


def test_energy_is_that_of_one_repetition_without_the_first(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_share(monkeypatch, 0.99)
    energy = work_energy(
        machine.work, least_s=0.3, powercap=machine.powercap, proc_stat=machine.stat
    )
    assert machine.work_done > 2
    assert energy.joules == pytest.approx(3.0)
    assert energy.reason == ""
    assert energy.processor_s == pytest.approx(8 / (machine.work_done - 1))


@pytest.mark.parametrize(
    ("share", "reason"),
    [
        (0.90, "other programs took 10 % of the processor time"),
        (None, "the processor time of other programs is not known"),
    ],
)
def test_energy_of_a_busy_machine_is_attributed_to_nobody(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, share: float | None, reason: str
) -> None:
    set_share(monkeypatch, share)
    energy = work_energy(machine.work, least_s=0, powercap=machine.powercap)
    assert energy.joules is None
    assert energy.reason.startswith(reason)


def test_without_counters_the_row_has_processor_time_and_the_reason(tmp_path: Path) -> None:
    energy = work_energy(lambda: sum(range(100_000)), least_s=0.05, powercap=tmp_path)
    row = energy_rate("work", energy, 30.0)
    assert row.unit == "processor s/min"
    assert row.value == pytest.approx(2 * energy.processor_s)
    assert row.note == (
        f"energy is not known: no energy counters of processor packages in {tmp_path}"
    )
    assert "joules_per_minute" not in row.numbers


def test_the_row_of_known_energy_has_joules_for_a_minute_of_video(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_share(monkeypatch, 1.0)
    energy = work_energy(machine.work, least_s=0, powercap=machine.powercap)
    row = energy_rate("work", energy, 30.0)
    assert row.value == pytest.approx(6.0)
    assert row.unit == "J/min"
    assert row.numbers == pytest.approx({"joules_per_minute": 6.0, "processor_s_per_minute": 16.0})
