"""Inputs of networks from a whole video, for tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.frame_differences import VideoScale, frame_differences
from rppgbench.neural.frame_inputs import normalise_differences, read_with_next, scale_row


def clip_input(
    prepare: Callable[[Tensor, Tensor], Tensor],
    video: NDArray[Any],
    start: int,
    length: int,
    scale: VideoScale,
) -> Tensor:
    """The input (1, T, C, H, W) of a clip, as a training and an inference make it."""
    pictures = torch.from_numpy(np.array(read_with_next(video, start, length)))[None]
    return prepare(pictures, torch.from_numpy(scale_row(scale))[None])


def normalised_video(video: NDArray[Any], deviation: float | None = None) -> NDArray[np.float32]:
    """Normalised differences of a whole video (T, ...), by its own deviation unless it is given."""
    spread = frame_differences(video).std() if deviation is None else deviation
    pictures = torch.from_numpy(read_with_next(video, 0, len(video)))[None]
    out = normalise_differences(pictures, torch.tensor([spread]))[0].numpy()
    return np.asarray(out, np.float32)
