"""Videos in the cache: repeats among them, and faces of one shape under two names."""

from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.contamination import stored_videos as module
from rppgbench.contamination.frame_fingerprint import fingerprint_frames
from rppgbench.contamination.stored_videos import (
    StoredVideo,
    like_faces,
    repeated_videos,
    stored_videos,
)
from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.extraction.extractor import BASE_FEATURES
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.system.errors import RecordingError

from ..factories import faces
from ..factories.repeats import face_changes, recording, video_features


def made(name: str, *, take: int, face: int, subject: str = "") -> StoredVideo:
    fingerprint = fingerprint_frames(video_features(face_changes(take), face=face))
    assert fingerprint is not None
    return recording(name, GroundTruth(), subject=subject), fingerprint


def test_one_take_under_two_names_is_a_repeat() -> None:
    videos = [made("a", take=0, face=0), made("b", take=1, face=0), made("c", take=0, face=0)]
    (repeat,) = repeated_videos(videos)
    assert (repeat.first.name, repeat.second.name) == ("a", "c")
    assert repeat.evidence == "the same frames for 30 s (correlation 1.00)"


def test_one_face_under_two_persons_is_named_once() -> None:
    videos = [
        made("a", take=0, face=0, subject="p1"),
        made("b", take=1, face=0, subject="p1"),
        made("c", take=2, face=0, subject="p2"),
        made("d", take=3, face=1, subject="p3"),
    ]
    ((first, second, _),) = like_faces(videos)
    assert (first.subject, second.subject) == ("p1", "p2")


def test_simulated_faces_do_not_count() -> None:
    videos = [made(name, take=k, face=0) for k, name in enumerate("ab")]
    simulated = [(replace(video[0], simulated=True), video[1]) for video in videos]
    assert like_faces(simulated) == []


def test_only_videos_that_a_run_has_read_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> VideoSource:
        raise RecordingError("no video")

    source = faces.save_video(tmp_path / "head.mkv", list(faces.swaying(130)))
    seen = replace(recording("seen", GroundTruth()), video=lambda: source)
    new = replace(recording("new", GroundTruth()), video=lambda: VideoSource(tmp_path / "new.mkv"))
    (tmp_path / "new.mkv").write_bytes(b"another")
    absent: Recording = replace(recording("absent", GroundTruth()), video=missing)
    gone = replace(recording("gone", GroundTruth()), video=lambda: VideoSource(tmp_path / "no.mkv"))
    cache = tmp_path / "cache"
    assert stored_videos([seen], cache) == []
    cached_features(source, BASE_FEATURES, cache)
    videos = stored_videos([absent, gone, new, seen], cache)
    assert [recording.name for recording, _ in videos] == ["seen"]
    monkeypatch.setattr(module, "fingerprint_frames", lambda features: pytest.fail("made again"))
    ((_, again),) = stored_videos([seen], cache)
    assert abs(again.changes - videos[0][1].changes).max() < 1e-6
