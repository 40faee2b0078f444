"""RLAP, SUMS and LADH: what their readers make of PhysRecorder's folders."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.recording import Recording
from rppgbench.datasets.check import check_data
from rppgbench.datasets.splits import read_split
from rppgbench.system.errors import BenchError, RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import video_source

SPLITS = Path(__file__).parents[2] / "protocols" / "splits"


def findings(name: str, root: Path) -> list[str]:
    return [f.text for f in check_data(dataset(name), root).findings]


@pytest.mark.parametrize("name", ["rlap", "sums", "ladh"])
def test_frames_and_pulse_are_on_one_clock_from_the_first_frame(name: str, tmp_path: Path) -> None:
    getattr(trees, name)(tmp_path)
    for recording in listed(name, tmp_path).values():
        source = video_source(recording)
        assert source.times_s is not None
        np.testing.assert_allclose(source.times_s, trees.RECORDER_S, atol=1e-6)
        assert not source.container_clock
        truth = recording.ground_truth()
        assert truth.one_clock
        assert truth.pulse is not None
        np.testing.assert_allclose(truth.pulse.times_s, 0.01 + np.arange(16) / 20, atol=1e-6)
        np.testing.assert_array_equal(truth.pulse.values, 30 + np.arange(16) % 7)
        assert (truth.heart_rate is None) == (name == "rlap")
        if truth.heart_rate is not None:
            np.testing.assert_array_equal(truth.heart_rate.values, [71, 72])
            np.testing.assert_allclose(truth.heart_rate.times_s, [0, 1], atol=1e-6)
        assert truth.warnings == ()


def test_own_recordings_have_any_names_and_any_format(tmp_path: Path) -> None:
    for folder, video in (
        ("anna/morning", "video_ZIP_H264.avi"),
        ("anna/evening", "video_RAW_I420.avi"),
        ("p029/v01", "video_ZIP_H264.mp4"),
    ):
        trees.recorder(tmp_path / folder, video)
    trees.rates(tmp_path / "anna/evening")
    recordings = listed("rlap", tmp_path)
    assert list(recordings) == ["anna/evening", "anna/morning", "p029/v01"]
    assert [r.scenario for r in recordings.values()] == ["evening", "morning", "v01"]
    assert not any(r.known_bad for r in recordings.values())  # RLAP's p029 has no v01
    evening = recordings["anna/evening"]
    assert evening.video().path.name == "video_RAW_I420.avi"
    truth = evening.ground_truth()
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.heart_rate.values, [71, 72])
    assert recordings["anna/morning"].ground_truth().heart_rate is None


@pytest.mark.parametrize("name", ["rlap", "sums", "ladh"])
def test_every_text_file_that_is_read_belongs_to_the_recording(name: str, tmp_path: Path) -> None:
    """The fingerprint is of the files of a recording; heart rates are not in every folder."""
    getattr(trees, name)(tmp_path)
    for recording in listed(name, tmp_path).values():
        folder = recording.files[0].parent
        (folder / "HR.csv").unlink(missing_ok=True)
        without_rate = {file.name for file in listed(name, tmp_path)[recording.name].files}
        trees.rates(folder)
        with_rate = {file.name for file in listed(name, tmp_path)[recording.name].files}
        assert with_rate - without_rate == {"HR.csv"}
        stamps = "frames_timestamp_RGB.csv" if name == "ladh" else "frames_timestamp.csv"
        assert without_rate > {"BVP.csv", stamps}


def test_one_of_several_formats_is_read_and_the_others_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "p001" / "R1"
    trees.recorder(folder, "video_ZIP_H264.mp4")
    names = [f"{k:08}.png" for k in range(trees.FRAMES)]
    trees.pictures(folder / "pictures_ZIP_RAW_RGB", names)
    (recording,) = listed("rlap", tmp_path).values()
    assert [image.name for image in video_source(recording).images] == names
    assert set(video_source(recording).images) < set(recording.files)
    assert "not read: 1 of video_ZIP_H264.mp4: another format of the same video is read" in (
        findings("rlap", tmp_path)
    )
    trees.clip(folder / "video_ZIP_MJPG.avi", fps=30)
    (recording,) = listed("rlap", tmp_path).values()
    assert recording.video().path.name == "video_ZIP_MJPG.avi"
    assert sum(text.startswith("not read: 1 of ") for text in findings("rlap", tmp_path)) == 2
    (folder / "video_ZIP_MJPG.avi").unlink()
    shutil.rmtree(folder / "pictures_ZIP_RAW_RGB")
    (folder / "pictures_ZIP_RAW_RGB").mkdir()
    with pytest.raises(RecordingError, match=r"holds no 00000000\.png"):
        next(iter(listed("rlap", tmp_path).values())).video()


def test_rlap_knows_its_scenes_its_dark_and_its_bad_recordings(tmp_path: Path) -> None:
    trees.rlap(tmp_path)
    recordings = listed("rlap", tmp_path)
    assert [(r.scenario, r.light) for r in recordings.values()] == [
        *(("relaxed", ""), ("public_class", ""), ("relaxed_dark", "dark"), ("scenery", "")),
    ]
    assert [bool(r.known_bad) for r in recordings.values()] == [False, False, False, True]


def test_two_folders_of_one_person_are_refused(tmp_path: Path) -> None:
    trees.rlap(tmp_path)
    shutil.copytree(tmp_path / "p005_", tmp_path / "p005")
    with pytest.raises(
        BenchError, match=r"p005_?: is p005, as .*p005_? is; keep or rename one of them"
    ):
        listed("rlap", tmp_path)


def test_frames_that_were_not_stored_are_counted(tmp_path: Path) -> None:
    trees.rlap(tmp_path)
    trees.column(tmp_path / "p001/R1/missed_frames.csv", [1.5, 1.6, 1.7], "timestamp")
    truth = listed("rlap", tmp_path)["p001/R1"].ground_truth()
    assert truth.warnings == ("missed_frames.csv: 3 frames of the camera were not stored",)


def test_a_missing_file_of_heart_rates_is_reported_where_the_set_has_one(tmp_path: Path) -> None:
    trees.sums(tmp_path)
    (tmp_path / "060200/v01/HR.csv").unlink()
    truth = listed("sums", tmp_path)["060200/v01"].ground_truth()
    assert truth.heart_rate is None
    assert truth.warnings == ("HR.csv is missing: no heart rates of the device",)


def test_respiration_and_saturation_are_read_and_cost_no_pulse(tmp_path: Path) -> None:
    trees.sums(tmp_path)
    folder = tmp_path / "060200/v01"
    seconds = [k / 50 for k in range(40)]
    trees.column(
        folder / "RR.csv",
        [f"{trees.UNIX_S + t:.6f},{500 + k}" for k, t in enumerate(seconds)],
        "timestamp,rr",
    )
    trees.column(folder / "SpO2.csv", [f"{trees.UNIX_S:.6f},98"], "timestamp,spo2")
    recording = listed("sums", tmp_path)["060200/v01"]
    assert {"RR.csv", "SpO2.csv"} < {file.name for file in recording.files}
    truth = recording.ground_truth()
    assert truth.respiration is not None
    assert truth.oxygen_saturation is not None
    np.testing.assert_allclose(truth.respiration.times_s, seconds, atol=1e-6)
    np.testing.assert_array_equal(truth.respiration.values, 500 + np.arange(40))
    np.testing.assert_array_equal(truth.oxygen_saturation.values, [98])
    assert truth.warnings == ()
    (folder / "RR.csv").write_text("timestamp,rr\n1,2,3\n")
    damaged = recording.ground_truth()
    assert damaged.respiration is None
    assert damaged.pulse is not None
    (line,) = damaged.warnings
    assert line.startswith("no respiration: ")


def test_fingers_and_infrared_are_counted_not_read(tmp_path: Path) -> None:
    for name, folder, video in (
        ("sums", "060200/v01", "video_ZIP_H264_finger.avi"),
        ("ladh", "12_05/p_12_05_caip/v01", "video_IR_H264.avi"),
    ):
        getattr(trees, name)(tmp_path / name)
        trees.clip(tmp_path / name / folder / video)
        assert len(listed(name, tmp_path / name)) == 3
        assert any(t.startswith(f"not read: 1 of {video}") for t in findings(name, tmp_path / name))


def test_a_person_of_ladh_is_one_subject_on_all_days(tmp_path: Path) -> None:
    trees.ladh(tmp_path)
    shutil.copytree(tmp_path / "12_06" / "p_12_06_caip", tmp_path / "p_12_07_caip")
    shutil.copytree(tmp_path / "12_06" / "p_12_06_caip", tmp_path / "day_09" / "p_caip")
    names = [r.name for r in listed("ladh", tmp_path).values() if r.subject == "caip"]
    assert sorted(names) == [
        *("12_05/caip/v01", "12_06/caip/v05", "12_07/caip/v05", "day_09/caip/v05"),
    ]


def test_frames_may_be_counted_from_one(tmp_path: Path) -> None:
    trees.sums(tmp_path)
    stamps = tmp_path / "060200" / "v01" / "frames_timestamp.csv"
    lines = [f"{k + 1},{trees.UNIX_S + t:.6f}" for k, t in enumerate(trees.RECORDER_S)]
    trees.column(stamps, lines, "frame,timestamp")
    times_s = listed("sums", tmp_path)["060200/v01"].video().times_s
    assert times_s is not None
    np.testing.assert_allclose(times_s, trees.RECORDER_S, atol=1e-6)


NOT_GIVEN_OUT = (
    *("p005/T2", "p008/R2", "p009/R2", "p010/R2", "p011/R2", "p011/R4", "p012/R2", "p013/R2"),
    *("p018/T1", "p027/R1", "p039/T2", "p046/T3", "p048/E1"),
)
"""Recordings of RLAP that are not in the owners' index."""


def test_the_owners_folds_of_rlap_have_as_many_recordings_as_they_count() -> None:
    """468 and 77 are printed by PhysBench's notebook; 741 and 179 follow from the index."""
    dataset("rlap")
    module: Any = sys.modules["rppgbench_content.benchmarks.rlap"]
    everything = {f"p{n:03}/{scene}" for n in range(1, 59) for scene in module.SCENES}
    given_out = everything - set(NOT_GIVEN_OUT)
    assert len(given_out) == dataset("rlap").expected["recordings"] == 741
    assert set(module.KNOWN_BAD) < given_out
    assert len(module.KNOWN_BAD) == 17
    (fold,) = read_split(SPLITS / "rlap-owners.toml").folds
    usable = [name.split("/")[0] for name in given_out - set(module.KNOWN_BAD)]
    counts = [
        sum(usable.count(p) for p in side) for side in (fold.train, fold.validation, fold.test)
    ]
    assert counts == [468, 77, 179]


def spoiled(root: Path, change: dict[str, str]) -> Recording:
    trees.rlap(root)
    file = root / "p001" / "R1" / "frames_timestamp.csv"
    text = file.read_text()
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    return listed("rlap", root)["p001/R1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"\n7,": "\n8,"}, "line 9: frame 8 where frame 7 belongs"),
        ({"timestamp": "when"}, "has no times in one column 'timestamp'"),
        ({"frame,timestamp": "timestamp,timestamp"}, "has no times in one column 'timestamp'"),
        ({"1657": "x657"}, "is not a number"),
    ],
)
def test_frame_times_that_cannot_be_matched_are_refused(
    change: dict[str, str], message: str, tmp_path: Path
) -> None:
    recording = spoiled(tmp_path, change)
    for read in (recording.video, recording.ground_truth):
        with pytest.raises(RecordingError, match=message):
            read()


def test_frame_times_in_milliseconds_are_refused(tmp_path: Path) -> None:
    trees.rlap(tmp_path)
    lines = [f"{k},{1000 * (trees.UNIX_S + t):.3f}" for k, t in enumerate(trees.RECORDER_S)]
    trees.column(tmp_path / "p001/R1/frames_timestamp.csv", lines, "frame,timestamp")
    recording = listed("rlap", tmp_path)["p001/R1"]
    with pytest.raises(RecordingError, match="the times are in another unit; write seconds"):
        recording.video()


def test_a_pulse_of_20_hz_is_interpolated_within_the_error_that_the_page_states() -> None:
    """A straight line between 20 Hz samples against the sensor itself, at frames of 30 Hz."""
    from rppgbench.core.recording import GroundTruth
    from rppgbench.core.waveform import Signal
    from rppgbench.simulation import Scene, frame_times, simulate

    errors = []
    for bpm in (55.0, 75.0, 100.0, 130.0):
        scene = Scene(width=64, height=64, times_s=frame_times(60, 30.0), heart_rate_bpm=bpm)
        session = simulate(dataset="rlap", subject="p001", session="R1", scene=scene, seed=3)
        sensor_s = np.arange(0.0, 60.0, 1 / 20)
        truth = GroundTruth(pulse=Signal(session.pulse_at(sensor_s), sensor_s))
        inside = scene.times_s[scene.times_s < sensor_s[-1]]
        true = session.pulse_at(inside)
        errors.append(100 * (truth.pulse_at(inside) - true).std() / true.std())
    page = (Path(__file__).parents[2] / "docs/reference/data_sets.md").read_text(encoding="utf-8")
    (line,) = [text for text in page.splitlines() if text.startswith("| error, % of the pulse")]
    stated = [float(cell) for cell in line.split("|")[2:6]]
    np.testing.assert_allclose(errors, stated, atol=0.06)
