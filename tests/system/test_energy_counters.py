"""Energy by counters in a made-up folder of Linux' power capping framework."""

import time
from pathlib import Path

import pytest

from rppgbench.system.energy_counters import (
    CountersError,
    EnergyMeter,
    package_counters,
)


def make_zone(powercap: Path, zone: str, name: str, count_uj: int, range_uj: int = 10**9) -> Path:
    """Write a zone as Linux shows it, and return the file of its counter."""
    folder = powercap / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
    (folder / "energy_uj").write_text(f"{count_uj}\n")
    return folder / "energy_uj"


def test_energy_is_the_sum_of_packages_and_of_nothing_that_they_hold(tmp_path: Path) -> None:
    counters = {
        zone: make_zone(tmp_path, zone, name, 1_000)
        for zone, name in (
            ("intel-rapl:0", "package-0"),
            ("intel-rapl:0:0", "core"),
            ("intel-rapl:0:1", "dram"),
            ("intel-rapl:1", "package-1"),
            ("intel-rapl:2", "psys"),
            ("intel-rapl:2:0", "package-0"),
            ("intel-rapl-mmio:0", "package-0"),
        )
    }
    with EnergyMeter(tmp_path) as meter:
        for number, file in enumerate(counters.values()):
            file.write_text(f"{1_000 + 10**number}\n")
    assert meter.energy.joules == pytest.approx((1 + 1_000) / 1e6)
    assert (meter.energy.packages, meter.energy.reason) == (2, "")


def test_a_counter_that_begins_again_loses_no_energy(tmp_path: Path) -> None:
    counter = make_zone(tmp_path, "intel-rapl:0", "package-0", 950, range_uj=1_000)
    with EnergyMeter(tmp_path) as meter:
        counter.write_text("30\n")
    assert meter.energy.joules == pytest.approx(80e-6)


def test_a_counter_that_begins_again_many_times_is_read_in_between(tmp_path: Path) -> None:
    counter = make_zone(tmp_path, "intel-rapl:0", "package-0", 0, range_uj=1_000)
    meter = EnergyMeter(tmp_path, poll_s=0.001)
    with meter:
        for count_uj in (600, 200, 900, 100):
            counter.with_suffix(".new").write_text(f"{count_uj}\n")
            counter.with_suffix(".new").replace(counter)
            deadline_s = time.monotonic() + 10
            while meter._last_uj != [count_uj] and time.monotonic() < deadline_s:
                time.sleep(0.001)
    assert meter.energy.joules == pytest.approx((600 + 600 + 700 + 200) * 1e-6)


def test_without_counters_there_is_a_reason_and_no_number(tmp_path: Path) -> None:
    for powercap in (tmp_path, tmp_path / "absent"):
        with EnergyMeter(powercap) as meter:
            pass
        assert meter.energy.joules is None
        assert meter.energy.reason == (f"no energy counters of processor packages in {powercap}")


def test_one_package_that_may_not_be_read_leaves_no_partial_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_zone(tmp_path, "intel-rapl:0", "package-0", 1)
    closed = make_zone(tmp_path, "intel-rapl:1", "package-1", 1)
    read_text = Path.read_text

    def read_as_user(file: Path, encoding: str | None = None) -> str:
        if file == closed:
            raise PermissionError(13, "Permission denied")
        return read_text(file, encoding=encoding)

    monkeypatch.setattr(Path, "read_text", read_as_user)
    with EnergyMeter(tmp_path) as meter:
        pass
    assert meter.energy.joules is None
    assert meter.energy.reason == (
        f"{closed}: only the administrator may read it; sudo chmod a+r {closed}"
    )


@pytest.mark.parametrize("text", ["", "-5", "1.5", "many"])
def test_a_counter_without_a_count_is_named(tmp_path: Path, text: str) -> None:
    counter = make_zone(tmp_path, "intel-rapl:0", "package-0", 0)
    counter.write_text(text)
    with pytest.raises(CountersError, match=r"energy_uj: holds '.*', no count"):
        package_counters(tmp_path)


def test_a_counter_that_disappears_leaves_a_reason(tmp_path: Path) -> None:
    counter = make_zone(tmp_path, "intel-rapl:0", "package-0", 0)
    with EnergyMeter(tmp_path) as meter:
        counter.unlink()
    assert meter.energy.joules is None
    assert meter.energy.reason.startswith(f"{counter}: cannot be read")
