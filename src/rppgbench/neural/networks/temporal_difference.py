"""A convolution in space and time that weighs temporal differences."""

from torch import Tensor, nn
from torch.nn import functional


class TemporalDifference(nn.Module):
    """A 3 x 3 x 3 convolution of temporal differences: (B, C, T, H, W), same shape.

    From the plain convolution, `theta` of the present pixel times the weights of the frames before
    and after is taken off: a plain convolution with another weight at its centre.

    Source: Z. Yu et al., "PhysFormer: Facial Video-based Physiological Measurement with Temporal
    Difference Transformer", CVPR 2022, Eq 2.
    """

    def __init__(self, channels: int, theta: float) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.theta = theta

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of x with the changed weights."""
        weight = self.conv.weight
        around = weight[:, :, 0].sum(dim=(2, 3)) + weight[:, :, 2].sum(dim=(2, 3))
        centre = functional.pad(around[:, :, None, None, None], (1, 1, 1, 1, 1, 1))
        return functional.conv3d(x, weight - self.theta * centre, padding=1)
