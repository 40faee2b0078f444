"""The network of FactorizePhys and its factorisation module."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rppgbench.neural.frame_inputs import pictures_and_next
from rppgbench.neural.frame_supervision import FrameNetwork, require_sides
from rppgbench.neural.frame_targets import WAVE
from rppgbench.neural.losses.agreement import choose_correlation_loss
from rppgbench.neural.losses.power_spectra import full_precision
from rppgbench.neural.networks.instance_normalised import NormalisedDifferences, tanh_convolution

if TYPE_CHECKING:
    from . import FactorisingParameters

DROPOUT = 0.1
TINY = 1e-6
"""Added to the denominators of the factorisation."""


class Factorisation(nn.Module):
    """The mask of features (B, C, T, H, W) from a rank-1 factorisation over time and the rest.

    Source: J. Joshi, S. Agaian, Y. Cho, NeurIPS 2024, with the transform T_KAB of the public code:
    it makes the matrix (T, C' H W) from the memory of (C', T, H, W), so a row mixes channels and
    times.
    """

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        inner = channels // 2
        self.steps = steps
        self.before = nn.Sequential(nn.Conv3d(channels, inner, 1), nn.ReLU())
        self.after = nn.Sequential(
            nn.Conv3d(inner, inner, 1, bias=False),
            nn.ReLU(),
            nn.Conv3d(inner, channels, 1, bias=False),
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The mask (B, C, T, H, W), and the distance of the approximation."""
        positive = full_precision(self.before(features - features.min()))
        frames = positive.shape[2]
        product = rank_one(positive.reshape(len(positive), frames, -1), self.steps)
        near = product.reshape(positive.shape)
        return self.after(near), (positive - near).square().sum().sqrt()


def rank_one(matrices: Tensor, steps: int) -> Tensor:
    """The product of a column and a row near each non-negative matrix.

    Multiplicative updates from constant starts. The steps have no gradient; a last update of the
    row has one.

    Args:
        matrices: (B, T, K).
        steps: number of updates of both factors.

    Returns:
        The products (B, T, K).
    """
    with torch.autocast(matrices.device.type, enabled=False):
        across = matrices.transpose(1, 2)
        with torch.no_grad():
            column = torch.full_like(matrices[:, :, :1], matrices.shape[1] ** -0.5)
            row = torch.ones_like(across[:, :, :1])
            for _ in range(steps):
                row = row * (across @ column) / (row * column.square().sum(1, True) + TINY)
                column = column * (matrices @ row) / (column * row.square().sum(1, True) + TINY)
        row = row * (across @ column) / (row * column.square().sum(1, True) + TINY)
        return column @ row.transpose(1, 2)


class FactorisingNetwork(nn.Module):
    """From pictures (B, T + 1, 3, S, S) to a pulse (B, T); S is 71 to 74.

    `width` 8 is the published size: 51,840 parameters, and 328 of the factorisation.
    """

    def __init__(
        self,
        width: int = 8,
        *,
        steps: int = 4,
        residual: bool = True,
        factorise: bool = True,
        factorise_at_test: bool = False,
    ) -> None:
        super().__init__()
        a, b, c = width, 3 * width // 2, 2 * width
        half = (1, 2, 2)
        self.differences = NormalisedDifferences()
        self.features = nn.Sequential(
            _convolution(3, a, border=1), _convolution(a, b, half), _convolution(b, b),
            nn.Dropout3d(DROPOUT),
            _convolution(b, b), _convolution(b, c, half), _convolution(c, c),
            nn.Dropout3d(DROPOUT),
        )  # fmt: skip
        self.head = nn.Sequential(*(_convolution(c, c) for _ in range(3)), nn.Dropout3d(DROPOUT))
        self.factorisation = Factorisation(c, steps) if factorise else None
        self.norm = nn.InstanceNorm3d(c)
        self.out = nn.Sequential(
            _convolution(c, b),
            _convolution(b, a),
            nn.Conv3d(a, 1, 3, padding=(1, 0, 0), bias=False),
        )
        self.residual, self.at_test = residual, factorise_at_test

    def forward(self, pictures: Tensor) -> Tensor:
        """The pulse (B, T).

        Raises:
            BenchError: the pictures do not end as one value for each frame.
        """
        require_sides("factorizephys", pictures, 71, 74, "toolbox")
        head = self.head(self.features(self.differences(pictures)))
        pulse: Tensor = self.out(self.scale(head))[:, 0, :, 0, 0]
        return pulse

    def scale(self, head: Tensor) -> Tensor:
        """The features after the factorisation, where it is used."""
        if self.factorisation is None or not (self.training or self.at_test):
            return head
        mask, _ = self.factorisation(head)
        scaled: Tensor = self.norm((head - head.min() + 1) * (mask - mask.min() + 1))
        return head + scaled if self.residual else scaled


def _convolution(
    before: int, after: int, stride: tuple[int, int, int] = (1, 1, 1), border: int = 0
) -> nn.Sequential:
    return tanh_convolution(
        before, after, (3, 3, 3), stride=stride, padding=(1, border, border), bias=False
    )


def make_network(params: "FactorisingParameters") -> FactorisingNetwork:
    """Make the network of the method's parameters."""
    return FactorisingNetwork(
        params.width,
        steps=params.steps,
        residual=params.residual,
        factorise=params.factorise,
        factorise_at_test=params.factorise_at_test,
    )


PUBLIC_NAMES = {
    **{
        f"rppg_feature_extractor.FeatureExtractor.{k}.conv_block_3d.": f"features.{k}."
        for k in (0, 1, 2, 4, 5, 6)
    },
    **{f"rppg_head.conv_block.{k}.conv_block_3d.": f"head.{k}." for k in range(3)},
    **{f"rppg_head.final_layer.{k}.conv_block_3d.": f"out.{k}." for k in range(2)},
    "rppg_head.final_layer.2.": "out.2.",
    "rppg_head.fsam.pre_conv_block.": "factorisation.before.",
    "rppg_head.fsam.post_conv_block.0.conv.": "factorisation.after.0.",
    "rppg_head.fsam.post_conv_block.1.": "factorisation.after.2.",
}

NETWORK = FrameNetwork(
    name="factorizephys",
    make=make_network,
    prepare=pictures_and_next,
    choose_loss=lambda params: choose_correlation_loss(params.loss),
    target=WAVE,
    public_names=PUBLIC_NAMES,
)
