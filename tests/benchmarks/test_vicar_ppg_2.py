"""VicarPPG-2: times in ms, verified beats, label files whose names hold a blank."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import Recording
from rppgbench.datasets.check import check_data
from rppgbench.simulation import SimulationPlan
from rppgbench.system.errors import RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed, simulated_recordings, write_tree

LABELS = "GroundTruth/PPG/Cleaned/01-base PPG.csv"


def rewrite(root: Path, header: str, rows: list[str]) -> Recording:
    trees.vicar_ppg_2(root)
    trees.column(root / LABELS, rows, header)
    return listed("vicar_ppg_2", root)["01-base"]


def test_pulse_and_beats_are_on_the_clock_of_the_file(tmp_path: Path) -> None:
    trees.vicar_ppg_2(tmp_path)
    recordings = listed("vicar_ppg_2", tmp_path)
    assert [r.scenario for r in recordings.values()] == ["baseline", "movement", "workout"]
    for recording in recordings.values():
        truth = recording.ground_truth()
        assert truth.pulse is not None
        assert truth.beats_s is not None
        assert truth.heart_rate is None
        np.testing.assert_allclose(truth.pulse.times_s, np.arange(18) / 50, atol=1e-9)
        np.testing.assert_array_equal(truth.pulse.values, 0.5 + np.arange(18) % 9)
        np.testing.assert_allclose(truth.beats_s, np.array(trees.VICAR_BEATS) / 50, atol=1e-9)
        assert truth.warnings == ()


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    rows = [f"{k},{int(k == 3)},{20 * k},{k % 5}" for k in range(18)]
    truth = rewrite(tmp_path, ",Peaks,Time,Signal", rows).ground_truth()
    assert truth.pulse is not None
    assert truth.beats_s is not None
    np.testing.assert_allclose(truth.pulse.times_s, 0.02 * np.arange(18))
    np.testing.assert_array_equal(truth.pulse.values, np.arange(18) % 5)
    np.testing.assert_allclose(truth.beats_s, [0.06])


def test_the_first_column_is_the_time_where_none_is_called_so(tmp_path: Path) -> None:
    rows = [f"{16.667 * k:.3f},{k % 5}" for k in range(18)]
    truth = rewrite(tmp_path, "milliseconds,Signal", rows).ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(18) / 60, atol=1e-4)
    assert truth.beats_s is None
    assert truth.warnings == ("01-base PPG.csv: has no column 'Peaks': a pulse without beats",)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (",Signal", "{k},{k}.5", "the first column '' is no time in ms"),
        ("Signal,Peaks", "{k}7,0", "the first column 'Signal' is no time in ms"),
        ("Time,PPG,Peaks", "{k}0,{k}.5,0", "has no single column 'Signal'"),
        ("Time,Signal,Peaks", "{k}0,{k}.5,{k}", r"line 4: 2 in column 'Peaks', where 0 or 1"),
    ],
)
def test_columns_that_cannot_be_told_are_refused(
    header: str, row: str, message: str, tmp_path: Path
) -> None:
    recording = rewrite(tmp_path, header, [row.format(k=k) for k in range(18)])
    with pytest.raises(RecordingError, match=message):
        recording.ground_truth()


def test_times_in_seconds_are_found_by_the_check(tmp_path: Path) -> None:
    rewrite(tmp_path, "Time,Signal,Peaks", [f"{k / 50},{k % 9},0" for k in range(18)])
    findings = check_data(dataset("vicar_ppg_2"), tmp_path).findings
    (error,) = [f for f in findings if f.severity == "error"]
    assert error.recording == "01-base"
    assert "times too small" in error.text


def test_labels_and_videos_that_lack_each_other_are_told(tmp_path: Path) -> None:
    trees.vicar_ppg_2(tmp_path)
    (tmp_path / "Videos" / "01-mov.mp4").unlink()
    (tmp_path / LABELS).rename(tmp_path / LABELS.replace(" ", "_"))
    findings = check_data(dataset("vicar_ppg_2"), tmp_path).findings
    texts = [f.text for f in findings]
    assert "not read: 01-mov PPG.csv has no video Videos/01-mov.mp4" in texts
    (error,) = [f for f in findings if f.severity == "error"]
    assert error.file.endswith("01-base PPG.csv")
    assert error.text.startswith("does not exist")


def test_simulated_beats_come_back_to_half_a_sample(tmp_path: Path) -> None:
    plan = SimulationPlan(subjects=1, seconds=4.0, seed=2)
    recordings = write_tree("vicar_ppg_2", tmp_path, plan)
    for session in simulated_recordings("vicar_ppg_2", plan):
        truth = recordings[f"{session.subject}-{session.session}"].ground_truth()
        assert truth.beats_s is not None
        expected = session.beats_between(0.0, 4.0 - 1 / 60)
        assert len(expected) > 2
        np.testing.assert_allclose(truth.beats_s, expected, atol=0.5 / 60 + 1e-6)
