"""The two inputs of BigSmall: standardised large pictures, and differences of small ones."""

from dataclasses import replace
from math import isqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.frame_differences import CHUNK, VideoScale
from rppgbench.neural.frame_inputs import normalise_differences, standardise_pictures
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
    shape = (frames, *_blocks(height, width), channels)
    out: NDArray[np.float32] = video.reshape(shape).mean(axis=(2, 4), dtype=np.float32)
    return out


def _blocks(height: int, width: int) -> tuple[int, int, int, int]:
    """Number and height of the rows of blocks, then number and width of the columns."""
    if height % REDUCTION or width % REDUCTION:
        raise BenchError(
            f"bigsmall: a crop of {width} pixels does not fit; choose a multiple of {REDUCTION}, "
            "as toolbox_144"
        )
    return height // REDUCTION, REDUCTION, width // REDUCTION, REDUCTION


def measure_scale(video: NDArray[Any]) -> VideoScale:
    """Mean and deviation of the large pictures, and the deviation of the small ones' differences.

    Args:
        video: pictures (T, S, S, 3).
    """
    chunks = range(0, len(video), CHUNK)
    small = [small_pictures(np.asarray(video[first : first + CHUNK])) for first in chunks]
    differences = VideoScale.measure(np.concatenate(small)).difference_deviation
    return replace(VideoScale.measure(video), difference_deviation=differences)


def large_and_small(pictures: Tensor, scale: Tensor) -> Tensor:
    """Each frame's large picture and, behind it, the differences of its small one, as one row.

    Args:
        pictures: clips with the next picture (B, T + 1, S, S, 3).
        scale: of what `measure_scale` gives of the whole videos (B, 3).

    Returns:
        (B, T, 3, S * S + s * s) with s = S / 16. Large pictures that no layer sees, the second and
        third of each group of three, are 0.
    """
    batch, frames, height, width, channels = pictures.shape
    shape = (batch, frames, *_blocks(height, width), channels)
    small = normalise_differences(pictures.float().reshape(shape).mean(dim=(3, 5)), scale[:, 2])
    large = standardise_pictures(pictures[:, :-1:GROUP], scale)
    small, large = (values.permute(0, 1, 4, 2, 3).flatten(3) for values in (small, large))
    pixels = height * width
    out = small.new_zeros(*small.shape[:3], pixels + small.shape[3])
    out[:, ::GROUP, :, :pixels] = large
    out[..., pixels:] = small
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
