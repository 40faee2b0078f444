"""Finding and following a face."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.face import face_models as network
from rppgbench.face.detector import Detector, anchor_boxes, non_maximum_suppression
from rppgbench.face.haar import ToolboxBox
from rppgbench.face.mesh import Mesh, square_from_detection
from rppgbench.face.mesh_layout import HOLES, LAYOUT_68, OVAL, bounding_box
from rppgbench.face.tracking import (
    MAX_COLOUR_CHANGE,
    NOISE_LEVELS,
    FaceTracker,
    Landmarks,
    _is_changed,
    _locate,
    _Location,
    _median,
    track_face,
)
from rppgbench.system.errors import BenchError
from rppgbench.video.stream import Frame

from ..factories.faces import Image, empty, portrait, shifted, swaying


def stream(pictures: Iterable[Image]) -> Iterator[Frame]:
    for number, picture in enumerate(pictures):
        yield Frame(number, number / 30, picture)


def marks(pictures: Iterable[Image], cadence: int) -> tuple[list[Landmarks | None], FaceTracker]:
    tracker = FaceTracker()
    return [landmarks for _, landmarks in track_face(stream(pictures), tracker, cadence)], tracker


def test_a_changed_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "face_landmark.tflite"
    assert len(network.read_model(name)) > 1_000_000
    monkeypatch.setitem(network.MODELS, name, "0" * 64)
    with pytest.raises(BenchError, match=re.escape(name)):
        network.read_model(name)


def test_loading_the_network_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    network.Network("face_landmark.tflite")
    assert capfd.readouterr() == ("", "")


def test_anchors_cover_the_frame_layer_by_layer() -> None:
    centres = anchor_boxes()
    # 16 x 16 cells with 2 anchors, then 8 x 8 cells with 2 for each of three layers
    assert len(centres) == 16 * 16 * 2 + 8 * 8 * 6
    np.testing.assert_allclose(centres[2], [1.5 / 16, 0.5 / 16])
    np.testing.assert_allclose(centres[512 + 6], [1.5 / 8, 0.5 / 8])
    np.testing.assert_allclose(centres.mean(axis=0), 0.5)


def test_overlapping_detections_are_one_group_led_by_the_best() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [50, 50, 60, 60], [1, 0, 11, 10], [51, 50, 61, 60]])
    assert non_maximum_suppression(boxes, np.array([0.7, 0.8, 0.9, 0.6])) == [(2, 0), (1, 3)]


def test_the_detector_finds_one_face_and_its_eyes() -> None:
    (face,) = Detector().detect(portrait())
    # read off the picture by eye: pupils at (107, 101) and (152, 103), mouth at (128, 145)
    np.testing.assert_allclose(face.keypoints[:2], [[107, 101], [152, 103]], atol=4)
    assert 80 < face.box[2] - face.box[0] < 120
    assert (face.box[:2] < [107, 101]).all()
    assert (face.box[2:] > [152, 145]).all()
    assert Detector().detect(empty()) == []


def test_a_face_at_the_edge_of_a_wide_frame_has_the_same_box() -> None:
    alone = Detector().detect(portrait())[0]
    wide = np.concatenate([empty(), portrait()], axis=1)
    aside = Detector().detect(wide)[0]
    np.testing.assert_allclose(aside.box - [256, 0, 256, 0], alone.box, atol=10)


def test_the_mesh_rotates_with_the_frame() -> None:
    mesh, detector = Mesh(), Detector()
    upright = mesh.detect(portrait(), square_from_detection(detector.detect(portrait())[0]))
    turned = np.ascontiguousarray(np.rot90(portrait()))  # left by 90 degrees
    square = square_from_detection(detector.detect(portrait())[0])
    quarter = replace(square, x=square.y, y=256 - square.x, angle=square.angle - np.pi / 2)
    other = mesh.detect(turned, quarter)
    assert upright is not None
    assert other is not None
    back = np.column_stack([256 - other[:, 1], other[:, 0]])
    assert np.sqrt(np.square(back - upright).sum(axis=1).mean()) < 1.5


def test_no_face_in_the_square_is_none() -> None:
    square = square_from_detection(Detector().detect(portrait())[0])
    assert Mesh().detect(empty(), square) is None


def test_layout_tables_point_into_the_mesh() -> None:
    assert len(LAYOUT_68) == 68
    for table in (LAYOUT_68, OVAL, *HOLES):
        assert len(set(table)) == len(table)
        assert 0 <= min(table) <= max(table) < 468


@pytest.mark.parametrize("cadence", [2, 4, 7])
def test_a_swaying_head_is_the_same_at_any_cadence(cadence: int) -> None:
    every, tracker_every = marks(swaying(30), 1)
    some, tracker_some = marks(swaying(30), cadence)
    distance = [
        np.sqrt(np.square(a - b).sum(axis=1).mean())
        for a, b in zip(every, some, strict=True)
        if a is not None and b is not None
    ]
    assert len(distance) == 30
    assert max(distance) < 2.0  # of a face about 100 px wide; the mesh itself trembles by 1
    assert tracker_some.stats.mesh <= 30 / cadence + 3
    assert tracker_every.stats.mesh == 30


def test_landmarks_follow_the_movement() -> None:
    moves = [(3.0 * n, -2.0 * n) for n in range(9)]
    track, _ = marks((shifted(portrait(), x, y) for x, y in moves), 4)
    assert track[0] is not None
    for landmarks, move in zip(track, moves, strict=True):
        assert landmarks is not None
        drift = (landmarks - track[0]).mean(axis=0) - move
        assert np.abs(drift).max() < 1.5


@pytest.mark.parametrize("cadence", [1, 4, 8])
@pytest.mark.parametrize(
    "there", ["0000111111110000", "1111000011111111", "1000000000000001", "1111111100000000"]
)
def test_the_edges_of_a_gap_are_exact_to_the_frame(there: str, cadence: int) -> None:
    track, _ = marks((portrait() if bit == "1" else empty() for bit in there), cadence)
    seen = "".join("01"[mark is not None] for mark in track)
    assert seen == there


def test_a_jump_is_not_interpolated() -> None:
    pictures = [portrait()] * 3 + [shifted(portrait(), 60, 20)] * 6
    track, _ = marks(pictures, 4)
    centres = np.array([bounding_box(mark)[:2] for mark in track if mark is not None])
    assert len(centres) == 9
    near_first = np.abs(centres - centres[0]).max(axis=1) < 5
    assert near_first.tolist() == [True] * 3 + [False] * 6


def test_the_largest_of_two_faces_is_followed_and_both_are_counted() -> None:
    smaller = cv2.resize(portrait(), (180, 180), interpolation=cv2.INTER_AREA)
    both = np.concatenate([portrait(), empty()], axis=1)
    both[40:220, 290:470] = smaller
    track, tracker = marks([both] * 3, 1)
    assert tracker.stats.most_faces == 2
    assert tracker.stats.rivals == 1
    assert all(mark is not None and bounding_box(mark)[2] < 256 for mark in track)


def test_the_same_person_stays_followed_when_another_comes_closer() -> None:
    small = np.ascontiguousarray(portrait()[::2, ::2])
    alone = np.concatenate([empty(), empty()], axis=1)
    alone[64:192, 20:148] = small
    both = alone.copy()
    both[:, 256:] = portrait()
    track, _ = marks([alone] * 3 + [both] * 6, 2)
    assert all(mark is not None and bounding_box(mark)[2] < 256 for mark in track)


def test_a_face_too_small_for_the_detector_is_found_in_tiles() -> None:
    scene = np.tile(empty(), (4, 6, 1))
    scene[500:756, 900:1156] = portrait()
    assert Detector().detect(scene) == []
    (mark,), _ = marks([scene], 1)
    assert mark is not None
    left, top, right, bottom = bounding_box(mark)
    assert 980 < left < right < 1080
    assert 560 < top < bottom < 700


def test_a_change_of_colour_is_the_median_over_the_landmarks() -> None:
    """By numpy's own median and means, for changes on both sides of the limit."""
    rng = np.random.default_rng(0)
    face, outcomes = np.zeros((468, 2), np.float32), []
    for change_levels in range(20, 36):
        before, after = rng.integers(80, 121, (2, 468, 3)).astype(np.float32)
        expected = (before + after) / 2
        # blue changes most, and a third of the landmarks less than the rest
        steps = change_levels * np.array([0.5, 0.7, 1.8]) * rng.choice([0.2, 1, 1.1], (468, 1))
        colours = (expected + np.rint(steps)).astype(np.float32)
        distances = np.abs(colours - expected).mean(axis=1)
        change = np.median(distances)
        assert _median(distances) == change
        limit = NOISE_LEVELS + MAX_COLOUR_CHANGE * expected.mean()
        places = [_Location(face, values) for values in (colours, before, after)]
        outcomes.append(_is_changed(*places))
        assert outcomes[-1] is bool(change > limit)
    assert {True, False} == set(outcomes)


def test_colours_are_those_of_the_nearest_pixels_of_the_frame() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    landmarks = np.array([[3.4, 5.6], [-2.0, 99.0], [99.0, -0.6], [2.5, 3.5]], np.float32)
    pixels = rgb[[6, 29, 0, 4], [3, 0, 39, 2]].astype(np.float32)
    for picture in (rgb, np.asfortranarray(rgb)):
        np.testing.assert_array_equal(_locate(picture, landmarks).colours, pixels)


def test_cadence_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="cadence"):
        list(track_face(stream([portrait()]), FaceTracker(), 0))


def test_the_toolbox_box_is_that_of_the_first_frame_with_a_box() -> None:
    box = ToolboxBox()
    collected: list[NDArray[np.int_] | None] = []
    for number in range(10):
        here = box.update(number, portrait() if number >= 3 else empty())
        collected.append(None if here is None else np.array(here))
    # tried on frames 0, 1, 2 and 4
    assert [here is None for here in collected] == [True] * 4 + [False] * 6
    assert box.frame == 4
    assert box.tries == 4
    first = ToolboxBox()
    first.update(0, portrait())
    assert first.box == box.box
    assert first.frame == 0


def test_without_a_face_the_toolbox_box_is_not_the_whole_frame() -> None:
    box = ToolboxBox()
    assert {box.update(number, empty()) for number in range(3000)} == {None}
    assert box.tries == 12
