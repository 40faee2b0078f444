"""Read the frames that a data set's reader decodes itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rppgbench.system.errors import RecordingError
from rppgbench.video.colour import RGB
from rppgbench.video.container import RawFrame


class ArrayFrames:
    """The frames of `VideoSource.frames`, one for each time.

    Raises `RecordingError` for no frame, for a frame that is not (H, W, 3) uint8, and where frames
    and times differ in number.
    """

    rate_fps: float | None = None
    duration_s: float | None = None
    rotation = 0
    bit_depth = 8
    pixel_format = "rgb24"

    def __init__(
        self, path: Path, frames: Callable[[], Iterator[NDArray[np.uint8]]], times: int
    ) -> None:
        self.path = path
        self.codec = path.suffix.lstrip(".").lower()
        self.expected: int | None = times
        self.positions = 0
        self._frames = frames()
        first = next(self._frames, None)
        if first is None:
            raise RecordingError(f"{path}: holds no frame; copy the file again, or leave it out")
        self._first: RGB | None = self._check(first)
        self.height, self.width = first.shape[:2]

    def __iter__(self) -> Iterator[RawFrame]:
        if self._first is not None:
            first, self._first = self._first, None
            self.positions = 1
            yield RawFrame(0, None, first)
        for rgb in self._frames:
            position, self.positions = self.positions, self.positions + 1
            yield RawFrame(position, None, self._check(rgb))
        if self.positions != self.expected:
            raise RecordingError(
                f"{self.path}: holds {self.positions} frames for {self.expected} times; "
                "copy the file again, or leave it out"
            )

    def close(self) -> None:
        """Release the frames."""
        self._frames = iter(())

    def notes(self) -> list[str]:
        """No notes: every fault of these frames is an error."""
        return []

    def _check(self, rgb: NDArray[np.uint8]) -> RGB:
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            raise RecordingError(
                f"{self.path}: a frame of shape {rgb.shape}, {rgb.dtype}, where (height, width, 3) "
                "of bytes belongs; copy the file again, or leave it out"
            )
        return rgb
