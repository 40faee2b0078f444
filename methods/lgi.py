"""LGI: what is orthogonal to the trace's main direction."""

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.signals.overlap_add import FLAT


@method("LGI", "10.1109/CVPRW.2018.00172")
def lgi(trace: Waveform) -> Waveform:
    """The green channel without the colours' first principal direction: (..., T, 3) to (..., T).

    C. S. Pilz, S. Zaunseder, J. Krajewski, V. Blazek, "Local Group Invariance for Heart Rate
    Estimation from Face Videos in the Wild", CVPR Workshops, 2018, in the form of rPPG-Toolbox and
    pyVHR: with u the first left singular vector of the uncentred 3 x T trace, the pulse is the
    green row of (I - u uT) C. Brighter green is up; the pulse scales with the trace. A black,
    constant or grey trace gives zeros.

    Args:
        trace: (..., T, 3), R, G and B in any unit.
    """
    rgb = np.asarray(trace.samples, dtype=np.float64)
    # With the singular value decomposition C = U S VT of the 3 x T trace, C CT = U S^2 UT: u is the
    # eigenvector of the 3 x 3 matrix C CT with the largest eigenvalue, and no T x T matrix is
    # needed. The green row of (I - u uT) C is green - u_green (uT C): u appears twice, so its
    # arbitrary sign does not matter.
    _, vectors = np.linalg.eigh(np.swapaxes(rgb, -1, -2) @ rgb)
    main = vectors[..., :, 2]  # eigh sorts the eigenvalues in ascending order
    off = rgb[..., 1] - (rgb @ main[..., None])[..., 0] * main[..., 1, None]
    level = np.abs(rgb).max(axis=(-1, -2), initial=0.0)[..., None]
    rounding = np.abs(off).max(axis=-1, keepdims=True, initial=0.0) <= FLAT * level
    return Waveform(np.where(rounding, 0.0, off), trace.fs, trace.start_s)
