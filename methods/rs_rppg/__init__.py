"""RS-rPPG: maps of colours and maps of traces that formulas read from them are contrasted."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.streaming import network_windows
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import RsRppgParameters

require_torch()

SMOKE = {
    "clip_s": 256 / 30,
    "step_s": 1.0,
    "rows": 32,
    "width": 24,
    "epochs": 12,
    "lr": 1e-3,
}
"""For a laptop: a narrow network, short overlapping clips, large steps."""


@typed_fit(RsRppgParameters)
def fit(examples: Sequence[Example], training: Training, params: RsRppgParameters) -> Model:
    """Learn from unlabelled recordings of at least `clip_s`; two or more of them.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "RS-rPPG",
    "M. Savic, G. Zhao, RS-rPPG: Robust Self-supervised Learning for rPPG, FG 2024",
    "mstmap",
    fit=fit,
    least_recordings=2,
    presets={"smoke": SMOKE, "public_code": {"estimate_from": "tmap"}},
    streaming=network_windows("clip_s"),
)
def rs_rppg(
    maps: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    fs: float = 30.0,
    clip_s: float = 19.2,
    step_s: float = 19.2,
    rows: int = 64,
    width: int = 96,
    agreement_share: float = 1 / 3,
    agreement_weight: float = 20.0,
    margin: float = 1.0,
    estimate_from: str = "mstmap",
    epochs: int = 30,
    batch: int = 4,
    lr: float = 1e-5,
    weight_decay: float = 0.05,
    precision: str = "auto",
) -> Waveform:
    """A map's spectra are near those of its traces in another order, and far from another clip's.

    M. Savic, G. Zhao, "RS-rPPG: Robust Self-supervised Learning for rPPG", FG 2024. Maps
    (T, 63, 6), of which R, G and B count, become maps of pulses, whose mean over rows and channels
    is the pulse (T,), in standardised windows of `clip_s`. In the first epochs the network learns
    the spectra of green, CHROM and POS of each row; then it contrasts its own maps of colours with
    those of traces. The public code reads these traces at test, so that the network filters what
    CHROM and POS found; the preset "public_code" does so too, and the default reads the colours.

    Args:
        maps: RGBYUV of the 63 combinations of six face regions.
        model: the model that `fit` gave.
        preset: "paper", "public_code", "smoke" or "toy" for a laptop.
        fs: frame rate that the network expects, in Hz; others are interpolated.
        clip_s: length of a clip, in training and at test.
        step_s: from one clip to learn from to the next.
        rows: height to which the 63 rows are resized, 32 or 64.
        width: channels of the first stage, a multiple of 3.
        agreement_share: share of the epochs, of the first, that learn from the traces' spectra.
        agreement_weight: weight of the distance of these spectra.
        margin: by how much the two distances of the contrast should differ.
        estimate_from: what the network reads at test: "mstmap", the colours, or "tmap", the traces.
        epochs: passes over all clips.
        batch: clips in a step, of distant rates by the traces.
        lr: learning rate of AdamW.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from rppgbench.neural.frame_targets import join_standardised
    from rppgbench.neural.inference import estimate_pulse
    from rppgbench.neural.network_weights import load_arrays

    from .maps import make_map
    from .network import MapPulse, WindowedUNet

    network = WindowedUNet(width, rows)
    load_arrays(network, model.arrays)
    length = round(clip_s * fs)
    return estimate_pulse(
        MapPulse(network),
        maps,
        fs,
        length,
        length,
        lambda window: make_map(window, fs, rows, estimate_from),
        join_standardised,
    )
