"""MR-NIRP-Car: raw values of a mosaic, archives, an oximeter with uneven samples."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import BayerMosaic, Recording
from rppgbench.datasets.check import check_data
from rppgbench.datasets.recording_check import Finding
from rppgbench.system.errors import RecordingError
from rppgbench.video.stream import open_video

from ..factories import trees
from ..factories.datasets import dataset, listed
from ..factories.records import video_source

UNPACKED = "Subject16/subject16_garage_still_940"
NAME = "subject16_garage_still_940"


def findings(root: Path) -> list[Finding]:
    return list(check_data(dataset("mr_nirp_car"), root).findings)


def colours(recording: Recording) -> NDArray[np.float64]:
    """The mean colour of the inner pixels of every frame: (T, 3)."""
    with open_video(video_source(recording)) as reader:
        return np.array([frame.rgb[2:-2, 2:-2].mean((0, 1)) for frame in reader])


def with_frames(root: Path, content: bytes) -> Recording:
    """The unpacked session with one content in all its frames."""
    trees.mr_nirp_car(root)
    for file in (root / UNPACKED / "RGB").iterdir():
        file.write_bytes(content)
    return listed("mr_nirp_car", root)[NAME]


def pgm(values: NDArray[np.int_], most: int = 65535) -> bytes:
    return b"P5\n16 16\n%d\n" % most + values.astype(">u2" if most > 255 else np.uint8).tobytes()


def test_red_is_red_and_all_bits_count(tmp_path: Path) -> None:
    """Red 601, green 401 and 4 more in each frame, blue 201, of 1,023."""
    trees.mr_nirp_car(tmp_path)
    k = np.arange(trees.FRAMES)
    expected = np.stack([np.full(len(k), 601), 401 + 4 * k, np.full(len(k), 201)], axis=1)
    for recording in listed("mr_nirp_car", tmp_path).values():
        np.testing.assert_allclose(colours(recording), expected * 255 / 1023, atol=0.51)
        times_s = video_source(recording).times_s
        assert times_s is not None
        np.testing.assert_allclose(times_s, k / 30)


@pytest.mark.parametrize(
    ("shift", "white"),
    [(6, 65472), (0, 1023), (2, 4095)],
    ids=["upper bits", "10 lower bits", "12 lower bits"],
)
def test_the_bits_of_the_values_are_measured(shift: int, white: int, tmp_path: Path) -> None:
    trees.nirp_session(tmp_path / UNPACKED, zipped=False, shift=shift)
    recording = listed("mr_nirp_car", tmp_path)[NAME]
    assert video_source(recording).mosaic == BayerMosaic(pattern="RGGB", white=white)
    np.testing.assert_allclose(colours(recording)[0], np.array([150, 100, 50]), atol=1)


def test_12_bits_in_the_upper_bits_and_8_bits_are_read(tmp_path: Path) -> None:
    cell = np.tile(trees.NIRP_RAW.astype(int), (8, 8))
    for number, (content, white) in enumerate(
        [(pgm(((4 * cell) | 1) << 4), 65520), (pgm(cell // 4, 255), 255)]
    ):
        recording = with_frames(tmp_path / str(number), content)
        assert video_source(recording).mosaic == BayerMosaic(pattern="RGGB", white=white)
        np.testing.assert_allclose(colours(recording)[0], np.array([150, 100, 50]), atol=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pgm(np.full((16, 16), 500) << 6), "have no mosaic of colours, so they are of the infra"),
        (pgm(np.zeros((16, 16), int)), "have no mosaic of colours"),
        (pgm(np.tile(trees.NIRP_RAW.astype(int), (8, 8)) * 16 + 1), "have 14 bits"),
        (b"P6\n2 2\n255\n" + bytes(range(12)), "are no raw values"),
        (b"nothing", "are no raw values"),
    ],
)
def test_frames_that_are_no_known_raw_values_are_refused(
    content: bytes, message: str, tmp_path: Path
) -> None:
    recording = with_frames(tmp_path, content)
    with pytest.raises(RecordingError, match=message):
        recording.video()
    errors = [f for f in findings(tmp_path) if f.severity == "error"]
    assert [f.recording for f in errors] == [NAME]


def test_the_pulse_counts_from_its_first_sample_in_both_forms(tmp_path: Path) -> None:
    trees.mr_nirp_car(tmp_path)
    for recording in listed("mr_nirp_car", tmp_path).values():
        truth = recording.ground_truth()
        assert truth.pulse is not None
        np.testing.assert_allclose(truth.pulse.times_s, trees.NIRP_S, atol=1e-6)
        np.testing.assert_array_equal(truth.pulse.values, 50 + np.arange(40) % 9)
        assert truth.warnings == ()


def oximeter(root: Path, **content: object) -> Recording:
    from scipy.io import savemat

    trees.mr_nirp_car(root)
    times = 1_538_400_000 + np.array([trees.NIRP_S])
    wave = np.array([50.0 + np.arange(40) % 9])
    file = root / UNPACKED / "PulseOX" / "pulseOx.mat"
    savemat(file, {"pulseOxRecord": wave, "pulseOxTime": times} | content)
    return listed("mr_nirp_car", root)[NAME]


def test_samples_of_0_are_no_readings(tmp_path: Path) -> None:
    wave = 50.0 + np.arange(40) % 9
    wave[10:15] = 0
    truth = oximeter(tmp_path, pulseOxRecord=wave[None]).ground_truth()
    assert truth.pulse is not None
    assert len(truth.pulse.values) == 35
    assert truth.warnings == ("pulseOx.mat: 5 of 40 samples are 0: left out",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pulseOxRecord": np.ones((1, 39))}, "39 samples and 40 times"),
        ({"pulseOxTime": np.full((1, 40), np.nan)}, "holds no time"),
        ({"pulseOxRecord": np.array([["a"] * 40], object)}, "does not hold numbers"),
    ],
)
def test_labels_that_cannot_be_read_are_refused(
    content: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError, match=message):
        oximeter(tmp_path, **content).ground_truth()


def test_an_archive_of_labels_without_the_file_is_named(tmp_path: Path) -> None:
    trees.mr_nirp_car(tmp_path)
    archive = tmp_path / "Subject2/subject2_garage_still_940/PulseOX.zip"
    recording = listed("mr_nirp_car", tmp_path)["subject2_garage_still_940"]
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("PulseOX/pulseOx.mat", b"nothing")
    with pytest.raises(RecordingError, match=r"PulseOX\.zip: PulseOX/pulseOx\.mat: not a MAT file"):
        recording.ground_truth()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("pulseOx.mat", b"nothing")
    with pytest.raises(RecordingError, match=r"PulseOX/pulseOx\.mat: cannot be read"):
        recording.ground_truth()


def test_labels_that_are_larger_than_labels_or_of_version_7_3_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees.mr_nirp_car(tmp_path)
    archive = tmp_path / "Subject2/subject2_garage_still_940/PulseOX.zip"
    recording = listed("mr_nirp_car", tmp_path)["subject2_garage_still_940"]
    with monkeypatch.context() as limit:
        limit.setattr("rppgbench.datasets.archives.MOST_LABEL_BYTES", 100)
        with pytest.raises(
            RecordingError, match=r"pulseOx\.mat: unpacks to [\d,]+ bytes, and at most 100"
        ):
            recording.ground_truth()
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(384)
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("PulseOX/pulseOx.mat", head + b"\x89HDF\r\n\x1a\n" + bytes(99))
    with pytest.raises(RecordingError, match=r"version 7\.3 is read from the disk alone"):
        recording.ground_truth()


def test_subject_16_is_subject_2_and_the_damaged_recording_is_known(tmp_path: Path) -> None:
    trees.mr_nirp_car(tmp_path)
    bad = "subject2_garage_small_motion_940"
    shutil.copytree(tmp_path / UNPACKED, tmp_path / "Subject2" / bad)
    recordings = listed("mr_nirp_car", tmp_path)
    assert {r.subject for r in recordings.values()} == {"subject2", "subject10"}
    assert [r.name for r in recordings.values() if r.known_bad] == [bad]
    assert recordings[NAME].scenario == "garage_still"


def test_infrared_frames_and_other_folders_are_told(tmp_path: Path) -> None:
    trees.mr_nirp_car(tmp_path)
    shutil.copytree(tmp_path / UNPACKED / "RGB", tmp_path / UNPACKED / "NIR")
    (tmp_path / "Subject16" / "subject16_garage_talking_940").mkdir()
    texts = [f.text for f in findings(tmp_path)]
    assert "not read: 1 of NIR: infrared has no colours" in texts
    assert "not read: Subject16/subject16_garage_talking_940: its name is of no session" in texts


def test_a_missing_archive_of_frames_is_named(tmp_path: Path) -> None:
    trees.mr_nirp_car(tmp_path)
    (tmp_path / "Subject2/subject2_garage_still_940/RGB.zip").unlink()
    shutil.rmtree(tmp_path / UNPACKED / "RGB")
    (tmp_path / UNPACKED / "RGB").mkdir()
    recordings = listed("mr_nirp_car", tmp_path)
    with pytest.raises(RecordingError, match=r"RGB\.zip: no such video"):
        recordings["subject2_garage_still_940"].video()
    with pytest.raises(RecordingError, match=r"RGB\.zip: no such video"):
        recordings[NAME].video()
