"""Detect the face with OpenCV's Haar cascade, as rPPG-Toolbox does."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, the end excluded."""

ENLARGE = 1.5
MAX_TRIES = 12

SCALE, MIN_NEIGHBOURS, EPS = 1.1, 3, 0.2
"""`detectMultiScale` searches and joins windows with these values."""

MAX_RATIO = 1 + 2 * EPS
"""The largest ratio of the widths of two windows that `groupRectangles` joins."""

SEARCH_STEP = 1.25
"""The ratio of the largest to the smallest width of the windows of one step of the search: more
than `SCALE`, because OpenCV searches the nearest size where a step has none."""

_of_thread = threading.local()

SMALLEST_STEP = 30
"""Windows up to this width in pixels are searched in one step, the last."""


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
        boxes = detect_largest(_cascade_of_this_thread(), rgb)
        if not len(boxes):
            return None
        x, y, wide, high = (int(v) for v in max(boxes, key=lambda box: box[2]))
        return x, y, x + wide, y + high


def _cascade_of_this_thread() -> Any:
    """The cascade, read once: that takes as long as a search. OpenCV's object serves one thread."""
    import cv2

    if not hasattr(_of_thread, "cascade"):
        folder = Path(cv2.__file__).parent / "data"
        _of_thread.cascade = cv2.CascadeClassifier(
            str(folder / "haarcascade_frontalface_default.xml")
        )
    return _of_thread.cascade


def detect_largest(cascade: Any, rgb: NDArray[np.uint8]) -> Any:
    """Find faces of a frame, of which the widest is that of OpenCV's `detectMultiScale`.

    Nearly all time goes into windows that are far smaller than the face. So windows are searched
    from large to small, each size once, until windows that are not yet searched cannot matter.

    Args:
        cascade: a `cv2.CascadeClassifier`.
        rgb: frame (H, W, 3).

    Returns:
        Faces as x, y, width, height. The first of the widest is the first of the whole search by
        one thread.
    """
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_BGR2GRAY)  # of RGB as if it were BGR, as the toolbox does
    windows, widest = np.empty((0, 4), np.int32), 0
    faces: Any = ()
    most = min(grey.shape)
    while most > 0:
        least = round(most / SEARCH_STEP) if most > SMALLEST_STEP else 0
        sizes = {"minSize": (least + 1, least + 1), "maxSize": (most, most)}
        more = cascade.detectMultiScale(grey, minNeighbors=0, **sizes)
        if len(more):
            squares = _unclip(more, cascade.getOriginalWindowSize()[0])
            # The order of OpenCV with one thread; several threads give windows in any order.
            order = np.lexsort((squares[:, 0], squares[:, 1], squares[:, 2]))
            windows = np.concatenate([squares[order], windows])
            faces, _ = cv2.groupRectangles(windows.tolist(), MIN_NEIGHBOURS, EPS)
            widest = max((face[2] for face in faces), default=0)
        if widest > MAX_RATIO * _widest_open(windows, least):
            break
        most = least
    return _clip(faces, grey.shape)


def _unclip(windows: NDArray[np.int32], side: int) -> NDArray[np.int32]:
    """Squares of the sizes that OpenCV searches: it cuts off a pixel outside the frame.

    Args:
        windows: windows (N, 4) as x, y, width, height.
        side: side of the cascade's own window in pixels.
    """
    factors = np.cumprod(np.r_[1.0, np.full(60, SCALE)])
    sizes = np.rint(side * factors).astype(np.int32)
    squares = windows.copy()
    squares[:, 2:] = sizes[np.searchsorted(sizes, windows[:, 2:].max(axis=1))][:, None]
    return squares


def _clip(faces: Any, shape: tuple[int, int]) -> Any:
    """Faces (N, 4) without what lies outside a frame of the shape (H, W)."""
    return [(x, y, min(w, shape[1] - x), min(h, shape[0] - y)) for x, y, w, h in faces]


def _widest_open(windows: NDArray[np.int32], unsearched: int) -> int:
    """The greatest width of a face that windows up to the size `unsearched` can be part of.

    `groupRectangles` joins two windows if their edges differ by at most `EPS` times the smaller
    side, so only if their widths differ by a factor of at most `MAX_RATIO`. A face is the mean of
    windows that are joined, one through the other. It hides a face that lies within it, with a
    margin of `EPS` of its width at each side: again at most `MAX_RATIO` times as wide. So a face
    more than `MAX_RATIO` times as wide as the result is not changed by windows up to that size.
    """
    wide, edges = windows[:, 2], np.column_stack([windows[:, :2], windows[:, :2] + windows[:, 2:]])
    is_open = wide <= MAX_RATIO * unsearched
    while True:
        near = np.abs(edges[:, None] - edges[is_open]).max(axis=-1)
        limit = EPS * np.minimum(wide[:, None], wide[is_open])
        joined = is_open | (near <= limit + 1).any(axis=1)  # a pixel more, for OpenCV's rounding
        if (joined == is_open).all():
            return max(unsearched, int(wide[is_open].max(initial=0)))
        is_open = joined
