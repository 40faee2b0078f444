"""Vital Videos: one JSON file a person, times in milliseconds, one person in one folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.recording import Recording
from rppgbench.datasets.check import check_data
from rppgbench.system.errors import BenchError, RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import stated_times, video_source

GUID = trees.VITAL_GUIDS[1]
FIRST = f"{GUID}_1"
FRAMES_S = np.array([33 * k + k % 2 for k in range(trees.FRAMES)]) / 1000
PULSE_S = 0.0167 * np.arange(40)


def changed(root: Path, change: Callable[[dict[str, Any]], object]) -> Recording:
    """The first recording of a person whose first scenario is changed."""
    trees.vital_videos(root)
    file = root / f"{GUID}.json"
    content = json.loads(file.read_text())
    change(content["scenarios"][0]["recordings"])
    file.write_text(json.dumps(content))
    return listed("vital_videos", root)[FIRST]


@pytest.mark.parametrize("table", [False, True])
def test_frames_and_labels_are_on_the_clock_of_the_scenario(table: bool, tmp_path: Path) -> None:
    trees.vital_videos(tmp_path, table=table)
    recording = listed("vital_videos", tmp_path)[FIRST]
    np.testing.assert_allclose(stated_times(recording), FRAMES_S)
    truth = recording.ground_truth()
    assert truth.one_clock
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    assert truth.oxygen_saturation is not None
    np.testing.assert_allclose(truth.pulse.times_s, PULSE_S)
    np.testing.assert_array_equal(truth.pulse.values, 30 + np.arange(40) % 7)
    assert set(truth.heart_rate.values) == ({71} if table else {71, 72})
    assert set(truth.oxygen_saturation.values) == {97}
    assert truth.warnings == ()


def test_people_and_scenarios_are_described(tmp_path: Path) -> None:
    trees.vital_videos(tmp_path)
    facts = {
        (r.subject[0], r.scenario, r.skin_tone, r.light)
        for r in listed("vital_videos", tmp_path).values()
    }
    assert facts == {
        (first, scenario, "II", "location T")  # "T " and "T" are one place
        for first in "0b"
        for scenario in ("sitting", "sitting_talking")
    }


def test_times_that_the_sensor_repeats_are_left_out(tmp_path: Path) -> None:
    def repeat(recordings: dict[str, Any]) -> None:
        series = recordings["ppg"]["timeseries"]
        series[5][0] = series[4][0]

    truth = changed(tmp_path, repeat).ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.delete(PULSE_S, 5))
    assert truth.warnings == (
        f"{GUID}.json: pulse: 1 timestamps are repeated or go backward: left out",
    )


def test_a_heart_rate_that_wraps_is_corrected(tmp_path: Path) -> None:
    readings = [[100 * k, (126, 127, 1, 2)[k]] for k in range(4)]
    truth = changed(tmp_path, lambda r: r["hr"].update(timeseries=readings)).ground_truth()
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.heart_rate.values, [126, 127, 129, 130])
    assert "wrapped at 128" in truth.warnings[0]


def test_without_times_of_frames_the_container_counts(tmp_path: Path) -> None:
    recording = changed(tmp_path, lambda r: r["RGB"].pop("timeseries"))
    assert video_source(recording).times_s is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("ppg"), "has no ppg; copy the original file again"),
        (lambda r: r["ppg"].update(timeseries=[1, 2]), "ppg holds no rows of 2 numbers"),
        (lambda r: r["ppg"].update(timeseries=[[1, "x"]]), "ppg holds no rows of 2 numbers"),
        (lambda r: r["ppg"].update(timeseries=[]), "ppg holds no rows of 2 numbers"),
    ],
)
def test_a_pulse_that_cannot_be_read_is_named(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError, match=message):
        changed(tmp_path, change).ground_truth()


def test_a_video_that_was_deleted_is_a_recording_with_a_fault(tmp_path: Path) -> None:
    trees.vital_videos(tmp_path)
    (tmp_path / f"{FIRST}.mp4").unlink()
    checked = check_data(dataset("vital_videos"), tmp_path)
    assert checked.usable == 3
    (error,) = (f for f in checked.findings if f.severity == "error")
    assert (error.recording, error.file) == (FIRST, str(tmp_path / f"{FIRST}.mp4"))


def test_a_video_that_its_person_s_file_does_not_name_is_a_recording_with_a_fault(
    tmp_path: Path,
) -> None:
    trees.vital_videos(tmp_path)
    trees.clip(tmp_path / f"{GUID}_3.mp4")
    recordings = listed("vital_videos", tmp_path)
    assert [name for name in recordings if name.startswith(GUID)] == [
        f"{GUID}_{k}" for k in (1, 2, 3)
    ]
    with pytest.raises(RecordingError, match=rf"has no scenario with '{GUID}_3\.mp4'"):
        recordings[f"{GUID}_3"].ground_truth()
    assert check_data(dataset("vital_videos"), tmp_path).usable == 4


def test_a_damaged_file_of_a_person_costs_that_person_alone(tmp_path: Path) -> None:
    trees.vital_videos(tmp_path)
    (tmp_path / f"{GUID}.json").write_text("{")
    recordings = listed("vital_videos", tmp_path)
    assert len(recordings) == 4
    for read in (recordings[FIRST].video, recordings[FIRST].ground_truth):
        with pytest.raises(RecordingError, match="not JSON"):
            read()
    assert check_data(dataset("vital_videos"), tmp_path).usable == 2


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    trees.vital_videos(tmp_path)
    file = tmp_path / f"{GUID}.json"
    file.write_text(file.read_text().replace(f"{FIRST}.mp4", "../other.mp4"))
    recording = next(iter(listed("vital_videos", tmp_path).values()))
    assert recording.files[0].parent == tmp_path
    with pytest.raises(RecordingError, match="which is no plain file name"):
        recording.video()


def test_a_person_in_two_folders_is_refused(tmp_path: Path) -> None:
    for name in ("Subject 2", "Subject2"):
        (tmp_path / name).mkdir()
        trees.vital_videos(tmp_path / name)
    with pytest.raises(BenchError, match=r"Subject ?2/.*: is .*, as .*Subject ?2/.* is; keep or"):
        listed("vital_videos", tmp_path)
    shutil.rmtree(tmp_path / "Subject2")
    assert len(listed("vital_videos", tmp_path)) == 4


def test_videos_without_a_person_are_counted(tmp_path: Path) -> None:
    trees.vital_videos(tmp_path)
    trees.clip(tmp_path / f"{'c' * 32}_1.mp4")
    texts = [finding.text for finding in check_data(dataset("vital_videos"), tmp_path).findings]
    assert f"not read: 1 videos without a JSON file, such as {'c' * 32}_1.mp4" in texts
