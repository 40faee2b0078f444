"""The anatomy of a simulated face: pulse strength and delay, depth, and facial movements."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rppgbench.simulation.person import CHIN, FOREHEAD, Person, Picture

RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (13, 14)
CORNERS = (61, 291)
STRONG = ((151, 0.22, 1.0), (69, 0.14, 0.9), (299, 0.14, 0.9), (50, 0.15, 1.0), (280, 0.15, 1.0))
"""Landmark, radius in heights of the face, and strength: where the pulse is strong."""

_WEAKEST = 0.4
_ARRIVAL_S = 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class Anatomy:
    """Smooth fields on a coarse grid over the canvas, `cell` pixels apart; (h, w) unless said.

    Pulse strength by region: forehead and cheeks carry about twice the modulation of the rest
    (Verkruysse, Svaasand & Nelson 2008, 10.1364/OE.16.021434; Kumar, Veeraraghavan & Sabharwal
    2015, DistancePPG, 10.1364/BOE.6.001565). The pulse arrives later further from the
    carotid artery, up to some 30 ms across the face (Kamshilin et al. 2015, A new look at the
    essence of the imaging photoplethysmography, Scientific Reports, finds such local delays).
    """

    cell: int
    centre: NDArray[np.float32]  # (2,) x, y: what the head turns about
    neck: NDArray[np.float32]  # (2,) x, y: what the head tilts about
    face_height: float  # pixels
    face_skin: Picture  # how much of a cell is skin of the face, without eyes and brows
    strength: Picture  # of the pulse: 0 off the skin, 1 on the forehead
    delay: Picture  # of the pulse, 0 to 1 of `delay_s`
    delay_s: float
    depth: Picture  # towards the camera, in pixels
    normal: Picture  # (h, w, 3) unit vectors: right, down, towards the camera
    head: Picture  # 1 where the head is, 0 on the shoulders
    shine: Picture  # how oily the skin is: the strength of its specular reflection
    mouth: Picture  # 1 where an open mouth is dark
    jaw: Picture  # (h, w, 2) displacement in pixels of a fully open jaw; so smile, brow
    smile: Picture
    brow: Picture
    lids: tuple[tuple[slice, slice, Picture], ...]  # rows, columns, (h, w, 1) of full-size pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class _Grid:
    """The coarse grid over a person's canvas, and shapes on it."""

    person: Person
    cell: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        height, width = self.person.skin.shape
        return height // self.cell, width // self.cell

    @cached_property
    def centres(self) -> tuple[Picture, Picture]:
        """The centres of the cells (h, w): x and y in pixels of the canvas."""
        rows, columns = np.indices(self.size, np.float32)
        return (columns + 0.5) * self.cell - 0.5, (rows + 0.5) * self.cell - 0.5

    def shrink(self, layer: Picture) -> Picture:
        """A layer of the canvas on the grid: the mean of each cell."""
        import cv2

        size = self.size[::-1]
        return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)

    def hulls(self, *groups: tuple[int, ...]) -> Picture:
        """The convex hulls of groups of landmarks on the canvas: 1 inside, 0 outside."""
        import cv2

        mask = np.zeros(self.person.skin.shape, np.uint8)
        for group in groups:
            points = self.person.landmarks[list(group), :2].round().astype(np.int32)
            cv2.fillConvexPoly(mask, cv2.convexHull(points), 255)
        return np.asarray(mask, np.float32) / np.float32(255)

    def bump(
        self, centre: NDArray[np.float32], radius: float, radius_y: float | None = None
    ) -> Picture:
        """A Gaussian bump of height 1 around a point; the radii are in heights of the face."""
        x, y = self.centres
        tall = self.person.face_height
        down = radius if radius_y is None else radius_y
        far = ((x - centre[0]) / (radius * tall)) ** 2 + ((y - centre[1]) / (down * tall)) ** 2
        return np.asarray(np.exp(-0.5 * far), np.float32)


def compute_anatomy(person: Person, cell: int, random: np.random.Generator) -> Anatomy:
    """Compute the fields of one person.

    Args:
        person: the person; the canvas is a whole number of cells.
        cell: distance of grid points in pixels.
        random: the generator that varies the fields between persons.
    """
    grid = _Grid(person=person, cell=cell)
    marks, tall = person.landmarks, person.face_height
    x, y = grid.centres
    strength = np.full(grid.size, _WEAKEST, np.float32)
    for landmark, radius, highest in STRONG:
        peak = highest * random.uniform(0.9, 1.0)
        strength = np.maximum(strength, peak * grid.bump(marks[landmark, :2], radius))
    bloodless = grid.hulls(LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW)
    skin = grid.shrink(person.skin * (1 - bloodless))
    strength *= skin * (1 - 0.4 * grid.shrink(grid.hulls(LIPS)))
    chin, top = float(marks[CHIN, 1]), float(marks[FOREHEAD, 1])
    delay = np.clip((chin - y) / (chin - top) + 0.15 * (x - marks[:, 0].mean()) / tall, 0, 1)
    depth = _depth(marks, x, y, tall)
    lips = marks[list(INNER_LIPS), :2].mean(axis=0)
    return Anatomy(
        cell=cell,
        centre=np.array([marks[:, 0].mean(), (chin + top) / 2], np.float32),
        neck=np.array([marks[CHIN, 0], chin + 0.1 * tall], np.float32),
        face_height=tall,
        face_skin=skin * grid.shrink(grid.hulls(tuple(range(len(marks))))),
        strength=strength,
        delay=np.asarray(delay, np.float32),
        delay_s=_ARRIVAL_S * random.uniform(0.6, 1.2),
        depth=depth,
        normal=_normal(depth, cell),
        head=np.asarray(_rise((chin + 0.28 * tall - y) / (0.09 * tall)), np.float32),
        shine=np.asarray(skin * random.uniform(0.6, 1.4), np.float32),
        mouth=grid.bump(lips + np.array([0, 0.02 * tall], np.float32), 0.07, 0.018),
        jaw=_jaw(grid, lips, chin),
        smile=_smile(grid, lips),
        brow=_brow(grid),
        lids=tuple(_lid(person, eye) for eye in (RIGHT_EYE, LEFT_EYE)),
    )


def _normal(depth: Picture, cell: int) -> Picture:
    """Unit vectors (h, w, 3) that stand on the surface of the head."""
    slope_y, slope_x = np.gradient(depth, cell)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(depth)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.asarray(normal, np.float32)


def _jaw(grid: _Grid, lips: NDArray[np.float32], chin: float) -> Picture:
    """The displacement (h, w, 2) of an open jaw: downward, below the lips."""
    x, y = grid.centres
    tall = grid.person.face_height
    below = _rise((y - lips[1]) / (0.015 * tall))
    across = np.exp(-0.5 * ((x - lips[0]) / (0.2 * tall)) ** 2)
    fade = _rise((chin + 0.05 * tall - y) / (0.04 * tall))
    jaw = np.stack([np.zeros_like(x), 0.055 * tall * below * across * fade], axis=-1)
    return np.asarray(jaw, np.float32)


def _smile(grid: _Grid, lips: NDArray[np.float32]) -> Picture:
    """The displacement (h, w, 2) of a smile: the corners of the mouth go outward and up."""
    marks, tall = grid.person.landmarks, grid.person.face_height
    smile = np.zeros((*grid.size, 2), np.float32)
    for corner in CORNERS:
        side = np.sign(marks[corner, 0] - lips[0])
        smile += (grid.bump(marks[corner, :2], 0.07)[..., None] * (0.035 * side, -0.03)) * tall
    return smile


def _brow(grid: _Grid) -> Picture:
    """The displacement (h, w, 2) of raised brows."""
    marks, tall = grid.person.landmarks, grid.person.face_height
    brow = np.zeros((*grid.size, 2), np.float32)
    for group in (LEFT_BROW, RIGHT_BROW):
        brow[..., 1] -= 0.035 * tall * grid.bump(marks[list(group), :2].mean(axis=0), 0.12, 0.06)
    return brow


def _rise(x: Picture) -> Picture:
    """A smooth step from 0 to 1 around x = 0."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)), np.float32)


def _depth(marks: Picture, x: Picture, y: Picture, tall: float) -> Picture:
    """The depth (h, w) of the head in pixels: the mesh within the face, an ellipsoid around it."""
    import cv2

    middle = marks[:, :2].mean(axis=0)
    across = (x - middle[0]) / (0.62 * tall)
    down = (y - middle[1] + 0.12 * tall) / (0.85 * tall)
    round_head = 0.5 * tall * np.sqrt(np.clip(1 - across**2 - down**2, 0, 1))
    # Each landmark's height above the ellipsoid, spread over its neighbourhood.
    far = (x[..., None] - marks[:, 0]) ** 2 + (y[..., None] - marks[:, 1]) ** 2
    near = np.exp(-0.5 * far / (0.035 * tall) ** 2)
    at = ((marks[:, 0] - middle[0]) / (0.62 * tall)) ** 2
    at += ((marks[:, 1] - middle[1] + 0.12 * tall) / (0.85 * tall)) ** 2
    above = -marks[:, 2] - 0.5 * tall * np.sqrt(np.clip(1 - at, 0, 1))
    above -= np.median(above)
    total = near.sum(axis=-1)
    detail = (near * above).sum(axis=-1) / (total + 0.3)
    smooth = cv2.GaussianBlur((round_head + detail).astype(np.float32), (0, 0), 1.2)
    return np.asarray(smooth, np.float32)


def _lid(person: Person, eye: tuple[int, ...]) -> tuple[slice, slice, Picture]:
    """The lid of one closed eye: rows, columns, and the colour and weight (h, w, 4) there."""
    import cv2

    marks, tall = person.landmarks[list(eye), :2], person.face_height
    low = np.maximum(marks.min(axis=0) - 0.04 * tall, 0).astype(int)
    high = (marks.max(axis=0) + 0.04 * tall).astype(int) + 1
    rows, columns = slice(low[1], high[1]), slice(low[0], high[0])
    shape = person.skin[rows, columns].shape
    share = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(share, cv2.convexHull((marks - low).round().astype(np.int32)), 255)
    grown = cv2.dilate(share, np.ones((3, 3), np.uint8))
    soft = cv2.GaussianBlur(grown.astype(np.float32) / 255, (0, 0), max(0.7, 0.006 * tall))
    # A lid has the colour of the skin above the eye, and lashes along its lower edge.
    above = person.colour[low[1] : low[1] + max(1, int(0.03 * tall)), columns].mean(axis=(0, 1))
    y = np.arange(shape[0], dtype=np.float32)[:, None]
    lash = np.exp(-0.5 * ((y - (marks[:, 1].mean() - low[1] + 0.015 * tall)) / (0.012 * tall)) ** 2)
    lid = above * (1 - 0.55 * lash)[..., None] * np.ones((*shape, 1), np.float32)
    return rows, columns, np.asarray(np.concatenate([lid, soft[..., None]], axis=-1), np.float32)
