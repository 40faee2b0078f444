"""Contrast-Phys: training on clips without labels."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.contrastive import contrast, draw_offsets, sampled_spectra
from rppgbench.neural.losses.power_spectra import irrelevant_power_ratio
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.segments import cut_segments
from rppgbench.neural.single_stage import train_single_stage

from .parameters import ContrastPhysParameters


class Contrast(nn.Module):
    """PhysNet and its contrastive loss."""

    def __init__(self, params: ContrastPhysParameters) -> None:
        super().__init__()
        self.network = PhysNet(params.parts, width=params.width)
        self.params = params

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The loss and its terms.

        Args:
            batch: "clip", clips (B, T, S, S, 3), B even.
            epoch: number of the epoch; not used.
        """
        p = self.params
        block = self.network(to_video_tensor(batch["clip"]))
        band = {"low_hz": p.low_bpm / 60, "high_hz": p.high_bpm / 60}
        ratio = irrelevant_power_ratio(block[:, -1].detach(), p.fs, **band).mean()
        if not p.include_mean:
            block = block[:, :-1]
        length = round(p.sample_s * p.fs)
        shape = (*block.shape[:2], p.samples_per_row)
        offsets = draw_offsets(shape, block.shape[2], length)
        terms = contrast(sampled_spectra(block, offsets, length, p.fs, **band))
        return {"loss": terms["attract"] + terms["repel"], **terms, "irrelevant": ratio}


def train_model(
    examples: Sequence[Example], training: Training, params: ContrastPhysParameters
) -> Model:
    """Train on random clips of all recordings; a batch contrasts pairs of recordings.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    segments = cut_segments(examples, params.fs, params.clip_s, "contrast_phys")
    clips = Clips(segments, params.clip_length)

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        return {"clip": clips.stack(starts)}

    return train_single_stage(
        lambda: Contrast(params),
        BatchSource(lambda rng: clips.one_per_recording(rng, params.batch, params.passes), read),
        clips,
        lambda start: single_clip(clips.read(start)),
        training,
        params,
    )
