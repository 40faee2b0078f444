"""ST-Transformer: attention over regions and frames."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Pretraining, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import parameter_names, typed_fit

from .parameters import TransformerParameters, TransformerPretraining

require_torch()

SMOKE = {
    "fs": 15.0,
    "width": 24,
    "layers": 2,
    "ratio": 2.0,
    "variance_weight": 5.0,
    "pretrain_epochs": 16,
    "finetune_epochs": 4,
    "batch": 16,
    "lr": 1e-3,
    "finetune_lr": 1e-4,
    "step_s": 2.5,
}
"""For a laptop: 15 frames a second, a narrow network of two layers, few and large steps.

At those steps and a variance weight of 1, the output collapsed to one frequency whatever the input.
"""


@typed_fit(TransformerPretraining)
def pretrain(
    examples: Sequence[Example], training: Training, params: TransformerPretraining
) -> Model:
    """Learn from recordings without labels.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the parameters of the stage.
    """
    from .learning import learn_first_stage

    return learn_first_stage(examples, training, params)


@typed_fit(TransformerParameters)
def fit(examples: Sequence[Example], training: Training, params: TransformerParameters) -> Model:
    """Learn without labels and, with `labels`, from the training side's recordings with a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "ST-Transformer",
    "W. Qian et al., Joint Spatial-Temporal Modeling and Contrastive Learning for Self-supervised "
    "Heart Rate Measurement, RePSS challenge at IJCAI 2024",
    "mstmap",
    fit=fit,
    pretraining=Pretraining(pretrain, parameter_names(TransformerPretraining)),
    needs_labels=True,
    needs_pulse=True,
    presets={"smoke": SMOKE, "unlabelled": {"labels": False}},
    gpu=0.25,
    streaming=network_windows("clip_s", "test_step_s"),
)
def st_transformer(
    maps: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    labels: bool = True,
    pretrain_on: str = "pretrain_sets",
    checkpoint: str = "validation",
    fs: float = 30.0,
    clip_s: float = 10.0,
    step_s: float = 0.5,
    test_step_s: float = 5.0,
    low_hz: float = 0.66,
    high_hz: float = 3.0,
    beside_hz: float = 0.1,
    spectrum_samples: int = 5400,
    segments: int = 3,
    bandwidth_weight: float = 1.0,
    sparsity_weight: float = 1.0,
    variance_weight: float = 1.0,
    periodicity_weight: float = 1.0,
    pearson_weight: float = 1.0,
    min_speed: float = 0.6,
    max_speed: float = 1.4,
    width: int = 128,
    layers: int = 6,
    ratio: float = 4.0,
    pretrain_epochs: int = 30,
    finetune_epochs: int = 30,
    batch: int = 4,
    lr: float = 1e-4,
    finetune_lr: float = 1e-5,
    weight_decay: float = 0.01,
    precision: str = "auto",
) -> Waveform:
    """A pulse has one peak in its band, the same over time, another in every clip.

    First solution of W. Qian et al. 2024, section 2.1. A map (T, 63, 6) becomes a pulse (T,), in
    standardised windows of `clip_s` every `test_step_s`, added under a Hann window. A weight of 0
    switches a loss off: the paper's table 1 is `periodicity_weight` 0 and 1. The paper does not
    give the number of epochs, nor what its validation compares.

    Args:
        maps: RGB and YUV of the 63 combinations of six regions of the face.
        model: the model that `fit` gave.
        preset: "paper", "unlabelled" without the second stage, "smoke" or "toy" for a laptop.
        labels: fine-tune on the recordings that have a pulse; False uses no label.
        pretrain_on: "pretrain_sets" or "all_sets": see `rppgbench.core.method.first_stage`.
        checkpoint: "validation" tests the epoch of the second stage with the least error of heart
            rates on the split's validation part, "last" the last; so does a split without one.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        clip_s: length of a clip.
        step_s: from one clip to learn from to the next.
        test_step_s: from one window to the next at test.
        low_hz: lower limit of a pulse.
        high_hz: upper limit.
        beside_hz: what counts as the peak, to both sides of it.
        spectrum_samples: length to which a clip is padded for its spectrum.
        segments: parts of a clip whose spectra are made equal.
        bandwidth_weight: of the power outside the band.
        sparsity_weight: of the power beside the peak.
        variance_weight: of the distance from an even spectrum over the batch.
        periodicity_weight: of the difference between neighbouring segments.
        pearson_weight: of the negative Pearson correlation, in the second stage.
        min_speed: least random speed of a clip.
        max_speed: greatest random speed.
        width: features of a region in a frame (the paper's D).
        layers: pairs of encoders (the paper's L).
        ratio: hidden features of an MLP, as a multiple of the width.
        pretrain_epochs: epochs without labels.
        finetune_epochs: epochs with labels.
        batch: clips in a step.
        lr: learning rate without labels.
        finetune_lr: learning rate with labels.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from rppgbench.neural.inference import estimate_pulse, overlap_add
    from rppgbench.neural.network_weights import load_arrays

    from .learning import map_image
    from .network import SpatialTemporalTransformer

    length = round(clip_s * fs)
    network = SpatialTemporalTransformer(length, width=width, layers=layers, ratio=ratio)
    load_arrays(network, model.arrays)
    step = round(test_step_s * fs)
    return estimate_pulse(network, maps, fs, length, step, map_image, overlap_add)
