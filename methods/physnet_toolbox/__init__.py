"""PhysNet as rPPG-Toolbox trains it, on differences of pictures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import frame_method
from rppgbench.neural.frame_parameters import FrameParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"crop": "toolbox_36", "clip_s": 64 / 30, "width": 6, "epochs": 8, "lr": 5e-3}
"""For a laptop: pictures of 36 pixels, a narrow network, short clips and few steps."""


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderParameters(FrameParameters):
    """Clips of 128 frames and 16 channels."""

    clip_s: float = 128 / 30
    width: int = 16


@frame_method(
    "PhysNet (toolbox)",
    "X. Liu et al., rPPG-Toolbox: Deep Remote PPG Toolbox, NeurIPS 2023",
    EncoderDecoderParameters,
    SMOKE,
)
def physnet_toolbox() -> "FrameNetwork[FrameParameters]":
    """The encoder and decoder of PhysNet on the toolbox's input, under the loss of its paper.

    Network and loss (one minus Pearson's r) of Z. Yu, X. Li, G. Zhao, "Remote Photoplethysmograph
    Signal Measurement from Facial Videos Using Spatio-Temporal Networks", BMVC 2019; input and
    labels of X. Liu et al., "rPPG-Toolbox", NeurIPS 2023: differences of pictures of 72 pixels, in
    clips of 128. `physnet` is the network of Contrast-Phys on whole pictures.
    """
    from .network import NETWORK

    return NETWORK
