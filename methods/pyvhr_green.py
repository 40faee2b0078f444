"""GREEN as pyVHR 2.0 has it."""

from rppgbench.method import method
from rppgbench.peers.pyvhr import LICENCE, installed, of_traces, versions
from rppgbench.waveform import Waveform

installed()


@method("GREEN (pyVHR)", "10.1364/OE.16.021434", licence=LICENCE, versions=versions)
def pyvhr_green(trace: Waveform) -> Waveform:
    """The green channel itself.

    pyVHR's `cpu_GREEN` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale; see `rppgbench.peers.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return of_traces("cpu_GREEN", trace)
