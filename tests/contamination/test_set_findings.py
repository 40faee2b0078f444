"""What the check of a data set says of repeats, within it and beside other data sets."""

from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.contamination import set_findings as module
from rppgbench.contamination.frame_fingerprint import fingerprint_frames
from rppgbench.contamination.set_findings import set_findings
from rppgbench.contamination.stored_videos import StoredVideo
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.datasets.recording_check import Finding

from ..factories.repeats import contact_pulse, face_changes, part_of, recording, video_features

PULSE = contact_pulse(1, seconds=80.0)
PEOPLE = {"a": contact_pulse(0), "b": part_of(PULSE, 0, 60), "c": contact_pulse(2)}
COPY = part_of(PULSE, 20, 80)


def labelled(
    name: str, folder: Path, *, dataset: str = "ubfc_rppg", subject: str = ""
) -> Recording:
    """A recording with a label file of its own, so that its fingerprint is its own."""
    truth = GroundTruth(pulse=PEOPLE.get(name, COPY))
    file = folder / dataset / f"{name}.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_text(name)
    return replace(recording(name, truth, dataset=dataset, subject=subject), files=(file,))


def warnings(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "warning"]


def test_a_repeat_under_two_persons_is_a_warning_with_both_files(tmp_path: Path) -> None:
    people = [labelled(name, tmp_path) for name in ("a", "b", "c", "copy")]
    (finding,) = warnings(set_findings(people, [], tmp_path))
    assert finding.text.startswith(
        "ubfc_rppg/b (person b) and ubfc_rppg/copy (person copy) hold the same pulse for 38 s"
    )
    assert finding.text.endswith("keep them on one side of a split")
    assert finding.file == f"{people[1].files[0]} and {people[3].files[0]}"


def test_a_copy_in_another_data_set_is_found_and_its_own_repeats_are_not(tmp_path: Path) -> None:
    """PURE holds `b` and its copy, too: that is for the check of PURE."""
    people = [labelled(name, tmp_path) for name in "ac"]
    pair = [labelled(name, tmp_path, dataset="pure") for name in ("b", "copy")]
    assert warnings(set_findings(people, pair, tmp_path)) == []
    people = [labelled(name, tmp_path) for name in "abc"]
    findings = warnings(set_findings(people, pair, tmp_path))
    assert [finding.recording for finding in findings] == ["b", "b"]
    assert all("leave one of them out" in finding.text for finding in findings)
    assert "pure/copy (person copy) hold the same pulse for 38 s" in findings[1].text


def test_repeats_of_one_person_are_counted(tmp_path: Path) -> None:
    cameras = [
        replace(labelled(f"camera{k}", tmp_path, subject="p1"), name=f"camera{k}") for k in range(3)
    ]
    findings = set_findings(cameras, [], tmp_path)
    assert [finding.text[:7] for finding in findings if "one person" in finding.text] == ["3 pairs"]
    assert warnings(findings) == []


def test_two_kinds_of_evidence_of_a_pair_are_one_line(tmp_path: Path) -> None:
    """The video is copied byte for byte and the label is the same: one finding."""
    people = []
    for name in ("b", "copy"):
        video = tmp_path / f"{name}.AVI"
        video.write_bytes(b"frames")
        labels = labelled(name, tmp_path)
        people.append(replace(labels, files=(*labels.files, video)))
    (finding,) = warnings(set_findings(people, [], tmp_path))
    assert "the same pulse for" in finding.text
    assert " and the same video file, byte for byte; keep" in finding.text
    assert finding.file.count("and 1 more") == 2


def stored(name: str, *, take: int, face: int, subject: str, dataset: str = "") -> StoredVideo:
    fingerprint = fingerprint_frames(video_features(face_changes(take), face=face))
    assert fingerprint is not None
    named = recording(name, GroundTruth(), subject=subject, dataset=dataset or "ubfc_rppg")
    return named, fingerprint


@pytest.mark.parametrize(
    ("dataset", "persons"), [("", "p1 and p2"), ("pure", "ubfc_rppg/p1 and pure/p2")]
)
def test_like_faces_are_a_note(
    dataset: str, persons: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = [
        stored("a", take=0, face=0, subject="p1"),
        stored("b", take=1, face=0, subject="p2", dataset=dataset),
        stored("c", take=2, face=1, subject="p3"),
    ]
    monkeypatch.setattr(module, "stored_videos", lambda recordings, folder: videos)
    people = [video[0] for video in videos]
    checked = [r for r in people if r.dataset == "ubfc_rppg"]
    beside = [r for r in people if r.dataset != "ubfc_rppg"]
    (finding,) = set_findings(checked, beside, tmp_path)
    assert finding.severity == "note"
    assert finding.text.startswith(f"persons {persons} (b) have faces of one shape")


def test_videos_that_no_run_has_read_are_told(tmp_path: Path) -> None:
    (finding,) = set_findings([labelled("a", tmp_path)], [], tmp_path)
    assert finding.text.startswith("frames are compared of 0 of 1 recording: ")
    colours = replace(labelled("a", tmp_path), dataset="traces")
    assert set_findings([colours], [], tmp_path) == []
