"""ICA as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

installed()


@method("ICA (pyVHR)", "10.1364/OE.18.010762", licence=LICENCE, versions=versions)
def pyvhr_ica(trace: Waveform) -> Waveform:
    """JADE on the raw colours; of its three sources the second by energy, pyVHR's `second_comp`.

    pyVHR's `cpu_ICA` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_ICA", trace, component="second_comp")
