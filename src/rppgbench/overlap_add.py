"""Overlapping short windows of long traces, all at once."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rppgbench.features import PAIRS
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
    """The sum over every window of `width` samples: (..., T) to (..., T - width + 1).

    Sums of 2, 4, 8, ... samples are made of each other, and the window of those that its length
    is made of: O(T log width) additions over whole arrays. Each sum adds only samples of its own
    window, so it has no rounding error of far samples, and a NaN stays in its windows. ValueError
    if there are fewer than `width` samples.

    >>> window_sums(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 3)
    array([ 6.,  9., 12.])
    """
    count = x.shape[-1] - width + 1
    if width < 1 or count < 1:
        raise ValueError(f"no window of {width} samples in {x.shape[-1]}")
    buffers = (np.empty(x.shape), np.empty(x.shape))  # what is being doubled, and its double
    sums: Array | None = None
    done, size = 0, 1
    while True:
        if width & size:
            part = x[..., done : done + count]
            sums = part.copy() if sums is None else np.add(sums, part, out=sums)
            done += size
            if done == width:
                return sums
        double = buffers[0][..., : x.shape[-1] - size]
        x = np.add(x[..., :-size], x[..., size:], out=double)
        buffers = buffers[::-1]
        size *= 2


def overlap_sums(x: Array, width: int) -> Array:
    """Every window's value added to its samples: (..., W) to (..., W + width - 1).

    >>> overlap_sums(np.array([1.0, 10.0]), 3)
    array([ 1., 11., 11., 10.])
    """
    spread = np.zeros((*x.shape[:-1], x.shape[-1] + 2 * (width - 1)))
    spread[..., width - 1 : width - 1 + x.shape[-1]] = x
    return window_sums(spread, width)


def tuned_overlap_add(
    x: Array,
    directions: Callable[[Array], tuple[Array, Array]],
    width: int,
    *,
    sign: float = 1.0,
    eps: float = 0.0,
) -> Array:
    """Project every window on two directions, tune one by the other, and overlap-add.

    The window that starts at m has the directions a = `first[:, ..., m]` and
    b = `second[:, ..., m]`; its output is s - mean(s) with
    s = a.x + sign std(a.x) / (std(b.x) + eps) b.x, and the sum of all windows is returned. This
    is what POS and 2SR do. The output of a window is linear in x, so its moments give its
    coefficients, and the overlap-add is a sum of coefficients: no window is ever written out.

    Args:
        x: (3, ..., T), the colours first.
        directions: given the windows' means (3, ..., T - width + 1), their `first` and `second`
            directions, of the same shape; what is not finite is a window without directions.
        width: samples of a window.
        sign: +1 or -1.
        eps: added to the divisor, where the reference does.

    Returns:
        (..., T). A window that is flat, or has no directions, adds nothing; one that is flat along
        `second` only adds its `first` projection.
    """
    offset = x.mean(axis=-1, keepdims=True)
    x = x - offset
    sums = window_sums(x, width)
    means = sums / width
    first, second = directions(means + offset)
    products = np.empty((6, *x.shape[1:]))
    for product, (i, j) in zip(products, PAIRS, strict=True):
        np.multiply(x[i], x[j], out=product)
    scatter = window_sums(products, width)
    for k, (i, j) in enumerate(PAIRS):
        scatter[k] -= sums[i] * means[j]
    largest = np.max([products[k].max(axis=-1, keepdims=True) for k in (0, 3, 5)], axis=0)
    least = width * (ROUNDING**2 * largest + FLAT**2 * (offset**2).max(axis=0))
    with np.errstate(all="ignore"):  # black windows have no direction: they are left out below
        scatter_first, first_is_flat = _scatter(first, scatter, least)
        scatter_second, second_is_flat = _scatter(second, scatter, least)
        if eps:
            ratio = np.sqrt(scatter_first) / (np.sqrt(scatter_second) + eps * np.sqrt(width))
        else:
            ratio = np.sqrt(np.divide(scatter_first, scatter_second, out=scatter_second))
        np.copyto(ratio, 0.0, where=second_is_flat)
        ratio *= sign
        coefficients = np.empty((4, *means.shape[1:]))  # of x, and the constant
        axis = np.multiply(second, ratio, out=coefficients[:3])
        axis += first
        flat = first_is_flat & second_is_flat
        np.copyto(axis, 0.0, where=flat | ~np.isfinite(axis[0] + axis[1] + axis[2]))
    np.einsum("i...,i...->...", axis, means, out=coefficients[3])
    *slopes, constant = overlap_sums(coefficients, width)
    pulse: Array = slopes[0] * x[0] + slopes[1] * x[1]
    pulse += slopes[2] * x[2]
    pulse -= constant
    return pulse


def _scatter(direction: Array, scatter: Array, least: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The sum of squares along `direction` in every window, and where it is only rounding."""
    red, green, blue = direction
    rr, rg, rb, gg, gb, bb = scatter
    along = green * rg
    along += blue * rb
    along *= red
    crossed = green * blue
    crossed *= gb
    along += crossed
    along *= 2.0
    length = np.zeros_like(along)
    for component, own in ((red, rr), (green, gg), (blue, bb)):
        square = component * component
        length += square
        square *= own
        along += square
    length *= least
    flat: NDArray[np.bool_] = along <= length
    np.maximum(along, 0.0, out=along)
    return along, flat


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
