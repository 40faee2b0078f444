"""A loop over pixels that numba compiles: crops averaged by area.

This module needs numba; `compiled_loops` imports it when that pays off. The loop gives the bytes of
OpenCV's INTER_AREA. `pixel_loops` says why pixels are flat.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Levels = NDArray[np.uint16]
Integers = NDArray[np.int64]
Weights = NDArray[np.float32]

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_INDICES = types.Array(types.int64, 1, "C", readonly=True)
_WEIGHTS = types.Array(types.float32, 1, "C", readonly=True)
_AREA = (types.uint64,) * 3
_CELLS = (_INDICES, _INDICES, _WEIGHTS)

_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)
_HALF = np.float32(0.5)
_MOST_ROWS = np.uint64(257)  # 257 * 255 < 2^16


@njit
def _repeat_doubtful(
    pixels: Bytes,
    width: int,
    left: int,
    source: int,
    x_first: Integers,
    x_weight: Integers,
    x_weights: Weights,
    row_weights: Weights,
    doubt: float,
    means: Weights,
    levels: Bytes,
) -> None:
    """Average those cells of a row of cells again whose mean is within `doubt` of a half.

    Each sum is in OpenCV's order: along each row of pixels, then over the rows.
    """
    for k in range(np.uint64(len(means))):
        if abs(means[k] - np.floor(means[k]) - _HALF) > doubt:
            continue
        x = k // _THREE
        total = np.float32(0)
        row = source
        for row_weight in row_weights:
            at = _THREE * (row * width + left + np.uint64(x_first[x])) + k % _THREE
            mean = np.float32(0)
            for weight in x_weights[x_weight[x] : x_weight[x + _ONE]]:
                mean += np.float32(pixels[at]) * weight
                at += _THREE
            total += mean * row_weight
            row += _ONE
        level = np.floor(total)
        rest = total - level
        is_odd = np.uint8(level) % 2 == 1
        levels[k] = np.uint8(level) + np.uint8(rest > _HALF or (rest == _HALF and is_odd))


@njit
def _sum_rows(
    pixels: Bytes, first: int, pitch: int, weights: Weights, whole: Levels, column: Weights
) -> None:
    """Sum the rows of a cell by their weights.

    Rows that lie wholly in the cell have one weight: their bytes are summed in 16 bits, at most
    `_MOST_ROWS` at once, which LLVM does for many more pixels by one instruction.

    Args:
        pixels: a frame, flat.
        first: place of the first row.
        pitch: from one row to the next.
        weights: of the rows.
        whole: scratch as long as `column`.
        column: the sums.
    """
    rows, values = np.uint64(len(weights)), np.uint64(len(column))
    row = np.uint64(0)
    column[:] = 0
    while row < rows:
        stop = row + _ONE
        while stop < rows and stop - row < _MOST_ROWS and weights[stop] == weights[row]:
            stop += _ONE
        weight = weights[row]
        line = pixels[first : first + values]
        if stop - row == _ONE:
            for x in range(values):
                column[x] += weight * np.float32(line[x])
        else:
            for x in range(values):
                whole[x] = line[x]
            for _ in range(row + _ONE, stop):
                first += pitch
                line = pixels[first : first + values]
                for x in range(values):
                    whole[x] += line[x]
            for x in range(values):
                column[x] += weight * np.float32(whole[x])
        first += pitch
        row = stop


@njit(
    types.void(_BYTES, *_AREA, *_CELLS, *_CELLS, types.float32, types.uint8[:, :, ::1]),
    cache=True,
    nogil=True,
)
def average_cells(
    pixels: Bytes,
    width: int,
    left: int,
    top: int,
    x_first: Integers,
    x_weight: Integers,
    x_weights: Weights,
    y_first: Integers,
    y_weight: Integers,
    y_weights: Weights,
    doubt: float,
    out: Bytes,
) -> None:
    """Average a rectangle over the cells of a smaller picture, to OpenCV's last bit.

    Rows are summed first, which is fast. OpenCV sums along a row first, so its rounding errors
    differ. A mean within `doubt` of the border between two levels is computed again in OpenCV's
    order.

    Args:
        pixels: a frame (H, W, 3), flat.
        width: W.
        left: first column of the rectangle.
        top: first row of the rectangle.
        x_first: first column of each cell (S,), within the rectangle.
        x_weight: where the weights of each cell begin in `x_weights` (S + 1,).
        x_weights: the weights of the columns of all cells.
        y_first: as `x_first`, of the rows.
        y_weight: as `x_weight`, of the rows.
        y_weights: as `x_weights`, of the rows.
        doubt: more than the rounding errors of both orders, in levels.
        out: the picture (S, S, 3).
    """
    cells = np.uint64(len(x_first))
    values = _THREE * np.uint64(x_first[-1] + x_weight[-1] - x_weight[-2])
    # A fourth value beside red, green and blue lets LLVM sum all by one instruction.
    padded = np.zeros(values + _ONE, np.float32)
    column = padded[:values]
    means = np.empty(_THREE * cells + _ONE, np.float32)
    whole = np.empty(values, np.uint16)
    for y in range(np.uint64(len(y_first))):
        first = _THREE * ((top + np.uint64(y_first[y])) * width + left)
        weights = y_weights[y_weight[y] : y_weight[y + _ONE]]
        _sum_rows(pixels, first, _THREE * width, weights, whole, column)
        for x in range(cells):
            r = g = b = unused = np.float32(0)
            at = _THREE * np.uint64(x_first[x])
            for index in range(np.uint64(x_weight[x]), np.uint64(x_weight[x + _ONE])):
                weight = x_weights[index]
                r += weight * padded[at]
                g += weight * padded[at + _ONE]
                b += weight * padded[at + _TWO]
                unused += weight * padded[at + _THREE]
                at += _THREE
            means[_THREE * x] = r
            means[_THREE * x + _ONE] = g
            means[_THREE * x + _TWO] = b
            means[_THREE * x + _THREE] = unused  # until the next cell
        levels = out[y].reshape(-1)
        doubtful = np.uint8(0)
        for k in range(_THREE * cells):
            level = np.floor(means[k])
            rest = means[k] - level
            levels[k] = np.uint8(level) + np.uint8(rest > _HALF)
            doubtful |= np.uint8(abs(rest - _HALF) <= doubt)
        if doubtful:
            _repeat_doubtful(
                pixels,
                width,
                left,
                top + np.uint64(y_first[y]),
                x_first,
                x_weight,
                x_weights,
                y_weights[y_weight[y] : y_weight[y + _ONE]],
                doubt,
                means[: _THREE * cells],
                levels,
            )
