"""Dual-GAN's backbone: training on labelled maps."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.rate_spectrum import (
    clip_rates,
    rate_bins,
    rate_cross_entropy,
    rate_spectrum,
)
from rppgbench.neural.networks.map_unet import MapUNet, unit_range, yuv_image
from rppgbench.neural.segments import cut_labelled_segments
from rppgbench.neural.single_stage import train_single_stage

from .parameters import BackboneParameters


class _Supervised(nn.Module):
    """The backbone and its three losses."""

    def __init__(self, params: BackboneParameters) -> None:
        super().__init__()
        self.network = MapUNet(width=params.width)
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for maps (B, 3, rows, T), pulses (B, T) and rates (B,)."""
        p = self.params
        pulse = self.network(batch["map"])
        losses = {
            "distance": (pulse - unit_range(batch["pulse"])).abs().mean(dim=1),
            "wave": negative_pearson(pulse, batch["pulse"]),
            "rate": rate_cross_entropy(rate_spectrum(pulse, p.fs), rate_bins(batch["bpm"])),
        }
        flags = batch["labelled"]
        terms = {k: (flags * v).sum() / flags.sum().clamp_min(1.0) for k, v in losses.items()}
        weighted = [
            p.distance_weight * terms["distance"],
            p.wave_weight * terms["wave"],
            p.rate_weight * terms["rate"],
        ]
        return {"loss": torch.stack(weighted).sum(), **terms}


def train_model(
    examples: Sequence[Example], training: Training, params: BackboneParameters
) -> Model:
    """Train on all clips of the recordings that have a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    segments = cut_labelled_segments(examples, params.fs, params.clip_s, "dual_gan_backbone")
    clips = Clips(segments, params.clip_length)
    step = round(params.step_s * params.fs)

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        pulse, whole = clips.pulses(starts)
        bpm, known = clip_rates(clips, starts, params.fs)
        maps = torch.cat([yuv_image(clips.read(start), params.rows) for start in starts])
        return {"map": maps.numpy(), "pulse": pulse, "bpm": bpm, "labelled": whole * known}

    return train_single_stage(
        lambda: _Supervised(params),
        BatchSource(lambda rng: clips.sliding(rng, params.batch, step), read),
        clips,
        lambda start: yuv_image(clips.read(start), params.rows),
        training,
        params,
    )
