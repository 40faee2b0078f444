"""Processor time of this process beside that of all programs of the machine."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC_STAT = Path("/proc/stat")


@dataclass(frozen=True, kw_only=True)
class ProcessorTime:
    """Seconds of processor time; a difference of two readings is the time between them.

    Attributes:
        own_s: of this process, and of its child processes that have ended.
        machine_s: of all programs of the machine; None on systems that do not say so.
    """

    own_s: float
    machine_s: float | None

    @classmethod
    def now(cls, proc_stat: Path = PROC_STAT) -> Self:
        """The times since the start of the process and of the machine.

        Args:
            proc_stat: the file of Linux with the machine's times.
        """
        times = os.times()
        own_s = time.process_time() + times.children_user + times.children_system
        return cls(own_s=own_s, machine_s=machine_time_s(proc_stat))

    def since(self, before: Self) -> Self:
        """The times between an earlier reading and this one."""
        known = self.machine_s is not None and before.machine_s is not None
        machine_s = self.machine_s - before.machine_s if known else None  # type: ignore[operator]
        return type(self)(own_s=self.own_s - before.own_s, machine_s=machine_s)

    @property
    def share(self) -> float | None:
        """Share of this process in the time of all programs; None where that is not known.

        >>> ProcessorTime(own_s=3.0, machine_s=4.0).share
        0.75
        """
        if not self.machine_s:
            return None
        return min(1.0, self.own_s / self.machine_s)


def machine_time_s(proc_stat: Path = PROC_STAT) -> float | None:
    """Processor time of all programs since the start of the machine, in seconds.

    The first line of `/proc/stat` counts user, nice, system, idle, iowait, irq and softirq in ticks
    (`proc(5)`). All but idle and iowait are work.

    Args:
        proc_stat: the file.

    Returns:
        The seconds; None on systems without the file.
    """
    try:
        line = proc_stat.read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return None
    label, *fields = line.split()
    if label != "cpu" or len(fields) < 7:
        return None
    user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
