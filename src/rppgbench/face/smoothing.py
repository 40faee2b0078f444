"""Landmarks averaged over time: regions do not tremble."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import FaceFollower, Landmarks
from rppgbench.video.stream import Frame

HALF_S = 0.502
"""How far before and after a frame the landmarks count that its own are averaged with: half a
second, and what a container's clock of 1 ms may be off."""

MOST_HELD = 24
"""Frames that are held back at most, whatever the frame rate: memory is bounded by it."""

TREMBLING = 0.0025
"""How far landmarks that only tremble are from their average (rms over the landmarks, as a share
of the face's size). What is twice as far away has moved and stays where it was seen."""

Placed = tuple[Frame, Landmarks | None]


class LandmarkSmoother:
    """Frames with landmarks in, the same frames with landmarks averaged over time out.

    The mesh finds each landmark anew, about a thousandth of the face off and most of it between
    0.5 and 4 Hz, where the pulse is. Regions that tremble with it take in and leave out fringe,
    brow and shade, which GREEN cannot tell from a pulse (measured: docs, compression).
    Niu et al., "RhythmNet", IEEE TIP 2020, average their landmarks over frames for that reason.

    Here a straight line through the landmarks of the second around a frame is read at the frame's
    own time (within a steady video: their plain mean), so nothing lags behind a face that moves
    steadily, and nothing shrinks at the ends. Where the average is further away than `TREMBLING`,
    less and less of it counts: regions follow a face that moves. Nothing is averaged over a gap.
    """

    def __init__(self) -> None:
        self._times_s: deque[float] = deque()  # of the face that is followed, oldest first
        self._landmarks: deque[Landmarks] = deque()
        self._held: deque[Frame] = deque()  # theirs are the last of the landmarks

    def feed(self, frame: Frame, landmarks: Landmarks | None) -> Iterator[Placed]:
        """Take the next frame; give those whose landmarks are known by now."""
        if landmarks is None:
            yield from self.end()
            yield frame, None
            return
        self._times_s.append(frame.time_s)
        self._landmarks.append(landmarks)
        self._held.append(frame)
        del frame
        while self._times_s[-1] - self._held[0].time_s >= HALF_S or len(self._held) > MOST_HELD:
            yield self._first()

    def end(self) -> Iterator[Placed]:
        """There is no further frame, or no face in it: give those held back."""
        while self._held:
            yield self._first()
        self._times_s.clear()
        self._landmarks.clear()

    def _first(self) -> Placed:
        """The first of the held frames, with the average around it."""
        frame = self._held.popleft()
        before = len(self._times_s) - len(self._held) - 1
        while before and (self._times_s[0] < frame.time_s - HALF_S or before > MOST_HELD):
            self._times_s.popleft()
            self._landmarks.popleft()
            before -= 1
        times_s = np.array(self._times_s) - frame.time_s
        times_s = times_s[times_s <= HALF_S]
        around = np.concatenate(list(islice(self._landmarks, len(times_s))))
        around = around.reshape(len(times_s), -1, 2)
        return frame, average_landmarks(times_s, around, self._landmarks[before])


class SmoothedLandmarks:
    """A `FaceFollower` whose landmarks are `LandmarkSmoother`."""

    def __init__(self, follower: FaceFollower) -> None:
        self.finder = follower.finder
        self.cadence = follower.cadence
        self._follower = follower
        self._steady = LandmarkSmoother()

    def feed(self, frame: Frame) -> Iterator[Placed]:
        """Take the next frame; give those whose face is known by now."""
        for placed in self._follower.feed(frame):
            yield from self._steady.feed(*placed)

    def end(self) -> Iterator[Placed]:
        """There is no further frame: give those held back."""
        for placed in self._follower.end():
            yield from self._steady.feed(*placed)
        yield from self._steady.end()


def average_landmarks(
    apart_s: NDArray[np.float64], around: NDArray[np.float32], here: Landmarks
) -> Landmarks:
    """Landmarks (468, 2) at time 0 of a straight line through `around` (N, 468, 2), near `here`.

    `apart_s` (N,) are the times of `around`, `here` is the one of them at time 0.

    >>> moving = np.arange(3, dtype=np.float32)[:, None, None] + np.zeros((468, 2), np.float32)
    >>> moving[:, 0] += 100  # a face of 100 pixels
    >>> smooth = average_landmarks(np.array([0.0, 0.1, 0.2]), moving, moving[0])
    >>> bool(np.allclose(smooth, moving[0]))
    True
    """
    middle = apart_s.mean()
    spread = np.square(apart_s - middle).sum()
    weights = np.full(len(apart_s), 1 / len(apart_s))
    if spread > 0:
        weights -= middle * (apart_s - middle) / spread
    shift = np.tensordot(weights.astype(np.float32), around, 1) - here
    box = bounding_box(here)
    size = float(max(box[2] - box[0], box[3] - box[1]))
    squared = np.square(shift)
    far = float(np.sqrt((squared[:, 0] + squared[:, 1]).mean())) / max(size, 1e-9)
    share = np.clip(2 - far / TREMBLING, 0, 1)
    steady: Landmarks = here + np.float32(share) * shift
    return steady
