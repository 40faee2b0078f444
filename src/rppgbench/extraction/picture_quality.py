"""How like its original a face is: PSNR and SSIM."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import Landmarks
from rppgbench.video.stream import Frame

Picture = NDArray[np.uint8]

LUMA = ((0.299, 0.587, 0.114),)
BORDER = 5
"""Pixels at each edge whose window of 11 x 11 is not whole: they are left out."""
SMALLEST = 16
"""A face's box under this side is not compared."""


class FaceQuality:
    """PSNR and SSIM of the face's box, frame by frame as changed frames come back.

    Only the faces of the frames that a change holds back are held. PSNR is over the mean squared
    error of all compared values; SSIM is the mean over frames.
    """

    def __init__(self) -> None:
        self._waiting: dict[float, tuple[int, int, Picture]] = {}  # by time: corner and face
        self._squares = self._values = 0.0
        self._ssim: list[float] = []

    def add_original(self, frame: Frame, landmarks: Landmarks | None) -> None:
        """Hold the face of an untouched frame until its changed one comes."""
        if landmarks is None:
            return
        box = bounding_box(landmarks)
        height, width = frame.rgb.shape[:2]
        x0, y0 = np.maximum(box[:2].astype(int), 0)
        x1, y1 = np.minimum(np.ceil(box[2:]).astype(int), (width, height))
        if x1 - x0 >= SMALLEST and y1 - y0 >= SMALLEST:
            self._waiting[frame.time_s] = (x0, y0, frame.rgb[y0:y1, x0:x1].copy())

    def compare(self, frame: Frame) -> None:
        """Compare a changed frame with the untouched one of its time, if it has its size."""
        import cv2

        for time_s in [t for t in self._waiting if t < frame.time_s]:  # left out on the way
            del self._waiting[time_s]
        held = self._waiting.pop(frame.time_s, None)
        if held is None:
            return
        x0, y0, before = held
        after = np.ascontiguousarray(
            frame.rgb[y0 : y0 + before.shape[0], x0 : x0 + before.shape[1]]
        )
        if after.shape != before.shape:
            return
        self._squares += cv2.norm(before, after, cv2.NORM_L2SQR)
        self._values += before.size
        self._ssim.append(ssim(before, after))

    def facts(self) -> dict[str, float]:
        """psnr_db (infinite where nothing changed: then left out) and ssim."""
        if not self._values:
            return {}
        found = {"ssim": float(np.mean(self._ssim))}
        if self._squares:
            found["psnr_db"] = float(10 * np.log10(255**2 * self._values / self._squares))
        return found


def ssim(one: Picture, other: Picture) -> float:
    """Structural similarity of the luma of two pictures (H, W, 3): at most 1, for the same picture.

    The mean over all whole windows of 11 x 11 pixels, weighted by a Gaussian of 1.5 pixels, in
    single precision: within 2e-6 of the definition in double precision.

    Source: Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE TIP 13(4), 2004, DOI 10.1109/TIP.2003.819861, Eq 13, K1 = 0.01, K2 = 0.03.

    >>> picture = np.arange(768, dtype=np.uint8).reshape(16, 16, 3)
    >>> ssim(picture, picture)
    1.0
    """
    import cv2

    def blur(values: NDArray[np.float32]) -> Any:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[BORDER:-BORDER, BORDER:-BORDER]

    weights = np.array(LUMA, np.float32)
    # Around 0, for then squares of single precision keep the small differences of bright pictures.
    x, y = (
        np.asarray(cv2.transform(p.astype(np.float32), weights), np.float32) - np.float32(128)
        for p in (one, other)
    )
    mx, my = blur(x), blur(y)
    variances = blur(x * x + y * y) - (mx * mx + my * my)
    covariance = blur(x * y) - mx * my
    mx, my = mx + 128, my + 128
    c1, c2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    above = (2 * mx * my + c1) * (2 * covariance + c2)
    return float(np.mean(above / ((mx * mx + my * my + c1) * (variances + c2)), dtype=np.float64))
