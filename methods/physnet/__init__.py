"""PhysNet: supervised by the sensor's pulse."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import PhysNetParameters

require_torch()

SMOKE = {
    "crop": "contrast_phys_32",
    "width": 12,
    "epochs": 12,
    "passes": 4,
    "lr": 2e-3,
}
"""For a laptop: pictures of 32 pixels, a narrow network, few and large steps."""


@typed_fit(PhysNetParameters)
def fit(examples: Sequence[Example], training: Training, params: PhysNetParameters) -> Model:
    """Learn from the recordings that have a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "PhysNet",
    "Z. Yu, X. Li, G. Zhao, Remote Photoplethysmograph Signal Measurement from Facial Videos "
    "Using Spatio-Temporal Networks, BMVC 2019",
    "clip",
    fit=fit,
    needs_labels=True,
    needs_pulse=True,
    least_recordings=2,
    presets={"smoke": SMOKE},
    streaming=network_windows("test_clip_s"),
)
def physnet(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "contrast_phys",
    fs: float = 30.0,
    clip_s: float = 10.0,
    width: int = 32,
    epochs: int = 30,
    passes: int = 6,
    batch: int = 4,
    lr: float = 1e-4,
    weight_decay: float = 0.01,
    precision: str = "auto",
    test_clip_s: float = 10.0,
) -> Waveform:
    """A supervised baseline on the network of the contrastive methods.

    Loss of Z. Yu, X. Li, G. Zhao, BMVC 2019: negative Pearson correlation; the network, the clips
    and the number of epochs are those of Contrast-Phys, so that only the supervision differs.
    Pictures (T, S, S, 3) become a pulse (T,), in adjacent windows of `test_clip_s`.

    Args:
        clip: pictures of the face.
        model: the model that `fit` gave.
        preset: "paper", "smoke" or "toy" for a laptop.
        crop: rule by which the face is cropped.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        clip_s: length of a clip to learn from.
        width: channels of the first layer.
        epochs: number of epochs, of `passes` passes each.
        passes: clips of every recording in an epoch.
        batch: clips in a step.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
        test_clip_s: length of the windows at test.
    """
    from rppgbench.neural.inference import estimate_pulse
    from rppgbench.neural.network_weights import load_arrays
    from rppgbench.neural.networks.physnet import PhysNet

    network = PhysNet(1, width=width)
    load_arrays(network, model.arrays)
    length = round(test_clip_s * fs)
    return estimate_pulse(network, clip, fs, length, length)
