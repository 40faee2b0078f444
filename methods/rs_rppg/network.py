"""The network of RS-rPPG: windows of attention in a U over a map of face regions."""

from functools import lru_cache

import torch
from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import repeat_last

HEADS = (3, 6, 12, 24)
"""Heads of attention of the four stages."""

PATCH = 4
WINDOW = 4
"""Tokens along a side of a window."""

WHOLE_FRAMES = 64
"""Numbers of frames that all stages divide: patches of 4, windows of 4, three halvings, and a half
window in the last."""

MASKED = -100.0
"""Added to the scores of two tokens of a window that are no neighbours."""


@lru_cache(maxsize=32)
def window_zones(height: int, width: int, side: int, shift: int) -> Tensor:
    """The scores that shifted windows add, so that a token sees its neighbours alone.

    Args:
        height: rows of tokens.
        width: columns of tokens.
        side: side of a window.
        shift: by how many tokens the windows are shifted.

    Returns:
        (windows, side², side²): -100 between tokens that the shift brought from another border.
    """
    with torch.inference_mode(False):
        zones = [
            torch.bucketize(
                torch.arange(size), torch.tensor([size - side, size - shift]), right=True
            )
            for size in (height, width)
        ]
        zone = to_windows((3 * zones[0][:, None] + zones[1])[None, :, :, None], side)[..., 0]
        return MASKED * (zone[:, :, None] != zone[:, None, :]).float()


@lru_cache(maxsize=8)
def offset_choice(side: int) -> Tensor:
    """Which row of a table of offsets each pair of tokens of a window reads, as 0 and 1.

    Returns:
        (side² x side², (2 side - 1)²). A product with it has a deterministic gradient on CUDA.
    """
    with torch.inference_mode(False):
        at = torch.arange(side)
        row, column = at.repeat_interleave(side), at.repeat(side)
        reach = 2 * side - 1
        rows = row[:, None] - row + side - 1
        columns = column[:, None] - column + side - 1
        offsets = (rows * reach + columns).flatten()
        return (offsets[:, None] == torch.arange(reach**2)).float()


def to_windows(x: Tensor, side: int) -> Tensor:
    """Cut tokens into windows.

    Args:
        x: tokens (B, H, W, C).
        side: side of a window.

    Returns:
        Windows (B H W / side², side², C).
    """
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // side, side, width // side, side, channels)
    return blocks.transpose(2, 3).reshape(-1, side * side, channels)


def from_windows(windows: Tensor, shape: torch.Size, side: int) -> Tensor:
    """The inverse of `to_windows`.

    Args:
        windows: (B H W / side², side², C).
        shape: that of the tokens.
        side: side of a window.

    Returns:
        Tokens (B, H, W, C).
    """
    batch, height, width, channels = shape
    blocks = windows.reshape(batch, height // side, width // side, side, side, channels)
    return blocks.transpose(2, 3).reshape(shape)


class WindowAttention(nn.Module):
    """Attention among the tokens of each window, with a score for each offset of two tokens."""

    def __init__(self, width: int, heads: int, side: int) -> None:
        super().__init__()
        self.heads, self.side = heads, side
        self.offsets = nn.Parameter(torch.empty((2 * side - 1) ** 2, heads))
        nn.init.trunc_normal_(self.offsets, std=0.02)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Attend within windows.

        Args:
            windows: (N, side², C).
            mask: added to the scores, (windows of a map, side², side²); None for nothing.
        """
        count, tokens, width = windows.shape
        split = self.query_key_value(windows).reshape(count, tokens, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        choice = offset_choice(self.side).to(self.offsets.device, non_blocking=True)
        offsets = (choice @ self.offsets).reshape(tokens, tokens, self.heads)
        scores = scores + offsets.permute(2, 0, 1)
        if mask is not None:
            of_map = scores.reshape(-1, len(mask), *scores.shape[1:])
            scores = (of_map + mask[:, None]).reshape(scores.shape)
        attended = scores.softmax(dim=-1) @ value
        out: Tensor = self.out(attended.transpose(1, 2).reshape(count, tokens, width))
        return out


class SwinBlock(nn.Module):
    """Attention in windows, which a shift by half a window lays over their borders, and a layer."""

    def __init__(self, width: int, heads: int, side: int, shift: int) -> None:
        super().__init__()
        self.side, self.shift = side, shift
        self.norm_attention = nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, side)
        self.norm_layer = nn.LayerNorm(width)
        self.layer = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, H, W, C)."""
        shift, shape = self.shift, tokens.shape
        x = self.norm_attention(tokens)
        mask = None
        if shift:
            x = x.roll((-shift, -shift), (1, 2))
            mask = window_zones(shape[1], shape[2], self.side, shift).to(
                x.device, non_blocking=True
            )
        x = from_windows(self.attention(to_windows(x, self.side), mask), shape, self.side)
        if shift:
            x = x.roll((shift, shift), (1, 2))
        tokens = tokens + x
        out: Tensor = tokens + self.layer(self.norm_layer(tokens))
        return out


def _blocks(width: int, heads: int, short_side: int) -> nn.Sequential:
    """Two blocks; where a window spans the map's shorter side, neither is shifted."""
    side = min(WINDOW, short_side)
    shift = 0 if short_side <= WINDOW else side // 2
    return nn.Sequential(SwinBlock(width, heads, side, 0), SwinBlock(width, heads, side, shift))


class Merge(nn.Module):
    """Four neighbouring tokens become one of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, H, W, C) to (B, H / 2, W / 2, 2 C)."""
        four = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        merged: Tensor = self.reduction(self.norm(torch.cat(four, dim=-1)))
        return merged


class Expand(nn.Module):
    """A token becomes `factor` x `factor` tokens of another width."""

    def __init__(self, before: int, after: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.expand = nn.Linear(before, factor * factor * after, bias=False)
        self.norm = nn.LayerNorm(after)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, H, W, C) to (B, factor H, factor W, C')."""
        batch, height, width, _ = x.shape
        f = self.factor
        parts = self.expand(x).reshape(batch, height, width, f, f, -1)
        wide = parts.transpose(2, 3).reshape(batch, f * height, f * width, -1)
        normed: Tensor = self.norm(wide)
        return normed


class WindowedUNet(nn.Module):
    """A map (B, 3, rows, T) of values 0 to 1 becomes a map of the same shape.

    Four stages of two blocks lead down, each but the last followed by a merging; three lead up,
    each after its tokens were joined with those of the same size from the way down. A T that is no
    multiple of 64 is filled with its last frame, and cut again. `width` 96 and 64 rows are the
    published size, with 19,326,948 parameters; the public code has 4,693 more, which no map
    depends on.

    Source: M. Savic, G. Zhao, "RS-rPPG: Robust Self-supervised Learning for rPPG", FG 2024, and
    github marukosan93/RS-rPPG @31cd3b7; Z. Liu et al., "Swin Transformer", ICCV 2021, whose first
    weights these are.
    """

    def __init__(self, width: int = 96, rows: int = 64) -> None:
        super().__init__()
        widths = [width << stage for stage in range(4)]
        sides = [rows // PATCH >> stage for stage in range(4)]
        self.patches = nn.Conv2d(3, width, PATCH, PATCH)
        self.norm_patches = nn.LayerNorm(width)
        stages = list(zip(widths, HEADS, sides, strict=True))
        self.down = nn.ModuleList(_blocks(*stage) for stage in stages)
        self.merge = nn.ModuleList(Merge(w) for w in widths[:3])
        self.norm_bottom = nn.LayerNorm(widths[3])
        self.join = nn.ModuleList(nn.Linear(2 * w, w) for w in widths[2::-1])
        self.up = nn.ModuleList(_blocks(*stage) for stage in stages[2::-1])
        self.expand = nn.ModuleList(Expand(w, w // 2, 2) for w in widths[:0:-1])
        self.norm_top = nn.LayerNorm(width)
        self.whole = Expand(width, width, PATCH)
        self.out = nn.Conv2d(width, 3, 1, bias=False)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def bottom(self, maps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The tokens (B, rows / 32, T / 32, 8 width) at the bottom, and those above it."""
        tokens = self.norm_patches(self.patches(maps).permute(0, 2, 3, 1))
        above = []
        for stage, merge in zip(self.down, self.merge, strict=False):
            above.append(tokens)
            tokens = merge(stage(tokens))
        return self.norm_bottom(self.down[-1](tokens)), above

    def forward(self, maps: Tensor) -> Tensor:
        """The map (B, 3, rows, T)."""
        frames = maps.shape[3]
        tokens, above = self.bottom(repeat_last(maps, -frames % WHOLE_FRAMES, 3))
        for expand, join, stage in zip(self.expand, self.join, self.up, strict=True):
            tokens = stage(join(torch.cat([expand(tokens), above.pop()], dim=-1)))
        whole = self.whole(self.norm_top(tokens)).permute(0, 3, 1, 2)
        out: Tensor = self.out(whole)[..., :frames]
        return out


def mean_pulse(maps: Tensor) -> Tensor:
    """The mean (B, T) over channels and rows of maps (B, 3, rows, T)."""
    return maps.mean(dim=(1, 2))


class MapPulse(nn.Module):
    """The network and the mean of its map: from maps (B, 3, rows, T) to pulses (B, T)."""

    def __init__(self, network: WindowedUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, maps: Tensor) -> Tensor:
        """The pulses (B, T)."""
        return mean_pulse(self.network(maps))
