"""Sums over the background of a frame: what lies beside and above the face."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.features import PAIRS
from rppgbench.core.waveform import Array
from rppgbench.extraction.compiled_loops import Loops, loops_after
from rppgbench.face.haar import Box

STRIDE = 8
"""Every eighth pixel of every eighth row is summed: a mean of light needs no more."""

BESIDE, ABOVE = 0.25, 0.5
"""Width kept free at both sides of the face, in its widths, and height above it, in its heights:
ears, hair, and room for small movements."""


class BackgroundSums:
    """Sums the pixels beside and above the face, frame by frame.

    The room of the first face stays left out, so that the mean changes with the light and not with
    the pixels that it is taken over. Where the face moves out of this room, its new place is left
    out too. What is below the face is left out, because neck and shoulders move with it.
    """

    def __init__(self, loops: Callable[[int], Loops | None] = loops_after) -> None:
        """Take the loops for a number of pixels from `loops`; None for the array form."""
        self._loops = loops
        self._first: Box | None = None

    def __call__(self, rgb: NDArray[np.uint8], face: Box) -> Array:
        """Sum the background of one frame.

        Args:
            rgb: frame (H, W, 3).
            face: the box of the face within the frame.

        Returns:
            Sums (10,): count, R, G, B and the products in `PAIRS`; 0 where the face fills the
            frame.
        """
        room = _widened(face)
        if self._first is None:
            self._first = room
        loops = self._loops(0)
        if loops is not None and rgb.flags.c_contiguous:
            sums = np.zeros(10, np.int64)
            rooms = np.array([self._first[:3], room[:3]])
            loops.sum_samples(rgb.reshape(-1), *rgb.shape[:2], STRIDE, rooms, sums)
            return sums.astype(np.float64)
        sampled = rgb[::STRIDE, ::STRIDE]
        outside = np.ones(sampled.shape[:2], np.bool_)
        for left, top, right, _ in (self._first, room):
            outside[_first(top) :, _first(left) : _first(right)] = False
        pixels = sampled[outside].astype(np.float64)
        products = pixels.T @ pixels
        return np.array(
            [len(pixels), *pixels.sum(axis=0), *(products[pair] for pair in PAIRS)], np.float64
        )


def _widened(face: Box) -> Box:
    left, top, right, bottom = face
    beside, above = BESIDE * (right - left), ABOVE * (bottom - top)
    return round(left - beside), round(top - above), round(right + beside), bottom


def _first(pixel: int) -> int:
    """Number of the first sample at or after a pixel of the frame.

    >>> _first(-3), _first(0), _first(8), _first(9)
    (0, 0, 1, 2)
    """
    return max(-(-pixel // STRIDE), 0)
