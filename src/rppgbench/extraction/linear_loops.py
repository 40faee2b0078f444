"""A loop over pixels that numba compiles: squares that reach over the frame's edge, made smaller.

This module needs numba; `compiled_loops` imports it when that pays off. The loop gives the bytes of
OpenCV's BORDER_REPLICATE and INTER_LINEAR, without a copy of the square. OpenCV weighs in steps of
1/2048 and drops four bits of the sum of two columns before it weighs two rows.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_INDICES = types.Array(types.int64, 1, "C", readonly=True)
_WEIGHTS = types.Array(types.int32, 2, "C", readonly=True)
_THREE = np.uint64(3)


@njit(
    types.void(_BYTES, *(types.int64,) * 4, _INDICES, _WEIGHTS, types.uint8[:, :, ::1]),
    cache=True,
    nogil=True,
)
def resize_linear(
    pixels: Bytes,
    height: int,
    width: int,
    left: int,
    top: int,
    firsts: Integers,
    weights: Integers,
    out: Bytes,
) -> None:
    """Interpolate a smaller picture of a square; pixels outside the frame repeat its edge.

    Args:
        pixels: a frame (H, W, 3), flat.
        height: H.
        width: W.
        left: first column of the square, perhaps outside the frame.
        top: first row of the square, perhaps outside the frame.
        firsts: the first of two neighbouring pixels for each pixel of the picture (S,).
        weights: the weights (S, 2) of these two, in 1/2048.
        out: the picture (S, S, 3).
    """
    size = len(firsts)
    columns = np.empty((size, 2), np.uint64)
    for x in range(size):
        for side in range(2):
            column = min(max(left + firsts[x] + side, 0), width - 1)
            columns[x, side] = _THREE * np.uint64(column)
    for y in range(size):
        upper = np.uint64(3 * width * min(max(top + firsts[y], 0), height - 1))
        lower = np.uint64(3 * width * min(max(top + firsts[y] + 1, 0), height - 1))
        row0, row1 = weights[y, 0], weights[y, 1]
        for x in range(size):
            first, second = columns[x, 0], columns[x, 1]
            column0, column1 = weights[x, 0], weights[x, 1]
            for channel in range(_THREE):
                above = np.int32(
                    np.int32(pixels[upper + first + channel]) * column0
                    + np.int32(pixels[upper + second + channel]) * column1
                )
                below = np.int32(
                    np.int32(pixels[lower + first + channel]) * column0
                    + np.int32(pixels[lower + second + channel]) * column1
                )
                level = ((row0 * (above >> 4)) >> 16) + ((row1 * (below >> 4)) >> 16)
                out[y, x, channel] = (level + 2) >> 2
