"""Layers and functions of which CUDA has a deterministic backward pass, by construction.

CUDA adds up the gradients of these PyTorch functions in an order that differs from run to run:
`AvgPool3d`, `AdaptiveAvgPool2d` and `AdaptiveAvgPool3d`, linear and bilinear `interpolate`,
`grid_sample`, and the forward pass of `cumsum`
(https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html). In some
versions it does so for maximum pools, and for attention where this is only a warning.

Here pools are means and maxima of a reshaped tensor, interpolation and running sums are products
with a constant matrix, and samples of pictures are sums of weighted pixels. The values are the same
up to rounding. `tests/neural/test_determinism.py` holds that no method uses another function.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional


def _blocks(x: Tensor, kernel: tuple[int, int, int]) -> Tensor:
    """Blocks (B, C, T', t, H', h, W', w) of (B, C, T, H, W); what is left over is cut off."""
    t, h, w = kernel
    frames, rows, columns = x.shape[2] // t, x.shape[3] // h, x.shape[4] // w
    whole = x[:, :, : frames * t, : rows * h, : columns * w]
    return whole.reshape(*x.shape[:2], frames, t, rows, h, columns, w)


class MeanPool3d(nn.Module):
    """The mean over blocks of (B, C, T, H, W), as `AvgPool3d` with equal kernel and stride."""

    def __init__(self, kernel: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        """The means (B, C, T // t, H // h, W // w) for a kernel (t, h, w)."""
        return _blocks(x, self.kernel).mean(dim=(3, 5, 7))


class LargestPool3d(nn.Module):
    """The maximum over blocks of (B, C, T, H, W), as `MaxPool3d` with equal kernel and stride.

    Equal maxima share the gradient. After a ReLU these are zeros, which get no gradient.
    """

    def __init__(self, kernel: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        """The maxima (B, C, T // t, H // h, W // w) for a kernel (t, h, w)."""
        return _blocks(x, self.kernel).amax(dim=(3, 5, 7))


class LargestPool2d(nn.Module):
    """The maximum over blocks of (B, C, H, W), as `MaxPool2d` with equal kernel and stride."""

    def __init__(self, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.in_space = LargestPool3d((1, *kernel))

    def forward(self, x: Tensor) -> Tensor:
        """The maxima (B, C, H // h, W // w) for a kernel (h, w)."""
        largest: Tensor = self.in_space(x[:, :, None])[:, :, 0]
        return largest


class LargestOfNine(nn.Module):
    """The maximum over 3 x 3 pixels of (B, C, H, W) at every second one: `MaxPool2d(3, 2, 1)`."""

    def forward(self, x: Tensor) -> Tensor:
        """The maxima (B, C, ceil(H / 2), ceil(W / 2))."""
        return self._largest(self._largest(x, 2), 3)

    @staticmethod
    def _largest(x: Tensor, axis: int) -> Tensor:
        """Of each second entry along an axis and its neighbours; a border counts twice."""
        size = x.shape[axis]
        padded = repeat_border(x, 1, 1 + size % 2, axis)
        every_second = torch.arange(0, size, 2, device=x.device)
        before, middle, after = (padded.index_select(axis, every_second + k) for k in range(3))
        return torch.maximum(torch.maximum(before, middle), after)


class PartMeans(nn.Module):
    """Means over S x S parts of each picture of (B, C, T, H, W): (B, C, T, S, S).

    Parts are those of `AdaptiveAvgPool3d((None, S, S))`: part k goes from floor(k H / S) to
    ceil((k + 1) H / S).
    """

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        """The means of the parts."""
        return self._means(self._means(x, 3), 4)

    def _means(self, x: Tensor, axis: int) -> Tensor:
        size, count = x.shape[axis], self.parts
        edges = [(k * size // count, -(-(k + 1) * size // count)) for k in range(count)]
        means = [x.narrow(axis, begin, end - begin).mean(dim=axis) for begin, end in edges]
        return torch.stack(means, dim=axis)


class PictureMean(nn.Module):
    """The mean over pictures (B, C, H, W): (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        """The means."""
        return x.mean(dim=(2, 3))


def repeat_last(x: Tensor, count: int, axis: int) -> Tensor:
    """Append the last entries along an axis `count` times; 0 leaves the tensor as it is.

    Args:
        x: a tensor of any shape.
        count: how often.
        axis: the axis.
    """
    if not count:
        return x
    last = x.narrow(axis, x.shape[axis] - 1, 1)
    shape = list(x.shape)
    shape[axis] = count
    return torch.cat([x, last.expand(shape)], dim=axis)


def repeat_border(x: Tensor, before: int, after: int, axis: int) -> Tensor:
    """Repeat the first and the last entries along an axis.

    Args:
        x: a tensor of any shape.
        before: how often the first entries are put before.
        after: how often the last entries are appended.
        axis: the axis.
    """
    if not before:
        return repeat_last(x, after, axis)
    shape = list(x.shape)
    shape[axis] = before
    first = x.narrow(axis, 0, 1).expand(shape)
    return torch.cat([first, repeat_last(x, after, axis)], dim=axis)


class BorderConv3d(nn.Conv3d):
    """A convolution of (B, C, T, H, W) whose input is padded with its border.

    As `Conv3d` with `padding_mode` "replicate".
    """

    def forward(self, input: Tensor) -> Tensor:
        """The convolution; with "same" sizes where the padding is half of the kernel."""
        x = input
        assert not isinstance(self.padding, str)
        for axis, width in enumerate(self.padding, start=2):
            x = repeat_border(x, width, width, axis)
        return functional.conv3d(
            x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups
        )


@lru_cache(maxsize=64)
def _interpolation(before: int, after: int, align_corners: bool) -> Tensor:
    """The matrix (before, after) of `functional.interpolate` with mode "linear"."""
    with torch.inference_mode(False), torch.no_grad():
        rows = torch.eye(before, dtype=torch.float64)[:, None]
        matrix = functional.interpolate(rows, after, mode="linear", align_corners=align_corners)
    return matrix[:, 0]


def interpolate_last(x: Tensor, size: int, *, align_corners: bool = False) -> Tensor:
    """Resize the last axis by linear interpolation, as `functional.interpolate` does.

    Args:
        x: (..., T).
        size: length of the result.
        align_corners: whether the first and last entries keep their places.

    Returns:
        The values (..., size).

    >>> interpolate_last(torch.tensor([0.0, 2.0]), 3, align_corners=True)
    tensor([0., 1., 2.])
    """
    matrix = _interpolation(x.shape[-1], size, align_corners)
    with torch.autocast(x.device.type, enabled=False):
        return x @ matrix.to(x.dtype).to(x.device, non_blocking=True)


def interpolate_pictures(x: Tensor, size: int, *, align_corners: bool = False) -> Tensor:
    """Resize pictures (..., H, W) to (..., size, size) by bilinear interpolation.

    Args:
        x: pictures.
        size: height and width of the result.
        align_corners: whether the corners keep their places.
    """
    wide = interpolate_last(x, size, align_corners=align_corners)
    high = interpolate_last(wide.transpose(-1, -2), size, align_corners=align_corners)
    return high.transpose(-1, -2)


def sample_pictures(pictures: Tensor, at: Tensor) -> Tensor:
    """Sample pictures bilinearly at positions; the gradient goes to the positions alone.

    As `functional.grid_sample` with `align_corners` and positions within -1 and 1.

    Args:
        pictures: (B, C, H, W); they get no gradient.
        at: positions (B, h, w, 2) as x and y, from -1 at the first pixel to 1 at the last.

    Returns:
        The samples (B, C, h, w).
    """
    height, width = pictures.shape[2:]
    x, y = (at[..., 0] + 1) / 2 * (width - 1), (at[..., 1] + 1) / 2 * (height - 1)
    left = x.detach().floor().long().clamp(0, max(0, width - 2))
    top = y.detach().floor().long().clamp(0, max(0, height - 2))
    right, low = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    flat = pictures.detach().flatten(2)

    def pixels(row: Tensor, column: Tensor) -> Tensor:
        index = (row * width + column).flatten(1)[:, None].expand(-1, flat.shape[1], -1)
        return flat.gather(2, index).reshape(*flat.shape[:2], *row.shape[1:])

    across, down = (x - left)[:, None], (y - top)[:, None]
    upper = pixels(top, left) * (1 - across) + pixels(top, right) * across
    lower = pixels(low, left) * (1 - across) + pixels(low, right) * across
    return upper * (1 - down) + lower * down


def running_sum(values: Tensor) -> Tensor:
    """The running sum along the last axis, as products with triangles of ones.

    Sums within blocks, and the sums of the blocks before.

    >>> running_sum(torch.tensor([1.0, 2.0, 4.0]))
    tensor([1., 3., 7.])
    """
    count = values.shape[-1]
    blocks = functional.pad(values, (0, -count % _BLOCK)).reshape(*values.shape[:-1], -1, _BLOCK)
    within = torch.ones(_BLOCK, _BLOCK, dtype=values.dtype, device=values.device).triu()
    between = torch.ones(blocks.shape[-2], blocks.shape[-2], dtype=values.dtype).triu(1)
    with torch.autocast(values.device.type, enabled=False):
        before = blocks.sum(dim=-1) @ between.to(values.device, non_blocking=True)
        total: Tensor = (blocks @ within + before[..., None]).flatten(-2)
    return total[..., :count]


_BLOCK = 64
"""Values in a block of a running sum."""


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention with one head: (..., S, D) each, to (..., S, D).

    The fused kernels of PyTorch are not deterministic on CUDA where nondeterministic algorithms
    are a warning.

    Args:
        query: (..., S, D).
        key: (..., S, D).
        value: (..., S, D).
    """
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    attended: Tensor = scores.softmax(dim=-1) @ value
    return attended
