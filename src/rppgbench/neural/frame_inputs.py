"""Inputs of networks from pictures as they are stored: computed on the device, a batch at once.

Readers copy bytes, so that they keep up with a card: differences and scales take ten times as long
as copying.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.frame_differences import VideoScale


def read_with_next(video: NDArray[Any], start: int, length: int) -> NDArray[Any]:
    """The pictures of a clip and the next; at the end of the video the last one is repeated.

    Args:
        video: pictures (T, H, W, 3).
        start: first picture of the clip.
        length: pictures in the clip.

    Returns:
        (length + 1, H, W, 3), as they are stored.
    """
    frames = video[start : start + length + 1]
    missing = length + 1 - len(frames)
    if missing <= 0:
        return frames
    return np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])


def scale_row(scale: VideoScale) -> NDArray[np.float32]:
    """What inputs are scaled by (3,): mean, deviation, deviation of the differences."""
    return np.array([scale.mean, scale.deviation, scale.difference_deviation], np.float32)


def normalise_differences(pictures: Tensor, deviation: Tensor) -> Tensor:
    """Differences of neighbouring pictures over their sum, divided by a standard deviation.

    The values are those of `frame_differences`. Source: X. Liu et al., "rPPG-Toolbox", NeurIPS
    2023, input type "DiffNormalized".

    Args:
        pictures: (B, T + 1, ...), bytes or numbers.
        deviation: standard deviation (B,) of the differences of the whole video.

    Returns:
        (B, T, ...) float32; all 0 where the deviation is 0. The difference of a repeated picture
        is 0.
    """
    values = pictures if pictures.is_floating_point() else pictures.float()
    change = values[:, 1:] - values[:, :-1]
    change /= values[:, 1:] + values[:, :-1] + 1e-7
    spread = deviation.reshape(-1, *[1] * (pictures.dim() - 1)).float()
    return torch.where(spread > 0, change.float() / spread, 0.0)


def standardise_pictures(pictures: Tensor, scale: Tensor) -> Tensor:
    """Pictures by the mean and deviation of the whole video.

    Args:
        pictures: (B, T, H, W, 3).
        scale: (B, 3), see `scale_row`.

    Returns:
        (B, T, H, W, 3) float32.
    """
    mean, deviation = scale[:, 0, None, None, None, None], scale[:, 1, None, None, None, None]
    return (pictures.float() - mean) / torch.where(deviation > 0, deviation, 1.0)


def _channels_first(pictures: Tensor) -> Tensor:
    """Pictures (B, T, H, W, C) as (B, T, C, H, W)."""
    return pictures.permute(0, 1, 4, 2, 3).contiguous()


def motion_only(pictures: Tensor, scale: Tensor) -> Tensor:
    """Normalised differences of clips (motion) alone.

    Args:
        pictures: clips with the next picture (B, T + 1, H, W, 3).
        scale: (B, 3), see `scale_row`.

    Returns:
        (B, T, 3, H, W). Only the last picture of a video has no difference (0).
    """
    return _channels_first(normalise_differences(pictures, scale[:, 2]))


def motion_and_appearance(pictures: Tensor, scale: Tensor) -> Tensor:
    """Normalised differences of clips (motion) above their standardised pictures (appearance).

    Args:
        pictures: clips with the next picture (B, T + 1, H, W, 3).
        scale: (B, 3), see `scale_row`.

    Returns:
        (B, T, 6, H, W).
    """
    return torch.cat([motion_only(pictures, scale), appearance(pictures, scale)], dim=2)


def appearance(pictures: Tensor, scale: Tensor) -> Tensor:
    """Standardised pictures of clips.

    Args:
        pictures: clips with the next picture (B, T + 1, H, W, 3).
        scale: (B, 3), see `scale_row`.

    Returns:
        (B, T, 3, H, W); at the end of a video the last picture is repeated.
    """
    return appearance_and_next(pictures[:, :-1], scale)


def appearance_and_next(pictures: Tensor, scale: Tensor) -> Tensor:
    """Standardised pictures of clips and the next picture, for networks that form differences.

    Args:
        pictures: clips with the next picture (B, T + 1, H, W, 3).
        scale: (B, 3), see `scale_row`.

    Returns:
        (B, T + 1, 3, H, W).
    """
    return _channels_first(standardise_pictures(pictures, scale))


def pictures_and_next(pictures: Tensor, scale: Tensor) -> Tensor:
    """Pictures of clips and the next one as they are, for networks that form differences.

    Args:
        pictures: clips with the next picture (B, T + 1, H, W, 3).
        scale: not used.

    Returns:
        (B, T + 1, 3, H, W), 0 to 255.
    """
    return _channels_first(pictures.float())


def pictures_to_one(pictures: Tensor, scale: Tensor) -> Tensor:
    """Pictures of clips, 0 to 1.

    Args:
        pictures: clips with the next picture (B, T + 1, H, W, 3).
        scale: not used.

    Returns:
        (B, T, 3, H, W).
    """
    return pictures_and_next(pictures[:, :-1], scale) / 255
