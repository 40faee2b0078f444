"""ECG-Fitness: packets of samples with one time, rates that overflow, swapped sessions."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.datasets.check import check_data
from rppgbench.system.errors import RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import stated_times

CLIP = "02/05/c920-1"
BEATS_S = -1 + 0.4 + 0.75 * np.arange(8)


def changed(
    root: Path,
    change: Callable[[list[list[Any]]], object] = lambda _: None,
    header: str = trees.FITNESS_HEADER,
) -> Recording:
    """The recording whose samples are changed row by row."""
    trees.ecg_fitness(root)
    rows = trees.fitness_samples()
    change(rows)
    file = root / "02/05/viatom-raw.csv"
    trees.column(file, [",".join(map(str, row)) for row in rows], header)
    return listed("ecg_fitness", root)[CLIP]


def beats(truth: GroundTruth) -> np.ndarray:
    assert truth.beats_s is not None
    return truth.beats_s


def test_beats_are_on_the_clock_of_both_cameras(tmp_path: Path) -> None:
    trees.ecg_fitness(tmp_path)
    for name in (CLIP, "02/05/c920-2"):
        recording = listed("ecg_fitness", tmp_path)[name]
        expected_s = np.array([33 * k + k % 2 for k in range(trees.FRAMES)]) / 1000
        np.testing.assert_allclose(stated_times(recording), expected_s)
        truth = recording.ground_truth()
        np.testing.assert_allclose(beats(truth), BEATS_S, atol=0.006)
        assert truth.pulse is None
        assert truth.heart_rate is not None
        np.testing.assert_allclose(truth.heart_rate.values, 80, atol=0.7)
        assert truth.oxygen_saturation is not None
        assert set(truth.oxygen_saturation.values) == {98}
        assert truth.warnings == ()


def test_sessions_say_activity_and_light_and_those_of_person_11_are_swapped(
    tmp_path: Path,
) -> None:
    trees.ecg_fitness(tmp_path)
    shutil.copytree(tmp_path / "11/01", tmp_path / "10/01")
    facts = {
        name: (r.scenario, r.light, r.source) for name, r in listed("ecg_fitness", tmp_path).items()
    }
    assert facts["10/01/c920-1"] == ("talking", "natural", "c920-1")
    assert facts["11/01/c920-1"] == ("rowing", "natural", "c920-1")
    assert facts["02/04/c920-1"] == ("rowing", "lamp", "c920-1")
    assert facts["02/05/c920-2"] == ("elliptical", "natural", "c920-2")
    bad = [
        name for name, recording in listed("ecg_fitness", tmp_path).items() if recording.known_bad
    ]
    assert bad == ["02/04/c920-1"]


def test_rates_of_a_signed_byte_are_compared_with_the_beats(tmp_path: Path) -> None:
    def fast(rows: list[list[Any]]) -> None:
        for row in rows:
            row[2] = 130 - 256

    (line,) = changed(tmp_path, fast).ground_truth().warnings
    assert line == (
        "viatom-raw.csv: the device's heart rates have a median of 130 bpm, the beats one of 80"
    )


def test_no_reading_of_the_device_is_no_contradiction(tmp_path: Path) -> None:
    def nothing(rows: list[list[Any]]) -> None:
        for row in rows:
            row[2], row[5] = -1, -1

    truth = changed(tmp_path, nothing).ground_truth()
    assert truth.warnings == ()
    assert truth.oxygen_saturation is None


def test_samples_without_numbers_at_the_end_are_left_out(tmp_path: Path) -> None:
    def ends(rows: list[list[Any]]) -> None:
        for row in rows[-100:]:
            row[1] = "nan"

    truth = changed(tmp_path, ends).ground_truth()
    assert truth.warnings == ("viatom-raw.csv: the last 100 samples are no numbers: left out",)
    np.testing.assert_allclose(beats(truth), BEATS_S[:7], atol=0.006)


def test_packets_that_come_late_are_reported_and_do_not_move_the_beats(tmp_path: Path) -> None:
    def late(rows: list[list[Any]]) -> None:
        for row in rows[300:305]:
            row[0] += 150

    truth = changed(tmp_path, late).ground_truth()
    (line,) = truth.warnings
    assert line.startswith("viatom-raw.csv: packets are up to 0.15 s off a steady clock of 12")
    np.testing.assert_allclose(beats(truth), BEATS_S, atol=0.012)


def test_times_and_sample_numbers_that_contradict_are_reported(tmp_path: Path) -> None:
    trees.ecg_fitness(tmp_path)
    lines = [f"{trees.ECG_MS + 33 * k + k % 2},{250 + 4 * k}" for k in range(trees.FRAMES)]
    trees.column(tmp_path / "02/05/c920.csv", lines)
    (line,) = listed("ecg_fitness", tmp_path)[CLIP].ground_truth().warnings
    assert (
        line
        == "c920.csv: by its sample numbers the labels are +0.99 s off its times, which are used"
    )


@pytest.mark.parametrize(
    ("change", "header", "message"),
    [
        (lambda _: None, "milliseconds,EKG,ECG HR,PPG,PPG HR,SpO2,PI", "no single column 'ECG'"),
        (lambda _: None, "milliseconds,ECG,ECG,PPG,PPG HR,SpO2,PI", "no single column 'ECG'"),
        (lambda rows: [row.__setitem__(0, 5) for row in rows], None, "times do not increase"),
        (lambda rows: [row.__setitem__(1, "nan") for row in rows], None, "no electrocardiogram"),
        (lambda rows: rows.reverse(), None, "times do not increase"),
    ],
)
def test_files_without_an_electrocardiogram_or_times_are_refused(
    change: Callable[[list[list[Any]]], object], header: str | None, message: str, tmp_path: Path
) -> None:
    recording = changed(tmp_path, change, header or trees.FITNESS_HEADER)
    with pytest.raises(RecordingError, match=message):
        recording.ground_truth()


def test_infrared_is_counted(tmp_path: Path) -> None:
    trees.ecg_fitness(tmp_path)
    trees.clip(tmp_path / "02/05/flir.avi")
    texts = [finding.text for finding in check_data(dataset("ecg_fitness"), tmp_path).findings]
    assert "not read: 1 of flir.avi: infrared has no colours" in texts
