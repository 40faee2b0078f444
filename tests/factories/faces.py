"""Small videos of a public-domain portrait, for the tests of what looks at faces."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import VideoSource
from rppgbench.video.writing import write_video

Image = NDArray[np.uint8]

PORTRAIT = Path(__file__).parents[1] / "oracles" / "data" / "astronaut.png"
"""NASA's portrait of Eileen Collins, public domain: 256 x 256."""


def portrait() -> Image:
    picture = cv2.imread(str(PORTRAIT))
    assert picture is not None
    return np.ascontiguousarray(picture[:, :, ::-1]).astype(np.uint8)


def empty() -> Image:
    """A picture of that size without a face."""
    rows, columns = np.mgrid[:256, :256]
    return np.stack([rows // 2 + 60, columns // 2 + 60, 0 * rows + 90], axis=-1).astype(np.uint8)


def shifted(picture: Image, x: float, y: float) -> Image:
    move = np.array([[1.0, 0, x], [0, 1, y]])
    size = (picture.shape[1], picture.shape[0])
    out = cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def save_video(file: Path, frames: Sequence[Image], fs: float = 30.0) -> VideoSource:
    """Write frames without loss."""
    times = np.arange(len(frames)) / fs
    options = {"qp": "0", "preset": "ultrafast"}
    write_video(file, frames, times, codec="libx264rgb", pixel_format="rgb24", options=options)
    return VideoSource(file)


def swaying(count: int, fs: float = 30.0, reach: float = 6.0) -> Iterator[Image]:
    """A head that sways by `reach` pixels once in two seconds."""
    for number in range(count):
        phase = np.pi * number / fs
        yield shifted(portrait(), reach * np.sin(phase), 0.5 * reach * np.cos(phase))
