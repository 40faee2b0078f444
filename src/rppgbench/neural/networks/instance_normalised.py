"""Layers of iBVPNet and FactorizePhys: no statistics are learned, each clip is normalised alone."""

from torch import Tensor, nn

Size = tuple[int, int, int]


class NormalisedDifferences(nn.Module):
    """Pictures (B, T + 1, C, H, W) as normalised differences of neighbours (B, C, T, H, W)."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm3d(channels)

    def forward(self, pictures: Tensor) -> Tensor:
        """Each clip and channel with mean 0 and deviation 1."""
        change: Tensor = self.norm((pictures[:, 1:] - pictures[:, :-1]).transpose(1, 2))
        return change


def tanh_convolution(
    before: int,
    after: int,
    kernel: Size,
    *,
    stride: Size = (1, 1, 1),
    padding: Size | None = None,
    bias: bool = True,
) -> nn.Sequential:
    """A convolution, its tanh, and instance norm without learned scale.

    Args:
        before: channels of the input.
        after: channels of the output.
        kernel: size in time, height and width.
        stride: step in time, height and width.
        padding: zeros at each end; None keeps the size for a step of 1.
        bias: whether the convolution has one.
    """
    width = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2) if padding is None else padding
    return nn.Sequential(
        nn.Conv3d(before, after, kernel, stride, width, bias=bias),
        nn.Tanh(),
        nn.InstanceNorm3d(after),
    )
