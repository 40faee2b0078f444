"""PhysNet: from labelled clips to a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.neural.clips import Clips, labelled_segments
from rppgbench.neural.inference import single_clip, to_video_tensor
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.networks.physnet import PhysNet
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import to_model


class _Supervised(nn.Module):
    """PhysNet and its disagreement with the sensor."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.network = PhysNet(1, width=width)

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """1 - r over the clips (B, T, S, S, 3) that have a whole pulse (B, T)."""
        pulse = self.network(to_video_tensor(batch["clip"]))[:, -1]
        flags = batch["labelled"]
        loss = (flags * negative_pearson(pulse, batch["pulse"])).sum() / flags.sum().clamp_min(1.0)
        return {"loss": loss}


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train on random clips of the recordings that have a pulse."""
    found = labelled_segments(examples, params["fs"], params["clip_s"], "physnet")
    clips = Clips(found, round(params["clip_s"] * params["fs"]))

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in clips.one_a_recording(rng, params["batch"], params["passes"]):
            pulse, flags = clips.pulses(cuts)
            pictures = np.stack([clips.read(cut) for cut in cuts])
            yield {"clip": pictures, "pulse": pulse, "labelled": flags}

    return to_model(
        lambda: _Supervised(params["width"]),
        batches,
        clips,
        lambda cut: single_clip(clips.read(cut)),
        training,
        params,
    )
