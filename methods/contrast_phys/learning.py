"""Contrast-Phys: from clips to a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, segments
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.contrastive import contrast, draw_offsets, sampled_spectra
from rppgbench.neural.losses.power_spectra import irrelevant_power_ratio
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import to_model


class Contrast(nn.Module):
    """PhysNet and what it minimises."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__()
        self.network = PhysNet(params["parts"], width=params["width"])
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms for clips (B, T, S, S, 3), B even."""
        p = self.params
        block = self.network(to_video_tensor(batch["clip"]))
        band = {"low_hz": p["low_bpm"] / 60, "high_hz": p["high_bpm"] / 60}
        ratio = irrelevant_power_ratio(block[:, -1].detach(), p["fs"], **band).mean()
        if not p["include_mean"]:
            block = block[:, :-1]
        length = round(p["sample_s"] * p["fs"])
        shape = (*block.shape[:2], p["samples_per_row"])
        offsets = draw_offsets(shape, block.shape[2], length)
        terms = contrast(sampled_spectra(block, offsets, length, p["fs"], **band))
        return {"loss": terms["attract"] + terms["repel"], **terms, "irrelevant": ratio}


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train on random clips of all recordings, two or more opposed in every batch."""
    found = segments(examples, params["fs"], params["clip_s"], "contrast_phys")
    clips = Clips(found, round(params["clip_s"] * params["fs"]))

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in clips.one_a_recording(rng, params["batch"], params["passes"]):
            yield {"clip": np.stack([clips.read(cut) for cut in cuts])}

    return to_model(
        lambda: Contrast(params),
        batches,
        clips,
        lambda cut: single_clip(clips.read(cut)),
        training,
        params,
    )
