"""PCA as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_traces, versions

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
    `pyvhr` has those. The pulse (T,) has pyVHR's own sign and scale: `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers.
    """
    return run_on_traces("cpu_PCA", trace, component="second_comp")
