"""Overlapping short windows of long traces, all at once."""

from collections.abc import Callable

import numpy as np

from rppgbench.core.features import PAIRS
from rppgbench.core.waveform import Array
from rppgbench.system.errors import TooShortError

FLAT = 1e-12
"""Up to this share of its level a signal counts as constant: far under one grey level of one pixel
in a whole frame, far over the rounding of a mean."""

ROUNDING = 3e-7
"""A spread up to this share of the values that it was computed from is rounding error."""


def channels_first(samples: Array) -> Array:
    """A trace (..., T, 3) as a view (3, ..., T) of float64, the layout of this module.

    >>> channels_first(np.zeros((2, 900, 3))).shape
    (3, 2, 900)
    """
    return np.moveaxis(np.asarray(samples, dtype=np.float64), -1, 0)


def window_sums(x: Array, width: int) -> Array:
    """The sum over every window of `width` samples.

    Sums of 2, 4, 8, ... samples are computed from each other; a window is the sum of the parts that
    the binary digits of `width` name: O(T log width) additions over whole arrays. The difference of
    two cumulative sums would need fewer additions, but its rounding error grows with all samples
    before the window, and one NaN would spoil all windows after it.

    Args:
        x: Signals (..., T).
        width: Samples of a window.

    Returns:
        (..., T - width + 1).

    Raises:
        TooShortError: There are fewer than `width` samples.

    >>> window_sums(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 3)
    array([ 6.,  9., 12.])
    """
    if not 1 <= width <= x.shape[-1]:
        raise TooShortError(f"no window of {width} samples in {x.shape[-1]}")
    return _sums(x, width)[..., : x.shape[-1] - width + 1]


def _sums(x: Array, width: int) -> Array:
    """Window sums with the shape of `x`; the last `width - 1` of every row are of no use.

    The rows are added as one, which is much faster than row by row; there, windows that begin in
    a row and end in the next are formed too.
    """
    rows = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
    needed = len(rows) - width + 1
    buffer = np.zeros(len(rows))
    sums = buffer[:needed]
    buffers = (np.empty(len(rows)), np.empty(len(rows)))  # what is being doubled, and its double
    summed, size = 0, 1
    while True:
        if width & size:
            sums += rows[summed : summed + needed]
            summed += size
            if summed == width:
                return buffer.reshape(x.shape)
        rows = np.add(rows[:-size], rows[size:], out=buffers[0][: len(rows) - size])
        buffers = buffers[::-1]
        size *= 2


def linear_overlap_add(
    x: Array, coefficients: Callable[[Array, Array], Array], width: int
) -> Array:
    """Weigh the colours of every window by its own coefficients, and overlap-add without means.

    The window that starts at m is a_m . x_t less its mean a_m . mean_m, for m <= t < m + width. The
    sum of all windows at t is

        sum_m (a_m . x_t - a_m . mean_m) = (sum_m a_m) . x_t - sum_m a_m . mean_m

    over the windows m that contain t: sums of coefficients over a window of starts. The
    coefficients depend on the window only through its means and its scatter (the standard
    deviations that tune it), and these are window sums of x and of its products. So no window is
    written out: O(T log width) instead of O(T width). POS and 2SR have this form. The means of the
    whole trace are subtracted from x first, so that the scatter does not cancel.

    Args:
        x: (3, ..., T), the colours first.
        coefficients: given the means (3, ..., T) of the windows that start at every sample and
            their scatter (6, ..., T), the sums of products about the means in the order of
            `PAIRS`, returns a (3, ..., T), not finite where there is none. It may write into its
            arguments. No window starts at the last `width` - 1 samples: the values there have no
            meaning and are not used.
        width: samples of a window.

    Returns:
        (..., T). A window that does not change, or has no coefficients, adds nothing at all.

    Raises:
        TooShortError: fewer than `width` samples.
    """
    total = x.shape[-1]
    if not 1 <= width <= total:
        raise TooShortError(f"no window of {width} samples in {total}")
    x = np.array(x, dtype=np.float64, order="C")
    offset = x.mean(axis=-1, keepdims=True)
    x -= offset
    means = _sums(x, width)
    sums = means.copy()
    means /= width
    products = np.empty((6, *x.shape[1:]))
    for product, (i, j) in zip(products, PAIRS, strict=True):
        np.multiply(x[i], x[j], out=product)
    scatter = _sums(products, width)
    for k, (i, j) in enumerate(PAIRS):
        scatter[k] -= sums[i] * means[j]
    largest = np.max([products[k].max(axis=-1, keepdims=True) for k in (0, 3, 5)], axis=0)
    min_scatter = width * (ROUNDING**2 * largest + FLAT**2 * (offset**2).max(axis=0))
    changing = scatter[0] + scatter[3]
    changing += scatter[5]
    with np.errstate(all="ignore"):  # black windows have no coefficients: they are left out below
        weights = coefficients(means + offset, scatter)
        usable = changing > min_scatter
        usable &= np.isfinite(weights[0] + weights[1] + weights[2])
    usable[..., total - width + 1 :] = False
    np.copyto(weights, 0.0, where=~usable)
    constant = weights[0] * means[0]
    constant += weights[1] * means[1]
    constant += weights[2] * means[2]
    slopes = _spread_out(weights, width)
    pulse: Array = slopes[0] * x[0]
    pulse += slopes[1] * x[1]
    pulse += slopes[2] * x[2]
    pulse -= _spread_out(constant, width)
    return pulse


def _spread_out(x: Array, width: int) -> Array:
    """Every window's value added to its samples, (..., T) both; no window where none fits."""
    rows = np.zeros(x.size + width - 1)  # the zeros at the end of a row stand before the next
    rows[width - 1 :] = x.reshape(-1)
    return _sums(rows, width)[: x.size].reshape(x.shape)


def tuning_ratio(first: Array, second: Array, first_terms: Array, second_terms: Array) -> Array:
    """The ratio of standard deviations that tunes one projection by another.

    A power that is no more than the rounding error of its terms counts as 0.

    Args:
        first: Power of the first projection about its mean (...,).
        second: Power of the second (...,).
        first_terms: Sum of the terms of `first` without regard to their signs (...,).
        second_terms: The same of `second` (...,).

    Returns:
        sqrt(first / second) (...,); 0 where either power is 0, and NaN where both are: there is no
        projection.

    >>> tuning_ratio(np.array([4.0, 4.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.ones(3), np.ones(3))
    array([ 2.,  0., nan])
    """
    first_is_flat = first <= ROUNDING**2 * first_terms
    second_is_flat = second <= ROUNDING**2 * second_terms
    with np.errstate(all="ignore"):
        ratio: Array = np.sqrt(first / second)
    if second_is_flat.any():
        ratio[second_is_flat] = 0.0
        ratio[first_is_flat & second_is_flat] = np.nan
    if first_is_flat.any():
        ratio[first_is_flat & ~second_is_flat] = 0.0
    return ratio


def half_overlapping(x: Array, width: int, *, mirrored: bool = False) -> Array:
    """Windows of an even width every half width, the time first.

    The time is the first axis, so that operations on all windows run along the last one.

    Args:
        x: Signals (..., T).
        width: Samples of a window, even.
        mirrored: Continue both ends by their mirror image, so that every sample lies in two windows
            and `hann_overlap_add(..., total=T)` restores the length; else the rest that fills no
            window is left out.

    Returns:
        (width, ..., N).

    Raises:
        ValueError: `width` is odd or below 2.
        TooShortError: `width` is more than T.

    >>> half_overlapping(np.arange(7.0), 4).T
    array([[0., 1., 2., 3.],
           [2., 3., 4., 5.]])
    >>> half_overlapping(np.arange(4.0), 4, mirrored=True).T
    array([[2., 1., 0., 1.],
           [0., 1., 2., 3.],
           [2., 3., 2., 1.]])
    """
    total, half = x.shape[-1], width // 2
    if width % 2 or width < 2:
        raise ValueError(f"a half-overlapping window has an even number of samples, not {width}")
    if width > total:
        raise TooShortError(f"no half-overlapping windows of {width} samples in {total}")
    if mirrored:
        ends = (half, half + -total % half)
        x = np.pad(x, [*[(0, 0)] * (x.ndim - 1), ends], mode="reflect")
    count = x.shape[-1] // half
    halves = x[..., : count * half].reshape(*x.shape[:-1], count, half)
    windows = np.empty((width, *x.shape[:-1], count - 1))
    windows[:half] = np.moveaxis(halves[..., :-1, :], -1, 0)
    windows[half:] = np.moveaxis(halves[..., 1:, :], -1, 0)
    return windows


def hann_overlap_add(windows: Array, *, total: int | None = None) -> Array:
    """Weight half-overlapping windows by a symmetric Hann window and add them.

    Args:
        windows: (w, ..., N), as `half_overlapping` returns them.
        total: The length of the signals where the windows are mirrored ones.

    Returns:
        (..., T'): T' is `total`, or (N + 1) w / 2 without it, where the ends fade.

    >>> hann_overlap_add(np.ones((4, 1))).round(2) + 0.0
    array([0.  , 0.75, 0.75, 0.  ])
    >>> hann_overlap_add(np.ones((4, 3)), total=4)
    array([0.75, 0.75, 0.75, 0.75])
    """
    width = windows.shape[0]
    half = width // 2
    weighted = windows * np.hanning(width).reshape(-1, *[1] * (windows.ndim - 1))
    parts = np.zeros((half, *windows.shape[1:-1], windows.shape[-1] + 1))
    parts[..., :-1] += weighted[:half]
    parts[..., 1:] += weighted[half:]
    pulse = np.moveaxis(parts, 0, -1).reshape(*windows.shape[1:-1], -1)
    return pulse if total is None else pulse[..., half : half + total].copy()
