"""Loops that numba compiles: the regions of a face, drawn from its landmarks.

This module needs numba; `compiled_loops` imports it when that pays off. The loops give the codes of
`regions.draw_regions`, their oracle. Coordinates are computed by the same operations in the same
order, so they are equal to the last bit. Polygons have the pixels of OpenCV's `fillPoly`: those
between the edges, and those of the edges themselves.
"""

import math

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

Codes = NDArray[np.uint16]
Points = NDArray[np.float64]
Fixed = NDArray[np.int64]
"""Points in sixteenths of a pixel, x and y."""

Integers = NDArray[np.int64]
Landmarks = NDArray[np.float32]

_INDICES = types.Array(types.int64, 1, "C", readonly=True)
_FIXED = types.Array(types.int64, 2, "C", readonly=True)
_LANDMARKS = types.Array(types.float32, 2, "C", readonly=True)
_POINTS = types.Array(types.float64, 2, "C", readonly=True)
_FILLS = types.Array(types.int64, 2, "C", readonly=True)
_CODES = types.uint16[::1]

_SHIFT = 4  # of `Fixed`
_UNIT_SHIFT = 16  # edges are followed in 2^-16 of a pixel
_LESS_THAN_UNIT = (1 << _UNIT_SHIFT) - 1
_HALF_UNIT = 1 << (_UNIT_SHIFT - 1)
_MOST_CROSSINGS = 24


@njit
def _round_point(points: Fixed, index: int) -> tuple[int, int]:
    """The pixel in which OpenCV draws a point."""
    x = ((points[index, 0] << (_UNIT_SHIFT - _SHIFT)) + _HALF_UNIT) >> _UNIT_SHIFT
    return x, (points[index, 1] + (1 << (_SHIFT - 1))) >> _SHIFT


@njit
def _draw_line(
    codes: Codes, width: int, x0: int, y0: int, x1: int, y1: int, keep: int, value: int
) -> None:
    """Draw a line by Bresenham's algorithm, from its left end."""
    if x1 < x0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    across, down = x1 - x0, abs(y1 - y0)
    step = width if y1 >= y0 else -width
    is_flat = across >= down
    long, short = (across, down) if is_flat else (down, across)
    along, aside = (1, step) if is_flat else (step, 1)
    at, error = y0 * width + x0, long - 2 * short
    for _ in range(long + 1):
        codes[at] = np.uint16((codes[at] & keep) | value)
        if error < 0:
            at += aside
            error += 2 * long
        error -= 2 * short
        at += along


@njit
def _fill(
    codes: Codes,
    width: int,
    points: Fixed,
    ends: Integers,
    keep: int,
    value: int,
    crossings: Fixed,
    counts: Integers,
) -> bool:
    """Fill the pixels between the edges of polygons, by the even-odd rule, and their outlines.

    Args:
        codes: the map, flat.
        width: of the map.
        points: the polygons' points within the map, one polygon after the other.
        ends: where each polygon begins in `points`, and where the last ends.
        keep: bits of a code that stay.
        value: bits that are set.
        crossings: scratch (rows of the map, N) for the edges that cross a row.
        counts: scratch (rows of the map,).

    Returns:
        Whether no row is crossed by more than N edges.
    """
    counts[:] = 0
    low, high = len(counts), 0
    for polygon in range(len(ends) - 1):
        before = ends[polygon + 1] - 1
        for after in range(ends[polygon], ends[polygon + 1]):
            x0, y0 = _round_point(points, before)
            x1, y1 = _round_point(points, after)
            _draw_line(codes, width, x0, y0, x1, y1, keep, value)
            upper, lower = (before, after) if y0 < y1 else (after, before)
            y0, y1 = min(y0, y1), max(y0, y1)
            low, high, before = min(low, y0), max(high, y1), after
            x = points[upper, 0] << (_UNIT_SHIFT - _SHIFT)
            change = (points[lower, 0] << (_UNIT_SHIFT - _SHIFT)) - x
            slope = abs(change) // max(y1 - y0, 1)
            slope = slope if change >= 0 else -slope
            for y in range(y0, y1):
                place = counts[y]
                if place == crossings.shape[1]:
                    return False
                while place and crossings[y, place - 1] > x:
                    crossings[y, place] = crossings[y, place - 1]
                    place -= 1
                crossings[y, place] = x
                counts[y] += 1
                x += slope
    for y in range(low, high):
        for pair in range(0, counts[y] - 1, 2):
            first = (crossings[y, pair] + _LESS_THAN_UNIT) >> _UNIT_SHIFT
            last = crossings[y, pair + 1] >> _UNIT_SHIFT
            row = codes[y * width + first : y * width + last + 1]
            for x in range(len(row)):
                row[x] = np.uint16((row[x] & keep) | value)
    return True


@njit(
    types.boolean(_CODES, types.int64, types.int64, _FIXED, _INDICES, _FILLS),
    cache=True,
    nogil=True,
)
def draw_polygons(
    codes: Codes, width: int, height: int, points: Fixed, ends: Integers, fills: Integers
) -> bool:
    """Draw polygons one over the other.

    Args:
        codes: the map, flat; its first `width` times `height` codes are written.
        width: of the map.
        height: of the map.
        points: the polygons' points, one polygon after the other.
        ends: where each polygon begins in `points`, and where the last ends.
        fills: a row (4,) for each step of the drawing: the first of its polygons, the polygon after
            its last, the bits of a code that stay, and the bits that are set.

    Returns:
        False where a point lies outside the map, or a row is crossed by too many edges: OpenCV is
        to draw then.
    """
    for index in range(len(points)):
        x, y = _round_point(points, index)
        if not (0 <= x < width and 0 <= y < height):
            return False
    codes[: width * height] = 0
    counts = np.empty(height, np.int64)
    crossings = np.empty((height, _MOST_CROSSINGS), np.int64)
    for step in range(len(fills)):
        first, stop, keep, value = fills[step]
        if not _fill(codes, width, points, ends[first : stop + 1], keep, value, crossings, counts):
            return False
    return True


@njit
def _centre(points: Points, first: int, stop: int) -> tuple[float, float]:
    """The mean of some of the points."""
    x, y = points[first]
    for index in range(first + 1, stop):
        x += points[index, 0]
        y += points[index, 1]
    return x / (stop - first), y / (stop - first)


@njit
def _place_forehead(points: Points, height: float, places: Points, at: int) -> None:
    """Set the two upper corners of the forehead, as `regions._mstmap_outlines` has them."""
    eyes_x0, eyes_y0 = _centre(points, 35, 41)
    eyes_x1, eyes_y1 = _centre(points, 41, 47)
    brows_x0, brows_y0 = _centre(points, 16, 21)
    brows_x1, brows_y1 = _centre(points, 21, 26)
    up_x = (brows_x0 + brows_x1) / 2 - (eyes_x0 + eyes_x1) / 2
    up_y = (brows_y0 + brows_y1) / 2 - (eyes_y0 + eyes_y1) / 2
    apart_x, apart_y = eyes_x0 - eyes_x1, eyes_y0 - eyes_y1
    length = math.sqrt(up_x * up_x + up_y * up_y)
    reach = 0.0
    if length > 0:
        reach = height * math.sqrt(apart_x * apart_x + apart_y * apart_y) / length
    for row, brow in ((0, 26), (1, 17)):
        places[at + row, 0] = points[brow, 0] + reach * up_x
        places[at + row, 1] = points[brow, 1] + reach * up_y


@njit
def _place_stripes(
    points: Points, stripes: Points, cheek_line: float, places: Points, at: int
) -> None:
    """Set the stripes of the grid, as `regions._face_square` places them."""
    left_x, left_y = _centre(points, 36, 42)
    right_x, right_y = _centre(points, 42, 48)
    across, down = right_x - left_x, right_y - left_y
    length = max(math.sqrt(across * across + down * down), 1e-9)
    c, s = across / length, down / length
    x0, y0 = c * points[1, 0] + s * points[1, 1], c * points[1, 1] - s * points[1, 0]
    x1, y1 = c * points[15, 0] + s * points[15, 1], c * points[15, 1] - s * points[15, 0]
    chin_y = c * points[8, 1] - s * points[8, 0]
    height = max((chin_y - (y0 + y1) / 2) / (1 - cheek_line), 1e-9)
    width = max(abs(x1 - x0), 1e-9)
    left, top = min(x0, x1), chin_y - height
    for index in range(len(stripes)):
        x, y = stripes[index, 0] * width + left, stripes[index, 1] * height + top
        places[at + index, 0] = c * x - s * y
        places[at + index, 1] = s * x + c * y


@njit(
    types.UniTuple(types.int64, 5)(
        _LANDMARKS,
        *(types.int64,) * 2,
        *(_INDICES,) * 3,
        _POINTS,
        *(types.float64,) * 2,
        _INDICES,
        _FILLS,
        _CODES,
    ),
    cache=True,
    nogil=True,
)
def draw_face(
    landmarks: Landmarks,
    height: int,
    width: int,
    layout: Integers,
    parts: Integers,
    mesh: Integers,
    stripes: Points,
    forehead_height: float,
    cheek_line: float,
    ends: Integers,
    fills: Integers,
    codes: Codes,
) -> tuple[int, int, int, int, int]:
    """Draw the regions of a face.

    Args:
        landmarks: face (468, 2) in pixels.
        height: height of the frame.
        width: width of the frame.
        layout: the mesh points of the 68-point layout.
        parts: which of the 68 points begin the polygons; two of the forehead follow them.
        mesh: the mesh points of the polygons after the stripes.
        stripes: corners (N, 2) of the stripes of the grid, as shares of the aligned face.
        forehead_height: `regions.FOREHEAD_HEIGHT`.
        cheek_line: `regions.CHEEK_LINE`.
        ends: as in `draw_polygons`.
        fills: as in `draw_polygons`.
        codes: the map, flat, with room for a frame.

    Returns:
        Whether the map is drawn (1), the face is outside the frame (0), or the array form has to
        draw the map (-1); then left, top, width and height of the map in the frame.
    """
    points = np.empty((len(layout), 2))
    for index in range(len(layout)):
        points[index, 0] = landmarks[layout[index], 0]
        points[index, 1] = landmarks[layout[index], 1]
    first_stripe = len(parts) + 2
    first_mesh = first_stripe + len(stripes)
    places = np.empty((first_mesh + len(mesh), 2))
    for index in range(len(parts)):
        places[index] = points[parts[index]]
    _place_forehead(points, forehead_height, places, len(parts))
    _place_stripes(points, stripes, cheek_line, places, first_stripe)
    for index in range(len(mesh)):
        places[first_mesh + index, 0] = landmarks[mesh[index], 0]
        places[first_mesh + index, 1] = landmarks[mesh[index], 1]
    low_x = high_x = places[0, 0]
    low_y = high_y = places[0, 1]
    for index in range(1, len(places)):
        low_x, high_x = min(low_x, places[index, 0]), max(high_x, places[index, 0])
        low_y, high_y = min(low_y, places[index, 1]), max(high_y, places[index, 1])
    left, top = max(int(np.floor(low_x)) - 1, 0), max(int(np.floor(low_y)) - 1, 0)
    right = min(int(np.ceil(high_x)) + 2, width)
    bottom = min(int(np.ceil(high_y)) + 2, height)
    if left >= right or top >= bottom:
        return 0, 0, 0, 0, 0
    fixed = np.empty(places.shape, np.int64)
    for index in range(len(places)):
        fixed[index, 0] = int(np.rint((places[index, 0] - left) * (1 << _SHIFT)))
        fixed[index, 1] = int(np.rint((places[index, 1] - top) * (1 << _SHIFT)))
    is_drawn = draw_polygons(codes, right - left, bottom - top, fixed, ends, fills)
    return 1 if is_drawn else -1, left, top, right - left, bottom - top
