"""GREEN as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

installed()


@method("GREEN (pyVHR)", "10.1364/OE.16.021434", licence=LICENCE, versions=versions)
def pyvhr_green(trace: Waveform) -> Waveform:
    """The green channel itself.

    pyVHR's `cpu_GREEN` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_GREEN", trace)
