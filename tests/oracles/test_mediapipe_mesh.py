"""The face tracker against mediapipe 0.10.14 (`mediapipe_mesh`)."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import VideoSource
from rppgbench.face.tracking import FaceTracker, track_face
from rppgbench.video.stream import Frame, open_video

from .oracle import HERE, load

ARRAYS, FACTS = load("mediapipe_mesh")
LANDMARKS = {name: ARRAYS[f"{name}__landmarks"] for name in (*FACTS["clips"], *FACTS["pictures"])}
WHOLE = [name for name in FACTS["clips"] if not ARRAYS[f"{name}__found"].all()]


def rms(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(one - other).sum(axis=1).mean()))


def frames(file: Path, count: int) -> Iterator[Frame]:
    with open_video(VideoSource(file)) as video:
        for frame in video:
            if frame.index == count:
                return
            yield frame


def astronaut() -> NDArray[np.uint8]:
    picture = cv2.imread(str(HERE / "data" / "astronaut.png"))
    assert picture is not None
    return np.ascontiguousarray(picture[:, :, ::-1]).astype(np.uint8)


def test_a_picture_without_a_past() -> None:
    expected = LANDMARKS["astronaut"]
    tracker = FaceTracker()
    here = None
    for wanted in expected:
        here, _ = tracker.detect(astronaut(), here)
        assert here is not None
        assert rms(here, wanted) < 0.1


@pytest.mark.real
@pytest.mark.parametrize("name", FACTS["clips"])
def test_every_step_from_the_same_past(name: str, real: Path) -> None:
    """From mediapipe's landmarks of one frame to those of the next: no error can add up."""
    known = dict(zip(ARRAYS[f"{name}__frames"].tolist(), LANDMARKS[name], strict=True))
    tracker = FaceTracker()
    for frame in frames(real / FACTS["clips"][name], 5):
        last = known.get(frame.index - 1)
        here, _ = tracker.detect(frame.rgb, None if last is None or np.isnan(last).any() else last)
        if np.isnan(known[frame.index]).any():
            assert here is None
        else:
            assert here is not None
            assert rms(here, known[frame.index]) < 0.1


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(set(FACTS["clips"]) - set(WHOLE)))
def test_followed_on_every_frame(name: str, real: Path) -> None:
    """40 frames on our own feet: within 2 px rms, scaled to a picture 640 wide."""
    expected = dict(zip(ARRAYS[f"{name}__frames"].tolist(), LANDMARKS[name], strict=True))
    count = len(ARRAYS[f"{name}__found"])
    result = track_face(frames(real / FACTS["clips"][name], count), FaceTracker(), cadence=1)
    for frame, landmarks in result:
        assert landmarks is not None
        if frame.index in expected:
            scale = max(frame.rgb.shape[1] / 640, 1.0)
            assert rms(landmarks, expected[frame.index]) < 2 * scale


@pytest.mark.real
@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("cadence", [1, 4])
def test_where_the_face_leaves_or_comes(name: str, cadence: int, real: Path) -> None:
    """The edge of the gap, to a frame or two: each net decides by its own threshold crossing."""
    expected = ARRAYS[f"{name}__found"]
    source = frames(real / FACTS["clips"][name], len(expected))
    has_face = np.array(
        [mark is not None for _, mark in track_face(source, FaceTracker(), cadence)]
    )
    assert has_face.shape == expected.shape
    assert 0 < expected.sum() < len(expected)
    assert (has_face != expected).sum() <= 2
