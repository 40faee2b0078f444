"""DeepPhys: changes of pictures, and where to look."""

from collections.abc import Sequence
from typing import Any

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch

require_torch()

SMOKE = {"crop": "toolbox_36", "clip_s": 2.0, "width": 8, "dense": 32, "epochs": 8, "lr": 5e-3}
"""For a laptop: pictures of 36 pixels, a narrow network, short clips and few steps."""


def fit(examples: Sequence[Example], training: Training, **params: Any) -> Model:
    """Learn from the recordings that have a pulse."""
    from .network import FRAMES

    return FRAMES.learned(examples, training, params)


@method(
    "DeepPhys",
    "10.1007/978-3-030-01216-8_22",
    "clip",
    fit=fit,
    needs_labels=True,
    presets={"smoke": SMOKE},
)
def deepphys(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "toolbox",
    fs: float = 30.0,
    clip_s: float = 6.0,
    width: int = 32,
    dense: int = 128,
    epochs: int = 30,
    batch: int = 4,
    lr: float = 9e-3,
    weight_decay: float = 0.0,
    precision: str = "auto",
) -> Waveform:
    """Two streams: one sees how the pictures change, the other where there is skin.

    W. Chen, D. McDuff, "DeepPhys: Video-Based Physiological Measurement Using Convolutional
    Attention Networks", ECCV 2018: every frame by itself. The
    recipe is that of rPPG-Toolbox (X. Liu et al., NeurIPS 2023): pictures of 72 pixels, clips of
    180, mean squared error against the changes of the sensor's pulse. The changes that it gives
    are summed up and their trend taken off: pictures (T, S, S, 3) become a pulse (T,).

    Args:
        clip: pictures of the face.
        model: what `fit` gave.
        preset: "paper", or "smoke" for a laptop.
        crop: rule by which the face is cut out.
        fs: pictures a second that the network expects; others are interpolated.
        clip_s: length of a clip, to learn from and at test.
        width: channels of the first layer.
        dense: width of the layer before the last.
        epochs: times that all clips, side by side, are seen.
        batch: clips a step.
        lr: highest learning rate of AdamW in its one cycle.
        weight_decay: its weight decay.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from .network import FRAMES

    return FRAMES.pulse(clip, model, fs, clip_s, crop=crop, width=width, dense=dense)
