"""MCD-rPPG: dates of frames and samples, the owners' match, folds of the owners' code."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import MissingFolds
from rppgbench.datasets.check import check_data
from rppgbench.datasets.dated_lines import read_dated_lines, write_dated_lines
from rppgbench.system.errors import BenchError, RecordingError

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import video_source

FRONT = "1020/before/FullHDwebcam"


def test_frames_have_the_dates_of_meta_and_samples_those_of_pw(tmp_path: Path) -> None:
    """The sensor begins 0.5 s before the first frame; the container's rate is not used."""
    trees.mcd_rppg(tmp_path)
    recordings = listed("mcd_rppg", tmp_path)
    assert [(r.scenario, r.source) for r in recordings.values()] == [
        *(("rest", "front"), ("after_squats", "right"), ("after_squats", "left")),
    ]
    for recording in recordings.values():
        source = video_source(recording)
        assert source.times_s is not None
        assert not source.container_clock
        np.testing.assert_allclose(source.times_s, trees.MCD_FRAMES_S, atol=1e-6)
        truth = recording.ground_truth()
        assert truth.pulse is not None
        assert truth.one_clock
        assert truth.heart_rate is None
        np.testing.assert_allclose(truth.pulse.times_s, trees.MCD_SAMPLES_S, atol=1e-6)
        np.testing.assert_array_equal(truth.pulse.values, trees.MCD_PULSE)
        assert truth.warnings == ()


def test_a_match_that_the_dates_do_not_give_is_told(tmp_path: Path) -> None:
    """The pulse on another clock, 20 ms late; and one wrong line, which is none."""
    trees.mcd_rppg(tmp_path)
    file = tmp_path / "ppg_sync" / "1020_FullHDwebcam_before.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(["250 0.001", *lines[1:], ""]))
    assert listed("mcd_rppg", tmp_path)[FRONT].ground_truth().warnings == ()
    moved = trees.MCD_SAMPLES_S + 0.02 + trees.MCD_START_S
    write_dated_lines(tmp_path / "ppg" / "1020_before.PW", trees.MCD_PULSE, moved)
    (warning,) = listed("mcd_rppg", tmp_path)[FRONT].ground_truth().warnings
    assert "frames have another value than the samples around them" in warning
    file.write_text("\n".join(lines[:-1]))
    (warning,) = listed("mcd_rppg", tmp_path)[FRONT].ground_truth().warnings
    assert warning == "1020_FullHDwebcam_before.txt: 19 lines for 20 frames: not compared"


@pytest.mark.parametrize("content", [None, b"\x00\x01binary"])
def test_the_owners_match_stands_for_a_missing_or_binary_pulse(
    content: bytes | None, tmp_path: Path
) -> None:
    trees.mcd_rppg(tmp_path)
    file = tmp_path / "ppg" / "1020_before.PW"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    truth = listed("mcd_rppg", tmp_path)[FRONT].ground_truth()
    assert truth.pulse is not None
    np.testing.assert_allclose(truth.pulse.times_s, trees.MCD_FRAMES_S, atol=1e-6)
    state = "is missing" if content is None else "is binary"
    assert truth.warnings == (
        f"1020_before.PW {state}: its pulse at the frames, by "
        "ppg_sync/1020_FullHDwebcam_before.txt",
    )
    (tmp_path / "ppg_sync" / "1020_FullHDwebcam_before.txt").unlink()
    with pytest.raises(RecordingError, match=r"1020_before\.PW: (does not exist|holds zero bytes)"):
        listed("mcd_rppg", tmp_path)[FRONT].ground_truth()


def test_frames_are_counted_from_one_without_a_gap(tmp_path: Path) -> None:
    trees.mcd_rppg(tmp_path)
    file = tmp_path / "meta" / "1020_FullHDwebcam_before.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:5], *lines[6:]]))
    for read in (
        listed("mcd_rppg", tmp_path)[FRONT].video,
        listed("mcd_rppg", tmp_path)[FRONT].ground_truth,
    ):
        with pytest.raises(RecordingError, match="frame 7 in place 6"):
            read()


@pytest.mark.parametrize(
    "line",
    ["71 2023-11-13", "71;2023-11-13 14:18:09.8", "x 2023-11-13 14:18:09.8", "71 13.11.2023"],
)
def test_a_line_of_another_form_is_refused_with_its_number(line: str, tmp_path: Path) -> None:
    file = tmp_path / "a.PW"
    file.write_text(f"70 2023-11-13 14:18:09.856232\n{line}\n")
    with pytest.raises(RecordingError, match=r"a\.PW: line 2: "):
        read_dated_lines(file)


def test_dates_go_over_midnight_and_keep_microseconds(tmp_path: Path) -> None:
    file = tmp_path / "a.PW"
    file.write_text("1 2023-11-13 23:59:59.999999\n2.5\t2023-11-14 00:00:00.000001\n")
    numbers, unix_s = read_dated_lines(file)
    np.testing.assert_array_equal(numbers, [1, 2.5])
    assert np.diff(unix_s) == pytest.approx([2e-6], abs=5e-7)
    file.write_text("1 2023-13-13 23:59:59\n")
    with pytest.raises(RecordingError, match="holds a date that is none"):
        read_dated_lines(file)


def test_the_folds_are_those_of_the_owners_code(tmp_path: Path) -> None:
    folds = dataset("mcd_rppg").folds
    assert folds is not None
    with pytest.raises(MissingFolds, match="github ksyegorov/mcd_rppg"):
        folds(tmp_path)
    rows = ["0,/x/mcd__1020__after.npz,1020,2", "1,y,1020,2", "2,z,9998,0", '3,"(1, 2)",1024,2']
    trees.column(tmp_path / "mcd_rppg.csv", rows, ",file,patient_id,fold")
    assert folds(tmp_path) == {"fold0": ("9998",), "fold2": ("1020", "1024")}
    trees.column(tmp_path / "mcd_rppg.csv", [*rows, "4,w,9998,1"], ",file,patient_id,fold")
    with pytest.raises(BenchError, match="person 9998 is in two folds"):
        folds(tmp_path)
    trees.column(tmp_path / "mcd_rppg.csv", ["0,x,1,"], ",file,patient_id,fold")
    with pytest.raises(BenchError, match="lacks a person or a fold"):
        folds(tmp_path)


def test_what_is_not_of_the_time_of_the_video_is_told(tmp_path: Path) -> None:
    trees.mcd_rppg(tmp_path)
    trees.column(tmp_path / "db.csv", ["1020,100"], "patient_id,pulse")
    trees.column(tmp_path / "ecg" / "1020_before.json", ["{}"])
    texts = [f.text for f in check_data(dataset("mcd_rppg"), tmp_path).findings]
    assert sum(text.startswith("not read: ") for text in texts) == 2


def test_bad_recordings_are_those_of_a_user(tmp_path: Path) -> None:
    trees.mcd_rppg(tmp_path)
    for name in ("4952_USBVideo_after", "7412_IriunWebcam_after", "7412_IriunWebcam_before"):
        trees.clip(tmp_path / "video" / f"{name}.avi")
    bad = {name for name, recording in listed("mcd_rppg", tmp_path).items() if recording.known_bad}
    assert bad == {"4952/after/USBVideo", "7412/after/IriunWebcam"}
