"""PBV as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

installed()


@method("PBV (pyVHR)", "10.1088/0967-3334/35/9/1913", licence=LICENCE, versions=versions)
def pyvhr_pbv(trace: Waveform) -> Waveform:
    """The projection with the blood volume signature, which is taken from the trace itself.

    pyVHR's `cpu_PBV` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_PBV", trace)
