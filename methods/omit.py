"""OMIT: what is orthogonal to the first frame's colour."""

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform
from rppgbench.signals.overlap_add import FLAT


@method("OMIT", "10.1109/JBHI.2023.3307942")
def omit(trace: Waveform) -> Waveform:
    """The green channel without the direction of the first frame's colour.

    C. Alvarez Casado, M. Bordallo Lopez, "Face2PPG: An Unsupervised Pipeline for Blood Volume
    Pulse Extraction From Faces", IEEE JBHI, 2023. As published, Q comes from the QR decomposition
    of the 3 x T trace, and its first column is the colour of frame 0 over its norm: the
    estimate depends on the first frame, and a bad one spoils all of it. Brighter green is up. A
    black, constant or grey trace gives zeros. (..., T, 3) to (..., T).

    Args:
        trace: (..., T, 3), R, G and B in any unit.
    """
    rgb = np.asarray(trace.samples, dtype=np.float64)
    # Gram-Schmidt takes the columns of C = Q R (frames) in order: q = c_0 / |c_0|, up to a sign.
    # It cancels, because q appears twice in the green row of (I - q qT) C.
    first = rgb[..., 0, :]
    norm = np.linalg.norm(first, axis=-1, keepdims=True)
    axis = np.divide(first, norm, out=np.zeros_like(first), where=norm > 0)
    off = rgb[..., 1] - (rgb @ axis[..., None])[..., 0] * axis[..., 1, None]
    level = np.abs(rgb).max(axis=(-1, -2), initial=0.0)[..., None]
    rounding = np.abs(off).max(axis=-1, keepdims=True, initial=0.0) <= FLAT * level
    return Waveform(np.where(rounding, 0.0, off), trace.fs, trace.start_s)
