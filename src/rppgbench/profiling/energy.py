"""Energy of a piece of work on a machine that does nothing else."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rppgbench.profiling.speed import Rate
from rppgbench.system.energy_counters import POWERCAP, EnergyMeter
from rppgbench.system.processor_time import PROC_STAT, ProcessorTime

LEAST_S = 2.0
"""Seconds for which work is repeated: the counters are renewed every millisecond."""

LEAST_SHARE = 0.95
"""Share of this process in the processor time of all programs from which energy is its own."""


@dataclass(frozen=True, kw_only=True)
class WorkEnergy:
    """Energy and processor time of one repetition of some work.

    Attributes:
        joules: energy of all processor packages; None where it is not known.
        processor_s: processor time of this process.
        reason: why `joules` is None; else empty.
    """

    joules: float | None
    processor_s: float
    reason: str = ""


def work_energy(
    work: Callable[[], object],
    *,
    least_s: float = LEAST_S,
    powercap: Path = POWERCAP,
    proc_stat: Path = PROC_STAT,
) -> WorkEnergy:
    """Measure the energy of a piece of work, where no other program works beside it.

    The counters are of the whole machine. Energy is attributed to the work only where this process
    took `LEAST_SHARE` of the processor time; what the idle processor takes is in it.

    Args:
        work: done once to warm up, and then again until `least_s` have passed.
        least_s: duration of the measurement.
        powercap: the folder of Linux' power capping framework.
        proc_stat: the file of Linux with the processor time of all programs.
    """
    work()
    repetitions = 0
    before = ProcessorTime.now(proc_stat)
    with EnergyMeter(powercap) as meter:
        began_s = time.monotonic()
        while not repetitions or time.monotonic() - began_s < least_s:
            work()
            repetitions += 1
    spent = ProcessorTime.now(proc_stat).since(before)
    reason = meter.energy.reason or not_exclusive(spent)
    joules = None if reason or meter.energy.joules is None else meter.energy.joules / repetitions
    return WorkEnergy(joules=joules, processor_s=spent.own_s / repetitions, reason=reason)


def not_exclusive(spent: ProcessorTime) -> str:
    """Why the energy of the machine is not that of this process; empty where it is.

    Args:
        spent: processor time during the measurement.

    >>> not_exclusive(ProcessorTime(own_s=1.0, machine_s=1.02))
    ''
    >>> not_exclusive(ProcessorTime(own_s=1.0, machine_s=2.0))
    'other programs took 50 % of the processor time; measure on a machine that is otherwise idle'
    """
    share = spent.share
    if share is None:
        return "the processor time of other programs is not known on this system"
    if share < LEAST_SHARE:
        return (
            f"other programs took {1 - share:.0%}".replace("%", " %")
            + " of the processor time; measure on a machine that is otherwise idle"
        )
    return ""


def energy_rate(
    name: str, energy: WorkEnergy, video_s: float, *, method: str = "", preset: str = ""
) -> Rate:
    """The row of some work: joules for a minute of video, or its processor time and the reason.

    Args:
        name: what was done.
        energy: what was measured.
        video_s: duration of the video behind one repetition, in seconds.
        method: name of the method, if it is one.
        preset: the preset of its parameters.
    """
    per_minute = 60 / video_s
    processor_s = energy.processor_s * per_minute
    if energy.joules is None:
        return Rate(
            part="energy",
            what=name,
            value=processor_s,
            unit="processor s/min",
            note=f"energy is not known: {energy.reason}",
            numbers={"processor_s_per_minute": processor_s},
            method=method,
            preset=preset,
        )
    joules = energy.joules * per_minute
    return Rate(
        part="energy",
        what=name,
        value=joules,
        unit="J/min",
        note=f"{processor_s:.3g} s of processor time a minute of video",
        numbers={"processor_s_per_minute": processor_s, "joules_per_minute": joules},
        method=method,
        preset=preset,
    )
