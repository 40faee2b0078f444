"""Seq-rPPG: a network in one dimension, with convolutions along time and along frequency."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import WAVE_RECIPE, frame_method
from rppgbench.neural.frame_parameters import PlayedParameters

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"clip_s": 5.0, "width": 32, "max_speed": 1.5, "epochs": 300, "batch": 4, "lr": 5e-3}
"""For a laptop: short clips, few channels, small batches, many epochs."""


@dataclass(frozen=True, kw_only=True)
class SequenceParameters(PlayedParameters):
    """Clips of 450 frames of 8 pixels."""

    crop: str = "toolbox_8"
    clip_s: float = 15.0
    width: int = 64
    epochs: int = 10
    batch: int = 32
    lr: float = 1e-3


@frame_method("Seq-rPPG", "arXiv 2305.04161", SequenceParameters, SMOKE, recipe=WAVE_RECIPE)
def seq_rppg() -> "FrameNetwork[SequenceParameters]":
    """One linear map of each frame, then convolutions of the sequence and of its spectrum.

    K. Wang et al., "Camera-Based HRV Prediction for Remote Learning Environments", arXiv
    2305.04161, the form M_1, with the mean absolute error on rises and falls of one height. Windows
    start every second and are averaged where they overlap. The paper's optimiser is Nadam, and its
    crop moves with the face.
    """
    from .network import NETWORK

    return NETWORK
