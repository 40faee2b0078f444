"""Videos of one take are found under other encodings, rates and cuts; other takes are not."""

from dataclasses import replace

import numpy as np
import pytest

from rppgbench.contamination.frame_fingerprint import FrameFingerprint, fingerprint_frames
from rppgbench.contamination.frame_matching import (
    FrameMatch,
    is_one_take,
    match_videos,
    pattern_distances,
    shape_distances,
)
from rppgbench.core.features import Features

from ..factories.repeats import face_changes, video_features


def fingerprints(*videos: Features) -> list[FrameFingerprint]:
    made = [fingerprint_frames(features) for features in videos]
    assert all(fingerprint is not None for fingerprint in made)
    return [fingerprint for fingerprint in made if fingerprint is not None]


TAKE = face_changes(0)
COPIES = {
    "as it is": video_features(TAKE),
    "with noise": video_features(TAKE, noise=0.006),
    "at 15 frames a second": video_features(TAKE, fps=15.0),
    "at 25 frames a second": video_features(TAKE, fps=25.0),
    "brighter": video_features(1.3 * TAKE),
    "cut": video_features(TAKE[300:]),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_take_is_found_and_other_takes_of_the_face_are_not(copy: Features) -> None:
    others = [video_features(face_changes(seed)) for seed in range(1, 6)]
    matches = match_videos(fingerprints(video_features(TAKE), *others, copy))
    assert [(m.first, m.second) for m in matches if is_one_take(m)] == [(0, 6)]


def test_the_offset_and_the_time_that_both_have_are_told() -> None:
    videos = fingerprints(video_features(TAKE), video_features(TAKE[300:], start_s=5.0))
    (match,) = match_videos(videos)
    assert match.offset_s == pytest.approx(-5, abs=0.11)
    assert match.overlap_s == pytest.approx(20, abs=0.2)
    assert match.correlation > 0.95
    assert match.sharpness > 14
    (reverse,) = match_videos(videos[::-1])
    assert reverse.correlation == pytest.approx(match.correlation, abs=1e-6)


def test_videos_of_other_faces_are_not_compared() -> None:
    videos = fingerprints(video_features(TAKE), video_features(TAKE, face=1))
    distance = float(pattern_distances(videos)[0, 1])
    assert distance > 0.05
    assert match_videos(videos, most_distance=0.9 * distance) == []
    assert len(match_videos(videos, most_distance=1.1 * distance)) == 1


def test_shapes_do_not_depend_on_place_size_and_turn() -> None:
    plain = video_features(TAKE)
    turn = np.array([[0.0, -2.0], [2.0, 0.0]], np.float32)
    moved = replace(plain.track, landmarks=plain.track.landmarks @ turn + np.float32(50))
    videos = fingerprints(plain, replace(plain, track=moved), video_features(TAKE, face=1))
    distances = shape_distances(videos)
    assert distances[0, 1] < 1e-3
    assert distances[0, 2] > 0.5


def test_only_the_longest_time_with_a_face_counts() -> None:
    plain = video_features(TAKE)
    detected = np.arange(900) > 290
    detected[600] = False
    (made,) = fingerprints(replace(plain, track=replace(plain.track, detected=detected)))
    assert made.start_s == pytest.approx(291 / 30)
    assert len(made.changes) == pytest.approx(103, abs=1)
    none = replace(plain, track=replace(plain.track, detected=np.zeros(900, np.bool_)))
    assert fingerprint_frames(none) is None
    assert fingerprint_frames(video_features(TAKE[:100])) is None
    assert match_videos([]) == []


@pytest.mark.parametrize(
    ("overlap_s", "sharpness", "correlation", "expected"),
    [
        (10, 8.0, 0.25, True),
        (10, 7.0, 0.25, False),
        (10, 8.0, 0.15, False),
        (10, np.nan, 0.55, False),
        (10, np.nan, 0.65, True),
        (10, 3.0, 0.65, True),
        (25, 3.0, 0.55, True),
        (25, 3.0, 0.45, False),
    ],
)
def test_one_lag_must_stand_out_or_the_videos_be_alike(
    overlap_s: float, sharpness: float, correlation: float, expected: bool
) -> None:
    match = FrameMatch(
        first=0, second=1, offset_s=0.0, overlap_s=overlap_s, correlation=correlation,
        sharpness=sharpness, distance=0.0,
    )  # fmt: skip
    assert is_one_take(match) == expected
