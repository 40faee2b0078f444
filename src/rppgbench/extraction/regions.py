"""Outline the face regions as polygons and map pixels to regions."""

import math
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.features import GRID_REGIONS, MSTMAP_REGIONS, REGIONS
from rppgbench.extraction.compiled_loops import Loops
from rppgbench.face.mesh_layout import HOLES, LAYOUT_68, OVAL, bounding_box, landmarks_68

POLYGONS = (
    (0, 1, 2, 31, 41),
    (2, 3, 4, 5, 48, 31),
    (16, 15, 14, 35, 46),
    (14, 13, 12, 11, 54, 35),
    (5, 6, 7, 8, 9, 10, 11, 54, 55, 56, 57, 58, 59, 48),
)
"""The first five regions of the MSTmap as polygons on the 68-point layout, 0-based."""

FOREHEAD_HEIGHT = 0.6
"""Height of the forehead above the brows, in distances between the eyes."""

GRID = 5
GRID_STEPS = np.arange(GRID) / GRID
CHEEK_LINE = 48 / 128
"""Height of the cheek points in the aligned face, as a share from its top."""

_SHIFT = 4  # polygons are drawn at 1/16 pixel, so that they follow a slow head without jumps
_PARTS = len(MSTMAP_REGIONS)
_SKIN, _PART, _ROW, _COLUMN = 0, 1, 4, 7
"""First bits of the fields of a code; but for skin each field has three bits."""

CODES = 1 << 10
"""Number of codes of a pixel, see `RegionMap`."""

_ROWS = np.stack([[[0, y], [1, y], [1, y + 1 / GRID], [0, y + 1 / GRID]] for y in GRID_STEPS])
_STRIPES = np.concatenate([_ROWS, _ROWS[:, :, ::-1]]).reshape(-1, 2)
_LAYOUT = np.array(LAYOUT_68, np.int64)
_PART_POINTS = np.array([*chain(*POLYGONS), *range(17, 27)], np.int64)
_MESH = np.concatenate([OVAL, *HOLES]).astype(np.int64)
_SIZES = [*map(len, POLYGONS), 12, *[4] * (2 * GRID), len(OVAL), *map(len, HOLES)]
_ENDS = np.array([0, *accumulate(_SIZES)], np.int64)
_SLICES = [slice(end - size, end) for size, end in zip(_SIZES, accumulate(_SIZES), strict=True)]


def _steps_of_drawing() -> NDArray[np.int64]:
    """The steps (N, 4) of `draw_regions`: polygons from, polygons to, bits to keep, bits to set."""
    numbers = (*range(1, _PARTS + 1), *range(1, GRID + 1), *range(1, GRID + 1))
    fields = [_PART] * _PARTS + [_ROW] * GRID + [_COLUMN] * GRID
    steps = [
        (polygon, polygon + 1, ~(7 << field), number << field)
        for polygon, (field, number) in enumerate(zip(fields, numbers, strict=True))
    ]
    oval = len(steps)
    steps += [(oval, oval + 1, ~1, 1), (oval + 1, len(_SIZES), ~1, 0)]
    return np.array(steps, np.int64)


_FILLS = _steps_of_drawing()


def mstmap_polygons(landmarks: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """The polygons (N, 2) of the six MSTmap regions of a face (468, 2), in the names' order.

    Niu et al., "Video-based Remote Physiological Measurement via Cross-verified Feature
    Disentangling", ECCV 2020, after its code (github nxsEdson/CVD-Physiological-Measurement
    @c06141e). The forehead begins at the brows and is 0.6 times the distance between the eyes high,
    along the line from eyes to brows. The code takes the means of the eyes over the points 35-40
    and 41-46 and of the brows over 16-20 and 21-25, one too low each; this is reproduced.
    """
    outlines = _mstmap_outlines(landmarks_68(landmarks).astype(np.float64))
    return [outlines[place] for place in _SLICES[: len(MSTMAP_REGIONS)]]


def _mstmap_outlines(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The polygons of `mstmap_polygons`, one after the other, from the 68 points."""
    eyes = _centre(points[35:41]), _centre(points[41:47])
    brows = _centre(points[16:21]), _centre(points[21:26])
    up = (brows[0] + brows[1]) / 2 - (eyes[0] + eyes[1]) / 2
    length = _length(*up.tolist())
    reach = FOREHEAD_HEIGHT * _length(*(eyes[0] - eyes[1]).tolist()) / length if length > 0 else 0.0
    return np.concatenate([points[_PART_POINTS], points[[26, 17]] + reach * up])


def aligned_face(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """The affine map (2, 3) from pixels to the aligned face, whose square is 0..1 on both axes.

    The line between the eyes is level. The square reaches from cheek point to cheek point (1 and 15
    of the 68) in width; its bottom is the chin (8), and the cheek points lie at 48/128 of the
    height. The papers do not state these proportions (Li and Yin, ICCV 2023; Niu et al.,
    "RhythmNet", IEEE TIP 2020, Fig. 3); they are those of a public copy of the STMap code (github
    YihangJiang/NEST-rPPG @d16a926, STMap/BUAA/Align_Face.py: an aligned face of 128 x 128 with the
    cheeks at (0, 48) and (128, 48) and the chin at (64, 128)).
    """
    turn, offset, size = _face_square(landmarks_68(landmarks).astype(np.float64))
    to_face: NDArray[np.float64] = np.column_stack([turn, -offset]) / size[:, None]
    return to_face


def _face_square(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """The square of `aligned_face`: the turn (2, 2) to level axes, its corner and size on them."""
    across, down = (_centre(points[42:48]) - _centre(points[36:42])).tolist()
    length = max(_length(across, down), 1e-9)
    turn = np.array([(across / length, down / length), (-(down / length), across / length)])
    (x0, x1, _), (y0, y1, chin_y) = _times(points[[1, 15, 8]], turn.T).T.tolist()
    height = max((chin_y - (y0 + y1) / 2) / (1 - CHEEK_LINE), 1e-9)
    size = np.array([max(abs(x1 - x0), 1e-9), height])
    return turn, np.array([min(x0, x1), chin_y - height]), size


def _length(x: float, y: float) -> float:
    """The length of a vector, by operations that every processor rounds alike."""
    return math.sqrt(x * x + y * y)


def _times(points: NDArray[np.float64], turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """`points @ turn` of points (N, 2), with each product and sum rounded; BLAS may fuse them."""
    product: NDArray[np.float64] = points[:, :1] * turn[0] + points[:, 1:] * turn[1]
    return product


def _centre(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of points (N, 2), in half the time of `numpy.mean` for few points."""
    centre: NDArray[np.float64] = np.add.reduce(points, axis=0) / len(points)
    return centre


@dataclass(frozen=True, eq=False)
class RegionMap:
    """The regions of each pixel around a face.

    Attributes:
        left: first column of the map in the frame.
        top: first row of the map in the frame.
        codes: code (h, w) of each pixel. From bit 0 on: skin (1 or 0), the MSTmap region (1 to 6, 0
            none; three bits), row and column of the grid (1 to 5, 0 outside; three bits each).
    """

    left: int
    top: int
    codes: NDArray[np.uint16]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of the map in the frame, the end excluded."""
        height, width = self.codes.shape
        return self.left, self.top, self.left + width, self.top + height

    def mask(self, region: str) -> NDArray[np.bool_]:
        """The pixels (h, w) of one region within the map."""
        return membership()[:, REGIONS.index(region)][self.codes] > 0


@cache
def membership() -> NDArray[np.float64]:
    """Membership (codes, regions) of codes in regions, 0 or 1; no code belongs to the box."""
    codes = np.arange(CODES)
    skin, part, row, column = codes & 1, codes >> _PART & 7, codes >> _ROW & 7, codes >> _COLUMN & 7
    number = np.where((column > 0) & (row > 0), (column - 1) * GRID + row, 0)
    table = np.zeros((CODES, len(REGIONS)))
    for names, value in ((MSTMAP_REGIONS, part), (GRID_REGIONS, number)):
        for index, name in enumerate(names, start=1):
            table[:, REGIONS.index(name)] = value == index
    table[:, REGIONS.index("skin")] = skin
    return table


def draw_regions(landmarks: NDArray[np.floating], height: int, width: int) -> RegionMap | None:
    """Draw the regions of a face.

    Skin is the mesh's oval without `HOLES` (eyes with lids, brows, mouth). Where two MSTmap
    regions share an edge, its pixels belong to the later region, so the regions are disjoint.

    Args:
        landmarks: face (468, 2) in pixels.
        height: height of the frame in pixels.
        width: width of the frame in pixels.

    Returns:
        The map of the regions, or None for a face outside the frame.
    """
    import cv2

    points = landmarks_68(landmarks).astype(np.float64)
    turn, offset, size = _face_square(points)
    stripes = _times(_STRIPES * size + offset, turn)  # the inverse of a turn is its transpose
    places = np.concatenate([_mstmap_outlines(points), stripes, landmarks[_MESH]])
    around = bounding_box(places)
    left, top = np.maximum(np.floor(around[:2]).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(around[2:]).astype(int) + 2, (width, height))
    if left >= right or top >= bottom:
        return None
    fixed = np.round((places - (left, top)) * (1 << _SHIFT)).astype(np.int32)
    polygons = (fixed[place] for place in _SLICES)
    part, row, column, skin = np.zeros((4, int(bottom - top), int(right - left)), np.uint8)
    for number in range(1, _PARTS + 1):
        cv2.fillPoly(part, [next(polygons)], [number], shift=_SHIFT)
    for plane in (row, column):
        for number in range(1, GRID + 1):
            cv2.fillPoly(plane, [next(polygons)], [number], shift=_SHIFT)
    cv2.fillPoly(skin, [next(polygons)], [1], shift=_SHIFT)
    cv2.fillPoly(skin, list(polygons), [0], shift=_SHIFT)
    part <<= _PART - _SKIN
    part |= skin
    column <<= _COLUMN - _ROW
    column |= row
    codes = column.astype(np.uint16)
    codes <<= _ROW
    codes |= part
    return RegionMap(int(left), int(top), codes)


@cache
def code_regions() -> NDArray[np.int64]:
    """The regions (codes, 3) of each code by their numbers, -1 for none, for the compiled loops."""
    table = np.full((CODES, 3), -1)
    for code, row in enumerate(membership()):
        numbers = np.flatnonzero(row)
        table[code, : len(numbers)] = numbers
    return table


def draw_by_loops(
    loops: Loops, landmarks: NDArray[np.float32], height: int, width: int, codes: NDArray[np.uint16]
) -> RegionMap | None:
    """Draw the regions of a face by the compiled loops: the codes of `draw_regions`.

    Args:
        loops: the compiled loops.
        landmarks: face (468, 2) in pixels.
        height: height of the frame in pixels.
        width: width of the frame in pixels.
        codes: scratch (height * width,) that the map lies in.

    Returns:
        The map of the regions, or None for a face outside the frame. A face that the frame cuts off
        is drawn by the array form.
    """
    drawn, left, top, columns, rows = loops.draw_face(
        np.ascontiguousarray(landmarks),
        height,
        width,
        _LAYOUT,
        _PART_POINTS,
        _MESH,
        _STRIPES,
        FOREHEAD_HEIGHT,
        CHEEK_LINE,
        _ENDS,
        _FILLS,
        codes,
    )
    if drawn < 0:
        return draw_regions(landmarks, height, width)
    if not drawn:
        return None
    return RegionMap(left, top, codes[: rows * columns].reshape(rows, columns))
