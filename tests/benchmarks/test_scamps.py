"""SCAMPS: arrays turned as h5py shows them, parts from folders or the owners' list."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from rppgbench.datasets.check import check_data
from rppgbench.system.errors import BenchError, RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import stated_times, video_source


def test_frames_pulse_and_breath_are_at_30_hz(tmp_path: Path) -> None:
    trees.scamps(tmp_path)
    recording = listed("scamps", tmp_path)["P000010"]
    source = video_source(recording)
    times_s = np.arange(trees.FRAMES) / 30
    np.testing.assert_allclose(stated_times(recording), times_s)
    assert source.frames is not None
    frames = list(source.frames())
    assert {frame.shape for frame in frames} == {(6, 8, 3)}
    levels = [int(frame[0, 0, 0]) for frame in frames]
    assert levels == [round(255 * k / 40) for k in range(trees.FRAMES)]
    truth = recording.ground_truth()
    assert truth.pulse is not None
    assert truth.respiration is not None
    np.testing.assert_allclose(truth.pulse.times_s, times_s)
    np.testing.assert_array_equal(truth.pulse.values, np.arange(trees.FRAMES) % 7 + 0.5)
    np.testing.assert_array_equal(truth.respiration.values, np.arange(trees.FRAMES) % 5 + 0.25)
    assert truth.warnings == ()


def test_masks_that_are_a_frame_short_are_no_fault(tmp_path: Path) -> None:
    trees.scamps(tmp_path)
    checked = check_data(dataset("scamps"), tmp_path)
    assert checked.fit
    assert [f.text for f in checked.findings if f.recording] == []


def test_the_cropped_frames_are_read_where_the_raw_ones_are_missing(tmp_path: Path) -> None:
    trees.scamps(tmp_path)
    with h5py.File(tmp_path / "P000010.mat", "r+") as content:
        content["Xsub"] = np.full((3, 4, 4, trees.FRAMES), 51, np.uint8)
        del content["RawFrames"]
    frames = video_source(listed("scamps", tmp_path)["P000010"]).frames
    assert frames is not None
    assert {(frame.shape, int(frame.max())) for frame in frames()} == {((4, 4, 3), 51)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("none", "has no frames"),
        ("wrong", r"RawFrames is \(20, 6, 8\), where \(frames, height, width, 3\) belongs"),
    ],
)
def test_files_without_frames_are_named(change: str, message: str, tmp_path: Path) -> None:
    trees.scamps(tmp_path)
    with h5py.File(tmp_path / "P000010.mat", "r+") as content:
        del content["RawFrames"]
        if change == "wrong":
            content["RawFrames"] = np.zeros((8, 6, 20))
    with pytest.raises(RecordingError, match=message):
        listed("scamps", tmp_path)["P000010"].video()


def test_another_number_of_samples_than_frames_is_reported(tmp_path: Path) -> None:
    trees.scamps(tmp_path)
    with h5py.File(tmp_path / "P000010.mat", "r+") as content:
        del content["d_ppg"], content["d_br"]
        content["d_ppg"] = np.arange(15.0)
    truth = listed("scamps", tmp_path)["P000010"].ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(15) / 30)
    assert truth.warnings[0] == "P000010.mat: d_ppg: 15 samples for 20 frames: taken at 30 Hz"
    assert truth.warnings[1].startswith("no respiration: ")


def test_parts_come_from_folders_or_from_the_owners_list(tmp_path: Path) -> None:
    trees.scamps(tmp_path)
    assert [r.part for r in listed("scamps", tmp_path).values()] == ["", "test"]
    file = tmp_path / "ScampsTrainTestSplit.csv"
    for header, cells in (("a,b", ("P000010.mat", "Validation")), ("set,x", ("val", "P000010"))):
        trees.column(file, [",".join(cells)], header)
        assert [r.part for r in listed("scamps", tmp_path).values()] == ["validation", "test"]
    trees.column(file, ["P000010,1"], "video,fold")
    assert [r.part for r in listed("scamps", tmp_path).values()] == ["", "test"]
    texts = [finding.text for finding in check_data(dataset("scamps"), tmp_path).findings]
    assert any(
        text.startswith("not read: ScampsTrainTestSplit.csv: has no column") for text in texts
    )


def test_a_recording_in_two_folders_is_refused(tmp_path: Path) -> None:
    trees.scamps(tmp_path)
    (tmp_path / "P000002.mat").write_bytes((tmp_path / "P000010.mat").read_bytes())
    with pytest.raises(BenchError, match=r"is P000002, as .* is; keep or rename one of them"):
        listed("scamps", tmp_path)
