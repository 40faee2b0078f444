"""What a run says of the energy of the machine while it ran."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rppgbench.store.store import ENERGY
from rppgbench.system.energy_counters import POWERCAP, EnergyMeter
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.io_errors import writing
from rppgbench.system.processor_time import ProcessorTime

OTHER_MACHINES = "the work was done by the workers of a scheduler, and not by this machine alone"


@contextmanager
def recorded_energy(
    folder: Path, made_by: Mapping[str, Any], powercap: Path = POWERCAP
) -> Iterator[None]:
    """Measure the energy of the machine's processors, and add a line to the results folder.

    The energy is that of the whole machine, with what other programs took: the line has the run's
    share of the processor time beside it. An interrupted run has its line too.

    Args:
        folder: the results folder.
        made_by: what the run says of itself.
        powercap: the folder of Linux' power capping framework.

    Raises:
        MachineError: the line cannot be written.
    """
    before = ProcessorTime.now()
    meter = EnergyMeter(powercap)
    try:
        with meter:
            yield
    finally:
        line = {
            "began": made_by.get("began", ""),
            **asdict(meter.energy),
            "processor_share": ProcessorTime.now().since(before).share,
        }
        if made_by.get("scheduler"):
            line |= {"joules": None, "processor_share": None, "reason": OTHER_MACHINES}
        with writing(folder, kind=MachineError), (folder / ENERGY).open("ab+") as file:
            file.seek(-1 if file.tell() else 0, os.SEEK_END)
            was_cut = file.read() not in {b"", b"\n"}
            file.write(b"\n" * was_cut + json.dumps(line).encode() + b"\n")


def read_energy(folder: Path) -> list[dict[str, Any]]:
    """The lines of all runs of a results folder, in their order; none in older folders.

    Args:
        folder: the results folder.

    Raises:
        BenchError: a line is not what a run writes.
    """
    file = folder / ENERGY
    if not file.is_file():
        return []
    try:
        # A run that was killed may leave a part of a line.
        lines = file.read_text(encoding="utf-8").splitlines()
        return [_checked(json.loads(line)) for line in lines if line.endswith("}")]
    except OSError as error:
        raise BenchError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        raise BenchError(
            f"{file}: not what a run writes; move it away: only the costs of a page need it"
        ) from None


def _checked(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with its numbers as such; an error of Python where it is no such line."""
    numbers = {
        key: None if line[key] is None else float(line[key])
        for key in ("joules", "processor_share")
    }
    return {**line, **numbers, "seconds": float(line["seconds"])}
