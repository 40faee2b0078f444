"""PhysFormer: from labelled clips to a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, labelled_segments
from rppgbench.neural.inference import single_clip
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.rate_spectrum import (
    clip_rates,
    rate_bins,
    rate_cross_entropy,
    rate_divergence,
    rate_spectrum,
)
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import to_model

from .network import PhysFormer

FAST_BPM = 88.0
"""Clips of a faster heart are slowed when they are varied, the others quickened."""


def network_of(params: Mapping[str, Any]) -> PhysFormer:
    """The network of the parameters."""
    return PhysFormer(
        params["dim"], params["hidden"], params["heads"], params["layers"], params["theta"]
    )


def scaled(video: Tensor) -> Tensor:
    """Values 0 to 255 as about -1 to 1."""
    return (video - 127.5) / 128


class _Curriculum(nn.Module):
    """The network and its loss, in which heart rates come to count ever more."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__()
        self.network = network_of(params)
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """Terms for clips (B, T, S, S, 3), their pulses (B, T) and rates (B,)."""
        p = self.params
        pulse = self.network(scaled(batch["clip"].permute(0, 4, 1, 2, 3).float()))
        spectrum = rate_spectrum(pulse, p["fs"])
        bins = rate_bins(batch["bpm"])
        parts = {
            "wave": negative_pearson(pulse, batch["pulse"]),
            "entropy": rate_cross_entropy(spectrum, bins),
            "divergence": rate_divergence(spectrum, bins, p["rate_deviation_bpm"]),
        }
        flags = batch["labelled"]
        terms = {k: (flags * v).sum() / flags.sum().clamp_min(1.0) for k, v in parts.items()}
        weight = p["rate_growth"] ** (epoch / p["epochs"])
        rates = terms["entropy"] + terms["divergence"]
        return {"loss": p["wave_weight"] * terms["wave"] + weight * rates, **terms}


def varied(
    bpm: NDArray[np.float32], share: float, rng: np.random.Generator
) -> tuple[list[float], NDArray[np.bool_]]:
    """How fast each clip is played, and whether it is mirrored.

    A `share` of the clips plays at half its speed where the heart is fast, and at twice its speed
    elsewhere, which gives rates that the set has few of; half of all are mirrored.
    """
    speeds = np.where(bpm > FAST_BPM, 0.5, 2.0)
    speeds = np.where(rng.random(len(bpm)) < share, speeds, 1.0)
    return speeds.tolist(), rng.random(len(bpm)) < 0.5


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train on random clips of the recordings that have a pulse."""
    fs = params["fs"]
    clips = Clips(
        labelled_segments(examples, fs, params["clip_s"], "physformer"),
        round(params["clip_s"] * fs),
    )

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in clips.one_a_recording(rng, params["batch"], params["passes"]):
            bpm, known = clip_rates(clips, cuts, fs)
            speeds, mirrored = varied(bpm, params["varied"], rng)
            pulse, whole = clips.pulses(cuts, speeds)
            pictures = np.stack(
                [
                    clips.read(cut, speed)[:, :, :: -1 if flip else 1]
                    for cut, speed, flip in zip(cuts, speeds, mirrored, strict=True)
                ]
            )
            yield {
                "clip": pictures,
                "pulse": pulse,
                "bpm": bpm * np.asarray(speeds, dtype=np.float32),
                "labelled": whole * known,
            }

    return to_model(
        lambda: _Curriculum(params),
        batches,
        clips,
        lambda cut: scaled(single_clip(clips.read(cut))),
        training,
        params,
    )
