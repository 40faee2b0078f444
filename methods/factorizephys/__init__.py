"""FactorizePhys: a small network, with features scaled by a factorisation of themselves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import WAVE_RECIPE, frame_method
from rppgbench.neural.frame_parameters import FrameParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"clip_s": 64 / 30, "width": 4, "epochs": 8, "lr": 5e-3}
"""For a laptop: few channels and short clips; the pictures keep their 72 pixels."""


@dataclass(frozen=True, kw_only=True)
class FactorisingParameters(FrameParameters):
    """Clips of 160 frames; the layers have `width`, 1.5 and 2 times as many channels."""

    clip_s: float = 160 / 30
    width: int = 8
    epochs: int = 10
    lr: float = 1e-3
    loss: str = "pearson"
    factorise: bool = True
    factorise_at_test: bool = False
    steps: int = 4
    residual: bool = True


@frame_method(
    "FactorizePhys",
    "J. Joshi, S. Agaian, Y. Cho, FactorizePhys: Matrix Factorization for Multidimensional "
    "Attention in Remote Physiological Sensing, NeurIPS 2024",
    FactorisingParameters,
    SMOKE,
    presets={
        "public_code": {"loss": "pearson_over_batch"},
        "without_fsam": {"factorise": False},
    },
    recipe=WAVE_RECIPE,
)
def factorizephys() -> "FrameNetwork[FactorisingParameters]":
    """Twelve convolutions, and in training a rank-1 factorisation of the features (FSAM).

    J. Joshi, S. Agaian, Y. Cho, "FactorizePhys: Matrix Factorization for Multidimensional Attention
    in Remote Physiological Sensing", NeurIPS 2024. As in its released settings the factorisation
    is used in training and not at test. The preset "public_code" has the loss of the public code,
    which correlates across the clips of a batch; the default correlates over time. The pictures
    have 71 to 74 pixels. Weights of the public code serve as a model.
    """
    from .network import NETWORK

    return NETWORK
