"""2SR: how the subspace of the skin's pixels rotates."""

from collections.abc import Mapping
from typing import Any

from rppgbench.core.method import method
from rppgbench.core.streaming import Streaming
from rppgbench.core.waveform import Waveform
from rppgbench.signals.subspace import subspace_rotation


def streaming(params: Mapping[str, Any], fs: float) -> Streaming | None:
    """A sample needs all windows that contain its frame, and a frame after them.

    The last frame that the method is given is in no window.

    Args:
        params: the method's parameters.
        fs: frames a second.
    """
    frames = round(params["stride_s"] * fs)
    return Streaming(hop=1, past=frames - 1, ahead=frames)


@method("2SR", "10.1109/TBME.2015.2508602", input="second_moments", streaming=streaming)
def two_sr(
    moments: Waveform, *, stride_s: float = 1.0, turned: bool = True, inverted: bool = True
) -> Waveform:
    """Follow the rotation of the skin pixels' first principal axis: (..., T, 3, 3) to (..., T).

    W. Wang, S. Stuijk, G. de Haan, "A Novel Algorithm for Remote Photoplethysmography: Spatial
    Subspace Rotation", IEEE TBME 63(9), 2016, eq. 6 to 10; see `rppgbench.signals.subspace`. It
    needs the spread of the pixels' colours, not their mean alone. The last frame is in no window
    and is 0.

    Args:
        moments: (..., T, 3, 3), mean v vT over the skin's pixels v = (R, G, B), uncentred.
        stride_s: length of a window in seconds; the paper's is 1 s (20 frames at 20 frames/s).
        turned: fix the arbitrary signs of the first principal axes; without that the pulse flips
            at random, as it does in two public implementations.
        inverted: brighter skin is up, as in GREEN and POS; False leaves the paper's polarity.

    Raises:
        TooShortError: the recording is not longer than a window.
    """
    pulse = subspace_rotation(moments.samples, moments.fs, stride_s=stride_s, turned=turned)
    return Waveform(0.0 - pulse if inverted else pulse, moments.fs, moments.start_s)
