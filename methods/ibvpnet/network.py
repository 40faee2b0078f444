"""The network of iBVPNet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import LargestPool3d
from rppgbench.neural.frame_inputs import pictures_and_next
from rppgbench.neural.frame_supervision import FrameNetwork, require_sides
from rppgbench.neural.frame_targets import WAVE
from rppgbench.neural.losses.agreement import choose_correlation_loss
from rppgbench.neural.networks.instance_normalised import NormalisedDifferences, tanh_convolution

if TYPE_CHECKING:
    from . import DifferencingParameters

SMALLEST = 64
"""Fewest pixels of a picture's side: fewer leave nothing to the decoder."""


class _OverlappingPool(nn.Module):
    """The maximum over 2 x 2 x 2 of (B, C, T, H, W), every second in time and each in space."""

    def __init__(self) -> None:
        super().__init__()
        self.in_time = LargestPool3d((2, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The maxima (B, C, T // 2, H - 1, W - 1)."""
        halved = self.in_time(x)
        rows = torch.maximum(halved[..., :-1, :], halved[..., 1:, :])
        return torch.maximum(rows[..., :-1], rows[..., 1:])


def _longer(before: int, after: int) -> nn.Sequential:
    """Twice as many frames and 7 more, about half the height and width."""
    return nn.Sequential(
        nn.ConvTranspose3d(before, before, (7, 1, 1), (2, 1, 1), (2, 1, 1)),
        nn.Tanh(),
        nn.InstanceNorm3d(before),
        *tanh_convolution(before, after, (1, 3, 3), stride=(1, 2, 2), padding=(2, 1, 1)),
    )


def largest_in_parts(x: Tensor, parts: int) -> Tensor:
    """The maxima over `parts` parts of the last axis: (..., T) to (..., parts).

    Part k goes from floor(k T / parts) to ceil((k + 1) T / parts), as in `AdaptiveMaxPool1d`.

    Args:
        x: (..., T).
        parts: number of parts.

    >>> largest_in_parts(torch.tensor([3.0, 1.0, 2.0]), 2)
    tensor([3., 2.])
    """
    size = x.shape[-1]
    first = torch.arange(parts, device=x.device) * size // parts
    end = -(-(torch.arange(parts, device=x.device) + 1) * size // parts)
    longest = -(-size // parts) + 1
    at = torch.minimum(first[:, None] + torch.arange(longest, device=x.device), end[:, None] - 1)
    picked = x.index_select(-1, at.flatten())
    return picked.reshape(*x.shape[:-1], parts, longest).amax(dim=-1)


class DifferencingNetwork(nn.Module):
    """From pictures (B, T + 1, 3, H, W) to a pulse (B, T); H and W are at least 64.

    `width` 8 is the published size: 1,426,865 parameters. The decoder's time axis is longer than
    T and not aligned with it; the pulse is its maximum over T parts. Source: J. Joshi, Y. Cho,
    Electronics 2024, DOI 10.3390/electronics13071334, and github rppg-toolbox @d807b01.
    """

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        a, b, c, d, e = (width * factor for factor in (1, 2, 3, 5, 8))
        flat, solid = (1, 3, 3), (3, 3, 3)
        self.differences = NormalisedDifferences()
        self.space = nn.Sequential(
            tanh_convolution(3, a, flat), tanh_convolution(a, b, solid), LargestPool3d((1, 2, 2)),
            tanh_convolution(b, c, flat), tanh_convolution(c, d, solid), LargestPool3d((1, 2, 2)),
            tanh_convolution(d, e, flat), tanh_convolution(e, e, solid),
        )  # fmt: skip
        self.time = nn.Sequential(
            tanh_convolution(e, e, (11, 1, 1)), tanh_convolution(e, e, (11, 3, 3)),
            LargestPool3d((2, 2, 2)),
            tanh_convolution(e, e, (11, 1, 1)), tanh_convolution(e, e, (11, 3, 3)),
            _OverlappingPool(),
            tanh_convolution(e, e, (7, 1, 1)), tanh_convolution(e, e, (7, 3, 3)),
        )  # fmt: skip
        self.decoder = nn.Sequential(_longer(e, d), _longer(d, c))
        self.out = nn.Conv1d(c, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """The pulse (B, T).

        Raises:
            BenchError: the pictures are too small.
        """
        require_sides("ibvpnet", pictures, SMALLEST, None, f"toolbox_{SMALLEST}")
        longer = self.decoder(self.time(self.space(self.differences(pictures)))).amax(dim=(3, 4))
        pulse: Tensor = self.out(largest_in_parts(longer, pictures.shape[1] - 1))[:, 0]
        return pulse


def make_network(params: "DifferencingParameters") -> DifferencingNetwork:
    """Make the network of the method's parameters."""
    return DifferencingNetwork(params.width)


ENCODER = "ibvpnet.0.spatio_temporal_encoder."
TIME_ENCODER = "ibvpnet.0.temporal_encoder."
DECODER = "ibvpnet.1.decoder_block."

PUBLIC_NAMES = {
    **{f"{ENCODER}{k}.conv_block_3d.": f"space.{k}." for k in (0, 1, 3, 4, 6, 7)},
    **{f"{TIME_ENCODER}{k}.conv_block_3d.": f"time.{k}." for k in (0, 1, 3, 4, 6, 7)},
    **{f"{DECODER}{k}.deconv_block_3d.": f"decoder.{k}." for k in (0, 1)},
    "ibvpnet.3.": "out.",
}
"""Start of a weight's name in the public code -> start of its name here."""


def as_line(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays with a last convolution along time alone; the public code has it in space too."""
    return {
        name: array[..., 0, 0] if name == "out.weight" and array.shape[3:] == (1, 1) else array
        for name, array in arrays.items()
    }


NETWORK = FrameNetwork(
    name="ibvpnet",
    make=make_network,
    prepare=pictures_and_next,
    choose_loss=lambda params: choose_correlation_loss(params.loss),
    target=WAVE,
    public_names=PUBLIC_NAMES,
    adapt_public=as_line,
)
