"""Saliency sampler: magnifies the salient parts of a picture."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.neural.deterministic_layers import (
    LargestOfNine,
    interpolate_pictures,
    repeat_border,
    sample_pictures,
)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


def first_layers(width: int = 64) -> nn.Sequential:
    """The layers of ResNet-18 up to its first stage: (B, 3, H, W) to (B, width, H / 4, W / 4)."""
    return nn.Sequential(
        nn.Conv2d(3, width, 7, 2, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        LargestOfNine(),
        _Residual(width),
        _Residual(width),
    )


def gaussian(size: int, width_at_half: float) -> Tensor:
    """A square Gaussian (size, size), 1 in the middle.

    Args:
        size: height and width.
        width_at_half: full width at half of the maximum.

    >>> gaussian(3, 2.0)
    tensor([[0.2500, 0.5000, 0.2500],
            [0.5000, 1.0000, 0.5000],
            [0.2500, 0.5000, 0.2500]])
    """
    at = torch.arange(size) - size // 2
    along = torch.exp(-4 * math.log(2) * at.square() / width_at_half**2)
    return along[:, None] * along


class SaliencySampler(nn.Module):
    """A clip (B, 3, T, H, W) sampled anew at `size` x `size`, denser where it is salient.

    Saliency is a softmax over a square grid for each frame. An output pixel samples the mean of
    positions, weighted by saliency and a Gaussian of the distance. Grid, padding and the Gaussian's
    width grow with `size`. Returns the clip and the saliency (B, T, 1, G, G).

    Source: J. Gideon, S. Stent, ICCV 2021, section 3.1, after A. Recasens et al., "Learning to
    Zoom: a Saliency-Based Sampling Layer for Neural Networks", ECCV 2018.
    """

    kernel: Tensor
    basis: Tensor

    def __init__(self, size: int = 64, features: nn.Module | None = None, width: int = 64) -> None:
        super().__init__()
        ratio = size / 128
        self.size = size
        self.grid = round(32 * ratio)
        self.padding = round(32 * ratio)
        self.features = features or first_layers(width)
        self.last = nn.Conv2d(width, 1, 1)
        self.kernel = nn.Parameter(gaussian(2 * self.padding + 1, 13 * ratio)[None, None])
        at = (torch.arange(self.grid + 2 * self.padding) - self.padding) / (self.grid - 1)
        self.register_buffer("basis", torch.stack(torch.meshgrid(at, at, indexing="xy")))

    def forward(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        """The sampled clip (B, 3, T, size, size) and its saliency (B, T, 1, G, G)."""
        batch, channels, frames = clip.shape[:3]
        flat = clip.transpose(1, 2).reshape(-1, channels, *clip.shape[3:])
        small = functional.adaptive_avg_pool2d(flat, (self.size, self.size))
        raw = self.last(functional.relu(self.features(small)))
        raw = interpolate_pictures(raw, self.grid, align_corners=True)
        saliency = raw.flatten(1).softmax(dim=1).reshape(raw.shape)
        padded = saliency
        for axis in (2, 3):
            padded = repeat_border(padded, self.padding, self.padding, axis)
        weight = functional.conv2d(padded, self.kernel)
        moved = functional.conv2d((padded * self.basis).flatten(0, 1)[:, None], self.kernel)
        positions = moved.reshape(-1, 2, self.grid, self.grid) / weight
        positions = (2 * positions - 1).clamp(-1, 1)
        positions = interpolate_pictures(positions, self.size, align_corners=True)
        positions = positions.permute(0, 2, 3, 1)
        sampled = sample_pictures(flat, positions)
        shape = (batch, frames, channels, self.size, self.size)
        return (
            sampled.reshape(shape).transpose(1, 2),
            saliency.reshape(batch, frames, 1, self.grid, self.grid),
        )


def sparseness(saliency: Tensor) -> Tensor:
    """Entropy of the saliency, divided by the number of its values: low for a single focus."""
    return -(saliency * saliency.clamp_min(1e-12).log()).sum() / saliency.numel()


def steadiness(saliency: Tensor) -> Tensor:
    """Squared difference of the saliency (B, T, 1, G, G) between frames, over its values."""
    return saliency.diff(dim=1).square().sum() / saliency.numel()
