"""SSR (2SR) as pyVHR 2.0 has it."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.external.pyvhr import LICENCE, installed, run_on_second_moments, versions

installed()


@method(
    "SSR (pyVHR)",
    "10.1109/TBME.2015.2508602",
    "second_moments",
    licence=LICENCE,
    versions=versions,
)
def pyvhr_ssr(moments: Waveform) -> Waveform:
    """The rotation of the skin pixels' subspace, eigenvectors with the signs that LAPACK gives.

    pyVHR's `cpu_SSR` on pictures of three pixels a frame that have the region's second moments
    (T, 3, 3): it looks at nothing else of a picture. The pulse (T,) has pyVHR's own sign and scale;
    it flips at random where LAPACK flips an eigenvector. See `rppgbench.external.pyvhr`.

    Raises:
        NoPulseError: pyVHR gives values that are not numbers, or the stretch is under a second.
    """
    return run_on_second_moments(moments)
