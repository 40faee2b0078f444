"""Contrast-Phys+: contrast with labels, where there are any."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Pretraining, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import parameter_names, typed_fit

from .parameters import ContrastPhysPlusParameters, ContrastPhysPlusPretraining

require_torch()

SMOKE = {
    "crop": "contrast_phys_32",
    "clip_choice": "random",
    "width": 12,
    "pretrain_epochs": 8,
    "finetune_epochs": 6,
    "passes": 4,
    "batch": 4,
    "lr": 1e-3,
    "finetune_lr": 3e-4,
    "test_clip_s": 10.0,
}
"""For a laptop: pictures of 32 pixels, a narrow network, few and large steps."""

CONTRAST_PHYS = {
    "crop": "contrast_phys",
    "clip_choice": "random",
    "contrast_over_bins": "mean",
    "lr": 1e-5,
    "finetune_lr": 1e-5,
    "batch": 2,
}
"""Crop, clips, contrast, rates and batch of the public code of Contrast-Phys+, not Qian's."""

UNLABELLED = {"finetune_epochs": 0}
"""The first stage alone, for recordings without a pulse."""

WEAK = {
    **CONTRAST_PHYS,
    "pretrain_epochs": 0,
    "label_ratio": 0.5,
    "unlabelled_weight": 1.0,
    "pearson_weight": 0.0,
    "correlation_weight": 0.0,
}
"""Weak supervision as Sun and Li have it: one stage, labels for half of the recordings."""


@typed_fit(ContrastPhysPlusPretraining)
def pretrain(
    examples: Sequence[Example], training: Training, params: ContrastPhysPlusPretraining
) -> Model:
    """Learn from recordings without labels.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the parameters of the stage.
    """
    from .learning import learn_first_stage

    return learn_first_stage(examples, training, params)


@typed_fit(ContrastPhysPlusParameters)
def fit(
    examples: Sequence[Example], training: Training, params: ContrastPhysPlusParameters
) -> Model:
    """Learn without labels, then from the training side's recordings that have a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "Contrast-Phys+",
    "10.1109/TPAMI.2024.3367910",
    "clip",
    fit=fit,
    pretraining=Pretraining(pretrain, parameter_names(ContrastPhysPlusPretraining)),
    needs_labels=True,
    needs_pulse=True,
    least_recordings=2,
    presets={
        "smoke": SMOKE,
        "contrast_phys": CONTRAST_PHYS,
        "weak": WEAK,
        "unlabelled": UNLABELLED,
    },
    streaming=network_windows("test_clip_s"),
)
def contrast_phys_plus(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "mtcnn15",
    pretrain_on: str = "pretrain_sets",
    checkpoint: str = "validation",
    fs: float = 30.0,
    difference: bool = False,
    clip_choice: str = "consecutive",
    clip_s: float = 10.0,
    sample_s: float = 5.0,
    samples_per_row: int = 4,
    parts: int = 2,
    low_bpm: float = 40.0,
    high_bpm: float = 250.0,
    contrast_over_bins: str = "sum",
    width: int = 32,
    pretrain_epochs: int = 30,
    finetune_epochs: int = 30,
    passes: int = 6,
    batch: int = 4,
    lr: float = 1e-4,
    finetune_lr: float = 1e-5,
    weight_decay: float = 0.01,
    label_ratio: float = 1.0,
    unlabelled_weight: float = 0.0,
    reference_weight: float = 1.0,
    pearson_weight: float = 0.1,
    correlation_weight: float = 0.2,
    precision: str = "auto",
    test_clip_s: float = 10.0,
) -> Waveform:
    """Contrast-Phys before, then contrast with the sensor's pulses: (T, S, S, 3) to (T,).

    Z. Sun, X. Li, "Contrast-Phys+: Unsupervised and Weakly-supervised Video-based Remote
    Physiological Measurement via Spatiotemporal Contrast", IEEE TPAMI 2024, as the second solution
    of W. Qian et al., "Joint Spatial-Temporal Modeling and Contrastive Learning for Self-supervised
    Heart Rate Measurement", RePSS 2024, section 2.2. The preset "weak" is the former's own weak
    supervision; "contrast_phys" takes its rates.

    Args:
        clip: pictures of the face.
        model: the model that `fit` gave.
        preset: "paper", "contrast_phys", "weak", "unlabelled" without the second stage, or "smoke"
            for a laptop.
        crop: rule by which the face is cropped; that of Qian is "mtcnn15", which needs the extra
            `mtcnn`.
        pretrain_on: "pretrain_sets" or "all_sets": see `rppgbench.core.method.first_stage`.
        checkpoint: "validation" tests the epoch of the second stage with the least error of heart
            rates on the split's validation part, "last" the last; so does a split without one.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        difference: feed differences of neighbouring pictures, divided by their deviation.
        clip_choice: "consecutive" learns from all clips without overlap, each once in an epoch;
            "random" from clips at random places, `passes` of every recording in an epoch.
        clip_s: length of a clip to learn from.
        sample_s: length of a sample of a pulse.
        samples_per_row: samples of every part of the face.
        parts: parts along each side of the face.
        low_bpm: lower limit of the band that is compared.
        high_bpm: upper limit.
        contrast_over_bins: squared differences of spectra over bins: "sum" as the papers print,
            "mean" as the public code of Contrast-Phys+ computes: 17 times less at 5 s.
        width: channels of the first layer.
        pretrain_epochs: epochs without labels.
        finetune_epochs: epochs with labels.
        passes: clips of every recording in an epoch, where clips are random.
        batch: clips in a step, of different recordings, contrasted in pairs: an even number.
        lr: learning rate without labels.
        finetune_lr: learning rate with labels.
        weight_decay: weight decay of AdamW.
        label_ratio: share of the labelled recordings whose labels are used.
        unlabelled_weight: of the contrast without labels, in the second stage.
        reference_weight: of the contrast with the sensor's pulses.
        pearson_weight: of the negative Pearson correlation (the paper's alpha).
        correlation_weight: of the negative largest cross-correlation (the paper's beta).
        precision: "auto", "32-true" or "bf16-mixed".
        test_clip_s: length of the windows at test.
    """
    from rppgbench.neural.inference import estimate_pulse
    from rppgbench.neural.network_weights import load_arrays
    from rppgbench.neural.networks.physnet import PhysNet

    from .learning import input_maker

    network = PhysNet(parts, width=width)
    load_arrays(network, model.arrays)
    length = round(test_clip_s * fs)
    return estimate_pulse(network, clip, fs, length, length, input_maker(difference))
