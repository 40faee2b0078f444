"""TS-CAN: DeepPhys with temporal shifts between neighbouring frames."""

from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import frame_method
from rppgbench.neural.frame_parameters import ShiftParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

CITE = (
    "X. Liu, J. Fromm, S. Patel, D. McDuff, Multi-Task Temporal Shift Attention Networks for "
    "On-Device Contactless Vitals Measurement, NeurIPS 2020"
)


@frame_method("TS-CAN", CITE, ShiftParameters)
def ts_can() -> "FrameNetwork[ShiftParameters]":
    """DeepPhys with a third of the channels shifted from each frame to its neighbours.

    X. Liu, J. Fromm, S. Patel, D. McDuff, "Multi-Task Temporal Shift Attention Networks for
    On-Device Contactless Vitals Measurement", NeurIPS 2020. The appearance stream sees the picture
    of every frame, as in the toolbox; the paper averages the pictures of a group.
    """
    from .network import NETWORK

    return NETWORK
