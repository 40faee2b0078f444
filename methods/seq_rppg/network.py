"""The network of Seq-rPPG."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.neural.frame_inputs import pictures_to_one
from rppgbench.neural.frame_supervision import FrameNetwork, absolute_error, require_sides
from rppgbench.neural.frame_targets import HALF_BEATS
from rppgbench.neural.losses.power_spectra import divisor, full_precision

if TYPE_CHECKING:
    from . import SequenceParameters

SIDE = 8
KERAS_EPSILON, KERAS_MOMENTUM = 1e-3, 0.01


def _batch_norm(channels: int) -> nn.BatchNorm1d:
    return nn.BatchNorm1d(channels, eps=KERAS_EPSILON, momentum=KERAS_MOMENTUM)


class SameConv1d(nn.Conv1d):
    """A convolution that keeps the length; an even kernel reaches one sample more to the right."""

    def forward(self, input: Tensor) -> Tensor:
        """The convolution (B, C', T)."""
        size = self.kernel_size[0]
        return super().forward(functional.pad(input, ((size - 1) // 2, size // 2)))


class SpectralTransform(nn.Module):
    """A sequence (B, C, T) and a convolution along the frequencies of its spectrum."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.convolution = SameConv1d(2 * channels, 2 * channels, kernel)
        self.norm = _batch_norm(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both (B, C, T)."""
        spectrum = torch.fft.rfft(full_precision(x))
        parts = torch.cat([spectrum.real, spectrum.imag], dim=1)
        changed = full_precision(torch.relu(self.norm(self.convolution(parts))))
        real, imaginary = changed.chunk(2, dim=1)
        wave: Tensor = torch.fft.irfft(torch.complex(real, imaginary), n=x.shape[-1])
        return x + wave


class SequenceNetwork(nn.Module):
    """From pictures (B, T, 3, 8, 8) to a pulse (B, T).

    `width` 64 is the published size: 195,713 parameters. Each channel of a clip is standardised
    over all its pixels and times. Source: K. Wang et al., arXiv 2305.04161.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.frame = nn.Linear(3 * SIDE * SIDE, width)
        self.layers = nn.Sequential(
            SpectralTransform(width, 5),
            SameConv1d(width, width, 10),
            _batch_norm(width),
            nn.ReLU(),
            SpectralTransform(width, 3),
            SameConv1d(width, width // 2, 5),
            _batch_norm(width // 2),
            nn.ReLU(),
            nn.Conv1d(width // 2, 1, 1),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """The pulse (B, T).

        Raises:
            BenchError: the pictures have another size.
        """
        require_sides("seq_rppg", pictures, SIDE, SIDE, f"toolbox_{SIDE}")
        centred = pictures - pictures.mean(dim=(1, 3, 4), keepdim=True)
        power = centred.square().mean(dim=(1, 3, 4), keepdim=True)
        scaled = centred / divisor(power).sqrt()
        pulse: Tensor = self.layers(self.frame(scaled.flatten(2)).transpose(1, 2))
        return pulse[:, 0]


def make_network(params: "SequenceParameters") -> SequenceNetwork:
    """Make the network of the method's parameters."""
    return SequenceNetwork(params.width)


NETWORK = FrameNetwork(
    name="seq_rppg",
    make=make_network,
    prepare=pictures_to_one,
    choose_loss=lambda params: absolute_error,
    target=HALF_BEATS,
    step_s=1.0,
)
