"""iBVP: times from names, the owners' marks of quality, people with limited consent."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from rppgbench.system.errors import BenchError, RecordingError

from ..factories import trees
from ..factories.datasets import listed
from ..factories.records import video_source

TIMES_S = (np.array(trees.IBVP_MS) - trees.IBVP_MS[0]) / 1000


def test_frames_and_pulse_have_the_times_of_the_names(tmp_path: Path) -> None:
    trees.ibvp(tmp_path)
    recordings = listed("ibvp", tmp_path)
    assert [r.scenario for r in recordings.values()] == [
        *("breathing_rest", "head_movement", "easy_sums")
    ]
    for recording in recordings.values():
        times_s = video_source(recording).times_s
        assert times_s is not None
        np.testing.assert_allclose(times_s, TIMES_S, atol=1e-9)
        truth = recording.ground_truth()
        assert truth.pulse is not None
        assert truth.heart_rate is None
        np.testing.assert_allclose(truth.pulse.times_s, TIMES_S, atol=1e-9)
        np.testing.assert_array_equal(truth.pulse.values, 0.25 + np.arange(trees.FRAMES) % 9)
        assert truth.warnings == ()


def test_names_that_are_no_times_give_30_frames_a_second(tmp_path: Path) -> None:
    trees.ibvp(tmp_path)
    folder = tmp_path / "p02_a" / "p02_a_rgb"
    for k, ms in enumerate(trees.IBVP_MS):
        (folder / f"{ms}.bmp").rename(folder / f"{k}.bmp")
    recording = listed("ibvp", tmp_path)["p02_a"]
    source = video_source(recording)
    assert [image.stem for image in source.images] == [str(k) for k in range(trees.FRAMES)]
    assert source.times_s is not None
    np.testing.assert_allclose(source.times_s, np.arange(trees.FRAMES) / 30)
    truth = recording.ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(trees.FRAMES) / 30)


def test_samples_of_bad_quality_are_left_out_and_time_goes_on(tmp_path: Path) -> None:
    trees.ibvp(tmp_path)
    file = tmp_path / "p02_a" / "p02_a_bvp.csv"
    lines = file.read_text().splitlines()
    lines[6:14] = [line.replace("0.9,1,1,", "0.9,1,0.3,") for line in lines[6:14]]  # 0.3 is bad
    lines[14] = lines[14].replace("0.9,1,1,", "0.1,0,0.31,")  # other marks do not count
    file.write_text("\n".join(lines))
    truth = listed("ibvp", tmp_path)["p02_a"].ground_truth()
    assert truth.pulse is not None
    left = np.r_[0:5, 13 : trees.FRAMES]
    np.testing.assert_allclose(truth.pulse.times_s, TIMES_S[left], atol=1e-9)
    assert truth.warnings == (
        "p02_a_bvp.csv: 8 of 20 samples have a quality SQ2 of 0.3 or less: left out",
    )
    assert np.isnan(truth.pulse_at(TIMES_S[6:12])).all()


def test_another_number_of_samples_than_frames_is_reported(tmp_path: Path) -> None:
    trees.ibvp(tmp_path)
    folder = tmp_path / "p02_a" / "p02_a_rgb"
    (folder / f"{trees.IBVP_MS[-1]}.bmp").unlink()
    truth = listed("ibvp", tmp_path)["p02_a"].ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, np.arange(trees.FRAMES) / 30)
    assert truth.warnings == ("p02_a_bvp.csv: 20 samples for 19 frames: taken at 30 Hz",)


def test_a_recording_in_both_folders_is_refused(tmp_path: Path) -> None:
    trees.ibvp(tmp_path)
    shutil.copytree(tmp_path / "Confidential_No-media-use" / "p08_b", tmp_path / "p08_b")
    with pytest.raises(BenchError, match=r"is p08_b, as .* is; keep or rename one of them"):
        listed("ibvp", tmp_path)


@pytest.mark.parametrize("header", ["bvp,SQPhysMD,SQ1,SQ2,P", "BVP,SQPhysMD,SQ2,SQ2,P"])
def test_a_file_without_pulse_or_quality_is_refused(header: str, tmp_path: Path) -> None:
    trees.ibvp(tmp_path)
    file = tmp_path / "p02_a" / "p02_a_bvp.csv"
    file.write_text("\n".join([header, *file.read_text().splitlines()[1:]]))
    with pytest.raises(RecordingError, match=r"has no single column '(BVP|SQ2)'"):
        listed("ibvp", tmp_path)["p02_a"].ground_truth()


def test_a_recording_without_frames_is_refused_alone(tmp_path: Path) -> None:
    trees.ibvp(tmp_path)
    shutil.rmtree(tmp_path / "p02_a" / "p02_a_rgb")
    recordings = listed("ibvp", tmp_path)
    with pytest.raises(RecordingError, match=r"p02_a_rgb: holds no \*\.bmp"):
        recordings["p02_a"].video()
    assert video_source(recordings["p02_d"]).images
