"""PhysMamba: two paths of temporal differences, scanned pixel by pixel in both directions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import frame_method
from rppgbench.neural.frame_parameters import FrameParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"crop": "toolbox_32", "clip_s": 64 / 30, "width": 6, "epochs": 20, "lr": 1e-2}
"""For a laptop: pictures of 32 pixels, a narrow network, short clips, and few but large steps."""


@dataclass(frozen=True, kw_only=True)
class ScanningParameters(FrameParameters):
    """Clips of 128 frames of 128 pixels; layers of 16 to 64 channels."""

    crop: str = "toolbox_128"
    clip_s: float = 128 / 30
    width: int = 16
    epochs: int = 20
    lr: float = 3e-3
    weight_decay: float = 5e-4
    scan: str = "plain"


@frame_method(
    "PhysMamba",
    "arXiv 2409.12031",
    ScanningParameters,
    SMOKE,
)
def physmamba() -> "FrameNetwork[ScanningParameters]":
    """A slow and a fast path of temporal difference convolutions with selective scans.

    C. Luo, Y. Xie, Z. Yu, "PhysMamba: Efficient Remote Physiological Measurement with SlowFast
    Temporal Difference Mamba", CCBR 2024. The loss is one minus Pearson's r. The weights of
    rPPG-Toolbox serve as a model. arXiv 2408.01077 has another network of the same name.
    """
    from .network import NETWORK

    return NETWORK
