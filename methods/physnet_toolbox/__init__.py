"""PhysNet as rPPG-Toolbox trains it, on changes of pictures."""

from collections.abc import Sequence
from typing import Any

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch

require_torch()

SMOKE = {"crop": "toolbox_36", "clip_s": 64 / 30, "width": 6, "epochs": 8, "lr": 5e-3}
"""For a laptop: pictures of 36 pixels, a narrow network, short clips and few steps."""


def fit(examples: Sequence[Example], training: Training, **params: Any) -> Model:
    """Learn from the recordings that have a pulse."""
    from .network import FRAMES

    return FRAMES.learned(examples, training, params)


@method(
    "PhysNet (toolbox)",
    "X. Liu et al., rPPG-Toolbox: Deep Remote PPG Toolbox, NeurIPS 2023",
    "clip",
    fit=fit,
    needs_labels=True,
    presets={"smoke": SMOKE},
)
def physnet_toolbox(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "toolbox",
    fs: float = 30.0,
    clip_s: float = 128 / 30,
    width: int = 16,
    epochs: int = 30,
    batch: int = 4,
    lr: float = 9e-3,
    weight_decay: float = 0.0,
    precision: str = "auto",
) -> Waveform:
    """The encoder and decoder of PhysNet on the toolbox's input, under the loss of its paper.

    Network and loss (one minus Pearson's r) of Z. Yu, X. Li, G. Zhao, "Remote Photoplethysmograph
    Signal Measurement from Facial Videos Using Spatio-Temporal Networks", BMVC 2019; input, labels
    and steps of X. Liu et al., "rPPG-Toolbox", NeurIPS 2023: changes of pictures of 72 pixels, in
    clips of 128. The changes that it gives are summed up and their trend taken off: pictures
    (T, S, S, 3) become a pulse (T,). `physnet` is the network of Contrast-Phys on whole pictures.

    Args:
        clip: pictures of the face.
        model: what `fit` gave.
        preset: "paper", or "smoke" for a laptop.
        crop: rule by which the face is cut out.
        fs: pictures a second that the network expects; others are interpolated.
        clip_s: length of a clip, to learn from and at test.
        width: channels of the first layer.
        epochs: times that all clips, side by side, are seen.
        batch: clips a step.
        lr: highest learning rate of AdamW in its one cycle.
        weight_decay: its weight decay.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from .network import FRAMES

    return FRAMES.pulse(clip, model, fs, clip_s, width=width)
