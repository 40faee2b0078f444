"""BigSmall: a wide branch on few large pictures, a fast one on tiny ones."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import frame_method
from rppgbench.neural.frame_parameters import FrameParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"crop": "toolbox_48", "clip_s": 2.4, "width": 8, "dense": 32, "batch": 4, "epochs": 8,
         "lr": 5e-3}  # fmt: skip
"""For a laptop: pictures of 48 pixels beside pictures of 3, and few channels."""


@dataclass(frozen=True, kw_only=True)
class TwoBranchParameters(FrameParameters):
    """540 frames a step, as 180 groups of three; the last layers have twice `width` channels."""

    crop: str = "toolbox_144"
    fs: float = 25.0
    clip_s: float = 7.2
    dense: int = 128
    epochs: int = 5
    batch: int = 3
    lr: float = 1e-3


@frame_method(
    "BigSmall",
    "arXiv 2303.11573",
    TwoBranchParameters,
    SMOKE,
)
def bigsmall() -> "FrameNetwork[TwoBranchParameters]":
    """Six convolutions of every third picture, four of all pictures reduced 16 times.

    G. Narayanswamy et al., "BigSmall: Efficient Multi-Task Learning for Disparate Spatial and
    Temporal Physiological Measurements", WACV 2024. Of its three outputs the pulse alone is
    learned, without facial actions and respiration. The paper's label is the pulse that POS reads,
    because its data set has blood pressure alone; here it is that of the sensor. Pictures are of
    the toolbox's box; the paper's are the lower square of BP4D+'s portrait frames. Weights of the
    public code serve as a model; those of the other two outputs are left out.
    """
    from .network import NETWORK

    return NETWORK
