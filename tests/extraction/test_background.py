"""Sums over the background beside a face."""

import numpy as np
import pytest

from rppgbench.core.features import PAIRS
from rppgbench.extraction.background import STRIDE, BackgroundSums

FACE = (120, 96, 200, 192)


def noise(height: int = 240, width: int = 320, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def outside(rgb: np.ndarray, *rooms: tuple[int, int, int]) -> np.ndarray:
    """Every eighth pixel that is in no room (left, top, right) down to the bottom: (N, 3)."""
    rows, columns = np.mgrid[: rgb.shape[0] : STRIDE, : rgb.shape[1] : STRIDE]
    inside = [(rows >= top) & (columns >= left) & (columns < right) for left, top, right in rooms]
    return np.asarray(rgb[rows, columns][~np.any(inside, axis=0)], np.int64)


def test_sums_are_those_of_every_eighth_pixel_beside_and_above_the_face() -> None:
    rgb = noise()
    pixels = outside(rgb, (100, 48, 220))  # a quarter of the width beside, half the height above
    sums = BackgroundSums()(rgb, FACE)
    products = [(pixels[:, i] * pixels[:, j]).sum() for i, j in PAIRS]
    np.testing.assert_array_equal(sums, [len(pixels), *pixels.sum(axis=0), *products])


def test_the_room_of_the_first_face_stays_out_when_the_face_moves() -> None:
    background, rgb = BackgroundSums(), noise()
    background(rgb, FACE)
    moved = background(rgb, (160, 96, 240, 192))
    pixels = outside(rgb, (100, 48, 220), (140, 48, 260))
    np.testing.assert_array_equal(moved[:4], [len(pixels), *pixels.sum(axis=0)])


def test_a_small_movement_of_a_face_changes_no_pixel_of_the_background() -> None:
    background, rgb = BackgroundSums(), np.tile(np.arange(320, dtype=np.uint8)[None, :, None], 3)
    rgb = np.repeat(rgb, 240, axis=0)
    first = background(rgb, FACE)
    np.testing.assert_array_equal(background(rgb, (124, 97, 196, 190)), first)


@pytest.mark.parametrize("face", [(0, 0, 320, 240), (50, -5, 270, 240)])
def test_a_face_that_fills_the_frame_has_no_background(face: tuple[int, int, int, int]) -> None:
    assert not BackgroundSums()(noise(), face).any()
