"""The region `whole_frame`: videos that are crops of skin, for which no face is searched."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.features import PAIRS, REGIONS, WHOLE_FRAME, has_whole_frames
from rppgbench.core.protocol import Condition
from rppgbench.extraction.conditions import ConditionTransform
from rppgbench.extraction.extractor import FeatureRequest, NoFaceError, extract
from rppgbench.extraction.feature_cache import (
    NamedTransform,
    cached_features,
    feature_digest,
    transformed_features,
)

from ..factories.faces import save_video

REQUEST = FeatureRequest(whole_frame=True)


def skin(count: int, level: float = 1.0) -> list[NDArray[np.uint8]]:
    """Noise around the colour of skin, without a face."""
    random = np.random.default_rng(3)
    colour = level * np.array([180.0, 120.0, 90.0])
    pictures = colour + random.normal(0, 6 * level, (count, 48, 64, 3))
    return list(np.clip(np.rint(pictures), 0, 255).astype(np.uint8))


def test_the_sums_are_those_of_all_pixels(tmp_path: Path) -> None:
    frames = skin(12)
    features = extract(save_video(tmp_path / "skin.mkv", frames), REQUEST)
    pixels = np.array(frames, np.int64).reshape(12, -1, 3)
    at = REGIONS.index(WHOLE_FRAME)
    assert features.track.detected.all()
    assert has_whole_frames(features)
    np.testing.assert_array_equal(features.moments.count[:, at], 48 * 64)
    np.testing.assert_array_equal(features.moments.rgb[:, at], pixels.sum(axis=1))
    second = np.stack([(pixels[..., i] * pixels[..., j]).sum(axis=1) for i, j in PAIRS], axis=1)
    np.testing.assert_array_equal(features.moments.second[:, at], second)
    assert not features.moments.count[:, :at].any()
    assert features.metadata["warnings"] == []


def test_without_the_request_there_is_no_face_to_find(tmp_path: Path) -> None:
    with pytest.raises(NoFaceError, match="no face in any of 12 frames"):
        extract(save_video(tmp_path / "skin.mkv", skin(12)))


def test_dark_frames_are_gaps_and_a_dark_video_is_refused(tmp_path: Path) -> None:
    frames = [*skin(8), *skin(4, level=0.05)]
    features = extract(save_video(tmp_path / "dim.mkv", frames), REQUEST)
    assert features.track.detected.tolist() == [True] * 8 + [False] * 4
    assert features.metadata["warnings"] == ["too dark in 4 of 12 frames"]
    with pytest.raises(NoFaceError, match=r"too dark: 4 frames .* are all under 16 of 255"):
        extract(save_video(tmp_path / "dark.mkv", skin(4, level=0.05)), REQUEST)


def test_the_cache_tells_whole_frames_from_faces(tmp_path: Path) -> None:
    source = save_video(tmp_path / "skin.mkv", skin(12))
    assert feature_digest(source, REQUEST) != feature_digest(source, FeatureRequest())
    first = cached_features(source, REQUEST, tmp_path / "cache")
    again = cached_features(source, REQUEST, tmp_path / "cache")
    np.testing.assert_array_equal(first.moments.rgb, again.moments.rgb)
    with pytest.raises(NoFaceError):
        cached_features(source, FeatureRequest(), tmp_path / "cache")


@pytest.mark.parametrize("is_cached", [False, True])
def test_conditions_change_whole_frames_too(is_cached: bool, tmp_path: Path) -> None:
    source, cache = save_video(tmp_path / "skin.mkv", skin(12)), tmp_path / "cache"
    if is_cached:
        cached_features(source, REQUEST, cache)
    noise = Condition(name="noise", kind="noise", params={"std": 20.0})
    named = NamedTransform(name="noise", create=lambda: ConditionTransform(noise), faces="found")
    original, changed = transformed_features(source, REQUEST, cache, [None, named])
    assert not isinstance(original, Exception)
    assert not isinstance(changed, Exception)
    assert has_whole_frames(changed)
    at = REGIONS.index(WHOLE_FRAME)
    assert (changed.moments.rgb[:, at] != original.moments.rgb[:, at]).any()
