"""The 3D networks of SiNC: PhysNet and RPNet."""

from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import BorderConv3d, LargestPool3d, PartMeans


class VideoPulse(nn.Module):
    """A video (B, C, T, H, W) becomes a pulse (B, T), without any pooling in time.

    Ten convolutions with replicated borders, four spatial poolings. `dilations` are those in time
    of the fifth, seventh and ninth: (1, 1, 1) is the paper's PhysNet, (2, 4, 8) its RPNet;
    both have 1,386,497 parameters at `width` 64. H and W are at least 16.

    Source: J. Speth et al., "Non-Contrastive Unsupervised Learning of Physiological Signals from
    Video", CVPR 2023, section 4.2, and "Unifying Frame Rate and Temporal Dilations for Improved
    Remote Pulse Detection", CVIU 2021.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        dropout: float = 0.5,
        dilations: tuple[int, int, int] = (1, 1, 1),
    ) -> None:
        super().__init__()
        in_time = {5: dilations[0], 7: dilations[1], 9: dilations[2]}
        layers = _convolution(channels, width // 2, (1, 5, 5), 1)
        for number in range(2, 10):
            if number % 2 == 0:  # halve the picture before the second, fourth, sixth and eighth
                layers.append(LargestPool3d((1, 2, 2)))
                if number > 2:
                    layers.append(nn.Dropout3d(dropout))
            before = width // 2 if number == 2 else width
            layers += _convolution(before, width, (5, 3, 3), in_time.get(number, 1))
        layers += [
            PartMeans(1),
            nn.Dropout3d(dropout),
            nn.Conv3d(width, 1, 1),
        ]
        self.stream = nn.Sequential(*layers)

    def forward(self, clip: Tensor) -> Tensor:
        """The pulse (B, T) of a clip (B, C, T, H, W) of values 0 to 1."""
        pulse: Tensor = self.stream(clip)[:, 0, :, 0, 0]
        return pulse


def _convolution(
    before: int, after: int, kernel: tuple[int, int, int], dilation: int
) -> list[nn.Module]:
    padding = (dilation * (kernel[0] // 2), kernel[1] // 2, kernel[2] // 2)
    return [
        BorderConv3d(before, after, kernel, padding=padding, dilation=(dilation, 1, 1)),
        nn.BatchNorm3d(after),
        nn.ReLU(),
    ]
