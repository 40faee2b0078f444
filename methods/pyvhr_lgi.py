"""LGI as pyVHR 2.0 has it."""

from rppgbench.method import method
from rppgbench.peers.pyvhr import LICENCE, installed, of_traces, versions
from rppgbench.waveform import Waveform

installed()


@method("LGI (pyVHR)", "10.1109/CVPRW.2018.00172", licence=LICENCE, versions=versions)
def pyvhr_lgi(trace: Waveform) -> Waveform:
    """What is orthogonal to the main direction of the colours.

    pyVHR's `cpu_LGI` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale; see `rppgbench.peers.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return of_traces("cpu_LGI", trace)
