"""Sets of patches of skin: bias-eval-rppg and rPPG-10."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import Recording
from rppgbench.core.waveform import Array
from rppgbench.datasets.check import check_data
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.splits import read_split
from rppgbench.simulation import SimulationPlan
from rppgbench.simulation.skin_patches import FOREHEAD, LEFT_CHEEK, RIGHT_CHEEK, skin_patches
from rppgbench.system.errors import RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed, simulated_recordings

SPLITS = Path(__file__).parents[2] / "protocols" / "splits"


def rate(recording: Recording) -> float:
    truth = recording.ground_truth()
    assert truth.heart_rate is not None
    return float(truth.heart_rate.values[0])


# ---- bias-eval-rppg ----


def test_each_patch_of_a_person_has_the_persons_rate(tmp_path: Path) -> None:
    trees.bias_eval_rppg(tmp_path)
    recordings = listed("bias_eval_rppg", tmp_path)
    rates = {name: rate(recording) for name, recording in recordings.items()}
    assert rates == {
        "India/video17_forehead": 72.125,
        "India/video22_forehead": 72.75,
        "India/video22_leftcheek": 72.75,
        "Sierra_Leone/video2_forehead": 70.25,
        "Sierra_Leone/video10_forehead": 71.25,
        "Sierra_Leone/video10_leftcheek": 71.25,
    }
    assert {r.source for r in recordings.values()} == {"India", "Sierra_Leone"}
    assert recordings["India/video22_leftcheek"].scenario == "left cheek"


def test_one_video_under_two_people_is_one_subject_and_known_to_be_bad(tmp_path: Path) -> None:
    """India's video22 alone: Sierra Leone has a video22 of its own."""
    trees.bias_eval_rppg(tmp_path)
    trees.clip(tmp_path / "Data/Sierra_Leone/video22_forehead.avi", fps=15)
    recordings = listed("bias_eval_rppg", tmp_path)
    for name, recording in recordings.items():
        assert bool(recording.known_bad) == name.startswith("India/")
    assert recordings["Sierra_Leone/video22_forehead"].subject == "Sierra_Leone/video22"
    (india, sierra_leone) = read_split(SPLITS / "bias-eval-countries.toml").folds
    everybody = {*india.test, *sierra_leone.test}
    assert len(everybody) == dataset("bias_eval_rppg").expected["subjects"] == 87
    assert "India/video22" not in everybody
    assert set(india.train) == set(sierra_leone.test)


def test_a_changed_line_of_the_labels_concerns_its_person_alone(tmp_path: Path) -> None:
    trees.bias_eval_rppg(tmp_path)
    before = {n: fingerprint([r]) for n, r in listed("bias_eval_rppg", tmp_path).items()}
    file = tmp_path / "Ground_Truth" / "India_GT.csv"
    file.write_text(file.read_text().replace("72.750", "73.750"))
    after = {n: fingerprint([r]) for n, r in listed("bias_eval_rppg", tmp_path).items()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"India/video22_forehead", "India/video22_leftcheek"}


def test_people_without_a_clip_or_a_label_are_told(tmp_path: Path) -> None:
    trees.bias_eval_rppg(tmp_path)
    trees.clip(tmp_path / "Data/India/video5_forehead.avi", fps=15)
    file = tmp_path / "Ground_Truth" / "Sierra_Leone_GT.csv"
    file.write_text(file.read_text() + "video9,80.000\n")
    texts = [f.text for f in check_data(dataset("bias_eval_rppg"), tmp_path).findings]
    assert "India: 1 people have no heart rate in India_GT.csv, such as video5" in texts
    assert "Sierra_Leone: 1 people of Sierra_Leone_GT.csv have no clip, such as video9" in texts
    truth = listed("bias_eval_rppg", tmp_path)["India/video5_forehead"].ground_truth()
    assert (truth.pulse, truth.heart_rate) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Heart_Rate(BPM)", "HR", "has no single column 'Heart_Rate"),
        ("video17", "video22", "names 'video22' twice"),
        ("72.125", "fast", "'fast' is not a number"),
    ],
)
def test_labels_that_cannot_be_read_are_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    trees.bias_eval_rppg(tmp_path)
    file = tmp_path / "Ground_Truth" / "India_GT.csv"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(RecordingError, match=message):
        listed("bias_eval_rppg", tmp_path)


# ---- rPPG-10 ----


def test_the_reference_is_the_beats_of_the_electrocardiogram(tmp_path: Path) -> None:
    trees.rppg_10(tmp_path / "Dataset_rPPG-10")
    recordings = listed("rppg_10", tmp_path)
    assert [bool(r.known_bad) for r in recordings.values()] == [True, False, False]
    assert [r.scenario for r in recordings.values()] == ["forehead", "forehead", "left cheek"]
    truth = recordings["Subject_12/Cheek1"].ground_truth()
    assert truth.pulse is None
    assert truth.beats_s is not None
    assert truth.heart_rate is not None
    np.testing.assert_allclose(truth.beats_s, [0.2, 1.0, 1.8, 2.6], atol=1e-3)
    np.testing.assert_allclose(truth.heart_rate.values, 75, atol=0.1)
    np.testing.assert_allclose(truth.heart_rate.times_s, [0, 0.6, 1.4, 2.2, 2.999], atol=1e-3)
    assert truth.warnings == ()


def test_frames_that_the_owners_left_out_are_counted(tmp_path: Path) -> None:
    trees.rppg_10(tmp_path)
    trees.clip(tmp_path / "Subject_12" / "Subject_12_Cheek1_.avi", frames=84, fps=30)
    (warning,) = listed("rppg_10", tmp_path)["Subject_12/Cheek1"].ground_truth().warnings
    assert warning.startswith("Subject_12_Cheek1_.avi: 84 frames for the 90 of Subject_12_ECG.npy")
    assert warning.endswith("up to 0.20 s early")


def test_beats_at_odd_intervals_are_counted(tmp_path: Path) -> None:
    trees.rppg_10(tmp_path)
    ecg = np.full(12_000, 512.0)
    ecg[200::800] += 300
    ecg[200 + 5 * 800] -= 300  # one beat is missed: one interval of twice the length
    np.save(tmp_path / "Subject_12" / "Subject_12_ECG.npy", ecg)
    truth = listed("rppg_10", tmp_path)["Subject_12/Cheek1"].ground_truth()
    assert "1 of 13 intervals between R peaks differ by more than 30%" in truth.warnings[-1]


@pytest.mark.parametrize(
    ("ecg", "message"),
    [
        (np.full(3000, 5.0), "0 beats are found in 3.0 s"),
        (np.full(3000, np.nan), "holds no number"),
        (np.zeros((3, 1000)), "where one series of numbers belongs"),
        (np.array(["a", "b"]), "where one series of numbers belongs"),
        (np.array([{}, {}]), "an array of type object, which is not read"),
    ],
)
def test_an_electrocardiogram_that_cannot_be_read_is_refused(
    ecg: NDArray[Any], message: str, tmp_path: Path
) -> None:
    trees.rppg_10(tmp_path)
    np.save(tmp_path / "Subject_12" / "Subject_12_ECG.npy", ecg)
    with pytest.raises(RecordingError, match=message):
        listed("rppg_10", tmp_path)["Subject_12/Cheek1"].ground_truth()


def test_the_data_of_people_is_told(tmp_path: Path) -> None:
    trees.rppg_10(tmp_path)
    (tmp_path / "Subject Data.xlsx").write_bytes(b"PK")
    texts = [f.text for f in check_data(dataset("rppg_10"), tmp_path).findings]
    assert any(text.startswith("not read: Subject Data.xlsx") for text in texts)


# ---- simulated patches ----


def above_running_mean(values: Array) -> Array:
    """Values without what changes more slowly than a beat."""
    beats = np.convolve(np.pad(values, 8, mode="edge"), np.ones(17) / 17, "valid")
    return values - np.asarray(beats)


def test_the_patches_lie_on_skin_that_pulses() -> None:
    """In every simulated patch the green mean falls as the vessels fill."""
    for session in simulated_recordings("bias_eval_rppg", SimulationPlan(subjects=2, seconds=4.0)):
        patches = skin_patches(session, (40, 40))
        volume = session.body.volume(session.scene.times_s)
        assert set(patches) == {FOREHEAD, LEFT_CHEEK, RIGHT_CHEEK}
        for frames in patches.values():
            assert frames[0].shape == (40, 40, 3)
            green = above_running_mean(np.array([frame[..., 1].mean() for frame in frames]))
            assert np.corrcoef(green, above_running_mean(volume))[0, 1] < -0.9
        assert not np.array_equal(patches[LEFT_CHEEK][0], patches[RIGHT_CHEEK][0])
