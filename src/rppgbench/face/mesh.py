"""Locate the 468 points of the face mesh in a rotated square of an image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.face.detector import Detection
from rppgbench.face.face_models import Network

SIDE = 192
MARGIN = 1.5
MIN_PRESENCE = 0.5
EYE_CORNERS = (33, 263)
"""The outer corners of the eyes, left in the image first."""


@dataclass(frozen=True, kw_only=True)
class Square:
    """The input of the mesh: centre and side in pixels, rotation in radians (clockwise)."""

    x: float
    y: float
    side: float
    angle: float


def _square(
    low: NDArray[np.floating], high: NDArray[np.floating], eyes: NDArray[np.floating]
) -> Square:
    """Enlarge the longer side of a box by 1.5 and turn it along the eye line."""
    centre, size = (low + high) / 2, high - low
    along = eyes[1] - eyes[0]
    angle = float(np.arctan2(along[1], along[0]))
    side = float(size.max()) * MARGIN
    return Square(x=float(centre[0]), y=float(centre[1]), side=side, angle=angle)


def square_from_detection(face: Detection) -> Square:
    """The mesh's input for a detected face."""
    return _square(face.box[:2], face.box[2:], face.keypoints[:2])


def square_from_landmarks(landmarks: NDArray[np.floating]) -> Square:
    """The mesh's input for a face with landmarks (468, 2) in a neighbouring frame.

    >>> points = np.full((468, 2), 50.0)
    >>> points[[33, 263, 10]] = [[40, 50], [60, 50], [50, 20]]
    >>> square_from_landmarks(points)
    Square(x=50.0, y=35.0, side=45.0, angle=0.0)
    """
    eyes = landmarks[list(EYE_CORNERS)]
    return _square(landmarks.min(axis=0), landmarks.max(axis=0), eyes)


class Mesh:
    """MediaPipe's face mesh (arXiv:1907.06724); pre- and post-processing are reimplemented here."""

    def __init__(self) -> None:
        self._network = Network("face_landmark.tflite")

    def detect(self, rgb: NDArray[np.uint8], square: Square) -> NDArray[np.float32] | None:
        """Locate the landmarks of a face.

        Args:
            rgb: frame (H, W, 3).
            square: the part of the frame that the mesh reads.

        Returns:
            Landmarks (468, 2) in pixels of the frame, or None where the square has no face.
        """
        import cv2

        turn = square.side / SIDE * np.array([np.cos(square.angle), np.sin(square.angle)])
        across = np.array([[turn[0], -turn[1]], [turn[1], turn[0]]])
        origin = np.array([square.x, square.y]) - across @ np.full(2, SIDE / 2)
        to_image = np.column_stack([across, origin])
        crop = cv2.warpAffine(
            rgb,
            to_image,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        outputs = self._network(crop.astype(np.float32) * np.float32(1 / 255))
        presence = 1 / (1 + np.exp(-float(outputs["conv2d_31"].item())))
        if presence < MIN_PRESENCE:
            return None
        points = outputs["conv2d_21"].reshape(468, 3)[:, :2].astype(np.float64)
        landmarks: NDArray[np.float32] = (points @ across.T + origin).astype(np.float32)
        return landmarks
