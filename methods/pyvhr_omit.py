"""OMIT as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

installed()


@method("OMIT (pyVHR)", "10.48550/arXiv.2202.04101", licence=LICENCE, versions=versions)
def pyvhr_omit(trace: Waveform) -> Waveform:
    """What is orthogonal to the colour of the first frame.

    pyVHR's `cpu_OMIT` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_OMIT", trace)
