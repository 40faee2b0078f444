"""OpenCV's Haar detector, as rPPG-Toolbox uses it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, the end excluded."""

ENLARGE = 1.5
MAX_TRIES = 12


def enlarge_box(box: Box, height: int, width: int, factor: float = ENLARGE) -> Box:
    """A box enlarged about its centre, cut at the picture, as rPPG-Toolbox does it.

    The toolbox keeps the box as whole numbers x, y, w, h, so each is cut to a whole number when it
    is assigned; it cuts at 0 on the left and at the top, and slicing cuts the rest
    (github ubicomplab/rPPG-Toolbox @d807b01, dataset/data_loader/BaseLoader.py).

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

    Where the first frame has no Haar face, the toolbox takes the whole frame; we never do: the
    frames 1, 2, 4, 8, ... are tried, at most 12 in all, and the region begins where one is found.
    """

    def __init__(self) -> None:
        self.box: Box | None = None
        self.frame: int | None = None
        self.tries = 0
        self._cascade: Any = None

    def at(self, index: int, rgb: NDArray[np.uint8]) -> Box | None:
        """The box for the frame `index`, whose picture is (H, W, 3); None: not found so far."""
        is_turn = index & (index - 1) == 0 and self.tries < MAX_TRIES
        if self.box is None and is_turn:
            self.tries += 1
            found = self._largest(rgb)
            if found is not None:
                self.box = enlarge_box(found, rgb.shape[0], rgb.shape[1])
                self.frame = index
        return self.box

    def _largest(self, rgb: NDArray[np.uint8]) -> Box | None:
        import cv2

        if self._cascade is None:
            folder = Path(cv2.__file__).parent / "data"
            self._cascade = cv2.CascadeClassifier(
                str(folder / "haarcascade_frontalface_default.xml")
            )
        found = self._cascade.detectMultiScale(rgb)
        if not len(found):
            return None
        x, y, wide, high = (int(v) for v in max(found, key=lambda box: box[2]))
        return x, y, x + wide, y + high
