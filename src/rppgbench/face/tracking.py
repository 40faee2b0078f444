"""One face followed through a video, on frames that stream by."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.detector import Detection, Detector, overlap
from rppgbench.face.mesh import Mesh, square_of_detection, square_of_landmarks
from rppgbench.face.mesh_layout import bounding_box
from rppgbench.video.stream import Frame

CADENCE = 4
"""The mesh runs on every 4th frame; `docs/measurements/performance.md` has what was measured."""

MAX_MOTION = 0.04
"""Landmarks that moved further than this share of the face's size (rms) are not interpolated."""

MAX_CHANGE = 0.25
"""On a frame whose landmarks are interpolated, the colours under them may differ from those of the
frames around by this share of their level (median over the landmarks), plus 4 for noise; where they
differ more (something is in front of the face, or it is gone), the mesh looks."""

CHECK_EVERY = 32
"""At every how many looks the detector counts the faces while the mesh follows one."""

SMALL_EVERY = 8
"""At every how many looks without a face the picture is searched in tiles, for small faces."""

RIVAL = 0.25
"""A second face counts if it has at least this share of the area of the largest."""

Landmarks = NDArray[np.float32]


@dataclass
class DetectionStats:
    """How often what ran, and what was seen: for the facts of the features."""

    mesh: int = 0
    detector: int = 0
    checks: int = 0
    rivals: int = 0
    most_faces: int = 0


class FaceTracker:
    """Finds a face in a frame, near where it was or anywhere; not to be shared between threads."""

    def __init__(self) -> None:
        self._detector = Detector()
        self._mesh = Mesh()
        self.looks = DetectionStats()
        self._last: Landmarks | None = None
        self._since_check = CHECK_EVERY
        self._empty = 0

    def near(self, rgb: NDArray[np.uint8], landmarks: Landmarks) -> Landmarks | None:
        """Landmarks (468, 2) of the face that was at `landmarks` in a neighbouring frame."""
        self.looks.mesh += 1
        return self._mesh.look(rgb, square_of_landmarks(landmarks))

    def look(
        self, rgb: NDArray[np.uint8], landmarks: Landmarks | None
    ) -> tuple[Landmarks | None, bool]:
        """Find the face, near `landmarks` if given, else anywhere; and whether it was followed."""
        here = None if landmarks is None else self.near(rgb, landmarks)
        if here is not None:
            self._since_check += 1
            if self._since_check >= CHECK_EVERY and not self._confirmed(rgb, here):
                here = None
        followed = here is not None
        if here is None:
            here = self._search(rgb)
        if here is not None:
            self._last = here
        return here, followed

    def _confirmed(self, rgb: NDArray[np.uint8], here: Landmarks) -> bool:
        """Count the faces; False if there are some, and none where the mesh believes one."""
        faces = self._count(rgb)
        if not faces:
            return True
        shares = overlap(bounding_box(here).astype(np.float64), np.stack([f.box for f in faces]))
        return bool(shares.max() > 0)

    def _count(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        faces = self._detector.find(rgb)
        self.looks.detector += 1
        self._since_check = 0
        if faces:
            largest = max(face.area for face in faces)
            rivals = sum(face.area >= RIVAL * largest for face in faces)
            self.looks.checks += 1
            self.looks.rivals += rivals > 1
            self.looks.most_faces = max(self.looks.most_faces, rivals)
        return faces

    def _search(self, rgb: NDArray[np.uint8]) -> Landmarks | None:
        """The face that was followed before, if one lies where it was, else the largest."""
        faces = self._count(rgb)
        if not faces:
            faces = self._small(rgb) if self._empty % SMALL_EVERY == 0 else []
            self._empty += 1
        if not faces:
            return None
        self._empty = 0
        best = max(faces, key=lambda face: face.area)
        if self._last is not None:
            shares = overlap(
                bounding_box(self._last).astype(np.float64), np.stack([f.box for f in faces])
            )
            if shares.max() > 0:
                best = faces[int(shares.argmax())]
        self.looks.mesh += 1
        return self._mesh.look(rgb, square_of_detection(best))

    def _small(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        """Faces too small for the detector's 128 pixels: look at half-overlapping tiles."""
        short = min(rgb.shape[:2])
        for side in (short, short // 2):
            faces = []
            for top in _starts(rgb.shape[0], side):
                for left in _starts(rgb.shape[1], side):
                    tile = np.ascontiguousarray(rgb[top : top + side, left : left + side])
                    self.looks.detector += 1
                    for face in self._detector.find(tile):
                        corner = np.array([left, top])
                        box = face.box + np.tile(corner, 2)
                        faces.append(Detection(box, face.keypoints + corner, face.score))
            if faces:
                return faces
        return []


def _starts(length: int, side: int) -> list[int]:
    """Where tiles begin that cover `length` and overlap by about half.

    >>> _starts(16, 9), _starts(9, 9), _starts(8, 4)
    ([0, 4, 7], [0], [0, 2, 4])
    """
    if length <= side:
        return [0]
    return [*range(0, length - side, max(side // 2, 1)), length - side]


class FaceFollower:
    """Gives every frame with its landmarks (468, 2), or None: no face there.

    The mesh runs on the first frame and on every `cadence`-th. Between two such frames on which
    the face was followed and moved little, landmarks are interpolated linearly, and kept where the
    colours under them stayed (`MAX_CHANGE`), else the mesh looks at that frame too; where the face
    moved more, or was lost or found, the mesh runs on the middle frame, and so on by halves: the
    edge of a gap is found to the frame. At most `cadence` frames are held back.
    """

    def __init__(self, finder: FaceTracker, cadence: int = CADENCE) -> None:
        if cadence < 1:
            raise ValueError(f"cadence is at least 1, not {cadence}")
        self.finder = finder
        self.cadence = cadence
        self._last = _Mark(None, None)
        self._waiting: list[Frame] = []
        self._first = True

    def feed(self, frame: Frame) -> Iterator[tuple[Frame, Landmarks | None]]:
        """Take the next frame; give those whose face is known by now."""
        self._waiting.append(frame)
        if self._first or len(self._waiting) == self.cadence:
            self._first = False
            yield from self.end()

    def end(self) -> Iterator[tuple[Frame, Landmarks | None]]:
        """There is no further frame: give those held back."""
        frames, self._waiting = self._waiting, []
        if frames:
            settled = _settle(frames, self._last, self.finder)
            self._last = settled[-1]
            for mark in settled:
                yield frames.pop(0), mark.landmarks


def track_face(
    frames: Iterable[Frame], finder: FaceTracker, cadence: int = CADENCE
) -> Iterator[tuple[Frame, Landmarks | None]]:
    """Every frame with its landmarks, or None, as `FaceFollower` finds them."""
    follower = FaceFollower(finder, cadence)
    for frame in frames:
        yield from follower.feed(frame)
    yield from follower.end()


@dataclass(frozen=True, eq=False)
class _Mark:
    """Where the face is on a frame, and the colours (468, 3) under the landmarks."""

    landmarks: Landmarks | None
    colours: NDArray[np.float32] | None


def _mark(rgb: NDArray[np.uint8], landmarks: Landmarks | None) -> _Mark:
    if landmarks is None:
        return _Mark(None, None)
    size = np.array([rgb.shape[1], rgb.shape[0]]) - 1
    x, y = np.clip(np.round(landmarks).astype(np.intp), 0, size).T
    return _Mark(landmarks, rgb[y, x].astype(np.float32))


def _settle(frames: list[Frame], start: _Mark, finder: FaceTracker) -> list[_Mark]:
    """Landmarks of `frames`, which follow the frame on which the face was at `start`."""
    end, followed = finder.look(frames[-1].rgb, start.landmarks)
    marks = {-1: start, len(frames) - 1: _mark(frames[-1].rgb, end)}
    _fill(frames, marks, finder, (-1, len(frames) - 1), followed)
    return [marks[number] for number in range(len(frames))]


def _fill(
    frames: list[Frame],
    marks: dict[int, _Mark],
    finder: FaceTracker,
    span: tuple[int, int],
    linked: bool,
) -> None:
    """Set the marks between two frames; `linked` if the face was followed from one to the other.

    No closure: one that calls itself would keep its frames until the next garbage collection.
    """
    low, high = span
    left, right = marks[low], marks[high]
    inner = range(low + 1, high)
    if left.landmarks is None and right.landmarks is None:
        marks.update(dict.fromkeys(inner, left))
    elif inner and linked and _near(left.landmarks, right.landmarks):
        for number in inner:
            mark = _between(left, right, (number - low) / (high - low), frames[number].rgb)
            if _changed(mark, left, right):
                mark = _look(finder, frames[number].rgb, mark.landmarks)
            marks[number] = mark
    elif inner:
        middle = (low + high) // 2
        marks[middle] = _look(finder, frames[middle].rgb, left.landmarks, right.landmarks)
        _fill(frames, marks, finder, (low, middle), True)
        _fill(frames, marks, finder, (middle, high), True)


def _look(finder: FaceTracker, rgb: NDArray[np.uint8], *known: Landmarks | None) -> _Mark:
    """The face near the first of the known places where there is one."""
    for landmarks in known:
        here = None if landmarks is None else finder.near(rgb, landmarks)
        if here is not None:
            return _mark(rgb, here)
    return _Mark(None, None)


def _near(one: Landmarks | None, other: Landmarks | None) -> bool:
    if one is None or other is None:
        return False
    box = bounding_box(one)
    size = max(box[2] - box[0], box[3] - box[1])
    motion = np.sqrt(np.square(other - one).sum(axis=1).mean())
    return bool(motion <= MAX_MOTION * size)


def _between(left: _Mark, right: _Mark, share: float, rgb: NDArray[np.uint8]) -> _Mark:
    assert left.landmarks is not None
    assert right.landmarks is not None
    step = np.float32(share) * (right.landmarks - left.landmarks)
    return _mark(rgb, left.landmarks + step)


def _changed(mark: _Mark, left: _Mark, right: _Mark) -> bool:
    """Whether the colours under interpolated landmarks are not those of the face."""
    assert mark.colours is not None
    assert left.colours is not None
    assert right.colours is not None
    usual = (left.colours + right.colours) / 2
    change = np.median(np.abs(mark.colours - usual).mean(axis=1))
    return bool(change > 4 + MAX_CHANGE * usual.mean())
