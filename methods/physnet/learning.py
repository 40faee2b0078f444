"""PhysNet: from labelled clips to a model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from rppgbench.method import Example, Model, Training
from rppgbench.neural.agreement import negative_pearson
from rppgbench.neural.backbone import PhysNet
from rppgbench.neural.clips import Clips, labelled_stretches
from rppgbench.neural.feeding import Batch
from rppgbench.neural.inference import as_video, one_clip
from rppgbench.neural.one_stage import model_of


class _Supervised(nn.Module):
    """PhysNet and its disagreement with the sensor."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.network = PhysNet(1, width=width)

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """1 - r over the clips (B, T, S, S, 3) that have a whole pulse (B, T)."""
        pulse = self.network(as_video(batch["clip"]))[:, -1]
        flags = batch["labelled"]
        loss = (flags * negative_pearson(pulse, batch["pulse"])).sum() / flags.sum().clamp_min(1.0)
        return {"loss": loss}


def learned(examples: Sequence[Example], training: Training, params: Mapping[str, Any]) -> Model:
    """Train on random clips of the recordings that have a pulse."""
    found = labelled_stretches(examples, params["fs"], params["clip_s"], "physnet")
    clips = Clips(found, round(params["clip_s"] * params["fs"]))

    def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
        for cuts in clips.one_a_recording(rng, params["batch"], params["passes"]):
            pulse, flags = clips.pulses(cuts)
            pictures = np.stack([clips.read(cut) for cut in cuts])
            yield {"clip": pictures, "pulse": pulse, "labelled": flags}

    return model_of(
        lambda: _Supervised(params["width"]),
        batches,
        clips,
        lambda cut: one_clip(clips.read(cut)),
        training,
        params,
    )
