"""A face box that is smoothed and held, as open-rppg does it."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.detector import Detector
from rppgbench.face.haar import Box

EVERY = 5
FRAME_S = 1 / 30
DRIFT, DOUBT = 0.01, 0.5  # variances of the box: gained in a frame of 1/30 s, and of a detection
SHIFT = 0.02


class OpenRppgBox:
    """BlazeFace's box on every fifth frame, Kalman-filtered, and held until the face has moved.

    The detector's square is cut to 0.9 of its width, raised by 0.1 of its height at the top. Each
    edge has a Kalman filter that is fed with the last detection in every frame; on frames with a
    detection the box moves to the filtered one if its centre has moved down by more than 2 % of the
    mean of the box's upper and left edge, or across by more than 2 % of that of the other two: that
    is how the code of open-rppg 0.1.1 has it (`Model.__update_Kalman`, github
    KegangWangCCNU/open-rppg). Its detector takes the best box, ours the mean of those that overlap:
    single boxes differ by under 10 pixels at 640 x 480. A face that fills the picture it finds up
    to a third of the picture away from where it is, for it counts the detector's coarse anchors
    layer by layer where the network has them cell by cell; that is put right here.
    """

    def __init__(self) -> None:
        self._detector = Detector()
        self._count = 0
        self._time_s = 0.0
        self._seen: NDArray[np.float64] | None = None  # x0, y0, x1, y1 of the last detection
        self._filtered: NDArray[np.float64] | None = None
        self._variance = 1.0
        self._held: NDArray[np.float64] | None = None

    def at(self, rgb: NDArray[np.uint8], time_s: float) -> Box | None:
        """The box for the next frame, whose picture is (H, W, 3); None before the first face."""
        step_s, self._time_s = time_s - self._time_s, time_s
        is_turn, self._count = self._count % EVERY == 0, self._count + 1
        found = self._find(rgb) if is_turn else None
        if found is not None:
            self._seen = found
        if self._seen is not None and (found is not None or not is_turn):
            smoothed = self._follow(self._seen, step_s)
            if is_turn and (self._held is None or _moved(self._held, smoothed)):
                self._held = smoothed
        if self._held is None:
            return None
        left, top, right, bottom = (int(edge) for edge in self._held)
        height, width = rgb.shape[:2]
        return left, top, min(right, width), min(bottom, height)

    def _find(self, rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        faces = self._detector.find(rgb)
        if not faces:
            return None
        x0, y0, x1, y1 = faces[0].box
        x, y, wide, high = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        edges = [x - 0.45 * wide, y - 0.6 * high, x + 0.45 * wide, y + 0.5 * high]
        box: NDArray[np.float64] = np.maximum(np.rint(edges), 0.0)
        return box

    def _follow(self, seen: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
        if self._filtered is None:
            self._filtered = seen
            return seen
        before = self._variance + DRIFT * (step_s / FRAME_S) ** 2
        gain = before / (before + DOUBT)
        self._filtered = self._filtered + gain * (seen - self._filtered)
        self._variance = (1 - gain) * before
        rounded: NDArray[np.float64] = np.rint(self._filtered)
        return rounded


def _moved(held: NDArray[np.float64], smoothed: NDArray[np.float64]) -> bool:
    """Whether the centre has left the place of the held box.

    >>> held = np.array([100.0, 200, 300, 400])
    >>> _moved(held, held + [0, 3, 0, 3]), _moved(held, held + [0, 4, 0, 4])
    (False, True)
    """
    across, down = (float(v) for v in (smoothed - held).reshape(2, 2).mean(axis=0))
    left, top, right, bottom = (float(edge) for edge in held)
    return abs(down) > SHIFT * (top + left) / 2 or abs(across) > SHIFT * (bottom + right) / 2
