"""Smooth face landmarks over time, so that the detector's jitter does not move the regions."""

import math
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import FaceFollower, Landmarks
from rppgbench.video.stream import Frame

HALF_WINDOW_S = 0.502
"""Half the width of the smoothing window: half a second, plus the error of a container's clock of
1 ms."""

_WINDOW_S = np.array([-HALF_WINDOW_S, math.nextafter(HALF_WINDOW_S, 1)])  # the end excluded

MAX_DELAYED = 24
"""Most frames that are delayed, at any frame rate: this bounds the memory."""

_ROWS = 8 * MAX_DELAYED  # a row is moved once in some 150 frames

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
        # Of the frames since the last gap: rows `first` to before `stop`, oldest first.
        self._times_s = np.empty(_ROWS)
        self._landmarks = np.empty((_ROWS, 468, 2), np.float32)
        self._first = self._stop = 0
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
        self._append(frame.time_s, landmarks)
        self._delayed.append(frame)
        time_s = frame.time_s
        del frame
        while time_s - self._delayed[0].time_s >= HALF_WINDOW_S or len(self._delayed) > MAX_DELAYED:
            yield self._next()

    def _append(self, time_s: float, landmarks: Landmarks) -> None:
        if self._stop == _ROWS:
            kept = self._stop - self._first
            self._times_s[:kept] = self._times_s[self._first :]
            self._landmarks[:kept] = self._landmarks[self._first :]
            self._first, self._stop = 0, kept
        self._times_s[self._stop] = time_s
        self._landmarks[self._stop] = landmarks
        self._stop += 1

    def end(self) -> Iterator[LocatedFrame]:
        """Return the delayed frames; called at a gap and after the last frame."""
        while self._delayed:
            yield self._next()
        self._first = self._stop = 0

    def _next(self) -> LocatedFrame:
        """The first of the delayed frames, with its smoothed landmarks."""
        frame = self._delayed.popleft()
        row = self._stop - len(self._delayed) - 1
        times_s = self._times_s[self._first : self._stop] - frame.time_s
        oldest, after = times_s.searchsorted(_WINDOW_S).tolist()
        oldest = max(oldest, row - self._first - MAX_DELAYED)
        neighbours = self._landmarks[self._first + oldest : self._first + after]
        self._first += oldest
        return frame, average_landmarks(times_s[oldest:after], neighbours, self._landmarks[row])


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
    mean = float(np.add.reduce(times_s)) / len(times_s)
    centred = times_s - mean
    squares = float(centred @ centred)
    weights = np.full(len(times_s), 1 / len(times_s))
    if squares > 0:
        weights -= mean / squares * centred
    flat = neighbours.reshape(len(neighbours), -1)
    shift = (weights.astype(np.float32) @ flat).reshape(landmarks.shape) - landmarks
    left, top, right, bottom = bounding_box(landmarks).tolist()
    size = max(right - left, bottom - top, 1e-9)
    every = shift.ravel()
    distance = math.sqrt(float(every @ every) / len(shift)) / size
    shift *= np.float32(min(max(2 - distance / JITTER, 0.0), 1.0))
    shift += landmarks
    return shift
