"""Gideon and Stent 2021: triplets of faster and slower video."""

from collections.abc import Mapping, Sequence
from typing import Any

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.streaming import Streaming, network_windows, overlapping_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import GideonParameters

require_torch()

SMOKE = {
    "crop": "gideon_mesh_box_32",
    "width": 12,
    "epochs": 12,
    "passes": 4,
    "lr": 1e-3,
}
"""For a laptop: pictures of 32 pixels, a narrow network, few and large steps."""


@typed_fit(GideonParameters)
def fit(examples: Sequence[Example], training: Training, params: GideonParameters) -> Model:
    """Learn from unlabelled recordings of at least `clip_s`.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


def streaming(params: Mapping[str, Any], fs: float) -> Streaming | None:
    """Windows of a clip that overlap by half; None for frames that are interpolated.

    Args:
        params: the method's parameters.
        fs: frames a second.
    """
    clip = network_windows("clip_s")(params, fs)
    return clip and overlapping_windows(clip.hop, clip.hop // 2)


@method(
    "Gideon2021",
    "J. Gideon, S. Stent, The Way to My Heart Is Through Contrastive Learning: Remote "
    "Photoplethysmography from Unlabelled Video, ICCV 2021",
    "clip",
    fit=fit,
    least_recordings=2,
    presets={"smoke": SMOKE, "saliency": {"saliency": True, "crop": "gideon_mesh_box_128"}},
    streaming=streaming,
)
def gideon2021(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "gideon_mesh_box",
    fs: float = 30.0,
    clip_s: float = 10.0,
    views: int = 4,
    distance: str = "psd_mse",
    min_speed: float = 2 / 3,
    low_bpm: float = 40.0,
    high_bpm: float = 250.0,
    saliency: bool = False,
    saliency_size: int = 64,
    sparse_weight: float = 1.0,
    steady_weight: float = 1.0,
    width: int = 32,
    epochs: int = 100,
    passes: int = 1,
    batch: int = 4,
    lr: float = 4e-5,
    weight_decay: float = 0.01,
    precision: str = "auto",
    border_s: float = 0.5,
) -> Waveform:
    """A video played faster has another pulse; slowed back it has the first again.

    J. Gideon, S. Stent, ICCV 2021. Pictures (T, S, S, 3) become a pulse (T,), in windows of
    `clip_s` that overlap by half, added under a Hamming window. The paper takes the epoch with the
    lowest training irrelevant power ratio; here it is the last, and the ratio is in the log.

    Args:
        clip: pictures of the face.
        model: the model that `fit` gave.
        preset: "paper", "saliency" with the sampler in front, "smoke" or "toy" for a laptop.
        crop: rule by which the face is cropped.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        clip_s: length of a clip.
        views: views of each branch of the triplet, of half a clip.
        distance: "psd_mse", "psd_l1" or "correlation".
        min_speed: clips are slowed by a random factor between this and 1.
        low_bpm: lower limit of the band that is compared.
        high_bpm: upper limit.
        saliency: magnify salient parts of the picture first.
        saliency_size: size of the magnified picture.
        sparse_weight: of the saliency's entropy.
        steady_weight: of the saliency's change in time.
        width: channels of the first layer.
        epochs: number of epochs, of `passes` passes each.
        passes: clips of every recording in an epoch.
        batch: clips in a step.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
        border_s: what counts for nothing at the ends of a window, at test.
    """
    from functools import partial

    import numpy as np

    from rppgbench.neural.inference import estimate_pulse, overlap_add
    from rppgbench.neural.network_weights import load_arrays

    from .learning import SampledPhysNet

    network = SampledPhysNet(width, saliency_size if saliency else 0)
    load_arrays(network, model.arrays)
    length = round(clip_s * fs)
    join = partial(overlap_add, taper=np.hamming, border=round(border_s * fs))
    return estimate_pulse(network, clip, fs, length, length // 2, join=join)
