"""iBVPNet: convolutions in space and time, on differences that the network forms."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import WAVE_RECIPE, frame_method
from rppgbench.neural.frame_parameters import FrameParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"crop": "toolbox_64", "clip_s": 64 / 30, "width": 2, "epochs": 8, "lr": 5e-3}
"""For a laptop: pictures of 64 pixels, the fewest that the network takes, and few channels."""


@dataclass(frozen=True, kw_only=True)
class DifferencingParameters(FrameParameters):
    """Clips of 160 frames; the channels of the layers are 1, 2, 3, 5 and 8 times `width`."""

    clip_s: float = 160 / 30
    width: int = 8
    lr: float = 1e-3
    loss: str = "pearson"


@frame_method(
    "iBVPNet",
    "10.3390/electronics13071334",
    DifferencingParameters,
    SMOKE,
    presets={"public_code": {"loss": "pearson_over_batch"}},
    recipe=WAVE_RECIPE,
)
def ibvpnet() -> "FrameNetwork[DifferencingParameters]":
    """An encoder in space, one in time, and a decoder, with a tanh and instance norm each.

    J. Joshi, Y. Cho, "iBVP Dataset: RGB-Thermal rPPG Dataset with High Resolution Signal Quality
    Labels", Electronics 2024. The preset "public_code" has the loss of the public code, which
    correlates across the clips of a batch; the default correlates over time.
    """
    from .network import NETWORK

    return NETWORK
