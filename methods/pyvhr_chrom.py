"""CHROM as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

installed()


@method("CHROM (pyVHR)", "10.1109/TBME.2013.2266196", licence=LICENCE, versions=versions)
def pyvhr_chrom(trace: Waveform) -> Waveform:
    """Chrominance signals tuned over the whole stretch at once, colours not normalised.

    pyVHR's `cpu_CHROM` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_CHROM", trace)
