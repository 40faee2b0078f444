"""Smooth the face box and keep it until the face moves, as open-rppg does."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.detector import Detector
from rppgbench.face.haar import Box

DETECT_EVERY = 5
FRAME_S = 1 / 30
PROCESS_VARIANCE = 0.01
"""Variance that the Kalman filter adds for each frame of 1/30 s."""
MEASUREMENT_VARIANCE = 0.5
"""Variance of a detection in the Kalman filter."""
MIN_MOTION = 0.02
"""Motion of the centre, as a share of the box's mean edge, above which the box moves."""


class OpenRppgBox:
    """BlazeFace's box on every fifth frame, Kalman-filtered, and kept until the face has moved.

    The detector's square is narrowed to 0.9 of its width and extended by 0.1 of its height at the
    top. Each edge has a Kalman filter that takes the last detection in every frame. On frames with
    a detection, the box moves to the filtered box if the centre has moved down by more than 2 % of
    the mean of the box's upper and left edge, or across by more than 2 % of the mean of the other
    two edges, as in the code of open-rppg 0.1.1 (`Model.__update_Kalman`, github
    KegangWangCCNU/open-rppg).

    Two differences: open-rppg's detector takes the best box, the detector here takes the mean of
    overlapping boxes; single boxes differ by under 10 pixels at 640 x 480. And open-rppg orders the
    detector's coarse anchors layer by layer, while the network orders them cell by cell, so a face
    that fills the frame is found up to a third of the frame away; here the order is correct.
    """

    def __init__(self) -> None:
        self._detector = Detector()
        self._count = 0
        self._time_s = 0.0
        self._detected: NDArray[np.float64] | None = None  # x0, y0, x1, y1 of the last detection
        self._filtered: NDArray[np.float64] | None = None
        self._variance = 1.0
        self._box: NDArray[np.float64] | None = None

    def update(self, rgb: NDArray[np.uint8], time_s: float) -> Box | None:
        """Take the next frame.

        Args:
            rgb: frame (H, W, 3).
            time_s: time of the frame in seconds.

        Returns:
            The box of the frame; None before the first face.
        """
        step_s, self._time_s = time_s - self._time_s, time_s
        is_turn, self._count = self._count % DETECT_EVERY == 0, self._count + 1
        box = self._detect(rgb) if is_turn else None
        if box is not None:
            self._detected = box
        if self._detected is not None and (box is not None or not is_turn):
            smoothed = self._filter(self._detected, step_s)
            if is_turn and (self._box is None or _has_moved(self._box, smoothed)):
                self._box = smoothed
        if self._box is None:
            return None
        left, top, right, bottom = (int(edge) for edge in self._box)
        height, width = rgb.shape[:2]
        return left, top, min(right, width), min(bottom, height)

    def _detect(self, rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        faces = self._detector.detect(rgb)
        if not faces:
            return None
        x0, y0, x1, y1 = faces[0].box
        x, y, wide, high = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        edges = [x - 0.45 * wide, y - 0.6 * high, x + 0.45 * wide, y + 0.5 * high]
        box: NDArray[np.float64] = np.maximum(np.rint(edges), 0.0)
        return box

    def _filter(self, detected: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
        if self._filtered is None:
            self._filtered = detected
            return detected
        before = self._variance + PROCESS_VARIANCE * (step_s / FRAME_S) ** 2
        gain = before / (before + MEASUREMENT_VARIANCE)
        self._filtered = self._filtered + gain * (detected - self._filtered)
        self._variance = (1 - gain) * before
        rounded: NDArray[np.float64] = np.rint(self._filtered)
        return rounded


def _has_moved(box: NDArray[np.float64], smoothed: NDArray[np.float64]) -> bool:
    """Whether the centre of the smoothed box has moved away from the centre of the box.

    >>> box = np.array([100.0, 200, 300, 400])
    >>> _has_moved(box, box + [0, 3, 0, 3]), _has_moved(box, box + [0, 4, 0, 4])
    (False, True)
    """
    across, down = (float(v) for v in (smoothed - box).reshape(2, 2).mean(axis=0))
    left, top, right, bottom = (float(edge) for edge in box)
    return (
        abs(down) > MIN_MOTION * (top + left) / 2 or abs(across) > MIN_MOTION * (bottom + right) / 2
    )
