"""What a run says of the energy of the machine while it ran."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rppgbench.store.store import ENERGY
from rppgbench.system.energy_counters import POWERCAP, EnergyMeter
from rppgbench.system.errors import MachineError
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
        try:
            with (folder / ENERGY).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise MachineError(f"{folder}: cannot be written: {error.strerror}") from error


def read_energy(folder: Path) -> list[dict[str, Any]]:
    """The lines of all runs of a results folder, in their order; none in older folders.

    Args:
        folder: the results folder.
    """
    file = folder / ENERGY
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]  # the last may be cut
