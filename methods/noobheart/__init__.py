"""NoobHeart: three small convolutions on pictures of 8 pixels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import WAVE_RECIPE, frame_method
from rppgbench.neural.frame_parameters import PlayedParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"max_speed": 1.0, "epochs": 30, "batch": 4, "lr": 1e-2}
"""For a laptop: clips at their own speed, small batches and large steps."""


@dataclass(frozen=True, kw_only=True)
class SmallParameters(PlayedParameters):
    """Clips of 32 frames of 8 pixels; the second layer has half as many channels as the first."""

    crop: str = "toolbox_8"
    clip_s: float = 32 / 30
    width: int = 4
    epochs: int = 10
    batch: int = 32
    lr: float = 1e-3
    form: str = "keras"


@frame_method(
    "NoobHeart",
    "arXiv 2305.04161",
    SmallParameters,
    SMOKE,
    presets={"tutorial": {"form": "tutorial"}},
    recipe=WAVE_RECIPE,
)
def noobheart() -> "FrameNetwork[SmallParameters]":
    """A network of 361 numbers, with the mean absolute error on rises and falls of one height.

    K. Wang et al., arXiv 2305.04161: the smallest network of the benchmark PhysBench. Windows start
    every second and are averaged where they overlap. The preset "tutorial" is the form of the same
    authors' PyTorch tutorial, of 169 numbers, whose norms learn nothing. The crop is the toolbox's
    box; PhysBench has one of its own, which moves with the face.
    """
    from .network import NETWORK

    return NETWORK
