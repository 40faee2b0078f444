"""CHROM as pyVHR 2.0 has it."""

from rppgbench.method import method
from rppgbench.peers.pyvhr import LICENCE, installed, of_traces, versions
from rppgbench.waveform import Waveform

installed()


@method("CHROM (pyVHR)", "10.1109/TBME.2013.2266196", licence=LICENCE, versions=versions)
def pyvhr_chrom(trace: Waveform) -> Waveform:
    """Chrominance signals tuned over the whole stretch at once, colours not normalised.

    pyVHR's `cpu_CHROM` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale; see `rppgbench.peers.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return of_traces("cpu_CHROM", trace)
