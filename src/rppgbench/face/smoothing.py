"""Smooth face landmarks over time, so that the detector's jitter does not move the regions."""

from collections import deque
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import FaceFollower, Landmarks
from rppgbench.video.stream import Frame

HALF_WINDOW_S = 0.502
"""Half the width of the smoothing window: half a second, plus the error of a container's clock of
1 ms."""

MAX_DELAYED = 24
"""Most frames that are delayed, at any frame rate: this bounds the memory."""

JITTER = 0.0025
"""Distance of jittering landmarks from their average (rms over the landmarks, as a share of the
face's size). Landmarks at twice this distance have moved and are not smoothed."""

LocatedFrame = tuple[Frame, Landmarks | None]
"""A frame with its face landmarks (468, 2), or None where it has no face."""


class LandmarkSmoother:
    """Average the landmarks of each frame over the second around the frame.

    The mesh locates each landmark with an error of about a thousandth of the face's size, most of
    it between 0.5 and 4 Hz, the band of the pulse. Regions that jitter in this way gain and lose
    fringe, brow and shadow at their edges, which GREEN cannot distinguish from a pulse
    (docs/measurements/compression.md). Niu et al., "RhythmNet", IEEE TIP 2020, average their
    landmarks over frames for this reason.

    The average is the value, at the frame's time, of a straight line fitted to the landmarks of
    the second around the frame; in the middle of a steady video this is the plain mean. A line does
    not lag behind a face that moves steadily and is unbiased at the ends of a segment. Where the
    average is further from the landmarks than `JITTER`, its weight falls to 0: regions follow a
    face that moves. Nothing is averaged over a gap.
    """

    def __init__(self) -> None:
        self._times_s: deque[float] = deque()  # since the last gap, oldest first
        self._landmarks: deque[Landmarks] = deque()
        self._delayed: deque[Frame] = deque()  # frames of the last landmarks

    def feed(self, frame: Frame, landmarks: Landmarks | None) -> Iterator[LocatedFrame]:
        """Take the next frame and return the frames that are ready.

        Args:
            frame: the next frame.
            landmarks: its face (468, 2), or None; a frame without a face ends the segment.
        """
        if landmarks is None:
            yield from self.end()
            yield frame, None
            return
        self._times_s.append(frame.time_s)
        self._landmarks.append(landmarks)
        self._delayed.append(frame)
        del frame
        while (
            self._times_s[-1] - self._delayed[0].time_s >= HALF_WINDOW_S
            or len(self._delayed) > MAX_DELAYED
        ):
            yield self._next()

    def end(self) -> Iterator[LocatedFrame]:
        """Return the delayed frames; called at a gap and after the last frame."""
        while self._delayed:
            yield self._next()
        self._times_s.clear()
        self._landmarks.clear()

    def _next(self) -> LocatedFrame:
        """The first of the delayed frames, with its smoothed landmarks."""
        frame = self._delayed.popleft()
        before = len(self._times_s) - len(self._delayed) - 1
        while before and (self._times_s[0] < frame.time_s - HALF_WINDOW_S or before > MAX_DELAYED):
            self._times_s.popleft()
            self._landmarks.popleft()
            before -= 1
        times_s = np.array(self._times_s) - frame.time_s
        times_s = times_s[times_s <= HALF_WINDOW_S]
        neighbours = np.concatenate(list(islice(self._landmarks, len(times_s))))
        neighbours = neighbours.reshape(len(times_s), -1, 2)
        return frame, average_landmarks(times_s, neighbours, self._landmarks[before])


class SmoothedLandmarks:
    """Landmarks of a `FaceFollower`, smoothed by a `LandmarkSmoother`."""

    def __init__(self, follower: FaceFollower) -> None:
        self.tracker = follower.tracker
        self.cadence = follower.cadence
        self._follower = follower
        self._smoother = LandmarkSmoother()

    def feed(self, frame: Frame) -> Iterator[LocatedFrame]:
        """Take the next frame and return the frames that are ready."""
        for located in self._follower.feed(frame):
            yield from self._smoother.feed(*located)

    def end(self) -> Iterator[LocatedFrame]:
        """Return the delayed frames; called after the last frame."""
        for located in self._follower.end():
            yield from self._smoother.feed(*located)
        yield from self._smoother.end()


def average_landmarks(
    times_s: NDArray[np.float64], neighbours: NDArray[np.float32], landmarks: Landmarks
) -> Landmarks:
    """Fit a straight line to landmarks over time and evaluate it at time 0.

    The least-squares line at time 0 is the weighted sum of the neighbours y_i with the weights
    w_i = 1/N - m (t_i - m) / sum_j (t_j - m)^2, m the mean of the times t_i.

    Args:
        times_s: times (N,) of the neighbours in seconds, relative to the frame.
        neighbours: landmarks (N, 468, 2) of the frames around the frame, itself included.
        landmarks: landmarks (468, 2) of the frame.

    Returns:
        Smoothed landmarks (468, 2); `landmarks` themselves where the face moves.

    >>> moving = np.arange(3, dtype=np.float32)[:, None, None] + np.zeros((468, 2), np.float32)
    >>> moving[:, 0] += 100  # a face of 100 pixels
    >>> smooth = average_landmarks(np.array([0.0, 0.1, 0.2]), moving, moving[0])
    >>> bool(np.allclose(smooth, moving[0]))
    True
    """
    mean = times_s.mean()
    squares = np.square(times_s - mean).sum()
    weights = np.full(len(times_s), 1 / len(times_s))
    if squares > 0:
        weights -= mean * (times_s - mean) / squares
    flat = neighbours.reshape(len(neighbours), -1)
    shift = (weights.astype(np.float32) @ flat).reshape(landmarks.shape) - landmarks
    box = bounding_box(landmarks)
    size = float(max(box[2] - box[0], box[3] - box[1]))
    squared = np.square(shift)
    distance = float(np.sqrt((squared[:, 0] + squared[:, 1]).mean())) / max(size, 1e-9)
    weight = np.clip(2 - distance / JITTER, 0, 1)
    smoothed: Landmarks = landmarks + np.float32(weight) * shift
    return smoothed
