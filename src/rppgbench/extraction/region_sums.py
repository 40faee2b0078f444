"""Sum the pixels of face regions exactly."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.features import PAIRS, REGIONS, WHOLE_FRAME
from rppgbench.core.waveform import Array
from rppgbench.extraction.compiled_loops import (
    DRAWN_AS_PIXELS,
    MOST_COLUMNS,
    Loops,
    flat_pixels,
    loops_after,
)
from rppgbench.extraction.regions import (
    CODES,
    RegionMap,
    code_regions,
    draw_by_loops,
    draw_regions,
    membership,
)
from rppgbench.face.haar import Box

_BLOCK = 1 << 15
_MAX_RUN = 256
_LOW_BYTES = np.uint64(0x00FF00FF00FF00FF)
_BYTE = np.uint64(8)
_SUMMED = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))
_ORDER = [0, 1, 2, 3, *(4 + _SUMMED.index(pair) for pair in PAIRS)]


class PixelSums:
    """Sums the pixels of regions; one object per thread, because it keeps its buffers.

    All arithmetic is in integers, so the sums are exact for a face of any size. Compiled loops and
    array form give the same integers. In the array form, runs of pixels with one code are summed
    first, then the runs of each code. Four fields of 16 bits share an integer of 64 bits, so one
    addition sums four values. The fields cannot overflow: a run has at most 256 pixels, so levels
    sum up to at most 255 * 256 < 2^16. Products have 16 bits, so their upper and lower bytes are
    summed separately, with the same bound.
    """

    def __init__(self, loops: Callable[[int], Loops | None] = loops_after) -> None:
        """Take the loops for a number of pixels from `loops`; None for the array form."""
        self._loops = loops
        self._rgba = np.empty((_BLOCK, 4), np.uint8)
        self._fields = np.empty((2, _BLOCK, 4), np.uint16)
        self._planes = list(np.empty((3, 1, 1), np.uint8))
        self._codes = np.empty(0, np.uint16)

    def draw(self, landmarks: NDArray[np.floating], height: int, width: int) -> RegionMap | None:
        """Draw the regions of a face.

        Args:
            landmarks: face (468, 2) in pixels.
            height: height of the frame in pixels.
            width: width of the frame in pixels.

        Returns:
            The map, until the next call; None for a face outside the frame.
        """
        loops = self._loops(DRAWN_AS_PIXELS)
        if loops is None or landmarks.dtype != np.float32 or not _draws_as_opencv(loops):
            return draw_regions(landmarks, height, width)
        if len(self._codes) < height * width:
            self._codes = np.empty(height * width, np.uint16)
        return draw_by_loops(loops, landmarks, height, width, self._codes)

    def __call__(self, rgb: NDArray[np.uint8], regions: RegionMap | None, box: Box | None) -> Array:
        """Sum the pixels of one frame.

        Args:
            rgb: frame (H, W, 3).
            regions: the regions of the face, or None.
            box: rPPG-Toolbox's box within the frame, or None.

        Returns:
            Sums (10, R) over each of `REGIONS`: count, R, G, B and the products in `PAIRS`; 0 for
            regions without pixels.
        """
        sums: Array = np.zeros((10, len(REGIONS)))
        if regions is not None:
            loops = self._loops_for(*regions.codes.shape)
            if loops is not None:
                loops.sum_codes(*flat_pixels(rgb, regions.box), regions.codes, code_regions(), sums)
            else:
                by_code = self._sum_codes(rgb, regions)
                codes = np.flatnonzero(by_code[:, 0])  # few of all codes occur
                sums += by_code[codes].T @ membership()[codes]
        if box is not None:
            sums[:, REGIONS.index("toolbox_box")] = self._sum_rectangle(rgb, box)
        return sums

    def of_whole_frame(self, rgb: NDArray[np.uint8]) -> Array:
        """Sum all pixels of one frame (H, W, 3): sums (10, R) as above, 0 for other regions."""
        sums: Array = np.zeros((10, len(REGIONS)))
        height, width = rgb.shape[:2]
        sums[:, REGIONS.index(WHOLE_FRAME)] = self._sum_rectangle(rgb, (0, 0, width, height))
        return sums

    def _sum_rectangle(self, rgb: NDArray[np.uint8], box: Box) -> Array:
        """The sums (10,) over one rectangle."""
        left, top, right, bottom = box
        loops = self._loops_for(bottom - top, right - left)
        return self._sum_box(rgb, box) if loops is None else _sum_box_by(loops, rgb, box)

    def _loops_for(self, rows: int, columns: int) -> Loops | None:
        return self._loops(rows * columns) if columns <= MOST_COLUMNS else None

    def _sum_codes(self, rgb: NDArray[np.uint8], regions: RegionMap) -> Array:
        """The sums (codes, 10) over the pixels of each code, in the array form."""
        height, width = regions.codes.shape
        codes = regions.codes.ravel()
        rows = max(_BLOCK // width, 1)
        begins = np.empty(len(codes), np.bool_)
        np.not_equal(codes[1:], codes[:-1], out=begins[1:])
        begins[::_MAX_RUN] = True
        begins[:: rows * width] = True
        starts = np.flatnonzero(begins)
        sums = np.empty((5, len(starts)), np.uint64)
        firsts = np.arange(0, height + rows, rows)
        for row, (low, high) in zip(
            firsts, pairwise(np.searchsorted(starts, firsts * width)), strict=False
        ):
            y0, y1 = regions.top + row, regions.top + min(row + rows, height)
            pixels = rgb[y0:y1, regions.left : regions.left + width]
            self._add_runs(pixels, starts[low:high] - row * width, sums[:, low:high])
        fields = sums.view(np.uint16)  # four for each run
        squares, products = (256.0 * fields[1::2] + fields[2::2]).reshape(2, -1, 4)
        length = (np.append(starts[1:], len(codes)) - starts).astype(np.float64)
        by_run = (length, *fields[0].reshape(-1, 4).T[:3], *squares.T[:3], *products.T[:3])
        code = codes[starts].astype(np.intp)
        by_code: Array = np.stack([np.bincount(code, values, CODES) for values in by_run])
        return by_code[_ORDER].T

    def _sum_box(self, rgb: NDArray[np.uint8], box: Box) -> Array:
        """The sums (10,) over one rectangle, in the array form.

        The sum of squares is a norm. The sum of products follows from the squares of differences:
        2 sum(x y) = sum(x^2) + sum(y^2) - sum((x - y)^2).
        """
        import cv2

        left, top, right, bottom = box
        window = rgb[top:bottom, left:right]
        if self._planes[0].shape != window.shape[:2]:
            self._planes = list(np.empty((3, *window.shape[:2]), np.uint8))
        planes = cv2.split(window, self._planes)
        # rounded, because OpenCV may return the square of a root
        squares = [round(cv2.norm(plane, cv2.NORM_L2SQR)) for plane in planes]
        products = [
            squares[i]
            if i == j
            else (squares[i] + squares[j] - round(cv2.norm(planes[i], planes[j], cv2.NORM_L2SQR)))
            // 2
            for i, j in PAIRS
        ]
        return np.array([planes[0].size, *cv2.sumElems(window)[:3], *products], np.float64)

    def _add_runs(
        self, pixels: NDArray[np.uint8], starts: NDArray[np.intp], out: NDArray[np.uint64]
    ) -> None:
        """Sum runs of pixels (h, w, 3); the starts (n,) count along the rows.

        `out` (5, n) has four fields in each number: R, G, B; the upper and the lower bytes of R R,
        G G, B B; the upper and the lower bytes of R G, G B, B R. The fourth field is not used.
        """
        import cv2

        height, width = pixels.shape[:2]
        size = height * width
        if size > len(self._rgba):  # a frame whose rows are longer than a block
            self._rgba = np.empty((size, 4), np.uint8)
            self._fields = np.empty((2, size, 4), np.uint16)
        rgba = self._rgba[:size].reshape(height, width, 4)
        level, product = self._fields[:, :size]
        level[:] = cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA, dst=rgba).reshape(size, 4)
        level[:, 3] = level[:, 0]  # R G B R: the next field of R, G, B is G, B, R
        levels, products = level.view(np.uint64)[:, 0], product.view(np.uint64)[:, 0]
        factors, output = level.reshape(-1), product.reshape(-1)
        np.add.reduceat(levels, starts, out=out[0])
        for shift, (upper, lower) in enumerate((out[1:3], out[3:])):
            end = len(factors) - shift
            np.multiply(factors[:end], factors[shift:], out=output[:end])
            np.add.reduceat(products & _LOW_BYTES, starts, out=lower)
            products >>= _BYTE
            products &= _LOW_BYTES
            np.add.reduceat(products, starts, out=upper)


@cache
def _draws_as_opencv(loops: Loops) -> bool:
    """Whether this OpenCV draws polygons as the loops do, by stars of many directions."""
    import cv2

    rng = np.random.default_rng(0)
    for _ in range(8):
        points = rng.integers(0, 99 << 4, (12, 2))
        ends, fills = np.array([0, 7, 12]), np.array([[0, 2, 0, 1]])
        codes, expected = np.zeros(10_000, np.uint16), np.zeros((100, 100), np.uint8)
        loops.draw_polygons(codes, 100, 100, points, ends, fills)
        stars = [points[:7].astype(np.int32), points[7:].astype(np.int32)]
        cv2.fillPoly(expected, stars, [1], shift=4)
        if not np.array_equal(codes.reshape(100, 100), expected):
            return False
    return True


def _sum_box_by(loops: Loops, rgb: NDArray[np.uint8], box: Box) -> Array:
    """The sums (10,) over one rectangle, by the compiled loops."""
    left, top, right, bottom = box
    sums = np.zeros(10, np.int64)
    loops.sum_box(*flat_pixels(rgb, box), right - left, bottom - top, sums)
    return sums.astype(np.float64)
