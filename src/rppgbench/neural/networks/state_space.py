"""The mixer of Mamba: a gated selective scan over a sequence, in one direction or in both."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.neural.selective_scan import choose_scan

KERNEL = 4
"""Samples that the convolution before a scan sees: the present one and three before."""

LEAST_STEP, GREATEST_STEP = 1e-3, 0.1
"""The range of the first steps."""

PUBLIC_NAMES = {
    "A_log": "log_rate",
    "D": "skip",
    "conv1d.": "conv.",
    "x_proj.": "select.",
    "dt_proj.": "to_step.",
}
"""Start of a weight's name in `mamba_ssm` -> start of its name in `GatedScan`."""

TWO_WAY_PUBLIC_NAMES = {
    "A_b_log": "backward_scan.log_rate",
    "D_b": "backward_scan.skip",
    "conv1d_b.": "backward_scan.conv.",
    "x_proj_b.": "backward_scan.select.",
    "dt_proj_b.": "backward_scan.to_step.",
    **{name: f"forward_scan.{ours}" for name, ours in PUBLIC_NAMES.items()},
}
"""The same for a mixer of both directions, as the fork in rppg-toolbox @d807b01 names them."""


class GatedScan(nn.Module):
    """A causal convolution, a selective scan and a gate over sequences (B, L, E).

    Source: A. Gu, T. Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv
    2312.00752, section 3.4, with the first values of its public code.
    """

    def __init__(self, channels: int, states: int, rank: int, scan: str = "plain") -> None:
        super().__init__()
        self.split = [rank, states, states]
        self.conv = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL - 1, groups=channels)
        self.select = nn.Linear(channels, rank + 2 * states, bias=False)
        self.to_step = nn.Linear(rank, channels)
        rates = torch.arange(1, states + 1, dtype=torch.float32)
        self.log_rate = nn.Parameter(rates.log().repeat(channels, 1))
        self.skip = nn.Parameter(torch.ones(channels))
        self.scan = choose_scan(scan)
        nn.init.uniform_(self.to_step.weight, -(rank**-0.5), rank**-0.5)
        logarithms = torch.empty(channels).uniform_(math.log(LEAST_STEP), math.log(GREATEST_STEP))
        with torch.no_grad():  # the inverse of softplus
            self.to_step.bias.copy_(torch.expm1(logarithms.exp()).log())

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """Scan sequences.

        Args:
            x: (B, L, E).
            gate: the SiLU of these values (B, L, E) scales the output.

        Returns:
            The scanned sequences (B, L, E).
        """
        padded: Tensor = self.conv(x.transpose(1, 2))[..., : x.shape[1]]
        mixed = functional.silu(padded.transpose(1, 2))
        step, inward, outward = self.select(mixed).split(self.split, dim=-1)
        step = functional.softplus(self.to_step(step))
        scanned = self.scan(mixed, step, -self.log_rate.exp(), inward, outward)
        return (scanned + self.skip * mixed) * functional.silu(gate)


class StateSpaceMixer(nn.Module):
    """A mixer over sequences (B, L, D): a gated scan of 2 D channels between two projections.

    With `two_way` a second scan runs over the reversed sequence, and its output, reversed again, is
    added before the last projection. Source: L. Zhu et al., "Vision Mamba", ICML 2024, in the form
    of the fork in github rppg-toolbox @d807b01, which does not halve the sum.
    """

    def __init__(
        self, width: int, states: int, *, two_way: bool = False, scan: str = "plain"
    ) -> None:
        super().__init__()
        inner, rank = 2 * width, -(-width // 16)
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.forward_scan = GatedScan(inner, states, rank, scan)
        self.backward_scan = GatedScan(inner, states, rank, scan) if two_way else None
        self.out_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The mixed sequences (B, L, D)."""
        inner, gate = self.in_proj(x).chunk(2, dim=-1)
        mixed = self.forward_scan(inner, gate)
        if self.backward_scan is not None:
            mixed = mixed + self.backward_scan(inner.flip(1), gate.flip(1)).flip(1)
        out: Tensor = self.out_proj(mixed)
        return out
