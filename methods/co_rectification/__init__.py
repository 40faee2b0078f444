"""Co-rectification: two networks correct noisy labels."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import CoRectificationParameters

require_torch()

SMOKE = {
    "rows": 32,
    "width": 16,
    "contrast_weight": 0.02,
    "epochs": 32,
    "step_s": 1.25,
    "lr": 3e-3,
}
"""For a laptop: a narrow network, overlapping clips, few and large steps."""


@typed_fit(CoRectificationParameters)
def fit(
    examples: Sequence[Example], training: Training, params: CoRectificationParameters
) -> Model:
    """Learn from unlabelled recordings of at least `clip_s`.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "Co-rectification",
    "Z. Li, L. Yin, Contactless Pulse Estimation Leveraging Pseudo Labels and Self-Supervision, "
    "ICCV 2023",
    "stmap_moments",
    fit=fit,
    presets={"smoke": SMOKE},
    gpu=0.25,
)
def co_rectification(
    maps: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    variant: str = "full",
    output: str = "both",
    fs: float = 25.6,
    clip_s: float = 10.0,
    step_s: float = 10.0,
    max_speed: float = 1.0,
    rows: int = 64,
    map_kind: str = "colours",
    low_bpm: float = 40.0,
    high_bpm: float = 250.0,
    min_ratio: float = 0.6,
    max_ratio: float = 1.3,
    contrast_weight: float = 1.0,
    ranking_weight: float = 0.01,
    ranking_logits: str = "power",
    ranking_temperature: float = 1.0,
    pseudo_weight: float = 1.0,
    max_corrected: int = 8,
    peer_must_learn: bool = True,
    label_low_hz: float = 0.66,
    label_high_hz: float = 3.0,
    label_bandwidth_hz: float = 0.0,
    pseudo_loss: str = "squared",
    width: int = 64,
    epochs: int = 80,
    batch: int = 16,
    lr: float = 5e-5,
    lr_schedule: str = "constant",
    weight_decay: float = 0.01,
    precision: str = "auto",
) -> Waveform:
    """Learn from 2SR's pulses and from spectra, with a falling weight and correction of the labels.

    Z. Li, L. Yin, ICCV 2023, algorithm 1. A map (T, 28, 3) becomes a pulse (T,), in windows of
    `clip_s` side by side; its last three rows, the second moments of the skin's pixels, serve the
    pseudo labels (2SR, band-passed, with more blood up) and, in "differences", the networks too.

    Six variants are the rows of the paper's table 3: "plain" self-supervision, "pseudo" (with
    pseudo labels at a constant weight), "gradual" (their weight falls), "ranking" (and spectral
    ranking), "constant" (ranking and co-rectification at a constant weight), "full". The seventh,
    "uncorrected", is "full" without substitution, for figures 3 and 5. In the last three, two
    networks learn in turn; in the others one network learns in all epochs.

    Args:
        maps: RGB of a 5 x 5 grid of the aligned face, above the skin's second moments.
        model: the model that `fit` gave.
        preset: "paper", "smoke" or "toy" for a laptop.
        variant: which losses are used.
        output: pulse of "both" networks (their mean), the "first" or the "second".
        fs: frame rate that the network expects, in Hz: 256 frames in 10 s.
        clip_s: length of a clip; a multiple of 16 frames.
        step_s: from one clip to learn from to the next.
        max_speed: clips and labels to learn from are played at a speed between one over this and
            this, so that a network sees other rates in each epoch.
        rows: height to which the 25 rows are resized.
        map_kind: "colours", the paper's, or "differences" of colours, this project's: see
            `maps.derive_rows`.
        low_bpm: lower limit of the band that is compared.
        high_bpm: upper limit.
        min_ratio: least resampling ratio of a negative, which makes the pulse faster.
        max_ratio: greatest ratio, which makes it slower.
        contrast_weight: of all self-supervision, ranking included; 1 in the paper.
        ranking_weight: of the spectral ranking (the paper's alpha).
        ranking_logits: what the Gumbel softmax of the ranking takes: "power", the unit-sum spectra,
            or "log_power", their logarithms.
        ranking_temperature: what these logits are divided by.
        pseudo_weight: of the pseudo labels, where it does not fall; else its value at the start.
        max_corrected: clips of a full batch that are corrected in the last epoch (the paper's
            lambda_max); a smaller batch has the same share.
        peer_must_learn: a network corrects labels of the other network only in epochs before which
            its own verdict on clips of the training set is "learned".
        label_low_hz: lower limit of the pseudo labels.
        label_high_hz: upper limit.
        label_bandwidth_hz: standard deviation of the Gaussian around a label's highest peak that is
            kept; 0, the paper's, keeps all of the band.
        pseudo_loss: of the labels, "squared" as in the paper, or "pearson": 1 - r, which needs
            fewer steps, as it asks for neither level nor size.
        width: channels of the first block.
        epochs: passes over all clips, by the two networks in turn.
        batch: clips in a step.
        lr: learning rate of AdamW.
        lr_schedule: "constant", or "one_cycle": the rate rises and falls to nearly 0.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from rppgbench.neural.inference import estimate_pulse
    from rppgbench.neural.network_weights import load_arrays
    from rppgbench.neural.segments import resample_to_rate

    from .learner import Pair
    from .maps import derive_rows, map_image

    pair = Pair(width, variant, output, map_kind)
    load_arrays(pair, {k: v for k, v in model.arrays.items() if k.startswith("networks.")})
    length = round(clip_s * fs)
    even = resample_to_rate(maps, fs)
    derived = derive_rows(even.samples, fs, map_kind, label_low_hz, label_high_hz)
    return estimate_pulse(
        pair,
        Waveform(derived, even.fs, even.start_s),
        fs,
        length,
        length,
        lambda window: map_image(window, rows, map_kind),
    )
