"""POS as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

installed()


@method("POS (pyVHR)", "10.1109/TBME.2016.2609282", licence=LICENCE, versions=versions)
def pyvhr_pos(trace: Waveform) -> Waveform:
    """The plane orthogonal to the skin tone, windows of 1.6 s but the first.

    pyVHR's `cpu_POS` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_POS", trace, fps=trace.fs)
