"""Compare transformed faces with the original faces: PSNR and SSIM."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.mesh_layout import bounding_box
from rppgbench.face.tracking import Landmarks
from rppgbench.video.stream import Frame

Pixels = NDArray[np.uint8]

LUMA = ((0.299, 0.587, 0.114),)
BORDER = 5
"""Pixels at each edge that are left out, because their window of 11 x 11 is not complete."""
MIN_SIDE = 16
"""Boxes of faces with a shorter side, in pixels, are not compared."""


class FaceQuality:
    """Compares the face's box of transformed frames with the original frames.

    Memory holds the faces of the frames that a transform delays. The PSNR is of the mean squared
    error over all compared values; the SSIM is the mean over frames.
    """

    def __init__(self) -> None:
        self._originals: dict[float, tuple[int, int, Pixels]] = {}  # by time: corner and face
        self._squares = self._values = 0.0
        self._ssim: list[float] = []

    def add_original(self, frame: Frame, landmarks: Landmarks | None) -> None:
        """Keep the face of an original frame until its transformed frame arrives.

        Args:
            frame: the original frame.
            landmarks: its face (468, 2), or None.
        """
        if landmarks is None:
            return
        box = bounding_box(landmarks)
        height, width = frame.rgb.shape[:2]
        x0, y0 = np.maximum(box[:2].astype(int), 0)
        x1, y1 = np.minimum(np.ceil(box[2:]).astype(int), (width, height))
        if x1 - x0 >= MIN_SIDE and y1 - y0 >= MIN_SIDE:
            self._originals[frame.time_s] = (x0, y0, frame.rgb[y0:y1, x0:x1].copy())

    def compare(self, frame: Frame) -> None:
        """Compare a transformed frame with the original frame of the same time and size."""
        import cv2

        # Faces of earlier frames belong to frames that the transform dropped.
        for time_s in [t for t in self._originals if t < frame.time_s]:
            del self._originals[time_s]
        original = self._originals.pop(frame.time_s, None)
        if original is None:
            return
        x0, y0, before = original
        after = np.ascontiguousarray(
            frame.rgb[y0 : y0 + before.shape[0], x0 : x0 + before.shape[1]]
        )
        if after.shape != before.shape:
            return
        self._squares += cv2.norm(before, after, cv2.NORM_L2SQR)
        self._values += before.size
        self._ssim.append(ssim(before, after))

    def measurements(self) -> dict[str, float]:
        """ssim, and psnr_db unless it is infinite, because no value changed."""
        if not self._values:
            return {}
        measurements = {"ssim": float(np.mean(self._ssim))}
        if self._squares:
            measurements["psnr_db"] = float(10 * np.log10(255**2 * self._values / self._squares))
        return measurements


def ssim(image: Pixels, reference: Pixels) -> float:
    """Structural similarity of the luma of two images; 1 for equal images, else less.

    The mean over all complete windows of 11 x 11 pixels, weighted by a Gaussian of 1.5 pixels, in
    single precision: within 2e-6 of the definition in double precision.

    Args:
        image: pixels (H, W, 3).
        reference: pixels (H, W, 3).

    Source: Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE TIP 13(4), 2004, DOI 10.1109/TIP.2003.819861, Eq 13, K1 = 0.01, K2 = 0.03.

    >>> image = np.arange(768, dtype=np.uint8).reshape(16, 16, 3)
    >>> ssim(image, image)
    1.0
    """
    import cv2

    def blur(values: NDArray[np.float32]) -> Any:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[BORDER:-BORDER, BORDER:-BORDER]

    weights = np.array(LUMA, np.float32)
    # Centred on 0, so that squares in single precision keep small differences of bright images.
    x, y = (
        np.asarray(cv2.transform(p.astype(np.float32), weights), np.float32) - np.float32(128)
        for p in (image, reference)
    )
    mx, my = blur(x), blur(y)
    variances = blur(x * x + y * y) - (mx * mx + my * my)
    covariance = blur(x * y) - mx * my
    mx, my = mx + 128, my + 128
    c1, c2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    numerator = (2 * mx * my + c1) * (2 * covariance + c2)
    return float(
        np.mean(numerator / ((mx * mx + my * my + c1) * (variances + c2)), dtype=np.float64)
    )
