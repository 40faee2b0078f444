"""PhysNet: training on labelled clips."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.segments import cut_labelled_segments
from rppgbench.neural.single_stage import train_single_stage

from .parameters import PhysNetParameters


class _Supervised(nn.Module):
    """PhysNet and its loss against the sensor's pulse."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.network = PhysNet(1, width=width)

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """1 - r over the clips (B, T, S, S, 3) that have a whole pulse (B, T)."""
        pulse = self.network(to_video_tensor(batch["clip"]))[:, -1]
        flags = batch["labelled"]
        loss = (flags * negative_pearson(pulse, batch["pulse"])).sum() / flags.sum().clamp_min(1.0)
        return {"loss": loss}


def train_model(
    examples: Sequence[Example], training: Training, params: PhysNetParameters
) -> Model:
    """Train on random clips of the recordings that have a pulse.

    Args:
        examples: recordings to learn from.
        training: how and where to train.
        params: the method's parameters.
    """
    segments = cut_labelled_segments(examples, params.fs, params.clip_s, "physnet")
    clips = Clips(segments, params.clip_length)

    def read(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
        pulse, flags = clips.pulses(starts)
        return {"clip": clips.stack(starts), "pulse": pulse, "labelled": flags}

    return train_single_stage(
        lambda: _Supervised(params.width),
        BatchSource(lambda rng: clips.one_per_recording(rng, params.batch, params.passes), read),
        clips,
        lambda start: single_clip(clips.read(start)),
        training,
        params,
    )
