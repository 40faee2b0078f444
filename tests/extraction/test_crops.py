"""Crop rules."""

import importlib.util
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.extraction.crops import RULES, CropView, crop_rule, sinc_box
from rppgbench.face.mesh_layout import landmarks_68
from rppgbench.face.tracking import FaceTracker
from rppgbench.system.errors import BenchError

from ..factories.faces import Image, portrait, shifted


def views(count: int, reach: float, box: Any = None) -> list[CropView]:
    tracker, landmarks = FaceTracker(), None
    out = []
    for number in range(count):
        picture = shifted(portrait(), reach * number, -reach * number)
        landmarks, _ = tracker.detect(picture, landmarks)
        assert landmarks is not None
        out.append(CropView(rgb=picture, time_s=number / 30, landmarks=landmarks, toolbox_box=box))
    return out


def crops(name: str, seen: list[CropView]) -> list[Image | None]:
    cropper = crop_rule(name).cropper()
    return [cropper(view) for view in seen]


def clamped(rgb: Image, x: int, y: int, side: int) -> Image:
    """A square by repeated edges, with numpy.take as the public code has it."""
    rows = np.take(rgb, range(y, y + side), 0, mode="clip")
    return np.take(rows, range(x, x + side), 1, mode="clip")


@pytest.mark.parametrize(("name", "size"), [("contrast_phys", 128), ("contrast_phys_32", 32)])
@pytest.mark.parametrize("reach", [0.0, 3.0, 9.0])
def test_contrast_phys_by_its_definition(name: str, size: int, reach: float) -> None:
    """1.8 times the first vertical range; centre averaged 0.9 to 0.1; edges repeated."""
    seen = views(8, reach)
    average: NDArray[np.float64] | None = None
    for view, found in zip(seen, crops(name, seen), strict=True):
        assert view.landmarks is not None
        points = landmarks_68(view.landmarks).astype(np.float64)
        if average is None:
            average = points
            side = round(1.8 * np.ptp(points[:, 1]))
        average = 0.9 * average + 0.1 * points
        (left, top), (right, bottom) = average.min(axis=0), average.max(axis=0)
        top -= 0.2 * (bottom - top)
        x, y = round((left + right) / 2) - side // 2, round((top + bottom) / 2) - side // 2
        expected = cv2.resize(clamped(view.rgb, x, y, side), (size, size))
        np.testing.assert_array_equal(found, expected)


def test_contrast_phys_goes_on_after_a_gap() -> None:
    seen = views(6, 1.0)
    gap = [
        CropView(rgb=s.rgb, time_s=s.time_s, landmarks=None, toolbox_box=None) for s in seen[2:4]
    ]
    crop_images = crops("contrast_phys_64", [*seen[:2], *gap, *seen[4:]])
    assert [face is None for face in crop_images] == [False, False, True, True, False, False]


def test_toolbox_is_static_and_area_averaged() -> None:
    box = (40, 30, 220, 210)
    seen = views(3, 4.0, box)
    for view, found in zip(seen, crops("toolbox", seen), strict=True):
        inside = view.rgb[30:210, 40:220]
        np.testing.assert_array_equal(
            found, cv2.resize(inside, (72, 72), None, 0, 0, cv2.INTER_AREA)
        )
    assert crops(
        "toolbox",
        [CropView(rgb=portrait(), time_s=0.0, landmarks=seen[0].landmarks, toolbox_box=None)],
    ) == [None]


def test_sinc_box_by_hand() -> None:
    # width 20, height 40: 39 to 61 by 38 to 92; the width grows from 22 to 54 by 16 on each side
    assert sinc_box(np.array([[40.9, 50.2], [60.1, 90.8]]), 200, 200) == (23, 38, 77, 92)
    # at the left edge it is shifted in, not cut
    assert sinc_box(np.array([[0.0, 50], [20, 90]]), 200, 200) == (0, 38, 54, 92)
    # a wide face: 100 by 20, so 45 to 155 by 44 to 71; the height grows to 110: 41 above, 42 below
    assert sinc_box(np.array([[50.0, 50], [150, 70]]), 300, 300) == (45, 3, 155, 113)
    # larger than the picture: what is there
    x0, y0, x1, y1 = sinc_box(np.array([[0.0, 0], [30, 90]]), 60, 100)
    assert (x0, y0, x1, y1) == (0, 0, 60, 60)


def test_sinc_crop_is_cubic_of_its_box() -> None:
    (view,) = views(1, 0)
    assert view.landmarks is not None
    x0, y0, x1, y1 = sinc_box(landmarks_68(view.landmarks), 256, 256)
    (crop_images,) = crops("sinc", [view])
    inside = view.rgb[y0:y1, x0:x1]
    expected = cv2.resize(inside, (64, 64), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(crop_images, expected)


def test_gideon_box_rests_within_its_dead_zone_and_then_follows() -> None:
    (first,) = views(1, 0)
    assert first.landmarks is not None

    def seen(move: float, time_s: float) -> CropView:
        landmarks = np.asarray(first.landmarks) + np.array([move, 0])
        return CropView(
            rgb=shifted(portrait(), move, 0), time_s=time_s, landmarks=landmarks, toolbox_box=None
        )

    cropper = crop_rule("gideon_mesh_box").cropper()
    start = cropper(seen(0, 0.0))
    assert start is not None
    # at rest the crop is fixed to the picture: a head that moves a little moves in the crop
    still, moved = cropper(seen(0, 0.1)), cropper(seen(3, 0.2))
    assert still is not None
    assert moved is not None
    assert np.array_equal(still, start)
    assert not np.array_equal(moved, start)
    # beyond 12.5 % of its width it follows, and is there after 3 s (12 time constants)
    far = [cropper(seen(40, 0.3 + n / 30)) for n in range(90)]
    assert far[0] is not None
    assert far[-1] is not None
    middle = np.s_[16:48, 16:48]
    late = np.abs(far[-1][middle].astype(int) - start[middle]).mean()
    early = np.abs(far[0][middle].astype(int) - start[middle]).mean()
    assert late < 4 < early


def test_gideon_spring_is_critically_damped_at_any_frame_rate() -> None:
    """x(t) = goal * (1 - (1 + t / c) exp(-t / c)), c = 0.25 s, whatever the steps."""
    for fs in (5, 30, 200):
        cropper: Any = crop_rule("gideon_mesh_box").cropper()
        for _ in range(fs):
            cropper._follow(np.array([1.0, -2.0, 0.5]), 1 / fs)
        expected = np.array([1.0, -2.0, 0.5]) * (1 - 5 * np.exp(-4))
        np.testing.assert_allclose(cropper._position, expected, rtol=1e-12)


def test_every_rule_states_its_source_and_gives_its_size() -> None:
    (view,) = views(1, 0, (40, 30, 220, 210))
    for name, rule in RULES.items():
        assert rule.source
        if name == "mtcnn15":
            continue
        small = crop_rule(f"{name}_40")
        (face,) = crops(f"{name}_40", [view])
        assert face is not None
        assert face.shape == (small.size, small.size, 3) == (40, 40, 3)
        assert face.dtype == np.uint8
        assert crops(
            name, [CropView(rgb=view.rgb, time_s=0.0, landmarks=None, toolbox_box=None)]
        ) == [None]


@pytest.mark.parametrize("name", ["contrast_fys", "contrast_phys_x", "_32", "", "toolbox_7"])
def test_unknown_rules_and_sizes_are_named(name: str) -> None:
    with pytest.raises(BenchError, match="crop rule") as fault:
        crop_rule(name)
    assert "\n" not in str(fault.value)


@pytest.mark.skipif(
    importlib.util.find_spec("mtcnnruntime") is not None, reason="MTCNN is installed"
)
def test_without_mtcnn_its_rule_is_refused_and_no_other_detector_is_used() -> None:
    for refused in (crop_rule("mtcnn15").cropper, crop_rule("mtcnn15_32").requires):
        with pytest.raises(BenchError, match=r"pip install 'rppgbench\[mtcnn\]'"):
            refused()


@pytest.mark.skipif(
    importlib.util.find_spec("mtcnnruntime") is None, reason="needs mtcnn-runtime, an extra"
)
def test_mtcnn_box_of_the_first_frame_times_one_and_a_half() -> None:
    seen = views(3, 4.0)
    crop_images = crops("mtcnn15", seen)
    # the face of the portrait is at 85..171 by 62..172; x 1.5 about its centre
    for view, face in zip(seen, crop_images, strict=True):
        inside = view.rgb[34:199, 63:192]
        expected = cv2.resize(inside, (128, 128), interpolation=cv2.INTER_LINEAR)
        assert face is not None
        assert np.abs(face.astype(int) - expected).mean() < 6
