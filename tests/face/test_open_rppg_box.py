"""The held box of open-rppg's crop, against its definition edge by edge."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.extraction.crops import CropView, crop_rule
from rppgbench.face.detector import Detector
from rppgbench.face.open_rppg_box import OpenRppgBox

from ..factories.faces import Image, portrait, shifted


def drifting(count: int, step: float) -> list[Image]:
    return [shifted(portrait(), step * number, 0.0) for number in range(count)]


def seen(rgb: Image) -> NDArray[np.float64]:
    """0.45 widths to both sides of the detector's centre, 0.6 heights up and 0.5 down."""
    left, top, right, bottom = Detector().detect(rgb)[0].box
    x, y, wide, high = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    box = [x - 0.45 * wide, y - 0.6 * high, x + 0.45 * wide, y + 0.5 * high]
    return np.maximum(np.rint(box), 0)


@pytest.mark.parametrize("step", [0.0, 2.0])
def test_every_edge_has_a_kalman_filter_and_the_box_stays_within_two_percent(step: float) -> None:
    pictures = drifting(26, step)
    box = OpenRppgBox()
    matches = [box.update(rgb, number / 30) for number, rgb in enumerate(pictures)]
    edges: list[float] = []
    variance, held, moves = 1.0, [0.0] * 4, 0
    for number, rgb in enumerate(pictures):
        if number % 5 == 0:
            last = seen(rgb)
        if number == 0:
            edges, held = [float(v) for v in last], [float(v) for v in last]
        else:
            prior = variance + 0.01  # what a frame of 1/30 s adds
            gain = prior / (prior + 0.5)
            variance = prior * 0.5 / (prior + 0.5)
            edges = [e + gain * (float(v) - e) for e, v in zip(edges, last, strict=True)]
        if number % 5 == 0 and number:
            now = [float(round(e)) for e in edges]
            across = (now[0] + now[2]) / 2 - (held[0] + held[2]) / 2
            down = (now[1] + now[3]) / 2 - (held[1] + held[3]) / 2
            shares = down / ((held[0] + held[1]) / 2), across / ((held[2] + held[3]) / 2)
            if max(abs(share) for share in shares) > 0.02:
                held, moves = now, moves + 1
        assert matches[number] == tuple(held)
    assert (moves > 0) == (step > 0)


def test_a_crop_is_the_box_resized_to_a_square() -> None:
    import cv2

    (rgb,) = drifting(1, 0.0)
    left, top, right, bottom = (int(edge) for edge in seen(rgb))
    landmarks = np.zeros((468, 2))
    result = crop_rule("open_rppg_36").cropper()(
        CropView(rgb=rgb, time_s=0.0, landmarks=landmarks, toolbox_box=None)
    )
    expected = cv2.resize(rgb[top:bottom, left:right], (36, 36), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(result, expected)


def test_without_a_face_there_is_no_crop() -> None:
    rgb = np.zeros((120, 160, 3), np.uint8)
    assert OpenRppgBox().update(rgb, 0.0) is None
    assert (
        crop_rule("open_rppg").cropper()(
            CropView(rgb=rgb, time_s=0.0, landmarks=None, toolbox_box=None)
        )
        is None
    )
