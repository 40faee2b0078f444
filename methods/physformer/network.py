"""PhysFormer: attention on temporal differences."""

from collections.abc import Iterable

from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import LargestPool3d, repeat_last
from rppgbench.neural.networks.temporal_difference import TemporalDifference
from rppgbench.system.errors import BenchError


def refuse_public_weights(names: Iterable[str]) -> None:
    """Refuse weights of public code, which do not say what they were learned on.

    Names and shapes are equal in files for two inputs, and this network takes neither of them. The
    files of the authors (github PhysFormer @094c694) take scaled pictures whose colours are in the
    order blue, green, red. Those of rPPG-Toolbox @d807b01 take normalised differences of pictures,
    and give differences of the pulse.

    Args:
        names: names of the weights.

    Raises:
        BenchError: a name is one of the public code.
    """
    if any(name.startswith("Stem0.") for name in names):
        raise BenchError(
            "physformer: the weights are of public code, where files of equal names take pictures "
            "in blue, green, red or differences of pictures; give weights that were trained here"
        )


class _Attention(nn.Module):
    """Multi-head self-attention over all pieces of the video."""

    def __init__(self, dim: int, heads: int, dropout: float, theta: float) -> None:
        super().__init__()
        self.proj_q = nn.Sequential(TemporalDifference(dim, theta), nn.BatchNorm3d(dim))
        self.proj_k = nn.Sequential(TemporalDifference(dim, theta), nn.BatchNorm3d(dim))
        self.proj_v = nn.Sequential(nn.Conv3d(dim, dim, 1, bias=False))
        self.drop = nn.Dropout(dropout)
        self.heads = heads

    def forward(self, x: Tensor, temperature: float) -> Tensor:
        """Pieces (B, C, T, H, W) become (B, T * H * W, C)."""
        q, k, v = (self._headed(part(x)) for part in (self.proj_q, self.proj_k, self.proj_v))
        scores = self.drop((q @ k.transpose(2, 3) / temperature).softmax(dim=-1))
        attended: Tensor = (scores @ v).transpose(1, 2).flatten(2)
        return attended

    def _headed(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) as (B, heads, T * H * W, C / heads)."""
        batch, channels = x.shape[:2]
        parts = x.reshape(batch, self.heads, channels // self.heads, -1)
        return parts.transpose(2, 3)


class _Mixing(nn.Module):
    """Two layers on every piece, with a depthwise convolution in space and time between them."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Sequential(
            nn.Conv3d(dim, hidden, 1, bias=False), nn.BatchNorm3d(hidden), nn.ELU()
        )
        self.STConv = nn.Sequential(
            nn.Conv3d(hidden, hidden, 3, padding=1, groups=hidden, bias=False),
            nn.BatchNorm3d(hidden),
            nn.ELU(),
        )
        self.fc2 = nn.Sequential(nn.Conv3d(hidden, dim, 1, bias=False), nn.BatchNorm3d(dim))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(self.STConv(self.fc1(x)))
        return out


class _Block(nn.Module):
    def __init__(self, dim: int, hidden: int, heads: int, dropout: float, theta: float) -> None:
        super().__init__()
        self.attn = _Attention(dim, heads, dropout, theta)
        self.proj = nn.Linear(dim, dim)
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.pwff = _Mixing(dim, hidden)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, shape: tuple[int, ...], temperature: float) -> Tensor:
        """Pieces (B, T * H * W, C), laid out in `shape` (T, H, W)."""
        attended = self.attn(_video(self.norm1(x), shape), temperature)
        x = x + self.drop(self.proj(attended))
        mixed = self.pwff(_video(self.norm2(x), shape)).flatten(2).transpose(1, 2)
        out: Tensor = x + self.drop(mixed)
        return out


def _video(pieces: Tensor, shape: tuple[int, ...]) -> Tensor:
    batch, _, channels = pieces.shape
    return pieces.transpose(1, 2).reshape(batch, channels, *shape)


def _stem(before: int, after: int, kernel: tuple[int, int, int]) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(before, after, kernel, padding=padding),
        nn.BatchNorm3d(after),
        nn.ReLU(),
        LargestPool3d((1, 2, 2)),
    )


def _longer(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=(2, 1, 1)),
        nn.Conv3d(before, after, (3, 1, 1), padding=(1, 0, 0)),
        nn.BatchNorm3d(after),
        nn.ELU(),
    )


class PhysFormer(nn.Module):
    """A video (B, 3, T, H, W) of values about -1 to 1 becomes a pulse (B, T).

    Three convolutions make pictures an eighth as large; pieces of 4 x 4 x 4 of that go through
    `layers` blocks of attention; two doublings in time and a mean over the face give the pulse.
    H and W are multiples of 32; a T that is no multiple of 4 is padded with its last frame, and
    cropped afterwards. The published sizes (`dim` 96, `hidden` 144, 4 heads, 12 layers) give
    7,380,865 parameters for a video of any size.

    Source: Z. Yu et al., "PhysFormer: Facial Video-based Physiological Measurement with Temporal
    Difference Transformer", CVPR 2022, section 3.1.
    """

    def __init__(
        self,
        dim: int = 96,
        hidden: int = 144,
        heads: int = 4,
        layers: int = 12,
        theta: float = 0.7,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _stem(3, dim // 4, (1, 5, 5)),
            _stem(dim // 4, dim // 2, (3, 3, 3)),
            _stem(dim // 2, dim, (3, 3, 3)),
        )
        self.patches = nn.Conv3d(dim, dim, 4, 4)
        self.blocks = nn.ModuleList(
            _Block(dim, hidden, heads, dropout, theta) for _ in range(layers)
        )
        self.decoder = nn.Sequential(_longer(dim, dim), _longer(dim, dim // 2))
        self.out = nn.Conv1d(dim // 2, 1, 1)

    def forward(self, clip: Tensor, temperature: float = 2.0) -> Tensor:
        """The pulse (B, T).

        Args:
            clip: video (B, 3, T, H, W) of values about -1 to 1.
            temperature: divisor of the attention's scores, in place of the root of the width.
        """
        frames = clip.shape[2]
        filled = repeat_last(clip, -frames % 4, 2)
        grid = self.patches(self.stem(filled))
        shape = tuple(grid.shape[2:])
        pieces = grid.flatten(2).transpose(1, 2)
        for block in self.blocks:
            pieces = block(pieces, shape, temperature)
        longer = self.decoder(_video(pieces, shape)).mean(dim=(3, 4))
        pulse: Tensor = self.out(longer)[:, 0, :frames]
        return pulse
