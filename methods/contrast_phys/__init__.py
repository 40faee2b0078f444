"""Contrast-Phys: spatiotemporal contrast without labels."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import ContrastPhysParameters

require_torch()

SMOKE = {
    "crop": "contrast_phys_32",
    "width": 12,
    "epochs": 12,
    "passes": 4,
    "batch": 4,
    "lr": 1e-3,
    "test_clip_s": 10.0,
}
"""For a laptop: pictures of 32 pixels, a narrow network, few and large steps."""


@typed_fit(ContrastPhysParameters)
def fit(examples: Sequence[Example], training: Training, params: ContrastPhysParameters) -> Model:
    """Learn from unlabelled recordings of at least `clip_s`; two or more of them.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "Contrast-Phys",
    "10.1007/978-3-031-19775-8_29",
    "clip",
    fit=fit,
    least_recordings=2,
    presets={"smoke": SMOKE},
    streaming=network_windows("test_clip_s"),
)
def contrast_phys(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "contrast_phys",
    fs: float = 30.0,
    clip_s: float = 10.0,
    sample_s: float = 5.0,
    samples_per_row: int = 4,
    parts: int = 2,
    include_mean: bool = True,
    low_bpm: float = 40.0,
    high_bpm: float = 250.0,
    width: int = 32,
    epochs: int = 30,
    passes: int = 6,
    batch: int = 2,
    lr: float = 1e-5,
    weight_decay: float = 0.01,
    precision: str = "auto",
    test_clip_s: float = 30.0,
) -> Waveform:
    """Spectra of one face's parts and moments are alike, those of two people differ.

    Z. Sun, X. Li, "Contrast-Phys: Unsupervised Video-based Remote Physiological Measurement via
    Spatiotemporal Contrast", ECCV 2022. Pictures (T, S, S, 3) become a pulse (T,), in adjacent
    windows of `test_clip_s`. Weights of the public code serve as a model.

    Args:
        clip: pictures of the face.
        model: the model that `fit` gave, or the public weights.
        preset: "paper", "smoke" or "toy" for a laptop.
        crop: rule by which the face is cropped.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        clip_s: length of a clip to learn from.
        sample_s: length of a sample of a pulse (the paper's dt).
        samples_per_row: samples of every part of the face (the paper's K).
        parts: parts along each side of the face (the paper's S).
        include_mean: sample the mean of the parts too, as the public code does (N = 20); the
            paper's N is 16.
        low_bpm: lower limit of the band that is compared.
        high_bpm: upper limit.
        width: channels of the first layer.
        epochs: number of epochs, of `passes` passes each.
        passes: clips of every recording in an epoch.
        batch: clips in a step, of different recordings, contrasted in pairs: an even number.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
        test_clip_s: length of the windows at test.
    """
    from rppgbench.neural.inference import estimate_pulse
    from rppgbench.neural.network_weights import load_arrays
    from rppgbench.neural.networks.physnet import PhysNet

    network = PhysNet(parts, width=width)
    load_arrays(network, model.arrays)
    length = round(test_clip_s * fs)
    return estimate_pulse(network, clip, fs, length, length)
