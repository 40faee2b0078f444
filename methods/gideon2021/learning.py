"""Gideon and Stent 2021: training on triplets of clips."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.power_spectra import irrelevant_power_ratio
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.played_clips import play
from rppgbench.neural.segments import cut_segments
from rppgbench.neural.single_stage import train_single_stage

from .losses import draw_starts, faster, resized, triplet, views
from .parameters import GideonParameters
from .saliency import SaliencySampler, sparseness, steadiness


class SampledPhysNet(nn.Module):
    """PhysNet, after a saliency sampler where `sampled` is a size: (B, 3, T, H, W) to (B, T)."""

    def __init__(self, width: int, sampled: int = 0) -> None:
        super().__init__()
        self.sampler = SaliencySampler(sampled) if sampled else None
        self.network = PhysNet(1, width=width)

    def forward(self, video: Tensor) -> Tensor:
        """The pulse of a video."""
        return self.pulse_and_saliency(video)[0]

    def pulse_and_saliency(self, video: Tensor) -> tuple[Tensor, Tensor | None]:
        """The pulse, and the saliency with a sampler; else None."""
        saliency = None
        if self.sampler is not None:
            video, saliency = self.sampler(video / 255)
        pulse: Tensor = self.network(video)[:, -1]
        return pulse, saliency


class Triplet(nn.Module):
    """The network and its multi-view triplet loss."""

    def __init__(self, params: GideonParameters) -> None:
        super().__init__()
        size = params.saliency_size if params.saliency else 0
        self.watcher = SampledPhysNet(params.width, size)
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms.

        Args:
            batch: "frames" and "at" of slowed clips, as `play` takes them.
            epoch: number of the epoch; not used.
        """
        p, fs = self.params, self.params.fs
        band = {"low_hz": p.low_bpm / 60, "high_hz": p.high_bpm / 60}
        video = to_video_tensor(play(batch["frames"], batch["at"]))
        frames = video.shape[2]
        anchor, saliency = self.watcher.pulse_and_saliency(video)
        quick = faster(video, 1.25 + 0.25 * float(torch.rand(1)))
        short = quick.shape[2]
        padded = functional.pad(quick, (0, 0, 0, 0, 0, frames - short))
        negative = self.watcher(padded)[:, :short]
        positive = resized(negative, frames)
        length = frames // 2
        anchors, positives, negatives = (
            views(pulse, draw_starts(p.views, pulse.shape[1], length), length)
            for pulse in (anchor, positive, negative)
        )
        contrast = triplet(anchors, positives, negatives, fs, distance=p.distance, **band).mean()
        terms = {
            "triplet": contrast,
            "irrelevant": irrelevant_power_ratio(anchor.detach(), fs, **band).mean(),
        }
        if saliency is None:
            return {"loss": contrast, **terms}
        terms["sparse"], terms["steady"] = sparseness(saliency), steadiness(saliency)
        loss = contrast + p.sparse_weight * terms["sparse"] + p.steady_weight * terms["steady"]
        return {"loss": loss, **terms}


def train_model(examples: Sequence[Example], training: Training, params: GideonParameters) -> Model:
    """Train on random clips of all recordings, slowed at random.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    segments = cut_segments(examples, params.fs, params.clip_s, "gideon2021")
    clips = Clips(segments, params.clip_length)

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        frames, at = clips.windows(starts, rng.uniform(params.min_speed, 1.0, len(starts)))
        return {"frames": frames, "at": at}

    return train_single_stage(
        lambda: Triplet(params),
        BatchSource(lambda rng: clips.one_per_recording(rng, params.batch, params.passes), read),
        clips,
        lambda start: single_clip(clips.read(start)),
        training,
        params,
        part="watcher",
    )
