"""Dual-GAN's backbone alone, without its generators."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import BackboneParameters

require_torch()

SMOKE = {"rows": 32, "width": 16, "epochs": 6, "step_s": 1.25, "lr": 3e-3}
"""For a laptop: a narrow network, overlapping clips, few and large steps."""


@typed_fit(BackboneParameters)
def fit(examples: Sequence[Example], training: Training, params: BackboneParameters) -> Model:
    """Learn from the recordings that have a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "Dual-GAN's backbone",
    "H. Lu, H. Han, S. K. Zhou, Dual-GAN: Joint BVP and Noise Modeling for Remote Physiological "
    "Measurement, CVPR 2021",
    "stmap",
    fit=fit,
    needs_labels=True,
    needs_pulse=True,
    presets={"smoke": SMOKE},
    gpu=0.25,
    streaming=network_windows("clip_s"),
)
def dual_gan_backbone(
    maps: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    fs: float = 25.6,
    clip_s: float = 10.0,
    step_s: float = 10.0,
    rows: int = 64,
    distance_weight: float = 1.0,
    wave_weight: float = 1.0,
    rate_weight: float = 1.0,
    width: int = 64,
    epochs: int = 10,
    batch: int = 16,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    precision: str = "auto",
) -> Waveform:
    """A map of face regions becomes a pulse by convolutions, under three losses against the sensor.

    H. Lu, H. Han, S. K. Zhou, "Dual-GAN: Joint BVP and Noise Modeling for Remote Physiological
    Measurement", CVPR 2021: the network F_b that both generators serve, trained without them, and
    without the fusion of regions and the second head: the row without additions in the paper's
    ablation, not its Dual-GAN. Maps (T, 25, 3) become a pulse (T,), in adjacent windows of
    `clip_s`. The three weights, the learning rate and the batch are not published.

    Args:
        maps: RGB of a 5 x 5 grid of the aligned face.
        model: the model that `fit` gave.
        preset: "paper", "smoke" or "toy" for a laptop.
        fs: frame rate that the network expects, in Hz: 256 frames in 10 s.
        clip_s: length of a clip.
        step_s: from one clip to learn from to the next.
        rows: height to which the 25 rows are resized.
        distance_weight: of the mean absolute distance from the pulse, stretched to 0..1.
        wave_weight: of the negative Pearson correlation.
        rate_weight: of the cross-entropy over heart rates.
        width: channels of the first block.
        epochs: passes over all clips.
        batch: clips in a step.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from rppgbench.neural.inference import estimate_pulse
    from rppgbench.neural.network_weights import load_arrays
    from rppgbench.neural.networks.map_unet import MapUNet, yuv_image

    network = MapUNet(width=width)
    load_arrays(network, model.arrays)
    length = round(clip_s * fs)
    return estimate_pulse(network, maps, fs, length, length, lambda window: yuv_image(window, rows))
