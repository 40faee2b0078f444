"""Networks that learn the differences of the pulse from the differences of frames."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.core.method import Example, Model, Training
from rppgbench.core.waveform import Waveform
from rppgbench.neural.batches import Batch, BatchSource
from rppgbench.neural.clips import Clips, ClipStart, cut_labelled_segments, resample_to_rate
from rppgbench.neural.frame_differences import VideoScale, integrate, pulse_differences
from rppgbench.neural.frame_parameters import FrameParameters
from rppgbench.neural.inference import join_windows, run_windows
from rppgbench.neural.network_weights import load_arrays
from rppgbench.neural.public_weights import to_own_names
from rppgbench.neural.single_stage import train_single_stage

Read = Callable[[NDArray[Any], int, int, VideoScale], NDArray[np.float32]]
"""From a video (T, H, W, 3), start, length and scale to the network's input for a clip."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""From differences of the pulse (B, T) and of the label (B, T) to a loss for each clip (B,)."""

Record = TypeVar("Record", bound=FrameParameters)


def squared_error(change: Tensor, reference: Tensor) -> Tensor:
    """Mean squared error of every clip.

    Args:
        change: differences of the pulse (B, T).
        reference: differences of the label (B, T).

    Returns:
        A loss for each clip (B,).
    """
    return (change - reference).square().mean(dim=1)


class _Differences(nn.Module):
    """A network and the loss of its output against the label's differences."""

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The mean loss over the clips with a whole label."""
        error = self.loss(self.network(batch["clip"]).float(), batch["change"])
        flags = batch["labelled"]
        return {"loss": (flags * error).sum() / flags.sum().clamp_min(1.0)}


@dataclass(frozen=True, kw_only=True)
class FrameNetwork(Generic[Record]):
    """A network on differences of frames: how it is made, its input and its loss.

    Attributes:
        name: name of the method.
        make: makes the network from the method's parameters.
        read: makes the network's input from a video.
        loss: the loss of its output against the label's differences.
        public_names: start of a weight's name in the public code -> start of its name here.
    """

    name: str
    make: Callable[[Record], nn.Module]
    read: Read
    loss: Loss = squared_error
    public_names: Mapping[str, str] = field(default_factory=dict)

    def train(self, examples: Sequence[Example], training: Training, params: Record) -> Model:
        """Train on all clips side by side.

        Source: X. Liu et al., "rPPG-Toolbox", NeurIPS 2023: labels "DiffNormalized", AdamW without
        decay under one cycle of the learning rate.

        Args:
            examples: recordings with a pulse.
            training: how and where to train.
            params: the method's parameters.

        Returns:
            The trained network.

        Raises:
            RecordingError: no recording has a pulse for a whole clip.
        """
        segments = [
            replace(segment, pulse=pulse_differences(segment.pulse).astype(np.float32))
            for segment in cut_labelled_segments(examples, params.fs, params.clip_s, self.name)
            if segment.pulse is not None
        ]
        clips = Clips(segments, params.clip_length)
        scales = [VideoScale.measure(segment.samples) for segment in segments]

        def read(start: ClipStart) -> NDArray[np.float32]:
            return self.read(segments[start[0]].samples, start[1], clips.length, scales[start[0]])

        def read_batch(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
            change, flags = clips.pulses(starts)
            pictures = np.stack([read(start) for start in starts])
            return {"clip": pictures, "change": change, "labelled": flags}

        return train_single_stage(
            lambda: _Differences(self.make(params), self.loss),
            BatchSource(lambda rng: clips.sliding(rng, params.batch, clips.length), read_batch),
            clips,
            lambda start: torch.from_numpy(read(start)[None]),
            training,
            params,
            to_pulses=lambda out: torch.from_numpy(
                np.stack([integrate(row) for row in out.numpy()])
            ),
            one_cycle_steps=clips.batches(params.batch, clips.length),
        )

    def estimate(self, clip: Waveform, model: Model, params: Record) -> Waveform:
        """Estimate the differences of the pulse in adjacent windows; sum up and detrend.

        Pictures are scaled by the whole segment, as the toolbox scales whole videos.

        Args:
            clip: pictures (T, S, S, 3).
            model: the trained network.
            params: the method's parameters.

        Returns:
            The pulse (T,) at `params.fs`.
        """
        network = self.make(params)
        load_arrays(network, to_own_names(model.arrays, self.public_names))
        even = resample_to_rate(clip, params.fs)
        video = even.samples
        scale = VideoScale.measure(video)
        change = run_windows(
            network,
            len(video),
            params.clip_length,
            params.clip_length,
            lambda start, count: torch.from_numpy(self.read(video, start, count, scale)[None]),
            join_windows,
        )
        return Waveform(integrate(change), even.fs, even.start_s)
