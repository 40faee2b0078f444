"""Load the loops that numba compiles, once a process has enough pixels for them.

The extra `fast` installs numba. Loading numba and the compiled loops takes half a second of
processor time, which the loops save within `WORTH_LOADING_PIXELS`. So the loops are loaded after
that many pixels, or as soon as a video is known to have them (`expect_pixels`): a short video never
waits for numba, and many short ones lose at most as much time as loading takes. Both forms give the
same integers and bytes, so no value shows the change.

Where the loops are not compiled yet, loading takes seconds more, and a process waits for
`WORTH_COMPILING_PIXELS`: the first video of a new user does not pay for what it cannot save.

The machine code lies in `compiled/` of the user's cache (`RPPGBENCH_CACHE`), where numba names it
by processor, version, and the source file.
"""

import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.haar import Box
from rppgbench.system.default_cache import default_cache


@dataclass(frozen=True, kw_only=True)
class Loops:
    """The compiled loops; the modules in which they are written describe them."""

    sum_codes: Callable[..., Any]
    sum_box: Callable[..., Any]
    sum_samples: Callable[..., Any]
    draw_face: Callable[..., Any]
    draw_polygons: Callable[..., Any]
    average_cells: Callable[..., Any]
    resize_linear: Callable[..., Any]


WORTH_LOADING_PIXELS = 100_000_000
WORTH_COMPILING_PIXELS = 1_600_000_000
"""Compiling takes some sixteen times as long as loading."""

DRAWN_AS_PIXELS = 45_000
"""The loops save as much where they draw a face as where they sum this many pixels."""

FOLDER = "compiled"

MOST_COLUMNS = (2**32 - 1) // 255**2
"""Columns of what is summed: the loops add up the products of a row in 32 bits."""

_pixels = 0.0


def loops_after(pixels: int) -> Loops | None:
    """Count pixels of this process, and give the compiled loops once there are enough.

    Args:
        pixels: number of pixels that are about to be summed or averaged.

    Returns:
        The loops; None where the array form is to be used.
    """
    global _pixels
    before, _pixels = _pixels, _pixels + pixels
    if before < WORTH_LOADING_PIXELS <= _pixels:
        expect_pixels(0)
    return load_loops() if _pixels >= WORTH_COMPILING_PIXELS else None


def counted_pixels() -> float:
    """How many pixels this process has counted."""
    return _pixels


def expect_pixels(pixels: float) -> None:
    """Load the loops at their next use if a video still has so many pixels that this pays off.

    Loops that are not compiled yet wait until `WORTH_COMPILING_PIXELS` are counted.

    Args:
        pixels: number of pixels that the rest of the video is expected to count.
    """
    global _pixels  # noqa: PLW0603
    if (
        _pixels + pixels >= WORTH_LOADING_PIXELS
        and _pixels < WORTH_COMPILING_PIXELS
        and _is_compiled()
    ):
        _pixels = WORTH_COMPILING_PIXELS


def _is_compiled() -> bool:
    """Whether machine code of the loops lies in its folder; numba alone knows of which version."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or default_cache() / FOLDER)
    return any(folder.glob("*/pixel_loops.*.nbi"))


@contextmanager
def form_of_this_process(is_compiled: bool) -> Iterator[None]:
    """Use the compiled loops from the first pixel on, or not at all, to measure or compare them."""
    global _pixels  # noqa: PLW0603
    before, _pixels = _pixels, math.inf if is_compiled else -math.inf
    try:
        yield
    finally:
        _pixels = before


@cache
def load_loops() -> Loops | None:
    """The compiled loops; None without numba, or with a numba that does not work here.

    A numba that is installed and fails is named in a RuntimeWarning.
    """
    try:
        from numba import config
    except ModuleNotFoundError:
        return None
    except ImportError as fault:  # numba refuses versions of numpy that it does not know
        _warn(fault)
        return None
    folder, config.CACHE_DIR = config.CACHE_DIR, config.CACHE_DIR or str(default_cache() / FOLDER)
    try:
        from rppgbench.extraction import area_loops, drawing_loops, linear_loops, pixel_loops
    except Exception as fault:  # a folder that cannot be written, a processor that LLVM lacks
        _warn(fault)
        return None
    finally:
        config.CACHE_DIR = folder  # numba code of others keeps its own folder
    return Loops(
        sum_codes=pixel_loops.sum_codes,
        sum_box=pixel_loops.sum_box,
        sum_samples=pixel_loops.sum_samples,
        draw_face=drawing_loops.draw_face,
        draw_polygons=drawing_loops.draw_polygons,
        average_cells=area_loops.average_cells,
        resize_linear=linear_loops.resize_linear,
    )


def _warn(fault: Exception) -> None:
    first_line = next(iter(str(fault).splitlines()), type(fault).__name__)
    warnings.warn(
        f"extraction is slower, with the same values: numba does not work here ({first_line})",
        RuntimeWarning,
        stacklevel=4,
    )


def describe_loops() -> str:
    """Which form this machine uses for long videos, for provenance."""
    try:
        return f"compiled by numba {version('numba')}"
    except PackageNotFoundError:
        return "array forms"


def flat_pixels(rgb: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint8], int, int, int]:
    """The pixels of a frame as the compiled loops take them.

    Args:
        rgb: frame (H, W, 3), in any layout of memory.
        box: the rectangle that is needed, x0, y0, x1, y1.

    Returns:
        The pixels in a row, their width, and the first column and row of the rectangle in them.
        A frame of another layout (one that was turned) is copied within the rectangle.
    """
    left, top, right, bottom = box
    if not rgb.flags.c_contiguous:
        rgb = np.ascontiguousarray(rgb[top:bottom, left:right])
        left = top = 0
    return rgb.reshape(-1), rgb.shape[1], left, top
