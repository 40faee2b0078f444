"""Resize a square of a frame by interpolation, as OpenCV's INTER_LINEAR."""

from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from rppgbench.extraction.compiled_loops import Loops, loops_after

Image = NDArray[np.uint8]
Integers = NDArray[np.int64]
Weights = NDArray[np.int32]

_UNIT = 2048
"""OpenCV's weights are multiples of 1/2048."""


def resize_square(
    rgb: Image,
    corner: tuple[int, int],
    side: int,
    size: int,
    loops_for: Callable[[int], Loops | None] = loops_after,
) -> Image:
    """Resize a square of a frame by INTER_LINEAR; pixels outside the frame repeat its edge.

    The bytes are OpenCV's. Where the square reaches over the edge, OpenCV's form copies it first;
    the compiled loop serves there where its bytes are the same.

    Args:
        rgb: frame (H, W, 3).
        corner: left and top of the square in pixels, perhaps outside the frame.
        side: its side in pixels.
        size: side S of the picture in pixels.
        loops_for: gives the loops for a number of pixels; None for OpenCV's form.

    Returns:
        The picture (S, S, 3).
    """
    left, top = corner
    height, width = rgb.shape[:2]
    is_inside = 0 <= left <= width - side and 0 <= top <= height - side
    loops = None if is_inside or side <= size else loops_for(0)
    if loops is None or not rgb.flags.c_contiguous or not _agrees_with_opencv(loops):
        return _resize_by_opencv(rgb, corner, side, size)
    return _resize_by_loops(loops, rgb, corner, side, size)


def _resize_by_opencv(rgb: Image, corner: tuple[int, int], side: int, size: int) -> Image:
    import cv2

    face = crop_square(rgb, *corner, side)
    if side == size:
        return np.ascontiguousarray(face)
    return np.asarray(cv2.resize(face, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _resize_by_loops(
    loops: Loops, rgb: Image, corner: tuple[int, int], side: int, size: int
) -> Image:
    picture = np.empty((size, size, 3), np.uint8)
    loops.resize_linear(
        rgb.reshape(-1), *rgb.shape[:2], *corner, *linear_weights(side, size), picture
    )
    return picture


@lru_cache(maxsize=64)
def linear_weights(length: int, size: int) -> tuple[Integers, Weights]:
    """The two pixels of each pixel of a smaller picture along one axis, and their weights.

    Args:
        length: number of pixels, more than `size`.
        size: number of pixels S of the picture.

    Returns:
        The first of the two neighbours (S,), and the weights (S, 2) of both in 1/2048.

    >>> first, weights = linear_weights(8, 3)
    >>> first.tolist(), (weights / 2048).round(3).tolist()
    ([0, 3, 6], [[0.167, 0.833], [0.5, 0.5], [0.833, 0.167]])
    """
    scale = 1.0 / (size / length)  # as OpenCV computes the scale
    places = ((np.arange(size) + 0.5) * scale - 0.5).astype(np.float32)
    first = np.floor(places)
    share = places - first
    weights = np.rint(np.stack([1 - share, share], axis=1) * np.float32(_UNIT))
    return first.astype(np.int64), weights.astype(np.int32)


@cache
def _agrees_with_opencv(loops: Loops) -> bool:
    """Whether OpenCV rounds as the loops do, by one picture of noise."""
    rgb = np.random.default_rng(0).integers(0, 256, (150, 170, 3), dtype=np.uint8)
    square = (-20, 10), 181, 128
    by_loops = _resize_by_loops(loops, rgb, *square)
    return np.array_equal(by_loops, _resize_by_opencv(rgb, *square))


def crop_square(rgb: Image, left: int, top: int, side: int) -> Image:
    """A square of the frame; pixels outside the frame repeat its edge.

    Args:
        rgb: frame (H, W, 3).
        left: first column, perhaps outside the frame.
        top: first row, perhaps outside the frame.
        side: side in pixels.
    """
    import cv2

    height, width = rgb.shape[:2]
    x0, x1 = (min(max(x, 0), width - 1) for x in (left, left + side - 1))
    y0, y1 = (min(max(y, 0), height - 1) for y in (top, top + side - 1))
    inside = rgb[y0 : y1 + 1, x0 : x1 + 1]
    before = min(max(-top, 0), side - 1), min(max(-left, 0), side - 1)
    after = side - before[0] - inside.shape[0], side - before[1] - inside.shape[1]
    if not any((*before, *after)):
        return inside
    edges = (before[0], after[0], before[1], after[1])
    return np.asarray(cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE), np.uint8)
