"""PhysFormer: supervised attention on temporal differences."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import PhysFormerParameters

require_torch()

SMOKE = {
    "crop": "toolbox_32",
    "clip_s": 3.2,
    "dim": 24,
    "hidden": 36,
    "layers": 2,
    "wave_weight": 1.0,
    "varied_share": 0.25,
    "epochs": 15,
    "passes": 20,
    "lr": 2e-3,
}
"""For a laptop: pictures of 32 pixels, two narrow blocks, short clips, few and large steps. The
wave counts more than in the paper: the losses on rates have small gradients at first."""


@typed_fit(PhysFormerParameters)
def fit(examples: Sequence[Example], training: Training, params: PhysFormerParameters) -> Model:
    """Learn from the recordings that have a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "PhysFormer",
    "10.1109/CVPR52688.2022.00415",
    "clip",
    fit=fit,
    needs_labels=True,
    needs_pulse=True,
    least_recordings=2,
    presets={"smoke": SMOKE},
    streaming=network_windows("clip_s"),
)
def physformer(
    clip: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    crop: str = "toolbox_128",
    fs: float = 30.0,
    clip_s: float = 16 / 3,
    dim: int = 96,
    hidden: int = 144,
    heads: int = 4,
    layers: int = 12,
    theta: float = 0.7,
    wave_weight: float = 0.1,
    rate_growth: float = 5.0,
    rate_deviation_bpm: float = 1.0,
    varied_share: float = 0.5,
    epochs: int = 25,
    passes: int = 6,
    batch: int = 4,
    lr: float = 1e-4,
    weight_decay: float = 5e-5,
    precision: str = "auto",
) -> Waveform:
    """A transformer over pieces of a video, whose losses on heart rates grow epoch by epoch.

    Z. Yu, Y. Shen, J. Shi, H. Zhao, P. Torr, G. Zhao, "PhysFormer: Facial Video-based
    Physiological Measurement with Temporal Difference Transformer", CVPR 2022. Pictures
    (T, S, S, 3) become a pulse (T,), in adjacent windows of `clip_s`.

    Args:
        clip: pictures of the face, S a multiple of 32.
        model: the model that `fit` gave.
        preset: "paper", "smoke" or "toy" for a laptop.
        crop: rule by which the face is cropped; that of rPPG-Toolbox's configuration stands for
            the paper's MTCNN box of the first frame.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        clip_s: length of a clip, to learn from and at test: 160 pictures.
        dim: width of the pieces.
        hidden: width between the two layers of a block.
        heads: of the attention.
        layers: blocks of attention.
        theta: share of the temporal difference in the convolutions before the attention.
        wave_weight: of the negative Pearson correlation (the paper's alpha).
        rate_growth: how many times more the losses on the heart rate count at the end than at the
            beginning, where they count 1 (the paper's eta).
        rate_deviation_bpm: of the bell around the true heart rate.
        varied_share: share of clips that play at half or twice their speed.
        epochs: number of epochs, of `passes` passes each.
        passes: clips of every recording in an epoch.
        batch: clips in a step.
        lr: learning rate of AdamW, where the paper has Adam.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from rppgbench.neural.inference import estimate_pulse, single_clip
    from rppgbench.neural.network_weights import load_arrays

    from .learning import scale
    from .network import PhysFormer, refuse_public_weights

    refuse_public_weights(model.arrays)
    network = PhysFormer(dim, hidden, heads, layers, theta)
    load_arrays(network, model.arrays)
    length = round(clip_s * fs)
    return estimate_pulse(network, clip, fs, length, length, lambda part: scale(single_clip(part)))
