"""LGI as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

installed()


@method("LGI (pyVHR)", "10.1109/CVPRW.2018.00172", licence=LICENCE, versions=versions)
def pyvhr_lgi(trace: Waveform) -> Waveform:
    """What is orthogonal to the main direction of the colours.

    pyVHR's `cpu_LGI` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_LGI", trace)
