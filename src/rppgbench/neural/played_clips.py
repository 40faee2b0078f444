"""Clips played at a speed, and their parts resized, on the device that trains."""

import torch
from torch import Tensor


def interpolate_axis(values: Tensor, at: Tensor, axis: int = 1) -> Tensor:
    """Interpolate linearly along one axis, at positions of its own for each sample of a batch.

    Args:
        values: (B, ..., N, ...), of any type, N along `axis`.
        at: positions (B, K) between 0 and N - 1.
        axis: the axis, at least 1.

    Returns:
        The interpolated values (B, ..., K, ...), of the type of `at`.

    >>> interpolate_axis(torch.tensor([[0, 10, 20]], dtype=torch.uint8), torch.tensor([[0.5, 2.0]]))
    tensor([[ 5., 20.]])
    """
    below = at.floor().long().clamp(0, values.shape[axis] - 1)
    above = (below + 1).clamp(max=values.shape[axis] - 1)
    share = (at - below).reshape(*at.shape, *[1] * (values.ndim - 2))
    rows = torch.arange(len(values), device=values.device)[:, None]
    first = values.movedim(axis, 1)
    low = first[rows, below].to(at.dtype)
    high = first[rows, above].to(at.dtype)
    return torch.lerp(low, high, share).movedim(1, axis)


def play(frames: Tensor, at: Tensor) -> Tensor:
    """Clips at the speeds at which they are to be seen: see `Clips.windows`.

    Args:
        frames: frames (B, S, ...) of each clip, of any type.
        at: the positions (B, T) of the samples of each clip among its frames.

    Returns:
        The clips (B, T, ...), of the type of `at`.
    """
    return interpolate_axis(frames, at)
