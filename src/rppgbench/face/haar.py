"""Detect the face with OpenCV's Haar cascade, as rPPG-Toolbox does."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, the end excluded."""

ENLARGE = 1.5
MAX_TRIES = 12


def enlarge_box(box: Box, height: int, width: int, factor: float = ENLARGE) -> Box:
    """Enlarge a box about its centre and clip it to the frame, as rPPG-Toolbox does.

    The toolbox keeps x, y, w, h as integers, so each value is truncated when it is assigned. The
    toolbox clips at 0 on the left and at the top; slicing clips the rest
    (github ubicomplab/rPPG-Toolbox @d807b01, dataset/data_loader/BaseLoader.py).

    Args:
        box: x0, y0, x1, y1 in pixels, the end excluded.
        height: height of the frame in pixels.
        width: width of the frame in pixels.
        factor: factor of both sides.

    Returns:
        The enlarged box within the frame.

    >>> enlarge_box((10, 10, 31, 41), 100, 100)
    (4, 2, 35, 48)
    """
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    x = max(0, int(left - (factor - 1.0) / 2 * wide))
    y = max(0, int(top - (factor - 1.0) / 2 * high))
    return x, y, min(x + int(factor * wide), width), min(y + int(factor * high), height)


class ToolboxBox:
    """The static region of rPPG-Toolbox: the largest Haar box of the first frame, x 1.5.

    Where the first frame has no Haar face, the toolbox uses the whole frame. Here the frames 1, 2,
    4, 8, ... are tried instead, at most 12 in all, and the region begins at the first with a face.
    """

    def __init__(self) -> None:
        self.box: Box | None = None
        self.frame: int | None = None
        self.tries = 0
        self._cascade: Any = None

    def update(self, index: int, rgb: NDArray[np.uint8]) -> Box | None:
        """Take the next frame.

        Args:
            index: number of the frame, from 0.
            rgb: frame (H, W, 3).

        Returns:
            The box of the frame; None before a face was found.
        """
        is_turn = index & (index - 1) == 0 and self.tries < MAX_TRIES
        if self.box is None and is_turn:
            self.tries += 1
            largest = self._find_largest(rgb)
            if largest is not None:
                self.box = enlarge_box(largest, rgb.shape[0], rgb.shape[1])
                self.frame = index
        return self.box

    def _find_largest(self, rgb: NDArray[np.uint8]) -> Box | None:
        import cv2

        if self._cascade is None:
            folder = Path(cv2.__file__).parent / "data"
            self._cascade = cv2.CascadeClassifier(
                str(folder / "haarcascade_frontalface_default.xml")
            )
        boxes = self._cascade.detectMultiScale(rgb)
        if not len(boxes):
            return None
        x, y, wide, high = (int(v) for v in max(boxes, key=lambda box: box[2]))
        return x, y, x + wide, y + high
