"""BP4D+: images in an archive for each subject, labels beside it, respiration."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import Recording
from rppgbench.datasets.check import check_data
from rppgbench.datasets.recording_check import Finding
from rppgbench.extraction.content_digest import content_digest
from rppgbench.system.errors import RecordingError
from rppgbench.video.stream import open_video

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import video_source


def findings(root: Path) -> list[Finding]:
    return list(check_data(dataset("bp4d_plus"), root).findings)


def levels(recording: Recording) -> list[int]:
    with open_video(video_source(recording)) as reader:
        return [round(float(frame.rgb.mean())) for frame in reader]


def test_images_come_from_the_archive_or_from_a_folder_in_natural_order(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    for recording in listed("bp4d_plus", tmp_path).values():
        assert levels(recording) == pytest.approx([10 + k for k in range(trees.FRAMES)], abs=1)
        times_s = video_source(recording).times_s
        assert times_s is not None
        np.testing.assert_allclose(times_s, np.arange(trees.FRAMES) / 25)


def test_an_unpacked_task_is_read_before_its_archive(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    trees.pictures(tmp_path / "2D+3D/F001/T1", ["7.jpg", "8.jpg"])
    recordings = listed("bp4d_plus", tmp_path)
    assert len(video_source(recordings["F001_T1"]).images) == 2
    assert len(video_source(recordings["F001_T10"]).images) == trees.FRAMES


def test_the_first_sample_of_each_file_is_kept(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    truth = listed("bp4d_plus", tmp_path)["F001_T1"].ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    assert truth.respiration is not None
    assert truth.respiration_rate is not None
    times_s = np.arange(800) / 1000
    for signal, values in (
        (truth.pulse, 80 + np.arange(800) % 30),
        (truth.heart_rate, np.full(800, 75.25)),
        (truth.respiration, 0.5 + np.arange(800) % 40 / 8),
        (truth.respiration_rate, np.full(800, 15.5)),
    ):
        np.testing.assert_allclose(signal.times_s, times_s, atol=1e-9)
        np.testing.assert_array_equal(signal.values, values)
    assert truth.warnings == ()


def test_respiration_may_be_absent_or_damaged_and_the_pulse_stays(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    folder = tmp_path / "Physiology/F001/T1"
    (folder / "Respiration Rate_BPM.txt").unlink()
    (folder / "Resp_Volts.txt").write_text("0.5\nbroken\n")
    recording = listed("bp4d_plus", tmp_path)["F001_T1"]
    assert "Respiration Rate_BPM.txt" not in {file.name for file in recording.files}
    truth = recording.ground_truth()
    assert truth.respiration is None
    assert truth.respiration_rate is None
    assert truth.pulse is not None
    (line,) = truth.warnings
    assert line.startswith("no respiration: ")
    assert "broken" in line


def test_tasks_of_one_archive_have_digests_of_their_own(tmp_path: Path) -> None:
    """They have equal times, and so equal numbers of frames."""
    trees.bp4d_plus(tmp_path)
    first, second, _ = (video_source(r) for r in listed("bp4d_plus", tmp_path).values())
    assert first.archive == second.archive
    assert content_digest(first) != content_digest(second)


def test_an_archive_that_changed_is_listed_again(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    recording = listed("bp4d_plus", tmp_path)["F001_T1"]
    assert len(video_source(recording).images) == trees.FRAMES
    trees.archived(tmp_path / "2D+3D/F001.zip", "F001/T1", ["30.jpg"])
    assert len(video_source(recording).images) == trees.FRAMES + 1


def test_members_that_a_mac_adds_are_no_frames(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    archive = tmp_path / "2D+3D/F001.zip"
    trees.archived(archive, "__MACOSX/F001/T1", ["._3.jpg"])
    trees.archived(archive, "F001/T1", ["._3.jpg"])
    trees.archived(archive, "F001/T1/texture", ["3.jpg"])
    with zipfile.ZipFile(archive, "a") as members:
        members.writestr("F001/T1/000.obj", "v 0 0 0")
    recordings = listed("bp4d_plus", tmp_path)
    assert len(video_source(recordings["F001_T1"]).images) == trees.FRAMES
    assert not any("__MACOSX" in finding.text for finding in findings(tmp_path))


def test_a_task_without_images_is_an_error_and_f042_t11_is_known(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    trees.archived(tmp_path / "2D+3D/F042.zip", "F042/T1", [f"{k}.jpg" for k in range(20)])
    for task in ("T1", "T11"):
        trees.physiology(tmp_path / "Physiology/F042" / task)
    recordings = listed("bp4d_plus", tmp_path)
    assert [r.name for r in recordings.values() if r.known_bad] == ["F042_T11"]
    with pytest.raises(RecordingError, match=r"F042\.zip/F042/T11: holds no \*\.jpg"):
        recordings["F042_T11"].video()
    found = [f for f in findings(tmp_path) if f.recording == "F042_T11"]
    assert any(f.file.endswith("F042/T11") and f.text.startswith("holds no *.jpg") for f in found)


def test_images_without_labels_are_told(tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    trees.archived(tmp_path / "2D+3D/F003.zip", "F003/T3", ["0.jpg"])
    trees.pictures(tmp_path / "2D+3D/M002/T9", ["0.jpg"])
    texts = [f.text for f in findings(tmp_path)]
    assert "not read: 2D+3D/F003.zip has no Physiology/F003" in texts
    assert "not read: 2D+3D/M002/T9 has no Physiology/M002/T9" in texts


@pytest.mark.parametrize("cut", [10, -40])
def test_a_cut_archive_is_one_line(cut: int, tmp_path: Path) -> None:
    trees.bp4d_plus(tmp_path)
    archive = tmp_path / "2D+3D/F001.zip"
    archive.write_bytes(archive.read_bytes()[:cut])
    errors = [f for f in findings(tmp_path) if f.severity == "error"]
    assert {f.recording for f in errors} == {"F001_T1", "F001_T10"}
    assert all("no ZIP archive" in f.text and "\n" not in f.text for f in errors)
