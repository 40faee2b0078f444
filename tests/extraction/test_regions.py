"""Face regions and the sums of their pixels."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.features import GRID_REGIONS, MSTMAP_REGIONS, PAIRS, REGIONS
from rppgbench.extraction.region_sums import PixelSums
from rppgbench.extraction.regions import RegionMap, aligned_face, draw_regions, mstmap_polygons
from rppgbench.face.mesh_layout import LAYOUT_68, landmarks_68
from rppgbench.face.tracking import FaceTracker

from ..factories.faces import portrait

SIZE = 256


@pytest.fixture(scope="module")
def face() -> NDArray[np.float32]:
    landmarks, _ = FaceTracker().detect(portrait(), None)
    assert landmarks is not None
    return landmarks


def drawn(landmarks: NDArray[np.floating], size: int = SIZE) -> RegionMap:
    regions = draw_regions(landmarks, size, size)
    assert regions is not None
    return regions


def has(regions: RegionMap, name: str, x: float, y: float) -> bool:
    return bool(regions.mask(name)[round(y) - regions.top, round(x) - regions.left])


def test_the_forehead_begins_at_the_brows(face: NDArray[np.float32]) -> None:
    points = landmarks_68(face).astype(float)
    forehead = mstmap_polygons(face)[5]
    np.testing.assert_array_equal(forehead[:10], points[17:27])
    # the MATLAB code's means, one column low: 36:41, 42:47, 17:21 and 22:26 of 1-based columns
    left, right = points[np.arange(36, 42) - 1].mean(0), points[np.arange(42, 48) - 1].mean(0)
    brow = (points[np.arange(17, 22) - 1].mean(0) + points[np.arange(22, 27) - 1].mean(0)) / 2
    up = brow - (left + right) / 2
    expected = up / np.linalg.norm(up) * 0.6 * np.linalg.norm(left - right)
    np.testing.assert_allclose(forehead[10] - points[26], expected)
    np.testing.assert_allclose(forehead[11] - points[17], expected)
    assert expected[1] < -5  # upward in the picture


@pytest.mark.parametrize("turn", [0.0, 0.5, -1.0])
@pytest.mark.parametrize("scale", [0.4, 1.0, 2.0])
def test_mstmap_regions_have_the_pixels_of_their_polygons(
    face: NDArray[np.float32], turn: float, scale: float
) -> None:
    """Every pixel further than a pixel from all edges, tested one by one."""
    size = 400
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    landmarks = ((face - face.mean(axis=0)) @ rotate.T + size / 2).astype(np.float32)
    regions = drawn(landmarks, size)
    polygons = mstmap_polygons(landmarks)
    total = 0
    for name, polygon in zip(MSTMAP_REGIONS, polygons, strict=True):
        mask = regions.mask(name)
        for y in range(regions.top, regions.box[3], 7):
            for x in range(regions.left, regions.box[2], 7):
                near = [
                    cv2.pointPolygonTest(other.astype(np.float32), (float(x), float(y)), True)
                    for other in polygons
                ]
                if min(abs(v) for v in near) <= 1:
                    continue
                inside = cv2.pointPolygonTest(
                    polygon.astype(np.float32), (float(x), float(y)), False
                )
                later = polygons[MSTMAP_REGIONS.index(name) + 1 :]
                covered = any(
                    cv2.pointPolygonTest(o.astype(np.float32), (float(x), float(y)), False) > 0
                    for o in later
                )
                assert mask[y - regions.top, x - regions.left] == (inside > 0 and not covered)
                total += inside > 0
    assert total > 20 * scale


def test_regions_of_one_kind_are_disjoint(face: NDArray[np.float32]) -> None:
    regions = drawn(face)
    for names in (MSTMAP_REGIONS, GRID_REGIONS):
        assert np.sum([regions.mask(name) for name in names], axis=0).max() == 1


def test_skin_is_the_face_without_eyes_brows_and_mouth(face: NDArray[np.float32]) -> None:
    regions = drawn(face)
    # read off the portrait by eye
    for x, y in ((107, 101), (152, 103), (128, 145), (103, 89), (155, 89)):
        assert not has(regions, "skin", x, y)  # pupils, mouth, brows
    for x, y in ((128, 85), (103, 125), (157, 128), (128, 172), (125, 130)):
        assert has(regions, "skin", x, y)  # forehead, cheeks, chin, nose
    for x, y in ((60, 100), (190, 100), (128, 60), (128, 200)):
        inside = regions.left <= x < regions.box[2] and regions.top <= y < regions.box[3]
        assert not (inside and has(regions, "skin", x, y))  # hair, background, collar


def test_regions_lie_at_the_places_of_their_names(face: NDArray[np.float32]) -> None:
    regions = drawn(face)
    for name, x, y in (
        ("cheek_left_upper", 98, 113),
        ("cheek_right_upper", 162, 115),
        ("cheek_left_lower", 98, 140),
        ("cheek_right_lower", 160, 142),
        ("mouth", 128, 165),
        ("forehead", 128, 84),
        ("grid_2_2", 128, 130),
    ):
        assert has(regions, name, x, y), name


def test_grid_is_five_by_five_equal_blocks_column_by_column(face: NDArray[np.float32]) -> None:
    big = face * 4
    regions = drawn(big, 4 * SIZE)
    sizes = np.array([regions.mask(name).sum() for name in GRID_REGIONS])
    assert np.ptp(sizes) < 0.06 * sizes.mean()  # outlines are drawn a pixel wide
    to_face = aligned_face(big)
    for name in GRID_REGIONS:
        _, row, column = name.split("_")
        y, x = np.nonzero(regions.mask(name))
        place = to_face @ [x.mean() + regions.left, y.mean() + regions.top, 1.0]
        np.testing.assert_allclose(place * 5 - 0.5, [int(column), int(row)], atol=0.02)
    assert GRID_REGIONS[:6] == (*(f"grid_{row}_0" for row in range(5)), "grid_0_1")


def test_aligned_face_is_level_from_cheek_to_cheek_and_down_to_the_chin() -> None:
    """A face of 68 points made by hand: eyes level at 40, cheeks at 50, chin at 100."""
    landmarks = np.zeros((468, 2))
    points = np.tile([50.0, 60.0], (68, 1))
    points[36:42], points[42:48] = (30, 40), (70, 40)
    points[1], points[15], points[8] = (10, 50), (90, 50), (50, 100)
    landmarks[list(LAYOUT_68)] = points
    to_face = aligned_face(landmarks)
    # cheeks at 48/128 of the height, so 50 px = 80/128 of it: the top is at 100 - 80 = 20
    for pixel, place in (((10, 20), (0, 0)), ((90, 100), (1, 1)), ((50, 50), (0.5, 48 / 128))):
        np.testing.assert_allclose(to_face @ [*pixel, 1], place, atol=1e-12)
    turn = np.array([[0.0, -1], [1, 0]])  # a quarter turn of the head turns the map with it
    turned = aligned_face(landmarks @ turn.T)
    np.testing.assert_allclose(turned[:, :2] @ turn, to_face[:, :2], atol=1e-12)


def test_a_face_outside_the_frame_has_no_regions(face: NDArray[np.float32]) -> None:
    assert draw_regions(face + np.float32(1000), SIZE, SIZE) is None
    assert draw_regions(face - np.array([1000, 0]), SIZE, SIZE) is None
    half = draw_regions(face - np.array([128, 0]), SIZE, SIZE)
    assert half is not None
    assert half.left == 0
    assert 0 < half.mask("skin").sum() < 0.7 * drawn(face).mask("skin").sum()
    assert not half.mask("cheek_left_upper").any()


@pytest.mark.parametrize("seed", range(6))
def test_sums_are_exact(face: NDArray[np.float32], seed: int) -> None:
    """Against plain int64 sums over masks, on noise with a saturated half, with and without box."""
    generator = np.random.default_rng(seed)
    height, width = int(generator.integers(300, 900)), int(generator.integers(300, 900))
    rgb = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    rgb[:, : width // 2] = 255
    turn, scale = generator.uniform(-0.7, 0.7), generator.uniform(0.3, 6)
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    centre = generator.uniform(0.2, 0.8, 2) * (width, height)
    regions = draw_regions((face - face.mean(axis=0)) @ rotate.T + centre, height, width)
    sums = PixelSums()
    assert regions is not None
    for box in (None, (0, 0, width, height), (10, 20, 200, 150), regions.box):
        for some in (regions, None):
            result = sums(rgb, some, box)
            for number, name in enumerate(REGIONS):
                if name == "toolbox_box":
                    x0, y0, x1, y1 = box or (0, 0, 0, 0)
                    pixels = rgb[y0:y1, x0:x1].reshape(-1, 3)
                elif some is None:
                    pixels = rgb[:0, 0]
                else:
                    x0, y0, x1, y1 = regions.box
                    pixels = rgb[y0:y1, x0:x1][regions.mask(name)]
                values = pixels.astype(np.int64)
                products = [(values[:, i] * values[:, j]).sum() for i, j in PAIRS]
                np.testing.assert_array_equal(
                    result[:, number], [len(values), *values.sum(axis=0), *products]
                )


def test_the_sums_of_a_white_face_wider_than_a_block_are_not_too_large() -> None:
    """One region over 3 x 40,000 white pixels: 255 * 255 * 120,000 is more than 32 bits hold."""
    rgb = np.full((5, 40_010, 3), 255, np.uint8)
    codes = np.full((3, 40_000), 1, np.uint16)  # skin, in no other region
    sums = PixelSums()(rgb, RegionMap(4, 1, codes), (4, 1, 40_004, 4))
    count = 120_000
    expected = [count, *[255 * count] * 3, *[255 * 255 * count] * 6]
    for name in ("skin", "toolbox_box"):
        np.testing.assert_array_equal(sums[:, REGIONS.index(name)], expected)
    others = [REGIONS.index(name) for name in REGIONS if name not in {"skin", "toolbox_box"}]
    assert not sums[:, others].any()


def test_toolbox_mean_is_that_of_its_72_pixel_crop() -> None:
    """INTER_AREA keeps the mean, up to the rounding of each of the 5,184 pixels."""
    box = (17, 23, 231, 219)
    crop = portrait()[box[1] : box[3], box[0] : box[2]]
    small = cv2.resize(crop, (72, 72), interpolation=cv2.INTER_AREA)
    sums = PixelSums()(portrait(), None, box)[:, REGIONS.index("toolbox_box")]
    np.testing.assert_allclose(small.reshape(-1, 3).mean(axis=0), sums[1:4] / sums[0], atol=0.02)
