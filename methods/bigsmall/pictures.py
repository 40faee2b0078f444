"""The two inputs of BigSmall: standardised large pictures, and differences of small ones."""

from dataclasses import replace
from math import isqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.frame_differences import CHUNK, VideoScale, normalise_differences
from rppgbench.system.errors import BenchError

REDUCTION = 16
"""How many times smaller the small pictures are."""

GROUP = 3
"""Frames in a group: its first frame alone is seen large."""


def small_pictures(video: NDArray[Any]) -> NDArray[np.float32]:
    """Means over blocks of 16 x 16 pixels.

    The public code reduces by areas too, and rounds to bytes, which hides a weak pulse.

    >>> small_pictures(np.arange(512, dtype=np.uint8).reshape(1, 16, 32, 1)).shape
    (1, 1, 2, 1)
    """
    frames, height, width, channels = video.shape
    if height % REDUCTION or width % REDUCTION:
        raise BenchError(
            f"bigsmall: a crop of {width} pixels does not fit; choose a multiple of {REDUCTION}, "
            "as toolbox_144"
        )
    shape = (frames, height // REDUCTION, REDUCTION, width // REDUCTION, REDUCTION, channels)
    out: NDArray[np.float32] = video.reshape(shape).mean(axis=(2, 4), dtype=np.float32)
    return out


def measure_scale(video: NDArray[Any]) -> VideoScale:
    """Mean and deviation of the large pictures, and the deviation of the small ones' differences.

    Args:
        video: pictures (T, S, S, 3).
    """
    chunks = range(0, len(video), CHUNK)
    small = [small_pictures(np.asarray(video[first : first + CHUNK])) for first in chunks]
    differences = VideoScale.measure(np.concatenate(small)).difference_deviation
    return replace(VideoScale.measure(video), difference_deviation=differences)


def large_and_small(
    video: NDArray[Any], start: int, length: int, scale: VideoScale
) -> NDArray[np.float32]:
    """Each frame's large picture and, behind it, the differences of its small one, as one row.

    Args:
        video: pictures (T, S, S, 3).
        start: first picture of the clip.
        length: pictures in the clip.
        scale: what `measure_scale` gives of the whole video.

    Returns:
        (length, 3, S * S + s * s) with s = S / 16. Large pictures that no layer sees, the second
        and third of each group of three, are 0.
    """
    frames = np.asarray(video[start : start + length + 1])
    small = normalise_differences(small_pictures(frames), scale.difference_deviation)[:length]
    large = scale.standardise(frames[:length:GROUP])
    pixels = large.shape[1] * large.shape[2]
    out = np.zeros((length, 3, pixels + small.shape[1] * small.shape[2]), np.float32)
    out[::GROUP, :, :pixels] = large.transpose(0, 3, 1, 2).reshape(len(large), 3, pixels)
    out[:, :, pixels:] = small.transpose(0, 3, 1, 2).reshape(length, 3, -1)
    return out


def split_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The pictures of what `large_and_small` gives.

    Args:
        rows: (N, 3, S * S + s * s), N a multiple of 3.

    Returns:
        Large pictures of every third frame (N / 3, 3, S, S), and small ones (N, 3, s, s).
    """
    side = isqrt(rows.shape[-1] // (REDUCTION**2 + 1))
    pixels = (REDUCTION * side) ** 2
    large = rows[::GROUP, :, :pixels].reshape(-1, 3, REDUCTION * side, REDUCTION * side)
    return large, rows[:, :, pixels:].reshape(-1, 3, side, side)


def rotate_in_groups(features: Tensor) -> Tensor:
    """Take a third of the channels from the next frame, a third from the previous.

    The neighbours are those within a group of three frames; its last frame's next is its first.

    Args:
        features: (N, C, H, W), N a multiple of 3.

    Returns:
        The features (N, C, H, W).

    >>> rotate_in_groups(torch.arange(9.0).reshape(3, 3, 1, 1))[:, :, 0, 0]
    tensor([[3., 7., 2.],
            [6., 1., 5.],
            [0., 4., 8.]])
    """
    third = features.shape[1] // 3
    groups = features.reshape(-1, GROUP, *features.shape[1:])
    shifted = torch.cat(
        [
            groups[:, :, :third].roll(-1, 1),
            groups[:, :, third : 2 * third].roll(1, 1),
            groups[:, :, 2 * third :],
        ],
        dim=2,
    )
    return shifted.reshape(features.shape)
