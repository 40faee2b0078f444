"""Dual-GAN's backbone: from labelled maps to a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, labelled_segments
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.rate_spectrum import (
    clip_rates,
    rate_bins,
    rate_cross_entropy,
    rate_spectrum,
)
from rppgbench.neural.networks.map_unet import MapUNet, unit_range, yuv_image
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import to_model


class _Supervised(nn.Module):
    """The backbone and its three losses."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__()
        self.network = MapUNet(width=params["width"])
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """Terms for maps (B, 3, rows, T), pulses (B, T) and rates (B,)."""
        p = self.params
        pulse = self.network(batch["map"])
        parts = {
            "distance": (pulse - unit_range(batch["pulse"])).abs().mean(dim=1),
            "wave": negative_pearson(pulse, batch["pulse"]),
            "rate": rate_cross_entropy(rate_spectrum(pulse, p["fs"]), rate_bins(batch["bpm"])),
        }
        flags = batch["labelled"]
        terms = {k: (flags * v).sum() / flags.sum().clamp_min(1.0) for k, v in parts.items()}
        weighed = [p[f"{name}_weight"] * term for name, term in terms.items()]
        return {"loss": torch.stack(weighed).sum(), **terms}


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train on all clips of the recordings that have a pulse."""
    fs = params["fs"]
    found = labelled_segments(examples, fs, params["clip_s"], "dual_gan_backbone")
    clips = Clips(found, round(params["clip_s"] * fs))
    step = round(params["step_s"] * fs)

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in clips.sliding(rng, params["batch"], step):
            pulse, whole = clips.pulses(cuts)
            bpm, known = clip_rates(clips, cuts, fs)
            maps = torch.cat([yuv_image(clips.read(cut), params["rows"]) for cut in cuts])
            yield {"map": maps.numpy(), "pulse": pulse, "bpm": bpm, "labelled": whole * known}

    return to_model(
        lambda: _Supervised(params),
        batches,
        clips,
        lambda cut: yuv_image(clips.read(cut), params["rows"]),
        training,
        params,
    )
