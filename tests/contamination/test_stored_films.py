"""Films in the cache: repeats among them, and faces of one shape under two names."""

from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.contamination import stored_films as module
from rppgbench.contamination.frame_fingerprint import fingerprint_frames
from rppgbench.contamination.stored_films import (
    Film,
    film_findings,
    like_faces,
    repeated_films,
    stored_films,
)
from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.extraction.extractor import BASE_FEATURES
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.system.errors import RecordingError

from ..factories import faces
from ..factories.repeats import film, film_changes, recording


def made(name: str, *, take: int, face: int, subject: str = "") -> Film:
    fingerprint = fingerprint_frames(film(film_changes(take), face=face))
    assert fingerprint is not None
    return recording(name, GroundTruth(), subject=subject), fingerprint


def test_one_take_under_two_names_is_a_repeat() -> None:
    films = [made("a", take=0, face=0), made("b", take=1, face=0), made("c", take=0, face=0)]
    (repeat,) = repeated_films(films)
    assert (repeat.first.name, repeat.second.name) == ("a", "c")
    assert repeat.evidence == "the same frames for 30 s (correlation 1.00)"


def test_one_face_under_two_persons_is_named_once() -> None:
    films = [
        made("a", take=0, face=0, subject="p1"),
        made("b", take=1, face=0, subject="p1"),
        made("c", take=2, face=0, subject="p2"),
        made("d", take=3, face=1, subject="p3"),
    ]
    ((first, second, _),) = like_faces(films)
    assert (first.subject, second.subject) == ("p1", "p2")
    (finding,) = film_findings(films)
    assert finding.severity == "note"
    assert finding.text.startswith("persons p1 and p2 (c) have faces of one shape")


def test_simulated_faces_do_not_count() -> None:
    films = [made(name, take=k, face=0) for k, name in enumerate("ab")]
    simulated = [(replace(film[0], simulated=True), film[1]) for film in films]
    assert like_faces(simulated) == []


def test_only_videos_that_a_run_has_read_have_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> VideoSource:
        raise RecordingError("no video")

    source = faces.film(tmp_path / "head.mkv", list(faces.swaying(130)))
    seen = replace(recording("seen", GroundTruth()), video=lambda: source)
    new = replace(recording("new", GroundTruth()), video=lambda: VideoSource(tmp_path / "new.mkv"))
    (tmp_path / "new.mkv").write_bytes(b"another")
    absent: Recording = replace(recording("absent", GroundTruth()), video=missing)
    gone = replace(recording("gone", GroundTruth()), video=lambda: VideoSource(tmp_path / "no.mkv"))
    cache = tmp_path / "cache"
    assert stored_films([seen], cache) == []
    cached_features(source, BASE_FEATURES, cache)
    films = stored_films([absent, gone, new, seen], cache)
    assert [recording.name for recording, _ in films] == ["seen"]
    monkeypatch.setattr(module, "fingerprint_frames", lambda features: pytest.fail("made again"))
    ((_, again),) = stored_films([seen], cache)
    assert abs(again.changes - films[0][1].changes).max() < 1e-6
