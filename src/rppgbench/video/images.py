"""Frames out of a folder of images."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import disk_fault, kind_of_special_file
from rppgbench.video.colour import RGB
from rppgbench.video.container import RawFrame
from rppgbench.video.timestamps import pluralise

MOST_PIXELS = 2**27
"""Of an image, four 8K frames: a decoder makes room for what the head claims, then reads."""

ENDS = {b"\x89PNG": b"IEND", b"\xff\xd8\xff": b"\xff\xd9"}
"""How a whole file ends, by how it begins: a decoder would fill the rest of a cut one with grey."""


class ImageFrames:
    """The images in the order given, one a frame; those that cannot be read are left out.

    They come upright by their EXIF orientation, 16 bits as 8, grey as three equal channels, without
    alpha. Raises `RecordingError` where there is no image to read.
    """

    rate_fps: float | None = None
    duration_s: float | None = None
    rotation = 0

    def __init__(self, folder: Path, images: Sequence[Path]) -> None:
        self.path = folder
        self._images = images
        self._unread: list[Path] = []
        self.resized = 0
        self.expected: int | None = len(images)
        self.positions = len(images)
        self._first = self._read_first()

    def _read_first(self) -> tuple[int, RGB]:
        for position, image in enumerate(self._images):
            rgb = read_image(image)
            if rgb is not None:
                self.height, self.width = rgb.shape[:2]
                self.codec = image.suffix.lstrip(".").lower()
                self.bit_depth, self.pixel_format = _stored(image)
                return position, rgb
            self._unread.append(image)
        what = "none of its images can be read" if self._images else "no image in it"
        raise RecordingError(f"{self.path}: {what}; copy the folder again, or leave it out")

    def __iter__(self) -> Iterator[RawFrame]:
        start, rgb = self._first
        del self._first
        yield RawFrame(start, None, rgb)
        for position, image in enumerate(self._images[start + 1 :], start + 1):
            found = read_image(image)
            if found is None:
                self._unread.append(image)
            else:
                yield RawFrame(position, None, self._fitted(found))

    def close(self) -> None:
        """Nothing stays open."""

    def notes(self) -> list[str]:
        """What was wrong, known when all images were read."""
        out = []
        if self._unread:
            out.append(
                f"{len(self._unread)} of {len(self._images)} images left out: not to be read"
                f" (first: {self._unread[0].name})"
            )
        if self.resized:
            out.append(f"{pluralise(self.resized, 'image')} of another size, scaled")
        return out

    def _fitted(self, rgb: RGB) -> RGB:
        if rgb.shape[:2] == (self.height, self.width):
            return rgb
        import cv2

        self.resized += 1
        size = (self.width, self.height)
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def read_image(image: Path) -> RGB | None:
    """An image as (H, W, 3) uint8 RGB, or None where it is missing, cut off, too large or no image.

    MachineError where the disk cannot read it: the image is there, and no frame without it.
    """
    import cv2

    data = _content(image)
    for begin, end in ENDS.items():
        if data.startswith(begin) and end not in data[-65536:]:
            return None
    bgr = _decoded(data, cv2.IMREAD_COLOR)
    if bgr is None:
        return None
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _decoded(data: bytes, flags: int) -> NDArray[Any] | None:
    """The pixels of an image file; None where it is none, or larger than `MOST_PIXELS`."""
    import cv2

    if not data or _pixels(data) > MOST_PIXELS:
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # more pixels than OpenCV's own limit
        return None


def _pixels(data: bytes) -> int:
    """How many pixels the head of a PNG or JPEG claims; 0 where neither says so."""
    if data.startswith(b"\x89PNG"):
        return int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big")
    at = 2 if data.startswith(b"\xff\xd8") else len(data)
    while at + 9 < len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:  # a frame's head
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(height, "big") * int.from_bytes(width, "big")
        at += 1 if kind == 0xFF else 2 + length
    return 0


def _content(image: Path) -> bytes:
    """The bytes of an image; none where it is missing, no regular file, or may not be read."""
    if kind_of_special_file(image):
        return b""
    try:
        return image.read_bytes()
    except OSError as error:
        if fault := disk_fault(error, image):
            raise fault from error
        return b""


def _stored(image: Path) -> tuple[int, str]:
    """Bits a channel and a name for the channels, as the file has them."""
    import cv2

    pixels = _decoded(_content(image), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return 8, "rgb"
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    names = {1: "gray", 2: "gray+alpha", 3: "rgb", 4: "rgb+alpha"}
    return 8 * pixels.dtype.itemsize, names.get(channels, f"{channels} channels")
