"""Loops over pixels that numba compiles: sums of regions.

This module needs numba; `compiled_loops` imports it when that pays off. Each loop gives the values
of an array form, its oracle: `region_sums.PixelSums` without loops.

Pixels are a flat array of bytes, indices are unsigned, and each plane is an array of its own: then
LLVM reads and sums many pixels by one vector instruction.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Codes = NDArray[np.uint16]
Integers = NDArray[np.int64]
Sums = NDArray[np.float64]

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_CODES = types.Array(types.uint16, 2, "C", readonly=True)
_REGIONS = types.Array(types.int64, 2, "C", readonly=True)
_ROOMS = types.Array(types.int64, 2, "C", readonly=True)
_AREA = (types.uint64,) * 5

_ONE, _TWO, _THREE, _EIGHT = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(8)


@njit(inline="always")
def _split_row(line: Bytes, red: Bytes, green: Bytes, blue: Bytes) -> None:
    """Copy the pixels of a row into three planes."""
    for x in range(np.uint64(len(red))):
        red[x] = line[_THREE * x]
        green[x] = line[_THREE * x + _ONE]
        blue[x] = line[_THREE * x + _TWO]


@njit(inline="always")
def _add_run(red: Bytes, green: Bytes, blue: Bytes, start: int, stop: int, sums: Integers) -> None:
    """Add the pixels from `start` to before `stop` to sums (10,); at most `MOST_COLUMNS`."""
    r = g = b = rr = rg = rb = gg = gb = bb = np.uint32(0)
    for x in range(start, stop):
        p, q, s = np.uint32(red[x]), np.uint32(green[x]), np.uint32(blue[x])
        # numba adds in 64 bits; the casts let LLVM add in 32, so twice as many at once
        r = np.uint32(r + p)
        g = np.uint32(g + q)
        b = np.uint32(b + s)
        rr = np.uint32(rr + p * p)
        rg = np.uint32(rg + p * q)
        rb = np.uint32(rb + p * s)
        gg = np.uint32(gg + q * q)
        gb = np.uint32(gb + q * s)
        bb = np.uint32(bb + s * s)
    sums[0] += stop - start
    sums[1] += r
    sums[2] += g
    sums[3] += b
    sums[4] += rr
    sums[5] += rg
    sums[6] += rb
    sums[7] += gg
    sums[8] += gb
    sums[9] += bb


@njit
def _add_codes(by_code: Integers, regions: Integers, sums: Sums) -> None:
    """Add the sums (codes, 10) of the codes that occur to the sums (10, regions)."""
    for code in range(len(by_code)):
        if by_code[code, 0] == 0:
            continue
        for region in regions[code]:
            if region >= 0:
                for value in range(10):
                    sums[value, region] += by_code[code, value]


@njit(
    types.void(_BYTES, *_AREA[:3], _CODES, _REGIONS, types.float64[:, ::1]), cache=True, nogil=True
)
def sum_codes(
    pixels: Bytes, width: int, left: int, top: int, codes: Codes, regions: Integers, sums: Sums
) -> None:
    """Add the pixels of a map of codes to the sums of the regions of their codes.

    Args:
        pixels: a frame (H, W, 3), flat.
        width: W.
        left: first column of the map in the frame.
        top: first row of the map in the frame.
        codes: the code (h, w) of each pixel, uint16; 0 is in no region.
        regions: the regions (codes, N) of each code, -1 for none.
        sums: sums (10, regions): count, R, G, B, R R, R G, R B, G G, G B, B B.
    """
    columns = np.uint64(codes.shape[1])
    red = np.empty(columns, np.uint8)
    green, blue = np.empty_like(red), np.empty_like(red)
    begins = np.zeros(codes.shape[1] // 8 * 8 + 8, np.uint8)  # 1 where a run begins
    flags = begins.view(np.uint64)  # eight are tested at once
    by_code = np.zeros((len(regions), 10), np.int64)
    for y in range(np.uint64(codes.shape[0])):
        first = _THREE * ((top + y) * width + left)
        _split_row(pixels[first : first + _THREE * columns], red, green, blue)
        row = codes[y]
        for x in range(_ONE, columns):
            begins[x] = row[x] != row[x - _ONE]
        begins[columns] = 1
        start = np.uint64(0)
        for word in range(np.uint64(len(flags))):
            if flags[word] != 0:
                for stop in range(_EIGHT * word, _EIGHT * word + _EIGHT):
                    if begins[stop]:
                        if row[start]:
                            _add_run(red, green, blue, start, stop, by_code[row[start]])
                        start = stop
    _add_codes(by_code, regions, sums)


@njit(types.void(_BYTES, *_AREA, types.int64[::1]), cache=True, nogil=True)
def sum_box(
    pixels: Bytes, width: int, left: int, top: int, columns: int, rows: int, sums: Integers
) -> None:
    """Add the pixels of a rectangle to sums (10,), in the order of `sum_codes`.

    Args:
        pixels: a frame (H, W, 3), flat.
        width: W.
        left: first column of the rectangle.
        top: first row of the rectangle.
        columns: width of the rectangle.
        rows: height of the rectangle.
        sums: count, R, G, B, R R, R G, R B, G G, G B, B B.
    """
    red = np.empty(columns, np.uint8)
    green, blue = np.empty_like(red), np.empty_like(red)
    for y in range(rows):
        first = _THREE * ((top + y) * width + left)
        _split_row(pixels[first : first + _THREE * columns], red, green, blue)
        _add_run(red, green, blue, np.uint64(0), columns, sums)


@njit(types.void(_BYTES, *(types.int64,) * 3, _ROOMS, types.int64[::1]), cache=True, nogil=True)
def sum_samples(
    pixels: Bytes, height: int, width: int, stride: int, rooms: Integers, sums: Integers
) -> None:
    """Add every `stride`-th pixel of every `stride`-th row outside some rooms to sums (10,).

    Args:
        pixels: a frame (H, W, 3), flat.
        height: H.
        width: W.
        stride: distance of the pixels in both directions.
        rooms: left, top and right (N, 3) of each room; a room reaches to the bottom of the frame.
        sums: count, R, G, B, R R, R G, R B, G G, G B, B B.
    """
    count = r = g = b = rr = rg = rb = gg = gb = bb = 0
    for y in range(0, height, stride):
        x = 0
        while x < width:
            after = x
            for room in range(len(rooms)):
                left, top, right = rooms[room]
                if y >= top and left <= x < right:
                    after = max(after, right)
            if after > x:  # to the first pixel at or after the right edge
                x = (after + stride - 1) // stride * stride
                continue
            at = 3 * (y * width + x)
            p, q, s = np.int64(pixels[at]), np.int64(pixels[at + 1]), np.int64(pixels[at + 2])
            count += 1
            r += p
            g += q
            b += s
            rr += p * p
            rg += p * q
            rb += p * s
            gg += q * q
            gb += q * s
            bb += s * s
            x += stride
    for index, value in enumerate((count, r, g, b, rr, rg, rb, gg, gb, bb)):
        sums[index] += value
