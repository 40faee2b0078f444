"""Read frames from a folder of images."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import disk_fault, special_file_kind
from rppgbench.system.plural import pluralise
from rppgbench.video.colour import RGB
from rppgbench.video.container import RawFrame

MAX_PIXELS = 2**27
"""Most pixels of an image, four 8K frames: a decoder allocates what the header states."""

END_MARKERS = {b"\x89PNG": b"IEND", b"\xff\xd8\xff": b"\xff\xd9"}
"""End of a complete file by its beginning: decoders fill the rest of a truncated file with grey."""


class ImageFrames:
    """The images of a recording in order, one for each frame; unreadable images are left out.

    Images are upright by their EXIF orientation, 16 bits are reduced to 8, grey has three equal
    channels, alpha is dropped. Raises `RecordingError` if no image can be read.
    """

    rate_fps: float | None = None
    duration_s: float | None = None
    rotation = 0

    def __init__(self, folder: Path, images: Sequence[Path]) -> None:
        self.path = folder
        self._images = images
        self._unreadable: list[Path] = []
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
                self.bit_depth, self.pixel_format = _stored_format(image)
                return position, rgb
            self._unreadable.append(image)
        reason = "none of its images can be read" if self._images else "no image in it"
        raise RecordingError(f"{self.path}: {reason}; copy the folder again, or leave it out")

    def __iter__(self) -> Iterator[RawFrame]:
        start, rgb = self._first
        del self._first
        yield RawFrame(start, None, rgb)
        for position, image in enumerate(self._images[start + 1 :], start + 1):
            pixels = read_image(image)
            if pixels is None:
                self._unreadable.append(image)
            else:
                yield RawFrame(position, None, self._resize(pixels))

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def notes(self) -> list[str]:
        """Faults of the images, complete when all images were read."""
        out = []
        if self._unreadable:
            out.append(
                f"{len(self._unreadable)} of {len(self._images)} images left out: not to be read"
                f" (first: {self._unreadable[0].name})"
            )
        if self.resized:
            out.append(f"{pluralise(self.resized, 'image')} of another size, scaled")
        return out

    def _resize(self, rgb: RGB) -> RGB:
        if rgb.shape[:2] == (self.height, self.width):
            return rgb
        import cv2

        self.resized += 1
        size = (self.width, self.height)
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def read_image(image: Path) -> RGB | None:
    """Read an image as (H, W, 3) uint8 RGB.

    Returns:
        The pixels; None for a file that is missing, truncated, too large or no image.

    Raises:
        MachineError: the disk fails; the image exists, so the frame must not be left out.
    """
    import cv2

    data = _read_bytes(image)
    for begin, end in END_MARKERS.items():
        if data.startswith(begin) and end not in data[-65536:]:
            return None
    bgr = _decode(data, cv2.IMREAD_COLOR)
    if bgr is None:
        return None
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _decode(data: bytes, flags: int) -> NDArray[Any] | None:
    """The pixels of an image file; None for no image, or more than `MAX_PIXELS`."""
    import cv2

    if not data or _stated_pixels(data) > MAX_PIXELS:
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # more pixels than OpenCV's own limit
        return None


def _stated_pixels(data: bytes) -> int:
    """Number of pixels in the header of a PNG or JPEG; 0 for another format."""
    if data.startswith(b"\x89PNG"):
        return int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big")
    at = 2 if data.startswith(b"\xff\xd8") else len(data)
    while at + 9 < len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:  # header of a frame
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(height, "big") * int.from_bytes(width, "big")
        at += 1 if kind == 0xFF else 2 + length
    return 0


def _read_bytes(image: Path) -> bytes:
    """The bytes of an image; empty for a file that is missing, special or not permitted."""
    if special_file_kind(image):
        return b""
    try:
        return image.read_bytes()
    except OSError as error:
        if fault := disk_fault(error, image):
            raise fault from error
        return b""


def _stored_format(image: Path) -> tuple[int, str]:
    """Bits of each channel and a name for the channels, as stored in the file."""
    import cv2

    pixels = _decode(_read_bytes(image), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return 8, "rgb"
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    names = {1: "gray", 2: "gray+alpha", 3: "rgb", 4: "rgb+alpha"}
    return 8 * pixels.dtype.itemsize, names.get(channels, f"{channels} channels")
