"""PhysNet: training on labelled clips."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, cut_labelled_segments
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.prefetch import Batch
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

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for starts in clips.one_per_recording(rng, params.batch, params.passes):
            pulse, flags = clips.pulses(starts)
            pictures = np.stack([clips.read(start) for start in starts])
            yield {"clip": pictures, "pulse": pulse, "labelled": flags}

    return train_single_stage(
        lambda: _Supervised(params.width),
        batches,
        clips,
        lambda start: single_clip(clips.read(start)),
        training,
        params,
    )
