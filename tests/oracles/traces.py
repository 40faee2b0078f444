"""The traces of colours that reference code was run on."""

from rppgbench.core.waveform import Waveform

from .oracle import cases, load

TRACES, TRACE_FACTS = load("traces")
CASES = cases(TRACES, "in_rgb")


def trace(case: str) -> Waveform:
    """The mean colours (T, 3) of a case."""
    return Waveform(TRACES[f"in_rgb__{case}"], float(TRACE_FACTS["params"][case]["fs"]))
