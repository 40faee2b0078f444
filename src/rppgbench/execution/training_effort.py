"""Time and energy that a training took."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rppgbench.system.energy_counters import POWERCAP, EnergyMeter
from rppgbench.system.processor_time import ProcessorTime

CONTINUED = "the training was interrupted and continued: only its last part was measured"


@contextmanager
def measured_effort(*, is_continued: bool, powercap: Path = POWERCAP) -> Iterator[dict[str, Any]]:
    """Measure what the training within the context takes.

    Args:
        is_continued: whether an earlier process did a part of the training.
        powercap: the folder of Linux' power capping framework.

    Yields:
        A dictionary that is filled at the end: `seconds` by the clock, `processor_s` of this
        process, `joules` of the processor packages of the whole machine with the `reason` where
        they are not known, and `processor_share` of this process in the time of all programs.
        Of a training that was continued, the numbers are null.
    """
    effort: dict[str, Any] = {}
    before = ProcessorTime.now()
    meter = EnergyMeter(powercap)
    with meter:
        yield effort
    spent = ProcessorTime.now().since(before)
    effort |= {
        **asdict(meter.energy),
        "processor_s": spent.own_s,
        "processor_share": spent.share,
    }
    if is_continued:
        effort |= dict.fromkeys(("seconds", "processor_s", "joules", "processor_share"))
        effort["reason"] = CONTINUED
