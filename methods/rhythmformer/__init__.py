"""RhythmFormer: attention among the regions of a clip that are most alike."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.neural import require_torch
from rppgbench.neural.frame_methods import WAVE_RECIPE, frame_method
from rppgbench.neural.frame_parameters import PlayedParameters
from rppgbench.neural.parameters import require_width

if TYPE_CHECKING:
    from rppgbench.neural.frame_supervision import FrameNetwork

require_torch()

SMOKE = {"crop": "toolbox_64", "clip_s": 96 / 30, "width": 8, "epochs": 20, "batch": 2,
         "lr": 5e-3, "rate_term": "none", "max_speed": 1.5}  # fmt: skip
"""For a laptop: pictures of 64 pixels, the fewest that the network takes, and few channels. Few
people have few rates: without other speeds and without the wave as the strongest term the network
learns the rates of these people, and not their pulse (`docs/measurements/learning.md`)."""


@dataclass(frozen=True, kw_only=True)
class RhythmParameters(PlayedParameters):
    """Clips of 160 frames of 128 pixels, and 64 channels; `width` is a multiple of 4."""

    crop: str = "toolbox_128"
    clip_s: float = 160 / 30
    max_speed: float = 1.0
    width: int = 64
    rate_term: str = "distribution"

    def __post_init__(self) -> None:
        """BenchError for a width that the heads of attention do not divide, or a speed below 1."""
        require_width("rhythmformer", self.width, 4, "4 heads of attention")
        super().__post_init__()


@frame_method(
    "RhythmFormer",
    "arXiv 2402.12788",
    RhythmParameters,
    SMOKE,
    presets={"public_code": {"rate_term": "peaks"}, "toolbox": {"rate_term": "toolbox"}},
    recipe=WAVE_RECIPE,
)
def rhythmformer() -> "FrameNetwork[RhythmParameters]":
    """Three stages of attention at a half, a quarter and an eighth of the frames.

    B. Zou et al., "RhythmFormer: Extracting Patterned rPPG Signals based on Periodic Sparse
    Attention", arXiv 2402.12788. The loss is a fifth of one minus Pearson's r, the cross-entropy of
    the power at whole heart rates with the true rate, and a divergence. The divergence of the
    public code (preset "public_code") compares places of peaks and has no gradient; in rPPG-Toolbox
    (preset "toolbox") it is always 0, and the true rate is read in steps of 7 bpm. By default the
    divergence is that of the power from a bell around the true rate. Weights of the public code
    serve as a model.
    """
    from .network import NETWORK

    return NETWORK
