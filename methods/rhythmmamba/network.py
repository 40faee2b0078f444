"""The network of RhythmMamba: scans over several spans of time, and layers on spectra."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.neural.deterministic_layers import LargestPool2d, repeat_last
from rppgbench.neural.frame_inputs import appearance
from rppgbench.neural.frame_supervision import FrameNetwork, require_sides
from rppgbench.neural.frame_targets import WAVE
from rppgbench.neural.losses.power_spectra import full_precision
from rppgbench.neural.losses.rhythm import choose_rhythm_loss
from rppgbench.neural.networks.fusion_stem import PUBLIC_NAMES as STEM_NAMES
from rppgbench.neural.networks.fusion_stem import FusionStem
from rppgbench.neural.networks.state_space import PUBLIC_NAMES as SCAN_NAMES
from rppgbench.neural.networks.state_space import StateSpaceMixer

if TYPE_CHECKING:
    from . import RhythmParameters

SMALLEST = 8
"""Fewest pixels of a picture's side: the stem divides it by 8."""

SPANS = 4
"""Starts of the scans: at each quarter of the clip."""

STATES = 48
DROPPED = 0.1
"""Share of clips whose last block is left out in training; less in the blocks before."""

FIRST_SCALE = 0.02
"""Deviation of the first weights of the layers on spectra."""


class SpectralLayers(nn.Module):
    """Two layers on sequences (B, T, C), with a layer on each channel's spectrum between them.

    Source: github zizheng-guo/RhythmMamba @1533ad2. Its weights on the spectrum are matrices of
    which only the diagonal is used; here they are the diagonals. As there, the spectrum after the
    ReLU is not Hermitian, and the real part of its inverse is taken.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = 2 * channels
        self.first = nn.Sequential(
            nn.Conv1d(channels, inner, 1, bias=False), nn.BatchNorm1d(inner), nn.ReLU()
        )
        self.real, self.imaginary, self.real_bias, self.imaginary_bias = (
            nn.Parameter(FIRST_SCALE * torch.randn(inner)) for _ in range(4)
        )
        self.last = nn.Sequential(
            nn.Conv1d(inner, channels, 1, bias=False), nn.BatchNorm1d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The sequences (B, T, C)."""
        inner = full_precision(self.first(x.transpose(1, 2))).transpose(1, 2)
        spectrum = torch.fft.fft(inner, dim=1, norm="ortho")
        re, im = spectrum.real, spectrum.imag
        changed = torch.complex(
            functional.relu(re * self.real - im * self.imaginary + self.real_bias),
            functional.relu(im * self.real + re * self.imaginary + self.imaginary_bias),
        )
        filtered = torch.fft.ifft(changed, dim=1, norm="ortho").real
        out: Tensor = self.last(filtered.transpose(1, 2)).transpose(1, 2)
        return out


class SpanScans(nn.Module):
    """A scan of a sequence (B, T, C) from its start, and three that start at later quarters.

    The k-th quarter becomes the mean of the k scans that have reached it, each as long after its
    start as the quarter is. What is left after four quarters is of the first scan.
    """

    def __init__(self, channels: int, scan: str) -> None:
        super().__init__()
        self.before = nn.LayerNorm(channels)
        self.mixer = StateSpaceMixer(channels, STATES, scan=scan)

    def forward(self, x: Tensor) -> Tensor:
        """The sequences (B, T, C)."""
        span = x.shape[1] // SPANS
        normed = self.before(x)
        later = [functional.pad(normed[:, k * span :], (0, 0, 0, k * span)) for k in range(SPANS)]
        scans = self.mixer(torch.cat(later)).unflatten(0, (SPANS, len(x)))
        quarters = scans[:, :, : SPANS * span].unflatten(2, (SPANS, span))
        means = [
            torch.stack([quarters[start, :, k - start] for start in range(k + 1)]).mean(dim=0)
            for k in range(SPANS)
        ]
        return torch.cat([*means, scans[0, :, SPANS * span :]], dim=1)


class Block(nn.Module):
    """Scans with a norm after them, then layers on spectra with a norm before them."""

    def __init__(self, channels: int, dropped: float, scan: str) -> None:
        super().__init__()
        self.scans, self.after = SpanScans(channels, scan), nn.LayerNorm(channels)
        self.before, self.spectral = nn.LayerNorm(channels), SpectralLayers(channels)
        self.dropped = dropped

    def forward(self, x: Tensor) -> Tensor:
        """The sequences (B, T, C)."""
        x = x + self._drop(self.after(self.scans(x)))
        return x + self._drop(self.spectral(self.before(x)))

    def _drop(self, branch: Tensor) -> Tensor:
        """The branch, left out for a random share of the clips in training."""
        if not self.training or not self.dropped:
            return branch
        kept = 1 - self.dropped
        draws = torch.rand(len(branch), 1, 1, dtype=branch.dtype, device=branch.device)
        return branch * (draws < kept) / kept


class RhythmNetwork(nn.Module):
    """From standardised pictures (B, T, 3, H, W) to a pulse (B, T).

    Height and width are at least 8. For an odd T the last sample is that before it, where the
    public code has none. `width` 12 and 24 blocks are the published
    size: 3,161,869 parameters, and 1,760,256 in the public code on which no output depends.

    Source: B. Zou et al., "RhythmMamba: Fast, Lightweight, and Accurate Remote Physiological
    Measurement", AAAI 2025, arXiv 2404.06483, and github zizheng-guo/RhythmMamba @1533ad2.
    """

    def __init__(self, width: int = 12, layers: int = 24, scan: str = "plain") -> None:
        super().__init__()
        channels = 8 * width
        self.stem = FusionStem(
            (width, 2 * width), (7, 7), LargestPool2d((2, 2)), LargestPool2d((2, 2))
        )
        self.halve = nn.Sequential(
            nn.Conv3d(2 * width, channels, (2, 5, 5), (2, 1, 1), (0, 2, 2)),
            nn.BatchNorm3d(channels),
        )
        shares = [DROPPED * k / max(1, layers - 1) for k in range(layers)]
        self.blocks = nn.Sequential(*(Block(channels, share, scan) for share in shares))
        self.out = nn.Conv1d(channels, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """The pulse (B, T).

        Raises:
            BenchError: the pictures are too small.
        """
        require_sides("rhythmmamba", pictures, SMALLEST, None, f"toolbox_{SMALLEST}")
        frames = pictures.shape[1]
        features = self.stem(repeat_last(pictures, max(0, 2 - frames), 1))
        maps = self.halve(features.transpose(1, 2))
        gate = maps.sigmoid()
        sequence = (maps * gate).sum(dim=(3, 4)) / gate.sum(dim=(3, 4)) / 2
        blocks = self.blocks(sequence.transpose(1, 2)).transpose(1, 2)
        pulse: Tensor = self.out(blocks.repeat_interleave(2, dim=2))[:, 0, :frames]
        return repeat_last(pulse, frames - pulse.shape[1], 1)


def make_network(params: "RhythmParameters") -> RhythmNetwork:
    """Make the network of the method's parameters."""
    return RhythmNetwork(params.width, params.layers, params.scan)


BLOCK_NAMES = {
    "norm1.": "after.",
    "norm2.": "before.",
    "attn.norm.": "scans.before.",
    **{
        f"attn.mamba.{name}": f"scans.mixer.forward_scan.{ours}"
        for name, ours in SCAN_NAMES.items()
    },
    "attn.mamba.": "scans.mixer.",
    "mlp.rb": "spectral.real_bias",
    "mlp.ib": "spectral.imaginary_bias",
    "mlp.r": "spectral.real",
    "mlp.i": "spectral.imaginary",
    "mlp.fc1.": "spectral.first.",
    "mlp.fc2.": "spectral.last.",
}

PUBLIC_NAMES = {
    **{f"Fusion_Stem.{name}": f"stem.{ours}" for name, ours in STEM_NAMES.items()},
    "stem3.": "halve.",
    **{
        f"blocks.{k}.{name}": f"blocks.{k}.{ours}"
        for k in range(24)
        for name, ours in BLOCK_NAMES.items()
    },
    "ConvBlockLast.": "out.",
}


def diagonals(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The diagonals of the public code's square weights on spectra; other arrays as they are."""
    ends = (".spectral.real", ".spectral.imaginary")
    return {
        name: np.diagonal(array) if name.endswith(ends) and array.ndim == 2 else array
        for name, array in arrays.items()
    }


NETWORK = FrameNetwork(
    name="rhythmmamba",
    make=make_network,
    prepare=appearance,
    choose_loss=lambda params: choose_rhythm_loss("none", params.fs),
    target=WAVE,
    public_names=PUBLIC_NAMES,
    adapt_public=diagonals,
)
