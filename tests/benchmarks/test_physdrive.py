"""PhysDrive: two layouts, labels by frame or by timestamp, and nothing stretched."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from rppgbench.datasets.check import check_data
from rppgbench.system.errors import BenchError, RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import stated_times, video_source

ROAD = "On-Road-rPPG"
DRIVER = "RGB and IR (one subject sample)/AMH1/BT"
SHEET = "Recording_Physiological_Data.csv"


def findings(root: Path) -> list[str]:
    return [finding.text for finding in check_data(dataset("physdrive"), root).findings]


def test_codes_say_car_light_road_and_driver(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    facts = {n: (r.source, r.light, r.scenario) for n, r in listed("physdrive", tmp_path).items()}
    assert facts == {
        "AFH1_A2": ("car_a0", "dusk", "free_road_talking"),
        "BFH2_C1": ("car_b", "dusk", "bumpy_road_stationary"),
        "AMH1_BT": ("car_a0", "dusk", "congested_road_talking"),
    }


def test_labels_of_images_are_those_of_their_frames(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    recording = listed("physdrive", tmp_path)["AFH1_A2"]
    times_s = np.arange(trees.FRAMES) / 30
    np.testing.assert_allclose(stated_times(recording), times_s)
    truth = recording.ground_truth()
    assert truth.pulse is not None
    assert truth.respiration is not None
    assert truth.oxygen_saturation is not None
    assert truth.heart_rate is None  # there is no HR.mat
    np.testing.assert_allclose(truth.pulse.times_s, times_s)
    np.testing.assert_array_equal(truth.pulse.values, np.arange(trees.FRAMES) % 7 + 0.5)
    np.testing.assert_array_equal(truth.respiration.values, np.arange(trees.FRAMES) % 5)
    np.testing.assert_array_equal(truth.oxygen_saturation.values, 97)
    assert truth.warnings == ()


def test_images_are_in_the_order_of_their_numbers_and_a_missing_one_is_a_gap(
    tmp_path: Path,
) -> None:
    """By their names, 10.png comes before 2.png."""
    trees.physdrive(tmp_path)
    (tmp_path / ROAD / "AFH1/A2/Align/5.png").unlink()
    recording = listed("physdrive", tmp_path)["AFH1_A2"]
    numbers = [int(image.stem) for image in video_source(recording).images]
    assert numbers == [k for k in range(trees.FRAMES) if k != 5]
    np.testing.assert_allclose(stated_times(recording), np.array(numbers) / 30)
    truth = recording.ground_truth()
    assert truth.pulse is not None
    assert truth.warnings == ()  # value k is of frame k, whether its image is there or not
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(trees.FRAMES) / 30)
    np.testing.assert_array_equal(truth.pulse.values, np.arange(trees.FRAMES) % 7 + 0.5)


def test_values_of_the_images_that_are_there_are_theirs(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    folder = tmp_path / ROAD / "AFH1/A2"
    for k in (5, 6, 7):
        (folder / f"Align/{k}.png").unlink()
    savemat(folder / "Label/BVP.mat", {"BVP": np.arange(17.0)})
    savemat(folder / "Label/SPO2.mat", {"SPO2": np.full(21, 97.0)})
    truth = listed("physdrive", tmp_path)["AFH1_A2"].ground_truth()
    assert truth.pulse is not None
    assert truth.oxygen_saturation is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.delete(np.arange(20), (5, 6, 7)) / 30)
    np.testing.assert_allclose(truth.oxygen_saturation.times_s, np.arange(20) / 30)
    assert truth.warnings == ("SPO2.mat: 21 values for 20 times: the first 20 of both are used",)


def test_rows_of_the_sheet_have_their_timestamps_in_any_unit(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    for unit in (1.0, 1e3, 1e6, 1e9):
        rows = [f"{t * unit:.6f},{k % 6}.5,71" for k, t in enumerate(trees.PHYSDRIVE_S)]
        trees.column(tmp_path / DRIVER / SHEET, rows, "Timestamp,BVP,HR")
        truth = listed("physdrive", tmp_path)["AMH1_BT"].ground_truth()
        assert truth.pulse is not None
        assert truth.heart_rate is not None
        np.testing.assert_allclose(truth.pulse.times_s, np.arange(40) / 50, atol=1e-6)
        np.testing.assert_array_equal(truth.pulse.values, np.arange(40) % 6 + 0.5)
        np.testing.assert_array_equal(truth.heart_rate.values, 71)


@pytest.mark.parametrize(
    ("header", "step_s", "message"),
    [
        ("when,BVP,HR", 0.02, r"in one column of time, timestamp, timestamps \(columns: when, BVP"),
        ("time,timestamp,HR", 0.02, "has no rows with times in one column"),
        ("time,BVP,ppg", 0.02, "'BVP' and 'ppg' can both be the pulse"),
        ("time,BVP,HR", 0.0, "rows are 0 apart"),
    ],
)
def test_a_sheet_that_can_be_read_in_two_ways_is_refused(
    header: str, step_s: float, message: str, tmp_path: Path
) -> None:
    trees.physdrive(tmp_path)
    rows = [f"{k * step_s:.6f},{k % 6}.5,71" for k in range(40)]
    trees.column(tmp_path / DRIVER / SHEET, rows, header)
    with pytest.raises(RecordingError, match=message):
        listed("physdrive", tmp_path)["AMH1_BT"].ground_truth()


def test_labels_in_mat_files_have_the_times_of_the_sheet_or_of_the_frames(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    sheet = tmp_path / DRIVER / SHEET
    trees.column(sheet, [f"{t:.6f}" for t in trees.PHYSDRIVE_S], "timestamp")
    (tmp_path / DRIVER / "Label").mkdir()
    for count, expected_s in ((40, np.arange(40) / 50), (trees.FRAMES, np.arange(20) / 25)):
        savemat(tmp_path / DRIVER / "Label/BVP_Filt.mat", {"BVP": np.arange(count)[:, None]})
        truth = listed("physdrive", tmp_path)["AMH1_BT"].ground_truth()
        assert truth.pulse is not None
        np.testing.assert_allclose(truth.pulse.times_s, expected_s, atol=1e-6)
        np.testing.assert_array_equal(truth.pulse.values, np.arange(count))
    savemat(tmp_path / DRIVER / "Label/BVP_Filt.mat", {"BVP": np.arange(30)[:, None]})
    with pytest.raises(RecordingError, match="30 values for 40 or 20 frames, so their times"):
        listed("physdrive", tmp_path)["AMH1_BT"].ground_truth()


def test_mat_files_give_what_the_sheet_does_not(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    (tmp_path / DRIVER / "Label").mkdir()
    for name, value in (("HR", 99.0), ("SPO2", 96.0)):
        savemat(tmp_path / DRIVER / f"Label/{name}.mat", {name: np.full((trees.FRAMES, 1), value)})
    for header, column in (("Timestamp,BVP,HR", "BVP"), ("Timestamp,none,HR", "none")):
        rows = [f"{t:.6f},{k % 6}.5,71" for k, t in enumerate(trees.PHYSDRIVE_S)]
        trees.column(tmp_path / DRIVER / SHEET, rows, header)
        if column == "none":
            pulse = {"BVP": np.arange(trees.FRAMES)[:, None]}
            savemat(tmp_path / DRIVER / "Label/BVP.mat", pulse)
        truth = listed("physdrive", tmp_path)["AMH1_BT"].ground_truth()
        assert truth.heart_rate is not None
        assert truth.oxygen_saturation is not None
        np.testing.assert_array_equal(truth.heart_rate.values, 71)  # the sheet's own
        np.testing.assert_array_equal(truth.oxygen_saturation.values, 96)
        np.testing.assert_allclose(truth.oxygen_saturation.times_s, np.arange(20) / 25)


def test_a_slower_sensor_fills_some_of_the_rows(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    rows = [f"{t:.6f},{k % 6}.5,{'' if k % 10 else 71}" for k, t in enumerate(trees.PHYSDRIVE_S)]
    trees.column(tmp_path / DRIVER / SHEET, rows, "Timestamp,BVP,HR")
    truth = listed("physdrive", tmp_path)["AMH1_BT"].ground_truth()
    assert truth.heart_rate is not None
    np.testing.assert_allclose(truth.heart_rate.times_s, [0, 0.2, 0.4, 0.6], atol=1e-6)
    assert truth.warnings == (f"{SHEET}: heart rate: 4 of 40 rows have a value",)


def test_labels_that_would_have_to_be_stretched_are_refused(tmp_path: Path) -> None:
    """As many values as a sensor of 1,000 Hz gives; the peers' loader stretches them."""
    trees.physdrive(tmp_path)
    savemat(tmp_path / ROAD / "AFH1/A2/Label/BVP.mat", {"BVP": np.arange(667.0)})
    with pytest.raises(RecordingError, match="667 values for 20 frames"):
        listed("physdrive", tmp_path)["AFH1_A2"].ground_truth()
    assert any("667 values for 20 frames" in text for text in findings(tmp_path))


@pytest.mark.parametrize(("fps", "told"), [(30.0, False), (17.4, True)])
def test_frames_that_are_not_30_a_second_show_in_the_rates(
    fps: float, told: bool, tmp_path: Path
) -> None:
    """The README counts 1,500,000 frames in 24 hours; a pulse of 72 bpm then seems faster."""
    trees.physdrive(tmp_path)
    folder = tmp_path / ROAD / "AFH1/A2"
    for k in range(trees.FRAMES, 700):
        (folder / f"Align/{k}.png").touch()
    pulse = np.sin(2 * np.pi * 1.2 * np.arange(700) / fps)
    content = {"BVP": pulse, "HR": np.full(700, 72.0), "RESP": pulse, "SPO2": np.full(700, 97.0)}
    for name, values in content.items():
        savemat(folder / f"Label/{name}.mat", {name: values[None]})
    warnings = listed("physdrive", tmp_path)["AFH1_A2"].ground_truth().warnings
    line = (
        "the pulse has 124 bpm in the median, the device's heart rates have 72: the times of "
        "frames or labels may be wrong"
    )
    assert warnings == ((line,) if told else ())


def test_a_fault_of_another_label_costs_no_pulse(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    labels = tmp_path / ROAD / "AFH1/A2/Label"
    savemat(labels / "RESP.mat", {"resp": np.arange(20.0)})
    savemat(labels / "HR.mat", {"HR": np.arange(7.0)})
    truth = listed("physdrive", tmp_path)["AFH1_A2"].ground_truth()
    assert truth.pulse is not None
    assert truth.respiration is None
    assert truth.heart_rate is None
    assert [line.partition(":")[0] for line in truth.warnings] == [
        "no heart rate",
        "no respiration",
    ]


def test_what_is_not_read_is_counted(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    trees.clip(tmp_path / ROAD / "AFH1/A2/Video/RGB.mp4")
    (tmp_path / "mmWave").mkdir()
    source = listed("physdrive", tmp_path)["AFH1_A2"].video()
    assert source.path.name == "Align"
    assert {line for line in findings(tmp_path) if line.startswith("not read")} == {
        "not read: 1 of RGB.mp4: the session's images in Align are read",
        "not read: 1 of IR.mp4: infrared has no colours",
        "not read: mmWave: radar",
    }


def test_a_video_in_a_folder_of_its_own_is_read(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    folder = tmp_path / ROAD / "AFH1/A2"
    shutil.rmtree(folder / "Align")
    trees.clip(folder / "Video/RGB.mp4", fps=30)
    recording = listed("physdrive", tmp_path)["AFH1_A2"]
    assert recording.video().path == folder / "Video/RGB.mp4"
    assert recording.files[0] == folder / "Video/RGB.mp4"
    truth = recording.ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(trees.FRAMES) / 30)


def test_a_session_in_both_layouts_is_refused(tmp_path: Path) -> None:
    trees.physdrive(tmp_path)
    shutil.copytree(tmp_path / ROAD / "AFH1", tmp_path / "AFH1")
    with pytest.raises(BenchError, match=r"is AFH1_A2, as .* is; keep or rename one of them"):
        listed("physdrive", tmp_path)
