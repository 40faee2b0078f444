"""Convolutional attention networks on differences of frames."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rppgbench.extraction.crops import crop_rule
from rppgbench.neural.frame_parameters import AttentionParameters

PUBLIC_NAMES = {
    "motion_conv": "motion.conv",
    "apperance_conv": "appearance.conv",
    "apperance_att_conv": "look",
    "final_dense_1.": "dense.",
    "final_dense_2.": "out.",
}
"""Start of a weight's name in rPPG-Toolbox (DeepPhys, TS-CAN, EfficientPhys) -> start here."""


def temporal_shift(frames: Tensor, depth: int) -> Tensor:
    """Shift a third of the channels one frame ahead and a third one frame back.

    Args:
        frames: features (N, C, H, W), N a multiple of `depth`.
        depth: frames in a group; frames outside of the group count as 0.

    Returns:
        The shifted features (N, C, H, W).

    Source: J. Lin, C. Gan, S. Han, "TSM: Temporal Shift Module for Efficient Video Understanding",
    ICCV 2019; with thirds as X. Liu et al., "Multi-Task Temporal Shift Attention Networks for
    On-Device Contactless Vitals Measurement", NeurIPS 2020, section 3.2.

    >>> frames = torch.arange(1.0, 10).reshape(3, 3, 1, 1)
    >>> temporal_shift(frames, 3).flatten(1)
    tensor([[4., 0., 3.],
            [7., 2., 6.],
            [0., 5., 9.]])
    """
    grouped = frames.reshape(-1, depth, *frames.shape[1:])
    third = frames.shape[1] // 3
    ahead, behind, unshifted = grouped.tensor_split((third, 2 * third), dim=2)
    none = torch.zeros_like(grouped[:, :1])
    mixed = torch.cat(
        [
            torch.cat([ahead[:, 1:], none[:, :, :third]], dim=1),
            torch.cat([none[:, :, :third], behind[:, :-1]], dim=1),
            unshifted,
        ],
        dim=2,
    )
    return mixed.reshape(frames.shape)


def attention_mask(scores: Tensor) -> Tensor:
    """Attention: sigmoid of scores (N, 1, H, W), scaled to a mean of 0.5 over each picture.

    Source: W. Chen, D. McDuff, "DeepPhys: Video-Based Physiological Measurement Using
    Convolutional Attention Networks", ECCV 2018, Eq 11.

    >>> attention_mask(torch.zeros(1, 1, 2, 2)).flatten()
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    mask = torch.sigmoid(scores)
    area = scores.shape[2] * scores.shape[3]
    return mask * (0.5 * area) / mask.sum(dim=(2, 3), keepdim=True)


class _Stream(nn.Module):
    """Four convolutions with tanh, the second and fourth without padding."""

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3)
        self.conv3 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.conv4 = nn.Conv2d(2 * width, 2 * width, 3)
        self.depth = depth

    def first(self, x: Tensor) -> Tensor:
        return self._convolve_twice(x, self.conv1, self.conv2)

    def second(self, x: Tensor) -> Tensor:
        return self._convolve_twice(x, self.conv3, self.conv4)

    def _convolve_twice(self, x: Tensor, before: nn.Module, after: nn.Module) -> Tensor:
        for convolution in (before, after):
            x = torch.tanh(convolution(temporal_shift(x, self.depth) if self.depth else x))
        return x


class AttentionNetwork(nn.Module):
    """Pictures in, the difference of the pulse at each picture out.

    Two streams of convolutions: the motion stream sees the differences of the pictures; the
    appearance stream sees the pictures and gives the attention. Three published networks are
    settings of this network:

    - DeepPhys: `depth` 0. W. Chen, D. McDuff, ECCV 2018, DOI 10.1007/978-3-030-01216-8_22.
    - TS-CAN: `depth` 10, frames that see their neighbours by `temporal_shift`. X. Liu et al.,
      NeurIPS 2020.
    - EfficientPhys: `single_stream`, which forms the differences and gives its own attention.
      X. Liu et al., "EfficientPhys", WACV 2023, DOI 10.1109/WACV56688.2023.00498.

    `width` 32 and `dense` 128 are the published sizes: 532,899 parameters at pictures of 36
    pixels and 2,228,643 at 72; 467,337 and 2,163,081 with a `single_stream`.
    """

    def __init__(
        self,
        size: int,
        *,
        width: int = 32,
        dense: int = 128,
        depth: int = 0,
        single_stream: bool = False,
        dropout: float = 0.25,
        dense_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.motion = _Stream(3, width, depth)
        self.appearance = None if single_stream else _Stream(3, width, 0)
        self.look1 = nn.Conv2d(width, 1, 1)
        self.look2 = nn.Conv2d(2 * width, 1, 1)
        self.drop = nn.Dropout(dropout)
        side = ((size - 2) // 2 - 2) // 2
        if side < 1:
            raise ValueError(f"pictures of {size} pixels are too small: 10 are needed")
        self.dense = nn.Linear(2 * width * side * side, dense)
        self.dense_drop = nn.Dropout(dense_dropout)
        self.out = nn.Linear(dense, 1)
        self.batch_norm = nn.BatchNorm2d(3) if single_stream else None

    def forward(self, clips: Tensor) -> Tensor:
        """Differences of the pulse (B, T).

        Args:
            clips: (B, T, 6, H, W), differences of the pictures above the pictures; for a
                `single_stream` (B, T + 1, 3, H, W), the pictures and the next one.
        """
        batch, frames = len(clips), clips.shape[1] - (self.batch_norm is not None)
        if self.batch_norm is not None:
            motion = self.batch_norm(clips.diff(dim=1).flatten(0, 1)).reshape(
                batch, frames, *clips.shape[2:]
            )
            pictures = motion
        else:
            motion, pictures = clips[:, :, :3], clips[:, :, 3:]
        change: Tensor = self._pulse(self._groups(motion), self._groups(pictures))
        return change.reshape(batch, -1)[:, :frames]

    def _groups(self, x: Tensor) -> Tensor:
        """Frames (B, T, ...) as (N, ...), the last of each clip repeated until groups are full."""
        missing = -x.shape[1] % self.depth if self.depth else 0
        if missing:
            x = torch.cat([x, x[:, -1:].expand(-1, missing, -1, -1, -1)], dim=1)
        return x.flatten(0, 1)

    def _pulse(self, motion: Tensor, pictures: Tensor) -> Tensor:
        x = self.motion.first(motion)
        features = x if self.appearance is None else self.appearance.first(pictures)
        x = self.drop(functional.avg_pool2d(x * attention_mask(self.look1(features)), 2))
        x = self.motion.second(x)
        if self.appearance is None:
            features = x
        else:
            features = self.appearance.second(self.drop(functional.avg_pool2d(features, 2)))
        x = self.drop(functional.avg_pool2d(x * attention_mask(self.look2(features)), 2))
        x = self.dense_drop(torch.tanh(self.dense(x.flatten(1))))
        change: Tensor = self.out(x)
        return change


def make_attention_network(
    params: AttentionParameters, *, depth: int = 0, single_stream: bool = False
) -> AttentionNetwork:
    """Make the network of a method's parameters.

    Args:
        params: crop, width and dense.
        depth: frames that see each other by temporal shifts; 0 shifts none.
        single_stream: whether the network is EfficientPhys.
    """
    return AttentionNetwork(
        crop_rule(params.crop).size,
        width=params.width,
        dense=params.dense,
        depth=depth,
        single_stream=single_stream,
    )
