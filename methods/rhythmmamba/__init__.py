"""RhythmMamba: scans over several spans of time, and layers on spectra."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import WAVE_RECIPE, frame_method
from rppgbench.neural.frame_parameters import FrameParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"crop": "toolbox_32", "clip_s": 96 / 30, "width": 4, "layers": 2, "epochs": 20, "batch": 2,
         "lr": 3e-3}  # fmt: skip
"""For a laptop: pictures of 32 pixels, two narrow blocks, and few but large steps."""


@dataclass(frozen=True, kw_only=True)
class RhythmParameters(FrameParameters):
    """Clips of 160 frames of 128 pixels; 24 blocks of 8 times `width` channels."""

    crop: str = "toolbox_128"
    clip_s: float = 160 / 30
    width: int = 12
    layers: int = 24
    epochs: int = 30
    batch: int = 16
    lr: float = 3e-4
    scan: str = "plain"


@frame_method(
    "RhythmMamba",
    "arXiv 2404.06483",
    RhythmParameters,
    SMOKE,
    recipe=WAVE_RECIPE,
)
def rhythmmamba() -> "FrameNetwork[RhythmParameters]":
    """Selective scans that start at each quarter of a clip, and layers on the spectra of channels.

    B. Zou, Z. Guo et al., "RhythmMamba: Fast, Lightweight, and Accurate Remote Physiological
    Measurement", AAAI 2025. The loss is a fifth of one minus Pearson's r, plus the cross-entropy of
    the power at whole heart rates with the rate that Welch's method reads from the label. Weights
    of the public code serve as a model.
    """
    from .network import NETWORK

    return NETWORK
