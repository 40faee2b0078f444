"""A convolutional U-net from a map of face regions to a pulse."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.neural.deterministic_layers import repeat_last
from rppgbench.neural.losses.power_spectra import divisor
from rppgbench.signals.spatial_maps import YUV, normalise_stmap


class _Down(nn.Sequential):
    def __init__(self, before: int, after: int) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )


class _Up(nn.Sequential):
    def __init__(self, before: int, after: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(before, before, (1, 2), (1, 2)),
            nn.Conv2d(before, after, 3, (2, 1), 1, bias=False),
            nn.BatchNorm2d(after),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )


class MapUNet(nn.Module):
    """A map (B, 3, rows, T) becomes a pulse (B, T) that is never negative.

    Four blocks halve regions and time, four double time and halve the regions: for 64 rows and
    256 frames the heights are 32, 16, 8, 4, 2, 1, 1, 1. A T that is no multiple of 16 is filled
    with its last frame, and cut again. `width` 64 is the published size: 7,709,389 parameters.

    Source: H. Lu, H. Han, S. K. Zhou, "Dual-GAN: Joint BVP and Noise Modeling for Remote
    Physiological Measurement", CVPR 2021, figure 3; as used by Z. Li, L. Yin, "Contactless Pulse
    Estimation Leveraging Pseudo Labels and Self-Supervision", ICCV 2023, section 3.1.
    """

    def __init__(self, channels: int = 3, width: int = 64) -> None:
        super().__init__()
        w = width
        self.down = nn.Sequential(
            _Down(channels, w), _Down(w, 2 * w), _Down(2 * w, 4 * w), _Down(4 * w, 8 * w)
        )
        last = _Up(w, 1)
        self.up = nn.Sequential(_Up(8 * w, 4 * w), _Up(4 * w, 2 * w), _Up(2 * w, w), last)
        # Targets lie in 0 to 1; from 0 ± 1, half of the output would start behind the last ReLU.
        norm = last[4]
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.constant_(norm.weight, 0.25)
        nn.init.constant_(norm.bias, 0.5)

    def forward(self, maps: Tensor) -> Tensor:
        """The pulse (B, T) of maps (B, 3, rows, T) of values 0 to 1."""
        frames = maps.shape[3]
        padded = repeat_last(maps, -frames % 16, 3)
        pulse: Tensor = self.up(self.down(padded))[:, 0, :, :frames].mean(dim=1)
        return pulse


def map_image(blocks: NDArray[Any], rows: int) -> Tensor:
    """A window of regions as the input of a network.

    Args:
        blocks: RGB of R regions (T, R, 3).
        rows: height of the image.

    Returns:
        An image (1, 3, rows, T), every row scaled to 0..1.
    """
    scaled = torch.from_numpy((normalise_stmap(blocks) / 255).astype(np.float32))
    image = scaled.permute(2, 1, 0)[None]
    return functional.interpolate(
        image, size=(rows, image.shape[3]), mode="bilinear", align_corners=False
    )


def unit_range(pulse: Tensor) -> Tensor:
    """Every pulse (B, T) scaled to 0..1 over its clip; a constant pulse becomes 0."""
    low = pulse.amin(dim=1, keepdim=True)
    span = pulse.amax(dim=1, keepdim=True) - low
    return (pulse - low) / divisor(span)


def yuv_image(blocks: NDArray[Any], rows: int) -> Tensor:
    """A window of regions in YUV, as H. Lu et al. and X. Niu et al. make their maps.

    Args:
        blocks: RGB of R regions (T, R, 3).
        rows: height of the image.

    Returns:
        An image (1, 3, rows, T) of Y, U and V, every row scaled to 0..1.
    """
    return map_image(np.asarray(blocks, dtype=np.float64) @ YUV.T, rows)
