"""SiNC: non-contrastive learning from spectra alone."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import SincParameters

require_torch()

SMOKE = {
    "crop": "sinc_32",
    "width": 12,
    "epochs": 10,
    "batch": 8,
    "lr": 1e-3,
    "step_s": 4.0,
}
"""For a laptop: pictures of 32 pixels, a narrow network, few and large steps."""


@typed_fit(SincParameters)
def fit(examples: Sequence[Example], training: Training, params: SincParameters) -> Model:
    """Learn from unlabelled recordings of at least `clip_s`.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "SiNC",
    "J. Speth et al., Non-Contrastive Unsupervised Learning of Physiological Signals from Video, "
    "CVPR 2023",
    "clip",
    fit=fit,
    presets={"smoke": SMOKE, "rpnet": {"dilation": 2}},
    streaming=network_windows("clip_s", "step_s"),
)
def sinc(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "sinc",
    fs: float = 30.0,
    clip_s: float = 4.0,
    step_s: float = 2.0,
    low_hz: float = 2 / 3,
    high_hz: float = 3.0,
    beside_hz: float = 0.1,
    spectrum_samples: int = 5400,
    bandwidth_weight: float = 1.0,
    sparsity_weight: float = 1.0,
    variance_weight: float = 1.0,
    min_speed: float = 0.6,
    max_speed: float = 1.4,
    light_noise: float = 10.0,
    pixel_noise: float = 2.0,
    min_crop: float = 0.5,
    width: int = 64,
    dilation: int = 1,
    dropout: float = 0.5,
    epochs: int = 200,
    batch: int = 20,
    lr: float = 1e-4,
    weight_decay: float = 0.01,
    precision: str = "auto",
) -> Waveform:
    """Power in the band of a pulse, at one peak, that differs from clip to clip.

    J. Speth, N. Vance, P. Flynn, A. Czajka, CVPR 2023. Pictures (T, S, S, 3) become a pulse (T,),
    in standardised windows of `clip_s` every `step_s`, added under a Hann window. The paper takes
    the epoch with the lowest validation loss; here it is the last.

    Args:
        clip: pictures of the face.
        model: the model that `fit` gave.
        preset: "paper", "rpnet" with dilations in time, "smoke" or "toy" for a laptop.
        crop: rule by which the face is cropped.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        clip_s: length of a clip.
        step_s: from one clip to the next.
        low_hz: lower limit of a pulse.
        high_hz: upper limit.
        beside_hz: what counts as the peak, to both sides of it.
        spectrum_samples: length to which a clip is padded for its spectrum.
        bandwidth_weight: of the power outside the band; 0 switches it off.
        sparsity_weight: of the power beside the peak.
        variance_weight: of the distance from an even spectrum over the batch.
        min_speed: least random speed of a clip.
        max_speed: greatest random speed.
        light_noise: deviation of a random change of a clip's brightness.
        pixel_noise: deviation of noise on every value.
        min_crop: least side of a random square cut-out, as a share.
        width: channels of the network.
        dilation: in time, of the first of three layers; doubled for the next two. 1: none.
        dropout: share of channels that are left out while learning.
        epochs: passes over all clips.
        batch: clips in a step.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from functools import partial

    from rppgbench.neural.inference import estimate_pulse, overlap_add
    from rppgbench.neural.network_weights import load_arrays

    from .learning import make_network, scaled_clip

    network = make_network(width, dropout, dilation)
    load_arrays(network, model.arrays)
    join = partial(overlap_add, level=False)
    length, step = round(clip_s * fs), round(step_s * fs)
    return estimate_pulse(network, clip, fs, length, step, scaled_clip, join)
