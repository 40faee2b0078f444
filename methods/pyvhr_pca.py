"""PCA as pyVHR 2.0 has it."""

from rppgbench.method import method
from rppgbench.peers.pyvhr import LICENCE, installed, of_traces, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "PCA (pyVHR)",
    "Lewandowska et al., Measuring pulse rate with a webcam, FedCSIS 2011",
    licence=LICENCE,
    versions=versions,
)
def pyvhr_pca(trace: Waveform) -> Waveform:
    """The second principal component of the three colours, pyVHR's `second_comp`.

    pyVHR's `cpu_PCA` on the mean RGB (T, 3) of the region, without its filters: the evaluator
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale; see `rppgbench.peers.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return of_traces("cpu_PCA", trace, component="second_comp")
