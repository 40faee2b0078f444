"""GREEN: the green channel itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.streaming import Streaming
from rppgbench.core.waveform import Waveform


def streaming(params: Mapping[str, Any], fs: float) -> Streaming | None:
    """No other frame is needed, unless the mean over the whole recording is subtracted.

    Args:
        params: the method's parameters.
        fs: frames a second.
    """
    return None if params["centred"] else Streaming(hop=1, past=0, ahead=0)


@method(
    "GREEN",
    "10.1364/OE.16.021434",
    presets={"toolbox": {"centred": False}},
    streaming=streaming,
)
def green(trace: Waveform, *, preset: str = "paper", centred: bool = True) -> Waveform:
    """The mean green value of the skin, without its mean over time: (..., T, 3) to (..., T).

    W. Verkruysse, L. O. Svaasand, J. S. Nelson, "Remote plethysmographic imaging using ambient
    light", Optics Express 16(26), 2008. Blood absorbs green most, so the trace is low where
    there is much blood: brighter skin is up, here and in the other methods.

    Args:
        trace: (..., T, 3), R, G and B in any unit.
        preset: "toolbox" (rPPG-Toolbox and pyVHR) leaves the mean in.
        centred: subtract the mean over time.
    """
    level = np.asarray(trace.samples, dtype=np.float64)[..., 1]
    # The first sample is subtracted before the mean: then a constant trace gives exact zeros.
    change = level - level[..., :1]
    pulse = change - change.mean(axis=-1, keepdims=True) if centred else level.copy()
    return Waveform(pulse, trace.fs, trace.start_s)
