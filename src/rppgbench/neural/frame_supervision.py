"""Learning the changes of the pulse from those of pictures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.core.waveform import Waveform
from rppgbench.neural.clips import Clips, Cut, labelled_segments, resample_to_rate
from rppgbench.neural.frame_differences import VideoScale, integrate, pulse_differences
from rppgbench.neural.inference import batch_windows, split_windows
from rppgbench.neural.network_weights import load_arrays
from rppgbench.neural.prefetch import Batch
from rppgbench.neural.single_stage import to_model

Read = Callable[[NDArray[Any], int, int, VideoScale], NDArray[np.float32]]
"""Video (T, H, W, 3), start, length and scale to what the network takes of a clip."""


Loss = Callable[[Tensor, Tensor], Tensor]
"""Changes of the pulse (B, T) and those of the sensor's to a number a clip (B,)."""


def squared_error(change: Tensor, reference: Tensor) -> Tensor:
    """Mean squared difference of every clip: (B, T) and (B, T) to (B,)."""
    return (change - reference).square().mean(dim=1)


class _Changes(nn.Module):
    """A network and how far its changes are from the sensor's."""

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The mean loss over the clips whose pulse is whole."""
        error = self.loss(self.network(batch["clip"]).float(), batch["change"])
        flags = batch["labelled"]
        return {"loss": (flags * error).sum() / flags.sum().clamp_min(1.0)}


@dataclass(frozen=True)
class FrameMethod:
    """What the methods share that learn the changes of the pulse from those of pictures.

    `network_of` makes the network of a method's parameters, `read` what it takes of a video, and
    `loss` says how far its changes are from the sensor's.
    """

    name: str
    network_of: Callable[[Mapping[str, Any]], nn.Module]
    read: Read
    loss: Loss = squared_error

    def learned(
        self, examples: Sequence[Example], training: Training, params: Mapping[str, Any]
    ) -> Model:
        """Train on all clips side by side, with deviations of whole recordings, one a label.

        X. Liu et al., "rPPG-Toolbox", NeurIPS 2023: labels DiffNormalized, AdamW without decay
        under one cycle of the learning rate; what `params` says of clip_s, epochs, batch and lr
        counts.
        """
        fs = params["fs"]
        found = [
            replace(part, pulse=pulse_differences(part.pulse).astype(np.float32))
            for part in labelled_segments(examples, fs, params["clip_s"], self.name)
            if part.pulse is not None
        ]
        clips = Clips(found, round(params["clip_s"] * fs))
        scales = [VideoScale.of(part.samples) for part in found]

        def one(cut: Cut) -> NDArray[np.float32]:
            return self.read(found[cut[0]].samples, cut[1], clips.length, scales[cut[0]])

        def batches(epoch: int, rng: np.random.Generator) -> Iterable[Batch]:
            for cuts in clips.sliding(rng, params["batch"], clips.length):
                change, flags = clips.pulses(cuts)
                pictures = np.stack([one(cut) for cut in cuts])
                yield {"clip": pictures, "change": change, "labelled": flags}

        return to_model(
            lambda: _Changes(self.network_of(params), self.loss),
            batches,
            clips,
            lambda cut: torch.from_numpy(one(cut)[None]),
            training,
            params,
            pulse_of=lambda out: torch.from_numpy(
                np.stack([integrate(row) for row in out.numpy()])
            ),
            one_cycle=clips.batches(params["batch"], clips.length),
        )

    def pulse(
        self, clip: Waveform, model: Model, fs: float, clip_s: float, **params: Any
    ) -> Waveform:
        """Changes in windows side by side, summed up without their trend: (T,) at `fs`.

        Pictures are scaled by the whole stretch, as the toolbox scales whole videos. `params` are
        those that make the network.
        """
        network = self.network_of(params)
        load_arrays(network, model.arrays)
        even = resample_to_rate(clip, fs)
        video, length = even.samples, round(clip_s * fs)
        scale = VideoScale.of(video)
        change = split_windows(
            network,
            len(video),
            length,
            length,
            lambda start, count: torch.from_numpy(self.read(video, start, count, scale)[None]),
            batch_windows,
        )
        return Waveform(integrate(change), even.fs, even.start_s)
