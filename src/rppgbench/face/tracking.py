"""Track one face through a video, frame by frame."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.detector import Detection, Detector, intersection_over_union
from rppgbench.face.mesh import Mesh, square_from_detection, square_from_landmarks
from rppgbench.face.mesh_layout import bounding_box
from rppgbench.video.stream import Frame

CADENCE = 4
"""The mesh runs on every 4th frame; measurements: `docs/measurements/performance.md`."""

MAX_MOTION = 0.04
"""Landmarks that moved further than this share of the face's size (rms) are not interpolated."""

MAX_COLOUR_CHANGE = 0.25
"""Largest change of the colours under interpolated landmarks against the frames around, as a share
of their level (median over the landmarks), plus `NOISE_LEVELS`. Where the colours change more, the
face is covered or gone, and the mesh runs on the frame."""

NOISE_LEVELS = 4
"""Change of colour by noise, in levels of 255."""

CHECK_EVERY = 32
"""While the mesh follows a face, the detector counts the faces at every 32nd detection."""

TILES_EVERY = 8
"""While there is no face, the frame is searched in tiles for small faces at every 8th detection."""

MIN_RIVAL_AREA = 0.25
"""A second face counts if its area is at least this share of the area of the largest face."""

Landmarks = NDArray[np.float32]


@dataclass(kw_only=True)
class DetectionStats:
    """Statistics of a face tracker, for the metadata of the features.

    Attributes:
        mesh: how often the mesh ran.
        detector: how often the detector ran.
        checks: on how many frames the detector found faces.
        rivals: on how many of these frames it found a second large face.
        most_faces: most large faces on one frame.
    """

    mesh: int = 0
    detector: int = 0
    checks: int = 0
    rivals: int = 0
    most_faces: int = 0


class FaceTracker:
    """Detects a face near its last place, else anywhere in the frame; one tracker per thread."""

    def __init__(self) -> None:
        self._detector = Detector()
        self._mesh = Mesh()
        self.stats = DetectionStats()
        self._last: Landmarks | None = None
        self._since_check = CHECK_EVERY
        self._without_face = 0

    def follow(self, rgb: NDArray[np.uint8], landmarks: Landmarks) -> Landmarks | None:
        """Detect the face that has a known place in a neighbouring frame.

        Args:
            rgb: frame (H, W, 3).
            landmarks: landmarks (468, 2) in the neighbouring frame.

        Returns:
            Landmarks (468, 2), or None where no face is near that place.
        """
        self.stats.mesh += 1
        return self._mesh.detect(rgb, square_from_landmarks(landmarks))

    def detect(
        self, rgb: NDArray[np.uint8], landmarks: Landmarks | None
    ) -> tuple[Landmarks | None, bool]:
        """Detect the face, near a known place if there is one, else anywhere.

        Args:
            rgb: frame (H, W, 3).
            landmarks: landmarks (468, 2) in an earlier frame, or None.

        Returns:
            Landmarks (468, 2) or None, and whether the face was followed from its known place.
        """
        face = None if landmarks is None else self.follow(rgb, landmarks)
        if face is not None:
            self._since_check += 1
            if self._since_check >= CHECK_EVERY and not self._is_confirmed(rgb, face):
                face = None
        followed = face is not None
        if face is None:
            face = self._search(rgb)
        if face is not None:
            self._last = face
        return face, followed

    def _is_confirmed(self, rgb: NDArray[np.uint8], landmarks: Landmarks) -> bool:
        """False if the detector finds faces, but none at the landmarks of the mesh."""
        faces = self._count_faces(rgb)
        if not faces:
            return True
        shares = intersection_over_union(
            bounding_box(landmarks).astype(np.float64), np.stack([f.box for f in faces])
        )
        return bool(shares.max() > 0)

    def _count_faces(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        faces = self._detector.detect(rgb)
        self.stats.detector += 1
        self._since_check = 0
        if faces:
            largest = max(face.area for face in faces)
            rivals = sum(face.area >= MIN_RIVAL_AREA * largest for face in faces)
            self.stats.checks += 1
            self.stats.rivals += rivals > 1
            self.stats.most_faces = max(self.stats.most_faces, rivals)
        return faces

    def _search(self, rgb: NDArray[np.uint8]) -> Landmarks | None:
        """The face at the last known place, else the largest face of the frame."""
        faces = self._count_faces(rgb)
        if not faces:
            faces = self._search_tiles(rgb) if self._without_face % TILES_EVERY == 0 else []
            self._without_face += 1
        if not faces:
            return None
        self._without_face = 0
        best = max(faces, key=lambda face: face.area)
        if self._last is not None:
            shares = intersection_over_union(
                bounding_box(self._last).astype(np.float64), np.stack([f.box for f in faces])
            )
            if shares.max() > 0:
                best = faces[int(shares.argmax())]
        self.stats.mesh += 1
        return self._mesh.detect(rgb, square_from_detection(best))

    def _search_tiles(self, rgb: NDArray[np.uint8]) -> list[Detection]:
        """Search half-overlapping tiles for faces too small for the detector's 128 pixels."""
        short = min(rgb.shape[:2])
        for side in (short, short // 2):
            faces = []
            for top in _tile_starts(rgb.shape[0], side):
                for left in _tile_starts(rgb.shape[1], side):
                    tile = np.ascontiguousarray(rgb[top : top + side, left : left + side])
                    self.stats.detector += 1
                    for face in self._detector.detect(tile):
                        corner = np.array([left, top])
                        box = face.box + np.tile(corner, 2)
                        faces.append(Detection(box, face.keypoints + corner, face.score))
            if faces:
                return faces
        return []


def _tile_starts(length: int, side: int) -> list[int]:
    """First pixels of tiles that cover `length` and overlap by about half.

    >>> _tile_starts(16, 9), _tile_starts(9, 9), _tile_starts(8, 4)
    ([0, 4, 7], [0], [0, 2, 4])
    """
    if length <= side:
        return [0]
    return [*range(0, length - side, max(side // 2, 1)), length - side]


class FaceFollower:
    """Locates the face in every frame: landmarks (468, 2), or None where there is no face.

    The mesh runs on the first frame and on every `cadence`-th frame. Between two such frames on
    which the face was followed and moved little, landmarks are interpolated linearly; the mesh also
    runs on frames whose colours under the landmarks changed (`MAX_COLOUR_CHANGE`). Where the face
    moved more, or was lost or found, the mesh runs on the middle frame, and so on by bisection: the
    edge of a gap is exact to the frame. At most `cadence` frames are delayed.
    """

    def __init__(self, tracker: FaceTracker, cadence: int = CADENCE) -> None:
        if cadence < 1:
            raise ValueError(f"cadence is at least 1, not {cadence}")
        self.tracker = tracker
        self.cadence = cadence
        self._last = _Location(None, None)
        self._delayed: list[Frame] = []
        self._first = True

    def feed(self, frame: Frame) -> Iterator[tuple[Frame, Landmarks | None]]:
        """Take the next frame and return the frames whose faces are known."""
        self._delayed.append(frame)
        if self._first or len(self._delayed) == self.cadence:
            self._first = False
            yield from self.end()

    def end(self) -> Iterator[tuple[Frame, Landmarks | None]]:
        """Return the delayed frames; called after the last frame."""
        frames, self._delayed = self._delayed, []
        if frames:
            locations = _locate_all(frames, self._last, self.tracker)
            self._last = locations[-1]
            for location in locations:
                yield frames.pop(0), location.landmarks


def track_face(
    frames: Iterable[Frame], tracker: FaceTracker, cadence: int = CADENCE
) -> Iterator[tuple[Frame, Landmarks | None]]:
    """Locate the face in every frame with a `FaceFollower`.

    Args:
        frames: frames in order.
        tracker: the face tracker.
        cadence: the mesh runs on every `cadence`-th frame.

    Yields:
        Each frame with its landmarks (468, 2), or None.
    """
    follower = FaceFollower(tracker, cadence)
    for frame in frames:
        yield from follower.feed(frame)
    yield from follower.end()


@dataclass(frozen=True, eq=False)
class _Location:
    """The landmarks (468, 2) on a frame and the colours (468, 3) under them; None: no face."""

    landmarks: Landmarks | None
    colours: NDArray[np.float32] | None


def _locate(rgb: NDArray[np.uint8], landmarks: Landmarks | None) -> _Location:
    if landmarks is None:
        return _Location(None, None)
    nearest = np.rint(landmarks).astype(np.intp)
    np.maximum(nearest, 0, out=nearest)
    np.minimum(nearest, (rgb.shape[1] - 1, rgb.shape[0] - 1), out=nearest)
    return _Location(landmarks, rgb[nearest[:, 1], nearest[:, 0]].astype(np.float32))


def _locate_all(frames: list[Frame], start: _Location, tracker: FaceTracker) -> list[_Location]:
    """Locate the face in frames that follow a frame with the face at `start`."""
    end, followed = tracker.detect(frames[-1].rgb, start.landmarks)
    locations = {-1: start, len(frames) - 1: _locate(frames[-1].rgb, end)}
    _fill(frames, locations, tracker, (-1, len(frames) - 1), followed)
    return [locations[index] for index in range(len(frames))]


def _fill(
    frames: list[Frame],
    locations: dict[int, _Location],
    tracker: FaceTracker,
    span: tuple[int, int],
    followed: bool,
) -> None:
    """Set the locations between two frames; `followed`: from the first of them to the last.

    A module function, not a closure: a closure that calls itself would keep its frames alive until
    the next garbage collection.
    """
    low, high = span
    left, right = locations[low], locations[high]
    inner = range(low + 1, high)
    if left.landmarks is None and right.landmarks is None:
        locations.update(dict.fromkeys(inner, left))
    elif inner and followed and _is_near(left.landmarks, right.landmarks):
        for index in inner:
            location = _interpolate(left, right, (index - low) / (high - low), frames[index].rgb)
            if _is_changed(location, left, right):
                location = _follow(tracker, frames[index].rgb, location.landmarks)
            locations[index] = location
    elif inner:
        middle = (low + high) // 2
        locations[middle] = _follow(tracker, frames[middle].rgb, left.landmarks, right.landmarks)
        _fill(frames, locations, tracker, (low, middle), True)
        _fill(frames, locations, tracker, (middle, high), True)


def _follow(tracker: FaceTracker, rgb: NDArray[np.uint8], *places: Landmarks | None) -> _Location:
    """The face near the first of several places that has one."""
    for landmarks in places:
        face = None if landmarks is None else tracker.follow(rgb, landmarks)
        if face is not None:
            return _locate(rgb, face)
    return _Location(None, None)


def _is_near(before: Landmarks | None, after: Landmarks | None) -> bool:
    if before is None or after is None:
        return False
    box = bounding_box(before)
    size = max(box[2] - box[0], box[3] - box[1])
    motion = np.sqrt(np.square(after - before).sum(axis=1).mean())
    return bool(motion <= MAX_MOTION * size)


def _interpolate(
    left: _Location, right: _Location, share: float, rgb: NDArray[np.uint8]
) -> _Location:
    assert left.landmarks is not None
    assert right.landmarks is not None
    step = np.float32(share) * (right.landmarks - left.landmarks)
    return _locate(rgb, left.landmarks + step)


def _is_changed(location: _Location, left: _Location, right: _Location) -> bool:
    """Whether the colours under interpolated landmarks differ from the colours of the face."""
    assert location.colours is not None
    assert left.colours is not None
    assert right.colours is not None
    expected = (left.colours + right.colours) / 2
    red, green, blue = np.abs(location.colours - expected).T
    change = _median((red + green + blue) / 3)
    return bool(change > NOISE_LEVELS + MAX_COLOUR_CHANGE * expected.mean())


def _median(values: NDArray[np.float32]) -> np.float32:
    """The median of an even number of finite values, in a fifth of the time of `numpy.median`.

    >>> _median(np.array([4, 1, 8, 2], np.float32))
    np.float32(3.0)
    """
    half = len(values) // 2
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return np.float32((low + high) / 2)
