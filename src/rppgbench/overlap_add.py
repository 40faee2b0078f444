"""Overlapping short windows of long traces, all at once."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rppgbench.waveform import Array

FLAT = 1e-12
"""Up to this share of its level a signal counts as constant: far under one grey level of one pixel
in a whole frame, far over the rounding of a mean."""

ROUNDING = 3e-7
"""A spread up to this share of the values that it was computed from is rounding error."""


def colours_first(samples: Array) -> Array:
    """(..., T, 3) as a contiguous copy (3, ..., T), which is how this module works fastest.

    >>> colours_first(np.zeros((2, 900, 3))).shape
    (3, 2, 900)
    """
    moved = np.moveaxis(np.asarray(samples, dtype=np.float64), -1, 0)
    return np.array(moved, order="C")


def window_sums(x: Array, width: int) -> Array:
    """The sum over every window of `width` samples: (..., T) to (..., T - width + 1), in O(T).

    Each sum adds only samples of its own window (the rest of one block and the start of the next,
    after van Herk and Gil-Werman), so it has no rounding error of far samples, and a NaN stays in
    its windows. ValueError if there are fewer than `width` samples.

    >>> window_sums(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 2)
    array([3., 5., 7., 9.])
    """
    total = x.shape[-1]
    if not 1 <= width <= total:
        raise ValueError(f"no window of {width} samples in {total}")
    blocks = -(-total // width)
    padded = np.zeros((*x.shape[:-1], blocks * width))
    padded[..., :total] = x
    grid = padded.reshape(*x.shape[:-1], blocks, width)
    starts = np.cumsum(grid, axis=-1).reshape(padded.shape)
    rests = np.cumsum(grid[..., ::-1], axis=-1)[..., ::-1].reshape(padded.shape)
    sums: Array = rests[..., : total - width + 1].copy()
    ends = starts[..., width - 1 : total]
    ends[..., ::width] = 0.0  # there the window is one block, and `rests` has all of it
    sums += ends
    return sums


def overlap_sums(x: Array, width: int) -> Array:
    """Every window's value added to its samples: (..., W) to (..., W + width - 1).

    >>> overlap_sums(np.array([1.0, 10.0]), 3)
    array([ 1., 11., 11., 10.])
    """
    edge = np.zeros((*x.shape[:-1], width - 1))
    return window_sums(np.concatenate([edge, x, edge], axis=-1), width)


def tuned_overlap_add(
    x: Array, first: Array, second: Array, width: int, *, sign: float = 1.0, eps: float = 0.0
) -> Array:
    """Project every window on two directions, tune one by the other, and overlap-add.

    The window that starts at m has the directions a = `first[:, ..., m]` and
    b = `second[:, ..., m]`; its output is s - mean(s) with
    s = a.x + sign std(a.x) / (std(b.x) + eps) b.x, and the sum of all windows is returned. This
    is what POS and 2SR do. The output of a window is linear in x, so its moments give its
    coefficients, and the overlap-add is a sum of coefficients: no window is ever written out.

    Args:
        x: (3, ..., T), the colours first.
        first: (3, ..., T - width + 1), a direction for every window.
        second: like `first`.
        width: samples of a window.
        sign: +1 or -1.
        eps: added to the divisor, where the reference does.

    Returns:
        (..., T). A window that is flat, or whose directions are not finite, adds nothing; one
        that is flat along `second` only adds its `first` projection.
    """
    offset = x.mean(axis=-1, keepdims=True)
    x = x - offset
    means = window_sums(x, width) / width
    level = np.abs(offset) * (FLAT / ROUNDING)
    with np.errstate(all="ignore"):  # black windows have no direction: they are left out below
        moments = {
            (i, j): window_sums(x[i] * x[j], width) / width for i in range(3) for j in range(i, 3)
        }
        size = [np.sqrt(moments[i, i]) + level[i] for i in range(3)]
        for (i, j), moment in moments.items():
            np.subtract(moment, means[i] * means[j], out=moment)
        spread_first, first_is_flat = _spread(first, moments, size)
        spread_second, second_is_flat = _spread(second, moments, size)
        ratio = np.where(second_is_flat, 0.0, spread_first / (spread_second + eps))
        axis = first + sign * ratio * second
        usable = ~(first_is_flat & second_is_flat) & np.isfinite(axis).all(axis=0)
        axis = np.where(usable, axis, 0.0)
    pulse: Array = (overlap_sums(axis, width) * x).sum(axis=0)
    pulse -= overlap_sums((axis * means).sum(axis=0), width)
    return pulse


def _spread(
    direction: Array, moments: dict[tuple[int, int], Array], size: list[Array]
) -> tuple[Array, NDArray[np.bool_]]:
    """The standard deviation along `direction` in every window, and where it is only rounding."""
    variance = np.zeros(direction.shape[1:])
    for (i, j), moment in moments.items():
        variance += (1.0 if i == j else 2.0) * direction[i] * direction[j] * moment
    spread = np.sqrt(np.maximum(variance, 0.0))
    largest = np.sum([np.abs(direction[i]) * size[i] for i in range(3)], axis=0)
    flat: NDArray[np.bool_] = spread <= ROUNDING * largest
    return spread, flat


def half_overlapping(x: Array, width: int, *, mirrored: bool = False) -> Array:
    """Windows of an even `width` every half width: (..., T) to (..., N, width).

    The rest that fills no window is left out; `mirrored` continues both ends by their mirror
    image, so that every sample lies in two windows and `hann_overlap_add(..., total=T)` puts it
    back. ValueError if `width` is odd or more than T.

    >>> half_overlapping(np.arange(7.0), 4)
    array([[0., 1., 2., 3.],
           [2., 3., 4., 5.]])
    >>> half_overlapping(np.arange(4.0), 4, mirrored=True)
    array([[2., 1., 0., 1.],
           [0., 1., 2., 3.],
           [2., 3., 2., 1.]])
    """
    total, half = x.shape[-1], width // 2
    if width % 2 or not 2 <= width <= total:
        raise ValueError(f"no half-overlapping windows of {width} samples in {total}")
    if mirrored:
        ends = (half, half + -total % half)
        x = np.pad(x, [*[(0, 0)] * (x.ndim - 1), ends], mode="reflect")
    windows: Array = sliding_window_view(x, width, axis=-1)[..., ::half, :]
    return windows


def hann_overlap_add(windows: Array, *, total: int | None = None) -> Array:
    """Weight half-overlapping windows by a symmetric Hann and add: (..., N, w) to (..., T').

    T' is (N + 1) w / 2, and the first and last half window fade; with `total` the windows are
    mirrored ones, and the samples that they were made from are returned: T' is `total`.

    >>> hann_overlap_add(np.ones((1, 4))).round(2) + 0.0
    array([0.  , 0.75, 0.75, 0.  ])
    >>> hann_overlap_add(np.ones((3, 4)), total=4)
    array([0.75, 0.75, 0.75, 0.75])
    """
    width = windows.shape[-1]
    half = width // 2
    weighted = windows * np.hanning(width)
    parts = np.zeros((*windows.shape[:-2], windows.shape[-2] + 1, half))
    parts[..., :-1, :] += weighted[..., :half]
    parts[..., 1:, :] += weighted[..., half:]
    pulse = parts.reshape(*windows.shape[:-2], -1)
    return pulse if total is None else pulse[..., half : half + total].copy()
