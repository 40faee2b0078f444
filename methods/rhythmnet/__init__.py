"""RhythmNet: heart rates of adjacent maps, without a wave."""

from collections.abc import Sequence

from rppgbench.core.method import Example, Model, Training, method
from rppgbench.core.waveform import Waveform
from rppgbench.neural import require_torch
from rppgbench.neural.parameters import typed_fit

from .parameters import RhythmNetParameters

require_torch()

SMOKE = {
    "width": 16,
    "memory": 32,
    "clip_s": 11.0,
    "max_speed": 1.4,
    "smooth_weight": 1.0,
    "epochs": 30,
    "train_step_s": 1.5,
    "batch": 16,
    "lr": 3e-3,
}
"""For a laptop: a narrow network, three clips in a row, few and large steps."""


@typed_fit(RhythmNetParameters)
def fit(examples: Sequence[Example], training: Training, params: RhythmNetParameters) -> Model:
    """Learn from the recordings that have a heart rate, or a pulse to read one from.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    from .learning import train_model

    return train_model(examples, training, params)


@method(
    "RhythmNet", "10.1109/TIP.2019.2947204", "stmap", fit=fit, needs_labels=True,
    presets={"smoke": SMOKE},
    gpu=0.25,
)  # fmt: skip
def rhythmnet(
    maps: Waveform,
    model: Model,
    *,
    preset: str = "paper",
    fs: float = 30.0,
    clip_s: float = 12.5,
    map_s: float = 10.0,
    step_s: float = 0.5,
    train_step_s: float = 3.0,
    rows: int = 25,
    min_mask_frames: int = 10,
    max_mask_frames: int = 30,
    max_speed: float = 1.0,
    smooth_weight: float = 100.0,
    width: int = 64,
    memory: int = 512,
    epochs: int = 50,
    batch: int = 16,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    precision: str = "auto",
) -> Waveform:
    """The heart rate of every map by ResNet-18, and of maps in a row by a recurrent layer.

    X. Niu, S. Shan, H. Han, X. Chen, "RhythmNet: End-to-end Heart Rate Estimation from Face via
    Spatial-temporal Representation", IEEE TIP 2020. It learns from heart rates alone and gives
    no wave: maps (T, 25, 3) become a cosine (T,) whose rate is interpolated between the estimated
    heart rates. Only the rate has a meaning; shape and signal quality have none.

    Args:
        maps: RGB of a 5 x 5 grid of the aligned face.
        model: the model that `fit` gave.
        preset: "paper", "smoke" or "toy" for a laptop.
        fs: frame rate that the network expects, in Hz.
        clip_s: length of a row of maps, six of them in the paper.
        map_s: length of a map.
        step_s: from one map of a row to the next.
        train_step_s: from one row to learn from to the next.
        rows: height to which the 25 rows are resized.
        min_mask_frames: least number of frames that are masked in training, like a lost
            face.
        max_mask_frames: greatest number of masked frames; 0 masks none.
        max_speed: clips to learn from are played at a speed between one over this and this, which
            gives rates that the set does not have; 1, the paper's, varies none.
        smooth_weight: of the distance of a row's heart rates from their mean (the paper's lambda).
        width: channels of the first layer.
        memory: size of the recurrent layer.
        epochs: passes over all rows.
        batch: rows in a step.
        lr: learning rate of AdamW, without decay the paper's Adam.
        weight_decay: weight decay of AdamW.
        precision: "auto", "32-true" or "bf16-mixed".
    """
    from rppgbench.neural.network_weights import load_arrays

    from .learning import cosine, estimate_rates
    from .network import RhythmNet

    network = RhythmNet(width=width, memory=memory)
    load_arrays(network, model.arrays)
    times, bpm, length, rate = estimate_rates(
        network, maps, fs=fs, clip_s=clip_s, map_s=map_s, step_s=step_s, rows=rows
    )
    return Waveform(cosine(times, bpm, length, rate), rate, maps.start_s)
