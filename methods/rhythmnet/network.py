"""RhythmNet: a residual network and a recurrent layer."""

import torch
from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import LargestOfNine, PictureMean


class _Residual(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.past = (
            nn.Identity()
            if stride == 1 and before == after
            else nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.past(x))


class ResNet18(nn.Sequential):
    """An image (B, 3, H, W) becomes features (B, 8 * width): 11,176,512 parameters at width 64.

    Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR
    2016, table 1, 18 layers, without the last.
    """

    def __init__(self, width: int = 64) -> None:
        w = width
        stages = [(w, w, 1), (w, w, 1), (w, 2 * w, 2), (2 * w, 2 * w, 1), (2 * w, 4 * w, 2),
                  (4 * w, 4 * w, 1), (4 * w, 8 * w, 2), (8 * w, 8 * w, 1)]  # fmt: skip
        super().__init__(
            nn.Conv2d(3, w, 7, 2, 3, bias=False),
            nn.BatchNorm2d(w),
            nn.ReLU(),
            LargestOfNine(),
            *(_Residual(*stage) for stage in stages),
            PictureMean(),
        )


class RhythmNet(nn.Module):
    """Maps in a row (B, K, 3, rows, T) become heart rates in bpm (B, K).

    `start_bpm` is the output's bias before training.

    Source: X. Niu, S. Shan, H. Han, X. Chen, "RhythmNet", IEEE TIP 2020, section III-C.
    """

    def __init__(self, width: int = 64, memory: int = 512, start_bpm: float = 0.0) -> None:
        super().__init__()
        self.features = ResNet18(width)
        self.row = nn.GRU(8 * width, memory, batch_first=True)
        self.rate = nn.Linear(memory, 1)
        nn.init.constant_(self.rate.bias, start_bpm)

    def forward(self, maps: Tensor) -> Tensor:
        """Heart rates in bpm (B, K); each depends on its map and the maps before."""
        features = self.features(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        states, _ = self.row(features)
        bpm: Tensor = self.rate(states)[:, :, 0]
        return bpm
