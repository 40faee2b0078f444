"""Networks that learn the pulse, or its differences, from pictures or their differences."""

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
from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.frame_differences import VideoScale
from rppgbench.neural.frame_inputs import read_with_next, scale_row
from rppgbench.neural.frame_parameters import FrameParameters, PlayedParameters
from rppgbench.neural.frame_targets import DIFFERENCES, Target
from rppgbench.neural.inference import run_windows
from rppgbench.neural.network_weights import load_arrays
from rppgbench.neural.public_weights import to_own_names
from rppgbench.neural.segments import cut_labelled_segments, resample_to_rate
from rppgbench.neural.single_stage import train_single_stage
from rppgbench.system.errors import BenchError

Prepare = Callable[[Tensor, Tensor], Tensor]
"""From clips with the next picture (B, T + 1, H, W, 3), as they are stored, and the scales (B, 3)
of their videos to the input of the network (B, T or T + 1, C, H, W)."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""From the network's output (B, T) and the label (B, T) to a loss for each clip (B,)."""

Adapt = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]
"""From arrays of weights by name to those of the network."""

Record = TypeVar("Record", bound=FrameParameters)


def squared_error(out: Tensor, reference: Tensor) -> Tensor:
    """Mean squared error of every clip.

    Args:
        out: the network's output (B, T).
        reference: the label (B, T).

    Returns:
        A loss for each clip (B,).
    """
    return (out - reference).square().mean(dim=1)


def absolute_error(out: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute error of every clip.

    Args:
        out: the network's output (B, T).
        reference: the label (B, T).

    Returns:
        A loss for each clip (B,).
    """
    return (out - reference).abs().mean(dim=1)


def require_sides(method: str, pictures: Tensor, least: int, most: int | None, crop: str) -> None:
    """Refuse pictures of a size that a network is not made for.

    Args:
        method: name of the method.
        pictures: (..., H, W).
        least: fewest pixels of height and width.
        most: most pixels of both; None for any number.
        crop: a crop rule that fits, for the message.

    Raises:
        BenchError: the height or the width is out of these limits.
    """
    height, width = pictures.shape[-2:]
    if least <= min(height, width) and (most is None or max(height, width) <= most):
        return
    limits = {None: f"{least} or more", least: f"{least}"}.get(most, f"{least} to {most}")
    raise BenchError(
        f"{method}: a crop of {width} pixels does not fit; choose one of {limits}, as {crop}"
    )


def draw_speeds(count: int, max_speed: float, rng: np.random.Generator) -> list[float]:
    """Random factors by which clips are played, from one over `max_speed` to it, even in octaves.

    Args:
        count: number of clips.
        max_speed: the greatest factor; 1 draws nothing and gives ones.
        rng: random source.
    """
    if max_speed == 1:
        return [1.0] * count
    speeds: list[float] = (max_speed ** rng.uniform(-1, 1, count)).tolist()
    return speeds


class _Learner(nn.Module):
    """A network, the making of its input, and the loss of its output against the label."""

    def __init__(self, network: nn.Module, prepare: Prepare, loss: Loss) -> None:
        super().__init__()
        self.network = network
        self.prepare = prepare
        self.loss = loss

    def forward(self, batch: Mapping[str, Tensor], epoch: int) -> dict[str, Tensor]:
        """The mean loss over the clips with a whole label."""
        clips = self.prepare(batch["clip"], batch["scale"])
        error = self.loss(self.network(clips).float(), batch["label"])
        flags = batch["labelled"]
        return {"loss": (flags * error).sum() / flags.sum().clamp_min(1.0)}


@dataclass(frozen=True, kw_only=True)
class FrameNetwork(Generic[Record]):
    """A network on pictures: how it is made, its input, its target and its loss.

    Attributes:
        name: name of the method.
        make: makes the network from the method's parameters.
        prepare: makes the network's input from pictures, on the device.
        measure: measures the scale of a video for `prepare`.
        choose_loss: gives the loss of its output against the label.
        target: what the output is.
        step_s: seconds from one window to the next at test; 0 for adjacent windows.
        public_names: start of a weight's name in the public code -> start of its name here.
        adapt_public: makes the arrays of the network of those of the public code, under the names
            here; arrays that the network saved stay as they are.
    """

    name: str
    make: Callable[[Record], nn.Module]
    prepare: Prepare
    measure: Callable[[NDArray[Any]], VideoScale] = VideoScale.measure
    choose_loss: Callable[[Record], Loss] = lambda params: squared_error
    target: Target = DIFFERENCES
    step_s: float = 0.0
    public_names: Mapping[str, str] = field(default_factory=dict)
    adapt_public: Adapt = dict

    def train(self, examples: Sequence[Example], training: Training, params: Record) -> Model:
        """Train on all clips side by side.

        Source: X. Liu et al., "rPPG-Toolbox", NeurIPS 2023: AdamW under one cycle of the learning
        rate.

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
            replace(segment, pulse=self.target.to_label(segment.pulse).astype(np.float32))
            for segment in cut_labelled_segments(examples, params.fs, params.clip_s, self.name)
            if segment.pulse is not None
        ]
        clips = Clips(segments, params.clip_length)
        scales = np.stack([scale_row(self.measure(segment.samples)) for segment in segments])

        def pictures_of(start: ClipStart, speed: float = 1.0) -> NDArray[Any]:
            video, first = segments[start[0]].samples, start[1]
            if speed != 1.0:
                video, first = clips.read(start, speed), 0
            return read_with_next(video, first, clips.length)

        max_speed = params.max_speed if isinstance(params, PlayedParameters) else 1.0

        def read_batch(starts: Sequence[ClipStart], rng: np.random.Generator) -> Batch:
            speeds = draw_speeds(len(starts), max_speed, rng)
            labels, flags = clips.pulses(starts, speeds if max_speed > 1 else None)
            pictures = np.stack(list(map(pictures_of, starts, speeds)))
            batch_scales = scales[[segment for segment, _ in starts]]
            return {"clip": pictures, "scale": batch_scales, "label": labels, "labelled": flags}

        def make_input(start: ClipStart) -> Tensor:
            pictures = torch.from_numpy(np.array(pictures_of(start)))
            return self.prepare(pictures[None], torch.from_numpy(scales[[start[0]]]))

        loss = self.choose_loss(params)
        return train_single_stage(
            lambda: _Learner(self.make(params), self.prepare, loss),
            BatchSource(lambda rng: clips.sliding(rng, params.batch, clips.length), read_batch),
            clips,
            make_input,
            training,
            params,
            to_pulses=lambda out: torch.from_numpy(
                np.stack([self.target.to_pulse(row) for row in out.numpy()])
            ),
            one_cycle_steps=clips.batches(params.batch, clips.length),
        )

    def estimate(self, clip: Waveform, model: Model, params: Record) -> Waveform:
        """Estimate the target in windows, and make the pulse of it.

        Pictures are scaled by the whole segment, as the toolbox scales whole videos.

        Args:
            clip: pictures (T, S, S, 3).
            model: the trained network.
            params: the method's parameters.

        Returns:
            The pulse (T,) at `params.fs`.
        """
        network = self.make(params)
        arrays = self.adapt_public(to_own_names(model.arrays, self.public_names))
        load_arrays(network, arrays)
        even = resample_to_rate(clip, params.fs)
        video = even.samples
        scale = torch.from_numpy(scale_row(self.measure(video))[None])

        def make_input(start: int, count: int) -> Tensor:
            pictures = np.array(read_with_next(video, start, count))  # a mapped file is read-only
            return self.prepare(torch.from_numpy(pictures)[None], scale)

        out = run_windows(
            network,
            len(video),
            params.clip_length,
            round(self.step_s * params.fs) or params.clip_length,
            make_input,
            self.target.join,
        )
        return Waveform(self.target.to_pulse(out), even.fs, even.start_s)
