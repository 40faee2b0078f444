"""Spatial-temporal transformer over a multi-scale map."""

import torch
from torch import Tensor, nn

from rppgbench.neural.deterministic_layers import attention


class Encoder(nn.Module):
    """Self-attention with one head over the second last axis: (..., S, D) stays (..., S, D)."""

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.before_mlp = nn.LayerNorm(width)
        hidden = round(ratio * width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        """Eq 1 of the paper, with the layer norm before attention of its figure 1."""
        z = self.before_attention(x)
        x = x + attention(self.query(z), self.key(z), self.value(z))
        mlp: Tensor = self.mlp(self.before_mlp(x))
        return x + mlp


class SpatialTemporalTransformer(nn.Module):
    """A map (B, T, N, C) of N region combinations becomes a pulse (B, T), T up to `frames`.

    `layers` times an encoder over the regions of each frame and one over the frames of each
    region; position embeddings of both kinds before the first. The head averages over the regions
    and projects. The paper leaves the head and the ratio of the MLP open: 4 gives 2.22 million
    parameters.

    Source: W. Qian et al., "Joint Spatial-Temporal Modeling and Contrastive Learning for
    Self-supervised Heart Rate Measurement", 2024, section 2.1.2.
    """

    def __init__(
        self,
        frames: int = 300,
        regions: int = 63,
        channels: int = 6,
        width: int = 128,
        layers: int = 6,
        ratio: float = 4.0,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(channels, width)
        self.spatial_position = nn.Parameter(0.02 * torch.randn(regions, width))
        self.temporal_position = nn.Parameter(0.02 * torch.randn(frames, 1, width))
        self.spatial = nn.ModuleList(Encoder(width, ratio) for _ in range(layers))
        self.temporal = nn.ModuleList(Encoder(width, ratio) for _ in range(layers))
        self.head = nn.Linear(width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """The pulse (B, T) of maps (B, T, N, C)."""
        x = self.embed(maps) + self.spatial_position + self.temporal_position[: maps.shape[1]]
        for spatial, temporal in zip(self.spatial, self.temporal, strict=True):
            x = spatial(x)
            x = temporal(x.transpose(1, 2)).transpose(1, 2)
        pulse: Tensor = self.head(x.mean(dim=2))[..., 0]
        return pulse
