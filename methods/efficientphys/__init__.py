"""EfficientPhys: one stream with temporal shifts and attention."""

from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import frame_method
from rppgbench.neural.frame_parameters import ShiftParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()


@frame_method("EfficientPhys", "10.1109/WACV56688.2023.00498", ShiftParameters)
def efficientphys() -> "FrameNetwork[ShiftParameters]":
    """One stream that forms the differences of pictures itself and gives its own attention.

    X. Liu, B. Hill, Z. Jiang, S. Patel, D. McDuff, "EfficientPhys: Enabling Simple, Fast and
    Accurate Camera-Based Cardiac Measurement", WACV 2023, the convolutional form.
    """
    from .network import NETWORK

    return NETWORK
