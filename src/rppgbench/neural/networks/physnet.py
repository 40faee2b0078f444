"""PhysNet with one pulse for each part of the picture."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.neural.deterministic_layers import MeanPool3d, PartMeans, repeat_last
from rppgbench.neural.losses.power_spectra import divisor


def _convolution(before: int, after: int, kernel: tuple[int, int, int]) -> list[nn.Module]:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return [
        nn.Conv3d(before, after, kernel, padding=padding),
        nn.BatchNorm3d(after),
        nn.ELU(inplace=True),
    ]


def _stage(before: int, after: int, pool: tuple[int, int, int]) -> nn.Sequential:
    return nn.Sequential(
        MeanPool3d(pool),
        *_convolution(before, after, (3, 3, 3)),
        *_convolution(after, after, (3, 3, 3)),
    )


def standardise(clip: Tensor) -> Tensor:
    """Clips (B, C, T, H, W), every channel with mean 0 and unbiased standard deviation 1.

    A constant channel becomes 0.
    """
    mean = clip.mean(dim=(2, 3, 4), keepdim=True)
    deviation = clip.std(dim=(2, 3, 4), keepdim=True)
    return (clip - mean) / divisor(deviation)


class PhysNet(nn.Module):
    """A video (B, C, T, H, W) of values 0 to 255 becomes pulses (B, S * S + 1, T).

    The first S * S rows are the pulses of the parts of the picture, row by row, and the last is
    their mean. `width` 32 is the published size: 858,497 parameters at any S, since pooling has
    none. T is at least 4, H and W at least 16.

    Source: Z. Sun, X. Li, "Contrast-Phys: Unsupervised Video-based Remote Physiological
    Measurement via Spatiotemporal Contrast", ECCV 2022, section 3.2, on the encoder and decoder of
    Z. Yu, X. Li, G. Zhao, "Remote Photoplethysmograph Signal Measurement from Facial Videos Using
    Spatio-Temporal Networks", BMVC 2019. The names of the parts are those of the public weights.
    """

    def __init__(self, parts: int = 2, channels: int = 3, width: int = 32) -> None:
        super().__init__()
        deep = 2 * width
        self.start = nn.Sequential(*_convolution(channels, width, (1, 5, 5)))
        self.loop1 = _stage(width, deep, (1, 2, 2))
        self.encoder1 = _stage(deep, deep, (2, 2, 2))
        self.encoder2 = _stage(deep, deep, (2, 2, 2))
        self.loop4 = _stage(deep, deep, (1, 2, 2))
        self.decoder1 = nn.Sequential(*_convolution(deep, deep, (3, 1, 1)))
        self.decoder2 = nn.Sequential(*_convolution(deep, deep, (3, 1, 1)))
        self.end = nn.Sequential(
            PartMeans(parts),
            nn.Conv3d(deep, 1, 1),
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Pulses (B, S * S + 1, T) of a clip (B, C, T, H, W)."""
        x = self.loop1(self.start(standardise(clip)))
        length = x.shape[2]
        x = self.encoder1(x)
        half = x.shape[2]
        x = self.encoder2(x)
        x = self._doubled(self.decoder1, self.loop4(x), half)
        x = self._doubled(self.decoder2, x, length)
        rows: Tensor = self.end(x)[:, 0].flatten(2).transpose(1, 2)
        return torch.cat([rows, rows.mean(dim=1, keepdim=True)], dim=1)

    @staticmethod
    def _doubled(decoder: nn.Module, x: Tensor, frames: int) -> Tensor:
        x = decoder(functional.interpolate(x, scale_factor=(2.0, 1.0, 1.0)))
        return repeat_last(x, frames - x.shape[2], 2)
