"""PhysFormer: training on labelled clips."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.rate_spectrum import (
    clip_rates,
    rate_bins,
    rate_cross_entropy,
    rate_divergence,
    rate_spectrum,
)
from rppgbench.neural.played_clips import play
from rppgbench.neural.segments import cut_labelled_segments
from rppgbench.neural.single_stage import train_single_stage

from .network import PhysFormer
from .parameters import PhysFormerParameters

FAST_BPM = 88.0
"""Clips with a higher heart rate are played slower, other clips faster."""


def scale(video: Tensor) -> Tensor:
    """Scale values 0 to 255 to about -1 to 1."""
    return (video - 127.5) / 128


class _Curriculum(nn.Module):
    """The network and its loss, in which the weight of heart rates grows with the epochs."""

    def __init__(self, params: PhysFormerParameters) -> None:
        super().__init__()
        self.network = PhysFormer(
            params.dim, params.hidden, params.heads, params.layers, params.theta
        )
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips, their pulses (B, T) and rates (B,).

        Args:
            batch: "frames" and "at" of the clips, as `play` takes them; whether each is "mirrored";
                their labels.
            epoch: number of the epoch, from 0.
        """
        p = self.params
        clip = play(batch["frames"], batch["at"])
        clip = torch.where(batch["mirrored"][:, None, None, None, None], clip.flip(3), clip)
        pulse = self.network(scale(to_video_tensor(clip)))
        spectrum = rate_spectrum(pulse, p.fs)
        bins = rate_bins(batch["bpm"])
        losses = {
            "wave": negative_pearson(pulse, batch["pulse"]),
            "entropy": rate_cross_entropy(spectrum, bins),
            "divergence": rate_divergence(spectrum, bins, p.rate_deviation_bpm),
        }
        flags = batch["labelled"]
        terms = {k: (flags * v).sum() / flags.sum().clamp_min(1.0) for k, v in losses.items()}
        weight = p.rate_growth ** (epoch / p.epochs)
        rates = terms["entropy"] + terms["divergence"]
        return {"loss": p.wave_weight * terms["wave"] + weight * rates, **terms}


def draw_speeds(
    bpm: NDArray[np.float32], share: float, rng: np.random.Generator
) -> tuple[list[float], NDArray[np.bool_]]:
    """Draw the speed of each clip and whether the clip is mirrored (half of the clips).

    Args:
        bpm: heart rates (B,).
        share: share of clips that are played at half their speed (rates above `FAST_BPM`) or at
            twice their speed (other rates): this gives rates that are rare in the data set.
        rng: random source.

    Returns:
        A speed for each clip, and flags (B,) of the mirrored clips.
    """
    speeds = np.where(bpm > FAST_BPM, 0.5, 2.0)
    speeds = np.where(rng.random(len(bpm)) < share, speeds, 1.0)
    return speeds.tolist(), rng.random(len(bpm)) < 0.5


def train_model(
    examples: Sequence[Example], training: Training, params: PhysFormerParameters
) -> Model:
    """Train on random clips of the recordings that have a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    segments = cut_labelled_segments(examples, params.fs, params.clip_s, "physformer")
    clips = Clips(segments, params.clip_length)

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        bpm, known = clip_rates(clips, starts, params.fs)
        speeds, mirrored = draw_speeds(bpm, params.varied_share, rng)
        pulse, whole = clips.pulses(starts, speeds)
        frames, at = clips.windows(starts, speeds)
        return {
            "frames": frames,
            "at": at,
            "mirrored": mirrored,
            "pulse": pulse,
            "bpm": bpm * np.asarray(speeds, dtype=np.float32),
            "labelled": whole * known,
        }

    return train_single_stage(
        lambda: _Curriculum(params),
        BatchSource(lambda rng: clips.one_per_recording(rng, params.batch, params.passes), read),
        clips,
        lambda start: scale(single_clip(clips.read(start))),
        training,
        params,
    )
