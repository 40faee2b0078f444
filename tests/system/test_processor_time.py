"""Processor time of the machine from a made-up `/proc/stat`, and the share of a process."""

import os
from pathlib import Path

import pytest

from rppgbench.system.processor_time import ProcessorTime, machine_time_s


def test_work_of_the_machine_is_all_but_idle_and_waiting_time(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 20 300 4000 50000 6 7 800 9 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    assert machine_time_s(stat) == pytest.approx((10 + 20 + 300 + 6 + 7) / ticks_per_s)
    stat.write_text("intr 5\n")
    assert machine_time_s(stat) is None
    assert machine_time_s(tmp_path / "absent") is None


def test_the_share_is_of_the_time_between_two_readings() -> None:
    before = ProcessorTime(own_s=100.0, machine_s=1000.0)
    assert ProcessorTime(own_s=101.0, machine_s=1004.0).since(before).share == 0.25
    assert ProcessorTime(own_s=101.0, machine_s=1000.9).since(before).share == 1.0  # ticks
    assert ProcessorTime(own_s=101.0, machine_s=1000.0).since(before).share is None
    assert ProcessorTime(own_s=101.0, machine_s=None).since(before).share is None


def test_work_of_this_process_is_counted() -> None:
    before = ProcessorTime.now()
    while ProcessorTime.now().since(before).own_s < 0.05:
        sum(range(10_000))
    spent = ProcessorTime.now().since(before)
    assert spent.machine_s is None or spent.machine_s >= 0.03  # in ticks of 10 ms
