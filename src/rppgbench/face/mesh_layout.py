"""Name the points of the face mesh that outline the parts of the face."""

import numpy as np
from numpy.typing import NDArray

# fmt: off
LAYOUT_68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)
"""Mesh points of the 68-point layout (jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67).

The index table that SiNC publishes for the same purpose: Speth et al., "Non-Contrastive
Unsupervised Learning of Physiological Signals from Video", CVPR 2023, github CVRL/SiNC-rPPG
@4c8ef7c, src/preprocessing/utils.py, CANONICAL_LMRKS.
"""

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
"""Outline of the mesh (FACEMESH_FACE_OVAL of MediaPipe), hairline to chin, as one polygon."""

HOLES = (
    (130, 25, 110, 24, 23, 22, 26, 112, 243, 190, 56, 28, 27, 29, 30, 247),
    (359, 255, 339, 254, 253, 252, 256, 341, 463, 414, 286, 258, 257, 259, 260, 467),
    (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
    (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
"""Polygons that are not bare skin: both eyes with their lids (the ring around MediaPipe's eye
contour, so that a blink stays inside), both brows, and the mouth with its lips."""
# fmt: on

_LAYOUT_68 = np.array(LAYOUT_68)


def landmarks_68(landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
    """The 68-point layout of mesh landmarks (..., 468, 2): (..., 68, 2)."""
    return landmarks[..., _LAYOUT_68, :]


def bounding_box(landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
    """Bounding box of landmarks (N, 2): (4,) as x0, y0, x1, y1.

    >>> bounding_box(np.array([[1.0, 5.0], [3.0, 2.0]])).tolist()
    [1.0, 2.0, 3.0, 5.0]
    """
    # A reduction over rows of two takes numpy four times as long, one by a method twice as long.
    x_and_y = np.ascontiguousarray(landmarks.T)
    low, high = np.minimum.reduce(x_and_y, axis=1), np.maximum.reduce(x_and_y, axis=1)
    return np.concatenate([low, high])
