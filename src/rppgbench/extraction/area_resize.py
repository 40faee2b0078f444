"""Average a rectangle of a frame over the cells of a smaller picture, as OpenCV's INTER_AREA."""

import math
from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from rppgbench.extraction.compiled_loops import Loops, flat_pixels, loops_after
from rppgbench.face.haar import Box

Image = NDArray[np.uint8]
Integers = NDArray[np.int64]
Weights = NDArray[np.float32]

_SLIVER = 1e-3
"""OpenCV leaves out a part of a pixel that is smaller than this share."""


def resize_area(
    rgb: Image, box: Box, size: int, loops_for: Callable[[int], Loops | None] = loops_after
) -> Image:
    """Resize a rectangle of a frame to a square by INTER_AREA.

    The bytes are OpenCV's. The compiled loop serves where its bytes are the same.

    Args:
        rgb: frame (H, W, 3).
        box: the rectangle x0, y0, x1, y1 within the frame, the end excluded.
        size: side S of the square in pixels.
        loops_for: gives the loops for a number of pixels; None for OpenCV's form.

    Returns:
        The square (S, S, 3).
    """
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    loops = loops_for(width * height)
    if loops is None or not _splits_pixels(width, height, size) or not _agrees_with_opencv(loops):
        return _resize_by_opencv(rgb, box, size)
    return _resize_by_loops(loops, rgb, box, size)


def _resize_by_opencv(rgb: Image, box: Box, size: int) -> Image:
    import cv2

    left, top, right, bottom = box
    out = cv2.resize(rgb[top:bottom, left:right], (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(out, np.uint8)


def _resize_by_loops(loops: Loops, rgb: Image, box: Box, size: int) -> Image:
    width, height = box[2] - box[0], box[3] - box[1]
    pixels, frame_width, left, top = flat_pixels(rgb, box)
    square = np.empty((size, size, 3), np.uint8)
    columns, rows = area_cells(width, size), area_cells(height, size)
    doubt = _rounding_levels(width / size, height / size)
    loops.average_cells(pixels, frame_width, left, top, *columns, *rows, doubt, square)
    return square


def _splits_pixels(width: int, height: int, size: int) -> bool:
    """Whether a pixel can lie in several cells. OpenCV takes other ways for whole pixels.

    The other ways are a copy, a sum of whole pixels, and, for a larger picture, an interpolation.
    """
    is_smaller = width >= size and height >= size
    return is_smaller and bool(width % size or height % size)


@cache
def _agrees_with_opencv(loops: Loops) -> bool:
    """Whether OpenCV rounds as the loops do, by one picture with many means between two levels.

    OpenCV for ARM, and builds of it for a certain processor, may multiply and add with one rounding
    in place of two. Emulated, such sums give at least 139 of the 71,148 values here another level.
    """
    levels = np.random.default_rng(0).integers(0, 2, (196, 196, 3), dtype=np.uint8) * np.uint8(255)
    box = (0, 0, 196, 196)
    by_loops = _resize_by_loops(loops, levels, box, 154)
    return np.array_equal(by_loops, _resize_by_opencv(levels, box, 154))


def _rounding_levels(across: float, down: float) -> float:
    """More than the difference, in levels, of two orders of the sum of a cell in 32 bits.

    A sum of n products in any order is off by at most (n + 1) u of its size, u = 2^-24, so a mean
    of at most 256 levels by sums over rows and then columns by (across + 3 + down + 3) u 256, up to
    terms of u^2. Each of the two orders is off by that much.

    Args:
        across: columns of a cell.
        down: rows of a cell.
    """
    return 2 * (across + down + 8) * 256 * 2.0**-24


@lru_cache(maxsize=64)
def area_cells(length: int, size: int) -> tuple[Integers, Integers, Weights]:
    """The pixels of each cell along one axis and their weights, as OpenCV computes them.

    Args:
        length: number of pixels, at least `size`.
        size: number of cells S.

    Returns:
        The first pixel of each cell (S,), where its weights begin (S + 1,), and all weights.

    >>> first, begins, weights = area_cells(5, 2)
    >>> first.tolist(), begins.tolist(), (5 * weights).tolist()
    ([0, 2], [0, 3, 6], [2.0, 2.0, 1.0, 1.0, 2.0, 2.0])
    """
    scale = 1.0 / (size / length)  # as OpenCV computes the scale
    firsts, begins, weights = [], [0], list[float]()
    for cell in range(size):
        start = cell * scale
        end = start + scale
        whole = min(scale, length - start)
        stop = min(math.floor(end), length - 1)
        first = min(math.ceil(start), stop)
        has_left = first - start > _SLIVER
        firsts.append(first - has_left)
        weights += [(first - start) / whole] * has_left + [1.0 / whole] * (stop - first)
        if end - stop > _SLIVER:
            weights.append(min(end - stop, 1.0, whole) / whole)
        begins.append(len(weights))
    return np.array(firsts), np.array(begins), np.array(weights, np.float32)
