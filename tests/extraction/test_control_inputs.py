"""Features without a pulse: one frame repeated, and the background in place of the skin."""

import numpy as np
import pytest

from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.features import (
    BACKGROUND,
    REGIONS,
    WHOLE_FRAME,
    FaceClip,
    FaceTrack,
    Features,
    RegionMoments,
)
from rppgbench.extraction.control_inputs import INPUTS, background, photograph
from rppgbench.system.errors import RecordingError

FRAMES = 7


def features(*, whole: bool = False) -> Features:
    """Every region of every frame has its own colour; the first frame shows no face."""
    count = np.full((FRAMES, len(REGIONS)), 5.0)
    count[:, REGIONS.index(WHOLE_FRAME)] = 5.0 if whole else 0.0
    count[0] = 0.0
    rgb = np.arange(FRAMES * len(REGIONS) * 3, dtype=float).reshape(FRAMES, len(REGIONS), 3)
    frames = np.arange(FRAMES, dtype=np.uint8)[:, None, None, None] + np.zeros(
        (FRAMES, 4, 4, 3), np.uint8
    )
    return Features(
        times_s=np.arange(FRAMES) / 30,
        track=FaceTrack(
            landmarks=np.zeros((FRAMES, 468, 2), np.float32),
            box=np.zeros((FRAMES, 4), np.float32),
            detected=np.arange(FRAMES) > 0,
            cadence=1,
        ),
        moments=RegionMoments(
            names=REGIONS, count=count, rgb=rgb, second=np.repeat(rgb, 2, axis=-1)
        ),
        clips={"crop": FaceClip("crop", frames, np.arange(FRAMES) > 1)},
    )


def test_every_input_control_has_its_features() -> None:
    assert INPUTS.keys() == INPUT_CONTROLS


def test_a_photograph_is_one_frame_with_a_face_at_all_times() -> None:
    made = features()
    still = photograph(made)
    np.testing.assert_array_equal(still.times_s, made.times_s)
    for name in ("count", "rgb", "second"):
        values = getattr(still.moments, name)
        np.testing.assert_array_equal(values, np.broadcast_to(values[:1], values.shape))
        np.testing.assert_array_equal(values[0], getattr(made.moments, name)[1])
    assert still.track.detected.all()
    clip = still.clips["crop"]
    assert clip.valid.all()
    assert (np.asarray(clip.frames) == 2).all()  # its own first crop with a face
    assert clip.frames.strides[0] == 0  # repeated without a copy
    assert clip.sha256 == ""  # resampled crops of the recording are not taken for these


def test_a_photograph_has_no_pulse_in_any_region() -> None:
    trace = photograph(features()).moments.mean_rgb("skin")
    assert np.ptp(trace, axis=0).max() == 0


def test_the_background_is_in_every_region_and_no_crop_is_left() -> None:
    made = features()
    behind = background(made)
    expected = made.moments.mean_rgb(BACKGROUND)
    for region in REGIONS:
        np.testing.assert_array_equal(behind.moments.mean_rgb(region), expected)
    assert not behind.clips
    np.testing.assert_array_equal(made.moments.rgb, features().moments.rgb)  # not changed in place


def test_crops_of_skin_have_no_background() -> None:
    with pytest.raises(RecordingError, match="the frames are skin alone"):
        background(features(whole=True))
