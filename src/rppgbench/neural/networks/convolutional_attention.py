"""Convolutional attention networks on changes of pictures."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.extraction.crops import crop_rule


def shifted_in_time(frames: Tensor, depth: int) -> Tensor:
    """A third of the channels one frame ahead, a third one behind: (N, C, H, W), same shape.

    Within groups of `depth` frames, N a multiple of it; what comes from outside of a group is 0.

    Source: J. Lin, C. Gan, S. Han, "TSM: Temporal Shift Module for Efficient Video Understanding",
    ICCV 2019; with thirds as X. Liu et al., "Multi-Task Temporal Shift Attention Networks for
    On-Device Contactless Vitals Measurement", NeurIPS 2020, section 3.2.

    >>> frames = torch.arange(1.0, 10).reshape(3, 3, 1, 1)
    >>> shifted_in_time(frames, 3).flatten(1)
    tensor([[4., 0., 3.],
            [7., 2., 6.],
            [0., 5., 9.]])
    """
    grouped = frames.reshape(-1, depth, *frames.shape[1:])
    third = frames.shape[1] // 3
    ahead, behind, rest = grouped.tensor_split((third, 2 * third), dim=2)
    none = torch.zeros_like(grouped[:, :1])
    mixed = torch.cat(
        [
            torch.cat([ahead[:, 1:], none[:, :, :third]], dim=1),
            torch.cat([none[:, :, :third], behind[:, :-1]], dim=1),
            rest,
        ],
        dim=2,
    )
    return mixed.reshape(frames.shape)


def attention_mask(scores: Tensor) -> Tensor:
    """Where to look: sigmoid of scores (N, 1, H, W), scaled to a mean of 0.5 over each picture.

    Source: W. Chen, D. McDuff, "DeepPhys: Video-Based Physiological Measurement Using
    Convolutional Attention Networks", ECCV 2018, Eq 11.

    >>> attention_mask(torch.zeros(1, 1, 2, 2)).flatten()
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    open_share = torch.sigmoid(scores)
    area = scores.shape[2] * scores.shape[3]
    return open_share * (0.5 * area) / open_share.sum(dim=(2, 3), keepdim=True)


class _Stream(nn.Module):
    """Four convolutions with tanh, the second and fourth without a border."""

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3)
        self.conv3 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.conv4 = nn.Conv2d(2 * width, 2 * width, 3)
        self.depth = depth

    def first(self, x: Tensor) -> Tensor:
        return self._two(x, self.conv1, self.conv2)

    def second(self, x: Tensor) -> Tensor:
        return self._two(x, self.conv3, self.conv4)

    def _two(self, x: Tensor, before: nn.Module, after: nn.Module) -> Tensor:
        for convolution in (before, after):
            x = torch.tanh(convolution(shifted_in_time(x, self.depth) if self.depth else x))
        return x


class AttentionNetwork(nn.Module):
    """Pictures in, the change of the pulse at each of them out.

    Two streams of convolutions: one sees the changes of the pictures, the other the pictures and
    says where to look. The three published networks are settings of it:

    - DeepPhys: `depth` 0. W. Chen, D. McDuff, ECCV 2018, DOI 10.1007/978-3-030-01216-8_22.
    - TS-CAN: `depth` 10, frames that see their neighbours by `shifted_in_time`. X. Liu et al.,
      NeurIPS 2020.
    - EfficientPhys: `alone`, one stream that forms the changes itself and says where it looks.
      X. Liu et al., "EfficientPhys", WACV 2023, DOI 10.1109/WACV56688.2023.00498.

    `width` 32 and `dense` 128 are the published sizes: 532,899 parameters at pictures of 36
    pixels and 2,228,643 at 72; 467,337 and 2,163,081 `alone`.
    """

    def __init__(
        self,
        size: int,
        *,
        width: int = 32,
        dense: int = 128,
        depth: int = 0,
        alone: bool = False,
        dropout: float = 0.25,
        dense_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.motion = _Stream(3, width, depth)
        self.appearance = None if alone else _Stream(3, width, 0)
        self.look1 = nn.Conv2d(width, 1, 1)
        self.look2 = nn.Conv2d(2 * width, 1, 1)
        self.drop = nn.Dropout(dropout)
        side = ((size - 2) // 2 - 2) // 2
        if side < 1:
            raise ValueError(f"pictures of {size} pixels are too small: 10 are needed")
        self.dense = nn.Linear(2 * width * side * side, dense)
        self.dense_drop = nn.Dropout(dense_dropout)
        self.out = nn.Linear(dense, 1)
        self.batch_norm = nn.BatchNorm2d(3) if alone else None

    def forward(self, clips: Tensor) -> Tensor:
        """Changes of the pulse (B, T).

        Of clips (B, T, 6, H, W), changes of the pictures above the pictures; or, for a network
        `alone`, (B, T + 1, 3, H, W), the pictures and one more.
        """
        batch, frames = len(clips), clips.shape[1] - (self.batch_norm is not None)
        if self.batch_norm is not None:
            moving = self.batch_norm(clips.diff(dim=1).flatten(0, 1)).reshape(
                batch, frames, *clips.shape[2:]
            )
            pictures = moving
        else:
            moving, pictures = clips[:, :, :3], clips[:, :, 3:]
        change: Tensor = self._pulse(self._groups(moving), self._groups(pictures))
        return change.reshape(batch, -1)[:, :frames]

    def _groups(self, x: Tensor) -> Tensor:
        """Frames (B, T, ...) as (N, ...), the last of each clip repeated until groups are full."""
        missing = -x.shape[1] % self.depth if self.depth else 0
        if missing:
            x = torch.cat([x, x[:, -1:].expand(-1, missing, -1, -1, -1)], dim=1)
        return x.flatten(0, 1)

    def _pulse(self, moving: Tensor, pictures: Tensor) -> Tensor:
        x = self.motion.first(moving)
        seen = x if self.appearance is None else self.appearance.first(pictures)
        x = self.drop(functional.avg_pool2d(x * attention_mask(self.look1(seen)), 2))
        x = self.motion.second(x)
        if self.appearance is None:
            seen = x
        else:
            seen = self.appearance.second(self.drop(functional.avg_pool2d(seen, 2)))
        x = self.drop(functional.avg_pool2d(x * attention_mask(self.look2(seen)), 2))
        x = self.dense_drop(torch.tanh(self.dense(x.flatten(1))))
        change: Tensor = self.out(x)
        return change


def attention_network(params: Mapping[str, Any], *, alone: bool = False) -> AttentionNetwork:
    """The network of a method's parameters: crop, width, dense and, where there is one, depth."""
    return AttentionNetwork(
        crop_rule(params["crop"]).size,
        width=params["width"],
        dense=params["dense"],
        depth=params.get("depth", 0),
        alone=alone,
    )
