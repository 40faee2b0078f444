"""Read frames that are images, in a folder or in an archive."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rppgbench.core.recording import VideoSource
from rppgbench.system.errors import RecordingError
from rppgbench.system.plural import pluralise
from rppgbench.video.colour import RGB
from rppgbench.video.container import RawFrame
from rppgbench.video.image_files import ImageFiles


class ImageFrames:
    """The images of a recording in order, one for each frame; unreadable images are left out.

    Raises `RecordingError` if no image can be read.
    """

    rate_fps: float | None = None
    duration_s: float | None = None
    rotation = 0

    def __init__(self, source: VideoSource) -> None:
        self.path = source.path
        self._images = images = source.images
        self._files = ImageFiles(source)
        self._unreadable: list[Path] = []
        self.resized = 0
        self.expected: int | None = len(images)
        self.positions = len(images)
        self._first = self._read_first()

    def _read_first(self) -> tuple[int, RGB]:
        for position, image in enumerate(self._images):
            rgb = self._files.read(image)
            if rgb is not None:
                self.height, self.width = rgb.shape[:2]
                self.codec = image.suffix.lstrip(".").lower()
                self.bit_depth, self.pixel_format = self._files.stored_format(image)
                return position, rgb
            self._unreadable.append(image)
        reason = "none of its images can be read" if self._images else "no image in it"
        raise RecordingError(f"{self.path}: {reason}; copy the folder again, or leave it out")

    def __iter__(self) -> Iterator[RawFrame]:
        start, rgb = self._first
        del self._first
        yield RawFrame(start, None, rgb)
        for position, image in enumerate(self._images[start + 1 :], start + 1):
            pixels = self._files.read(image)
            if pixels is None:
                self._unreadable.append(image)
            else:
                yield RawFrame(position, None, self._resize(pixels))

    def close(self) -> None:
        """Close the archive, where the images lie in one."""
        self._files.close()

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
