"""The network of RhythmFormer: attention among the regions of a clip that are most alike."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import LargestOfNine, repeat_last
from rppgbench.neural.frame_inputs import appearance
from rppgbench.neural.frame_supervision import FrameNetwork, require_sides
from rppgbench.neural.frame_targets import WAVE
from rppgbench.neural.losses.rhythm import choose_rhythm_loss
from rppgbench.neural.networks.fusion_stem import PUBLIC_NAMES as STEM_NAMES
from rppgbench.neural.networks.fusion_stem import FusionStem
from rppgbench.neural.networks.temporal_difference import TemporalDifference
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    from . import RhythmParameters

SMALLEST = 64
"""Fewest pixels of a picture's side: stem and patches divide it by 16, regions by 4."""

HALVINGS = (1, 2, 3)
"""How often each stage halves the time."""

ROUTED = 40
"""Regions that the tokens of a region look at."""

PARTS = 4
"""Regions in height and in width, where these are a multiple of it."""

HEADS = 4
THETA = 0.2
"""Share of the temporal difference in the convolutions of queries and keys."""


def region_side(tokens: int) -> int:
    """The side of a region of a picture with a number of tokens a side.

    >>> region_side(8), region_side(6)
    (2, 1)
    """
    return max(1, tokens // PARTS)


def split_regions(x: Tensor, frames: int) -> Tensor:
    """The tokens of each region: (B, C, T, H, W) to (B, regions, tokens, C).

    Args:
        x: maps, T a multiple of `frames`, H and W of their `region_side`.
        frames: frames in a region.
    """
    batch, channels, total, height, width = x.shape
    high, wide = region_side(height), region_side(width)
    rows, columns = height // high, width // wide
    parts = x.reshape(batch, channels, total // frames, frames, rows, high, columns, wide)
    return parts.permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(batch, -1, frames * high * wide, channels)


def join_regions(tokens: Tensor, frames: int, height: int, width: int) -> Tensor:
    """The inverse of `split_regions`: (B, regions, tokens, C) to (B, C, T, H, W).

    Args:
        tokens: the tokens of each region.
        frames: frames in a region.
        height: H.
        width: W.
    """
    batch, _, _, channels = tokens.shape
    high, wide = region_side(height), region_side(width)
    parts = tokens.reshape(batch, -1, height // high, width // wide, frames, high, wide, channels)
    return parts.permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(batch, channels, -1, height, width)


class RoutedAttention(nn.Module):
    """Attention of maps (B, C, T, H, W) in which each region looks at the 40 most like it.

    Regions are compared by the means of their queries and keys, without a gradient, and all heads
    look at the same regions. The scale is that of all channels, not of a head's. Source: L. Zhu et
    al., "BiFormer: Vision Transformer with Bi-Level Routing Attention", CVPR 2023, Eq 3 to 7, in
    the form of github RhythmFormer @033d487.
    """

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.query = nn.Sequential(TemporalDifference(channels, THETA), nn.BatchNorm3d(channels))
        self.key = nn.Sequential(TemporalDifference(channels, THETA), nn.BatchNorm3d(channels))
        self.value = nn.Conv3d(channels, channels, 1, bias=False)
        self.around = nn.Conv3d(channels, channels, 3, padding=1, groups=channels)
        self.out = nn.Conv3d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The attended maps (B, C, T, H, W)."""
        values = self.value(x)
        query, key, value = (
            split_regions(part, self.frames) for part in (self.query(x), self.key(x), values)
        )
        batch, regions, _, channels = query.shape
        alike = query.detach().mean(dim=2) @ key.detach().mean(dim=2).transpose(1, 2)
        routes = alike.topk(ROUTED, dim=-1).indices
        first = regions * torch.arange(batch, device=x.device)[:, None, None]
        chosen = (routes + first).flatten()

        def headed(tokens: Tensor) -> Tensor:
            """(B R, n, C) as (B R, heads, n, C / heads)."""
            return tokens.reshape(batch * regions, -1, HEADS, channels // HEADS).transpose(1, 2)

        keys, looked_at = (
            headed(tokens.flatten(0, 1).index_select(0, chosen)) for tokens in (key, value)
        )
        scores = headed(query) @ keys.transpose(2, 3) * channels**-0.5
        attended = (scores.softmax(dim=-1) @ looked_at).transpose(1, 2)
        tokens = attended.reshape(query.shape)
        maps = join_regions(tokens, self.frames, *x.shape[-2:]) + self.around(values)
        out: Tensor = self.out(maps)
        return out


class Block(nn.Module):
    """Attention and three convolutions, each added to its input."""

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        inner = 3 * channels // 2
        self.norm = nn.BatchNorm3d(channels)
        self.attention = RoutedAttention(channels, frames)
        self.mixing_norm = nn.BatchNorm3d(channels)
        self.mixing = nn.Sequential(
            nn.Conv3d(channels, inner, 1), nn.BatchNorm3d(inner), nn.GELU(),
            nn.Conv3d(inner, inner, 3, padding=1), nn.BatchNorm3d(inner), nn.GELU(),
            nn.Conv3d(inner, channels, 1), nn.BatchNorm3d(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """The maps (B, C, T, H, W)."""
        x = x + self.attention(self.norm(x))
        mixed: Tensor = x + self.mixing(self.mixing_norm(x))
        return mixed


def _stage(channels: int, halvings: int) -> nn.Sequential:
    """Halvings of the time, two blocks, and as many doublings."""
    shorter = [
        nn.Sequential(nn.BatchNorm3d(channels), nn.Conv3d(channels, channels, (2, 1, 1), (2, 1, 1)))
        for _ in range(halvings)
    ]
    longer = [
        nn.Sequential(
            nn.Upsample(scale_factor=(2, 1, 1)),
            nn.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0)),
            nn.BatchNorm3d(channels),
            nn.ELU(),
        )
        for _ in range(halvings)
    ]
    frames = max(1, 4 // 2**halvings)
    blocks = [Block(channels, frames) for _ in range(2)]
    return nn.Sequential(nn.Sequential(*shorter), nn.Sequential(*blocks), nn.Sequential(*longer))


class RhythmNetwork(nn.Module):
    """From standardised pictures (B, T, 3, H, W) to a pulse (B, T).

    Height and width are at least 64. A T that is no multiple of 8, or gives the last stage less
    than 40 regions, is padded with its last picture, and cropped afterwards. `width` 64 is the
    published size: 3,251,137 parameters, and 74,880 in the public code on which no output depends.

    Source: B. Zou et al., "RhythmFormer: Extracting Patterned rPPG Signals based on Periodic Sparse
    Attention", arXiv 2402.12788, and github RhythmFormer @033d487.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.stem = FusionStem((width, width), (5, 3), LargestOfNine(), nn.Identity())
        self.patches = nn.Conv3d(width, width, (1, 4, 4), (1, 4, 4))
        self.stages = nn.Sequential(*(_stage(width, halvings) for halvings in HALVINGS))
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """The pulse (B, T).

        Raises:
            BenchError: the pictures are too small, or do not divide into regions.
        """
        require_sides("rhythmformer", pictures, SMALLEST, None, "toolbox_128")
        frames, regions = pictures.shape[1], 1
        for pixels in pictures.shape[-2:]:
            tokens = pixels // 16
            if tokens % region_side(tokens):
                raise BenchError(
                    f"rhythmformer: a crop of {pixels} pixels does not divide into regions; choose "
                    "a multiple of 64, as toolbox_128"
                )
            regions *= tokens // region_side(tokens)
        missing = max(-frames % 8, 8 * -(-ROUTED // regions) - frames)
        features = self.stem(repeat_last(pictures, missing, 1)).transpose(1, 2)
        maps = self.stages(self.patches(features))
        pulse: Tensor = self.out(maps.mean(dim=(3, 4)))[:, 0, :frames]
        return pulse


def make_network(params: "RhythmParameters") -> RhythmNetwork:
    """Make the network of the method's parameters."""
    return RhythmNetwork(params.width)


BLOCK_NAMES = {
    "norm1.": "norm.",
    "norm2.": "mixing_norm.",
    "mlp.": "mixing.",
    "attn.proj_q.": "attention.query.",
    "attn.proj_k.": "attention.key.",
    "attn.proj_v.0.": "attention.value.",
    "attn.lepe.": "attention.around.",
    "attn.output_linear.": "attention.out.",
}

PUBLIC_NAMES = {
    **{f"Fusion_Stem.{name}": f"stem.{ours}" for name, ours in STEM_NAMES.items()},
    "patch_embedding.": "patches.",
    **{
        f"stages.{stage}.blocks.{k}.{name}": f"stages.{stage}.1.{k}.{ours}"
        for stage in range(len(HALVINGS))
        for k in range(2)
        for name, ours in BLOCK_NAMES.items()
    },
    **{f"stages.{k}.downsample_layers.": f"stages.{k}.0." for k in range(len(HALVINGS))},
    **{f"stages.{k}.upsample_layers.": f"stages.{k}.2." for k in range(len(HALVINGS))},
    "ConvBlockLast.": "out.",
}


def without_unused(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays less those of `qkv_linear`, which the public code has and does not use."""
    return {name: array for name, array in arrays.items() if ".attn.qkv_linear." not in name}


NETWORK = FrameNetwork(
    name="rhythmformer",
    make=make_network,
    prepare=appearance,
    choose_loss=lambda params: choose_rhythm_loss(params.rate_term, params.fs),
    target=WAVE,
    public_names=PUBLIC_NAMES,
    adapt_public=without_unused,
)
