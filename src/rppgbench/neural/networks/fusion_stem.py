"""The stem of RhythmFormer and RhythmMamba: pictures and their differences, fused."""

import torch
from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import repeat_border


def neighbour_differences(pictures: Tensor) -> Tensor:
    """The four differences between each picture and two on either side of it.

    Of f(t): f(t-1) - f(t-2), f(t) - f(t-1), f(t+1) - f(t) and f(t+2) - f(t+1). The first and the
    last picture stand for those beyond the ends.

    Args:
        pictures: (B, T, C, H, W).

    Returns:
        The differences (B, T, 4 C, H, W), in this order.

    >>> neighbour_differences(torch.tensor([0.0, 1, 4]).reshape(1, 3, 1, 1, 1)).squeeze()
    tensor([[0., 0., 1., 3.],
            [0., 1., 3., 0.],
            [1., 3., 0., 0.]])
    """
    padded = repeat_border(pictures, 2, 2, 1)
    change = padded[:, 1:] - padded[:, :-1]
    frames = pictures.shape[1]
    return torch.cat([change[:, k : k + frames] for k in range(4)], dim=2)


def _convolution(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2), nn.BatchNorm2d(after), nn.ReLU()
    )


class FusionStem(nn.Module):
    """From pictures (B, T, 3, H, W) to features (B, T, C, h, w) of each picture.

    Pictures and their differences have a convolution each. The features of the pictures are the
    mean of both; a second convolution follows on this mean and one on the differences alone, and
    their mean is the output. No weight between the two is learned.

    Source: B. Zou et al., "RhythmFormer: Extracting Patterned rPPG Signals based on Periodic Sparse
    Attention", arXiv 2402.12788, and github RhythmFormer @033d487.
    """

    def __init__(
        self,
        widths: tuple[int, int],
        kernels: tuple[int, int],
        pool: nn.Module,
        last_pool: nn.Module,
    ) -> None:
        super().__init__()
        self.of_pictures = _convolution(3, widths[0], kernels[0], 2)
        self.of_differences = _convolution(12, widths[0], kernels[0], 2)
        self.of_both = _convolution(widths[0], widths[1], kernels[1])
        self.of_differences_again = _convolution(widths[0], widths[1], kernels[1])
        self.pool, self.last_pool = pool, last_pool

    def forward(self, pictures: Tensor) -> Tensor:
        """The features (B, T, C, h, w)."""
        shape = pictures.shape[:2]
        still = self.pool(self.of_pictures(pictures.flatten(0, 1)))
        motion = self.pool(self.of_differences(neighbour_differences(pictures).flatten(0, 1)))
        both = self.last_pool(self.of_both((still + motion) / 2))
        again = self.last_pool(self.of_differences_again(motion))
        features = (both + again) / 2
        fused: Tensor = features.reshape(*shape, *features.shape[1:])
        return fused


PUBLIC_NAMES = {
    "stem11.": "of_pictures.",
    "stem12.": "of_differences.",
    "stem21.": "of_both.",
    "stem22.": "of_differences_again.",
}
"""Start of a weight's name in the public code of both -> start of its name in `FusionStem`."""
