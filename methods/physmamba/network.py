"""The network of PhysMamba: a slow and a fast path of temporal differences and scans."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import LargestPool3d, repeat_last
from rppgbench.neural.frame_inputs import motion_only
from rppgbench.neural.frame_supervision import FrameNetwork, require_sides
from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.networks.state_space import TWO_WAY_PUBLIC_NAMES, StateSpaceMixer
from rppgbench.neural.networks.temporal_difference import TemporalDifference

if TYPE_CHECKING:
    from . import ScanningParameters

SMALLEST = 16
"""Fewest pixels of a picture's side: four poolings halve it."""

STATES = 16
THETA = 0.5
"""Share of the temporal difference in the convolutions before the scans."""

DROPOUTS = (0.25, 0.5, 0.5)
"""After the first, the second and the third pair of blocks."""

Size = tuple[int, int, int]


def _convolution(
    before: int,
    after: int,
    kernel: Size,
    stride: Size = (1, 1, 1),
    activation: type[nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """A convolution that keeps the size, or, where the stride is the kernel, pools by it."""
    padding = (0, 0, 0) if stride == kernel else (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(before, after, kernel, stride, padding), nn.BatchNorm3d(after), activation()
    )


def _longer(before: int, after: int) -> nn.Sequential:
    """Twice as many frames."""
    return nn.Sequential(
        nn.Upsample(scale_factor=(2, 1, 1)),
        *_convolution(before, after, (3, 1, 1), activation=nn.ELU),
    )


class SequenceBlock(nn.Module):
    """A scan in both directions over the pixels (B, C, T, H, W), frame by frame, row by row."""

    def __init__(self, channels: int, scan: str) -> None:
        super().__init__()
        self.before = nn.LayerNorm(channels)
        self.mixer = StateSpaceMixer(channels, STATES, two_way=True, scan=scan)
        self.after = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """The pixels after the scan, of the same shape."""
        pixels = x.flatten(2).transpose(1, 2)
        scanned: Tensor = self.after(pixels + self.mixer(self.before(pixels)))
        return scanned.transpose(1, 2).reshape(x.shape)


class ChannelGate(nn.Module):
    """Channels of (B, C, T, H, W) scaled by their means and maxima.

    Source: S. Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018, section 3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv3d(channels, channels // 2, 1, bias=False),
            nn.ReLU(),
            nn.Conv3d(channels // 2, channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The scaled channels."""
        axes = (2, 3, 4)
        weights = self.weigh(x.mean(axes, keepdim=True)) + self.weigh(x.amax(axes, keepdim=True))
        scaled: Tensor = x * weights.sigmoid()
        return scaled


def _block(channels: int, scan: str) -> nn.Sequential:
    return nn.Sequential(
        TemporalDifference(channels, THETA),
        nn.BatchNorm3d(channels),
        nn.ReLU(),
        SequenceBlock(channels, scan),
        ChannelGate(channels),
    )


class SlowFastNetwork(nn.Module):
    """From differences of pictures (B, T, 3, H, W) to differences of the pulse (B, T).

    After three convolutions the slow path has a quarter of the frames and the fast path half of
    them, with half of the channels. Each path has three blocks; after the first and the second the
    fast path is added to the slow one. Height and width are at least 16; a T that is no multiple of
    4 is padded with its last frame, and cropped afterwards. `width` 16 is the published size:
    728,769 parameters.

    Source: C. Luo, Y. Xie, Z. Yu, "PhysMamba: Efficient Remote Physiological Measurement with
    SlowFast Temporal Difference Mamba", CCBR 2024, arXiv 2409.12031; github rppg-toolbox @d807b01.
    """

    def __init__(self, width: int = 16, scan: str = "plain") -> None:
        super().__init__()
        slow, fast = 4 * width, 2 * width
        self.pool = LargestPool3d((1, 2, 2))
        self.stem = nn.Sequential(
            _convolution(3, width, (1, 5, 5)), self.pool,
            _convolution(width, fast, (3, 3, 3)), _convolution(fast, slow, (3, 3, 3)), self.pool,
        )  # fmt: skip
        self.to_slow = _convolution(slow, slow, (4, 1, 1), (4, 1, 1))
        self.to_fast = _convolution(slow, fast, (2, 1, 1), (2, 1, 1))
        self.slow = nn.ModuleList(_block(slow, scan) for _ in DROPOUTS)
        self.fast = nn.ModuleList(_block(fast, scan) for _ in DROPOUTS)
        self.drop = nn.ModuleList(nn.Dropout(share) for share in DROPOUTS)
        self.lateral = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(fast, slow, (3, 1, 1), (2, 1, 1), (1, 0, 0)),
                nn.BatchNorm3d(slow),
                nn.ReLU(),
            )
            for _ in range(2)
        )
        self.longer_slow = _longer(slow, slow)
        self.last_fast = _convolution(fast, fast, (3, 1, 1), activation=nn.ELU)
        self.longer = _longer(slow + fast, 3 * width)
        self.out = nn.Conv3d(3 * width, 1, 1)

    def forward(self, clips: Tensor) -> Tensor:
        """The differences of the pulse (B, T).

        Raises:
            BenchError: the pictures are too small.
        """
        require_sides("physmamba", clips, SMALLEST, None, f"toolbox_{SMALLEST}")
        frames = clips.shape[1]
        features = self.stem(repeat_last(clips.transpose(1, 2), -frames % 4, 2))
        slow, fast = self.to_slow(features), self.to_fast(features)
        for k, lateral in enumerate(self.lateral):
            slow = self.drop[k](self.pool(self.slow[k](slow)))
            fast = self.drop[k](self.pool(self.fast[k](fast)))
            slow = slow + lateral(fast)
        slow = self.drop[2](self.longer_slow(self.slow[2](slow)))
        fast = self.drop[2](self.last_fast(self.fast[2](fast)))
        longer = self.longer(torch.cat([fast, slow], dim=1)).mean(dim=(3, 4), keepdim=True)
        change: Tensor = self.out(longer)[:, 0, :frames, 0, 0]
        return change


def make_network(params: "ScanningParameters") -> SlowFastNetwork:
    """Make the network of the method's parameters."""
    return SlowFastNetwork(params.width, params.scan)


def _block_names(number: int, place: str) -> dict[str, str]:
    """The names of `Block1` to `Block3`, the slow ones, and `Block4` to `Block6`, the fast ones."""
    public = f"Block{number}."
    return {
        **{f"{public}{k}.": f"{place}.{k}." for k in (0, 1)},
        f"{public}3.norm1.": f"{place}.3.before.",
        f"{public}3.norm2.": f"{place}.3.after.",
        **{
            f"{public}3.mamba.{name}": f"{place}.3.mixer.{part}"
            for name, part in TWO_WAY_PUBLIC_NAMES.items()
        },
        f"{public}3.mamba.": f"{place}.3.mixer.",
        f"{public}4.fc.": f"{place}.4.weigh.",
    }


PUBLIC_NAMES = {
    **{f"ConvBlock{k}.": f"stem.{place}." for k, place in ((1, 0), (2, 2), (3, 3))},
    "ConvBlock4.": "to_slow.",
    "ConvBlock5.": "to_fast.",
    "ConvBlock6.": "last_fast.",
    **_block_names(1, "slow.0"),
    **_block_names(2, "slow.1"),
    **_block_names(3, "slow.2"),
    **_block_names(4, "fast.0"),
    **_block_names(5, "fast.1"),
    **_block_names(6, "fast.2"),
    "fuse_1.conv.": "lateral.0.",
    "fuse_2.conv.": "lateral.1.",
    "upsample1.": "longer_slow.",
    "upsample2.": "longer.",
    "ConvBlockLast.": "out.",
}

NETWORK = FrameNetwork(
    name="physmamba",
    make=make_network,
    prepare=motion_only,
    choose_loss=lambda params: negative_pearson,
    public_names=PUBLIC_NAMES,
)
