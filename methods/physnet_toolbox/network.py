"""PhysNet as in rPPG-Toolbox: an encoder and a decoder."""

from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import LargestPool3d, repeat_last
from rppgbench.neural.frame_inputs import motion_only
from rppgbench.neural.frame_parameters import FrameParameters
from rppgbench.neural.frame_supervision import FrameNetwork
from rppgbench.neural.losses.agreement import negative_pearson


def _convolution(before: int, after: int, kernel: tuple[int, int, int]) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(before, after, kernel, padding=padding), nn.BatchNorm3d(after), nn.ReLU()
    )


def _doubled(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose3d(channels, channels, (4, 1, 1), (2, 1, 1), (1, 0, 0)),
        nn.BatchNorm3d(channels),
        nn.ELU(),
    )


class EncoderDecoder(nn.Module):
    """From differences of pictures (B, T, 3, H, W) to differences of the pulse (B, T).

    Nine convolutions with poolings that divide the time by 4 and the picture by 16, then
    two transposed ones that double the time. A T that is no multiple of 4 is padded with its last
    frame, and cropped afterwards. `width` 16 is the published size: 768,577 parameters.

    Source: Z. Yu, X. Li, G. Zhao, "Remote Photoplethysmograph Signal Measurement from Facial Videos
    Using Spatio-Temporal Networks", BMVC 2019, the 3D-CNN-ED.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        w = 4 * width
        sizes = [(3, width), (width, 2 * width), (2 * width, w), *[(w, w)] * 6]
        kernels = [(1, 5, 5), *[(3, 3, 3)] * 8]
        layers = [_convolution(*size, k) for size, k in zip(sizes, kernels, strict=True)]
        space, both = LargestPool3d((1, 2, 2)), LargestPool3d((2, 2, 2))
        self.encoder = nn.Sequential(
            layers[0], space, *layers[1:3], both, *layers[3:5], both, *layers[5:7], space,
            *layers[7:9],
        )  # fmt: skip
        self.decoder = nn.Sequential(_doubled(w), _doubled(w))
        self.out = nn.Conv3d(w, 1, 1)

    def forward(self, clips: Tensor) -> Tensor:
        """The differences of the pulse (B, T); H and W are at least 16."""
        frames = clips.shape[1]
        video = clips.transpose(1, 2)
        filled = repeat_last(video, -frames % 4, 2)
        longer = self.decoder(self.encoder(filled)).mean(dim=(3, 4), keepdim=True)
        change: Tensor = self.out(longer)[:, 0, :frames, 0, 0]
        return change


def make_network(params: FrameParameters) -> EncoderDecoder:
    """Make the network of a method's parameters."""
    return EncoderDecoder(params.width)


PLACES = (0, 2, 3, 5, 6, 8, 9, 11, 12)
"""Places of the nine convolutions in the encoder; the other places are poolings."""

PUBLIC_NAMES = {
    **{f"ConvBlock{k}.": f"encoder.{place}." for k, place in enumerate(PLACES, start=1)},
    "upsample.": "decoder.0.",
    "upsample2.": "decoder.1.",
    "ConvBlock10.": "out.",
}
"""Names of the public weights: `ConvBlock1` to `ConvBlock9` are the encoder's convolutions."""

NETWORK = FrameNetwork(
    name="physnet_toolbox",
    make=make_network,
    prepare=motion_only,
    choose_loss=lambda params: negative_pearson,
    public_names=PUBLIC_NAMES,
)
