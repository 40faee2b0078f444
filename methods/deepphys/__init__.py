"""DeepPhys: a motion and an appearance stream with attention."""

from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import frame_method
from rppgbench.neural.frame_parameters import AttentionParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()


@frame_method("DeepPhys", "10.1007/978-3-030-01216-8_22", AttentionParameters)
def deepphys() -> "FrameNetwork[AttentionParameters]":
    """Two streams: motion sees how the pictures change, appearance where there is skin.

    W. Chen, D. McDuff, "DeepPhys: Video-Based Physiological Measurement Using Convolutional
    Attention Networks", ECCV 2018: every frame by itself.
    """
    from .network import NETWORK

    return NETWORK
