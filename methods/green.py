"""GREEN: the green channel itself."""

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform


@method("GREEN", "10.1364/OE.16.021434", presets={"toolbox": {"centred": False}})
def green(trace: Waveform, *, preset: str = "paper", centred: bool = True) -> Waveform:
    """The mean green value of the skin, without its mean over time: (..., T, 3) to (..., T).

    W. Verkruysse, L. O. Svaasand, J. S. Nelson, "Remote plethysmographic imaging using ambient
    light", Optics Express 16(26), 2008. Blood absorbs green most, so the trace is low where blood
    is much: brighter skin is up, here and in the other methods.

    Args:
        trace: (..., T, 3), R, G and B in any unit.
        preset: "toolbox" (rPPG-Toolbox and pyVHR) leaves the mean in.
        centred: take the mean over time away.
    """
    level = np.asarray(trace.samples, dtype=np.float64)[..., 1]
    # Differences to the first sample first: a constant trace then gives zeros, not rounding.
    change = level - level[..., :1]
    pulse = change - change.mean(axis=-1, keepdims=True) if centred else level.copy()
    return Waveform(pulse, trace.fs, trace.start_s)
