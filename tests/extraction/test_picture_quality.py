"""PSNR and SSIM against their definitions, written out plainly."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import convolve2d

from rppgbench.extraction.picture_quality import FaceQuality, ssim
from rppgbench.video.stream import Frame

Pictures = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def plain_ssim(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Wang et al. 2004, Eq 13 to 16, in double precision, window by window of 11 x 11."""
    x, y = (np.dot(picture.astype(np.float64), [0.299, 0.587, 0.114]) for picture in (one, other))
    distance = np.arange(-5, 6)
    bell = np.exp(-(distance**2) / (2 * 1.5**2))
    window = np.outer(bell, bell) / bell.sum() ** 2

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(convolve2d(values, window, mode="valid"), np.float64)

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mx * my + c1) * (2 * cov + c2)
    return float((likeness / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def pictures(kind: str) -> Pictures:
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[:60, :45]
    smooth = 120 + 60 * np.sin(rows / 7) + 40 * np.cos(columns / 9)
    first = np.stack([smooth, smooth * 0.8, 255 - smooth], axis=-1)
    if kind == "flat and bright":
        first = np.full_like(first, 251.0)
    if kind == "other pictures":
        return (
            first.astype(np.uint8),
            random.integers(0, 256, first.shape).astype(np.uint8),
        )
    noise = {"a little noise": 1.0, "much noise": 25.0, "flat and bright": 1.5}[kind]
    second = first + random.normal(0, noise, first.shape)
    return tuple(np.clip(p, 0, 255).astype(np.uint8) for p in (first, second))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "kind", ["a little noise", "much noise", "flat and bright", "other pictures"]
)
def test_ssim_is_the_definition_in_single_precision(kind: str) -> None:
    first, second = pictures(kind)
    assert ssim(first, second) == pytest.approx(plain_ssim(first, second), abs=5e-6)


def test_the_face_alone_is_compared_with_the_frame_of_its_time() -> None:
    """A box of 20 x 24 pixels that are 6 levels off: 10 log10(255² / 36); the rest is far off."""
    face = np.array([[10.0, 8.0], [30.0, 32.0]], np.float32).repeat(234, axis=0)
    before = np.full((48, 64, 3), 100, np.uint8)
    after = np.full((48, 64, 3), 255, np.uint8)
    after[8:32, 10:30] = 106
    quality = FaceQuality()
    for index in range(4):
        quality.add_original(Frame(index, index / 10, before), face)
    for count, index in enumerate((1, 3)):  # the others were left out on the way
        quality.compare(Frame(count, index / 10, after))
    assert quality.measurements()["psnr_db"] == pytest.approx(10 * np.log10(255**2 / 36))


def test_frames_without_a_face_are_not_compared() -> None:
    quality = FaceQuality()
    frame = Frame(0, 0.0, np.zeros((48, 64, 3), np.uint8))
    quality.add_original(frame, None)
    quality.compare(frame)
    assert quality.measurements() == {}
