"""The set of simulated people, and UBFC-rPPG: what is written comes back, faults in one line."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.recording import Recording
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array
from rppgbench.datasets.check import check_data
from rppgbench.extraction.extractor import extract
from rppgbench.extraction.traces import extract_segments
from rppgbench.simulation import Scene, SimulationPlan, frame_times, simulate, spread_heart_rates
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.video.stream import open_video

from ..factories.datasets import dataset, simulated_recordings, write_tree
from ..factories.records import video_source

PLAN = SimulationPlan(subjects=2, seconds=1.0, seed=3)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("simulated")
    write_tree("simulated", root, PLAN)
    return root


def digests(root: Path) -> dict[str, str]:
    return {
        str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def rate_bpm(wave: Array, fs: float) -> float:
    """The strongest frequency from 0.66 to 3 Hz, by a plain zero-padded spectrum."""
    wave = wave - np.convolve(np.pad(wave, 30, mode="reflect"), np.ones(61) / 61, "valid")
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 2**15))
    hz = np.fft.rfftfreq(2**15, 1 / fs)
    band = (hz > 0.66) & (hz < 3)
    return float(60 * hz[band][power[band].argmax()])


def test_simulated_subjects_and_labels_are_read_back(tree: Path) -> None:
    recordings = {recording.name: recording for recording in dataset("simulated").recordings(tree)}
    assert list(recordings) == ["01", "02"]
    rates = spread_heart_rates(2, dataset="simulated", seed=PLAN.seed)
    for (name, recording), rate in zip(recordings.items(), rates, strict=True):
        assert recording.subject == name
        assert (recording.scenario, recording.light, recording.simulated) == (
            "still",
            "bright",
            True,
        )
        tone = {"01": "II", "02": "IV"}[name]
        assert recording.skin_tone == tone
        truth = recording.ground_truth()
        assert truth.warnings == ()
        assert truth.pulse is not None
        assert truth.heart_rate is not None
        assert abs(float(np.mean(truth.heart_rate.values)) - rate) < 12
        body = simulate(
            dataset="simulated",
            subject=name,
            session="still",
            scene=Scene(width=320, height=240, times_s=frame_times(1.0, 30.0), heart_rate_bpm=rate),
            seed=PLAN.seed,
        )
        times_s = truth.pulse.times_s
        np.testing.assert_allclose(truth.pulse.values, body.pulse_at(times_s), atol=1e-5)
        assert truth.respiration is not None
        breath = body.respiration_at(truth.respiration.times_s)
        np.testing.assert_allclose(truth.respiration.values, breath, atol=1e-4)
        np.testing.assert_allclose(truth.heart_rate.values, body.heart_rate_at(times_s), atol=0.011)
        # A rate of the labels' own, uneven, on the frames' clock and around them.
        assert truth.pulse.fs == pytest.approx(60, rel=0.01)
        assert np.diff(times_s).std() > 0.001
        with open_video(video_source(recording)) as reader:
            shown_s = np.array([frame.time_s for frame in reader])
        assert times_s[0] < shown_s[0] < shown_s[-1] < times_s[-1]
        assert len(shown_s) == 30
        steps = np.diff(shown_s)
        assert abs(steps.mean() - 1 / 30) < 1e-3
        assert 2e-4 < steps.std() < 4e-3


def test_a_simulated_tree_is_fit_and_marked(tree: Path) -> None:
    checked = check_data(dataset("simulated"), tree)
    assert checked.fit
    assert checked.verdict.endswith("[SIMULATED]")
    assert not [finding for finding in checked.findings if finding.severity != "note"]


def test_the_bytes_depend_on_the_seed(tree: Path, tmp_path: Path) -> None:
    write_tree("simulated", tmp_path / "again", PLAN)
    assert digests(tmp_path / "again") == digests(tree)
    other = SimulationPlan(subjects=1, seconds=1.0, seed=4)
    write_tree("simulated", tmp_path / "other", other)
    assert digests(tmp_path / "other")["01/video.mp4"] != digests(tree)["01/video.mp4"]


def test_more_subjects_do_not_change_the_first_ones(tree: Path, tmp_path: Path) -> None:
    write_tree("simulated", tmp_path, SimulationPlan(subjects=1, seconds=1.0, seed=3))
    few, many = digests(tmp_path), digests(tree)
    assert all(many[file] == digest for file, digest in few.items() if file != "SIMULATED.json")


@pytest.mark.parametrize("difficulty", ["paper", "hard"])
def test_hard_situations_alternate_between_subjects(difficulty: Any, tmp_path: Path) -> None:
    recordings = write_tree(
        "simulated", tmp_path, SimulationPlan(subjects=4, seconds=0.2, difficulty=difficulty)
    )
    scenarios = [recording.scenario for recording in recordings.values()]
    assert len(set(scenarios)) == 4
    assert scenarios[1] == "talking"


def test_a_folder_without_recordings_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no recordings of 'Simulated subjects' here"):
        list(dataset("simulated").recordings(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("time_s,pulse,heart_rate_bpm\n0.0,1.0,60\n0.1,x,60\n", "line 3: 'x' is not a number"),
        ("time_s,pulse,heart_rate_bpm\n0.0,1.0,60\n0.1,1.0\n", "line 3"),
        ("", "is empty"),
    ],
)
def test_a_broken_label_file_is_one_line(
    content: str, message: str, tree: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "01"
    folder.mkdir()
    (folder / "scenario.json").write_bytes((tree / "01" / "scenario.json").read_bytes())
    (folder / "labels.csv").write_text(content)
    (recording,) = dataset("simulated").recordings(tmp_path)
    with pytest.raises(RecordingError) as caught:
        recording.ground_truth()
    line = str(caught.value)
    assert str(folder / "labels.csv") in line
    assert message in line
    assert "\n" not in line


def test_faces_are_found_and_pos_and_chrom_read_the_pulse_at_easy(tmp_path: Path) -> None:
    recordings = write_tree("simulated", tmp_path, SimulationPlan(subjects=2, seconds=10.5, seed=0))
    methods = load_methods().available
    errors: dict[str, list[float]] = {"pos": [], "chrom": []}
    for recording in recordings.values():
        features = extract(video_source(recording))
        assert features.track.detected.mean() >= 0.99
        (trace,) = extract_segments(features, "trace", region="skin")
        reference = rate_bpm(recording.ground_truth().pulse_at(trace.times_s()), trace.fs)
        for name, of_method in errors.items():
            pulse = methods[name].estimate(trace)
            of_method.append(abs(rate_bpm(pulse.samples, pulse.fs) - reference))
    assert np.mean(errors["pos"]) < 2
    assert np.mean(errors["chrom"]) < 2


# ------------------------------------------------------------------------------------- UBFC-rPPG


@pytest.fixture(scope="module")
def ubfc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ubfc")
    write_tree("ubfc_rppg", root, PLAN)
    return root


def test_ubfc_rppg_comes_back_in_its_native_layout(ubfc: Path) -> None:
    rows = {}
    for file in sorted(ubfc.glob("DATASET_2/*/ground_truth.txt")):
        rows[file.parent.name] = np.loadtxt(file)  # as SiNC reads it
    recordings = list(dataset("ubfc_rppg").recordings(ubfc))
    assert {recording.name for recording in recordings} == set(rows)
    for recording in recordings:
        pulse, rate, times_s = rows[recording.name]
        assert pulse.shape == (30,)
        truth = recording.ground_truth()
        assert truth.pulse is not None
        assert truth.heart_rate is not None
        kept = np.concatenate([[True], np.diff(times_s) > 0])
        np.testing.assert_allclose(truth.pulse.values, pulse[kept])
        np.testing.assert_allclose(truth.pulse.times_s, times_s[kept] - times_s[0])
        np.testing.assert_allclose(truth.heart_rate.values, rate[kept])
        with open_video(video_source(recording)) as reader:
            assert reader.info.fps == pytest.approx(30)
            frames = [frame.rgb for frame in reader]
        assert len(frames) == 30
        # Lossless: sensor noise is still between two frames of a head that keeps still.
        assert np.abs(frames[3].astype(int) - frames[2]).mean() > 0.3


@pytest.mark.parametrize("name", ["ubfc_rppg", "ubfc_rppg_1"])
def test_sensor_signals_are_read_back_from_the_files(name: str, tmp_path: Path) -> None:
    recordings = write_tree(name, tmp_path, PLAN)
    sessions = simulated_recordings(name, PLAN)
    assert sorted(recordings) == sorted(session.subject for session in sessions)
    for session in sessions:
        truth = recordings[session.subject].ground_truth()
        assert truth.pulse is not None
        assert truth.heart_rate is not None
        times_s = truth.pulse.times_s
        expected = session.pulse_at(times_s)
        if name == "ubfc_rppg_1":  # whole numbers from 0 to 100
            assert np.corrcoef(truth.pulse.values, expected)[0, 1] > 0.999
        else:
            np.testing.assert_allclose(truth.pulse.values, expected, atol=1e-5)
        expected = session.heart_rate_at(times_s)
        np.testing.assert_allclose(truth.heart_rate.values, expected, atol=0.5 + 1e-6)
    checked = check_data(dataset(name), tmp_path)
    assert checked.fit
    assert checked.usable == len(sessions)


def test_a_folder_of_videos_comes_back_with_and_without_heart_rates(tmp_path: Path) -> None:
    recordings = write_tree("video_folder", tmp_path, PLAN)
    first, second = simulated_recordings("video_folder", PLAN)
    truth = recordings[f"{first.subject}.mp4"].ground_truth().heart_rate
    assert truth is not None
    mean = first.heart_rate_at(first.scene.times_s).mean()
    np.testing.assert_allclose(truth.values, mean, atol=0.00051)
    assert recordings[f"{second.subject}.mp4"].ground_truth().heart_rate is None


def test_ubfc_rppg_is_found_from_above_and_from_within(ubfc: Path) -> None:
    above = [recording.name for recording in dataset("ubfc_rppg").recordings(ubfc)]
    within = [r.name for r in dataset("ubfc_rppg").recordings(ubfc / "DATASET_2")]
    assert above == within != []


def test_ubfc_rppg_sorts_by_number_and_names_the_known_bad(tmp_path: Path) -> None:
    for number in (10, 9, 11, 1, 49, 24):
        (tmp_path / "DATASET_2" / f"subject{number}").mkdir(parents=True)
    recordings = list(dataset("ubfc_rppg").recordings(tmp_path))
    assert [recording.name for recording in recordings] == [
        f"subject{number}" for number in (1, 9, 10, 11, 24, 49)
    ]
    bad = {recording.name for recording in recordings if recording.known_bad}
    assert bad == {"subject11", "subject24"}
    assert "SiNC" in recordings[3].known_bad


GOOD = b"1 2 3 4\n70 71 72 73\n0 0.1 0.2 0.3\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"0.", b"0,"),
        GOOD.replace(b" ", b"\t"),
        b"   1.0000000e+00   2.0000000e+00   3.0 4.0 \n 70 71 72 73 \n 0e0 1.0e-01 2.0e-1 3e-1",
    ],
    ids=["plain", "mark", "crlf", "decimal commas", "tabs", "scientific"],
)
def test_ubfc_rppg_labels_are_read_however_they_are_written(content: bytes, tmp_path: Path) -> None:
    truth = ubfc_with(content, tmp_path).ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.pulse.values, [1, 2, 3, 4])
    np.testing.assert_array_equal(truth.heart_rate.values, [70, 71, 72, 73])
    np.testing.assert_allclose(truth.pulse.times_s, [0, 0.1, 0.2, 0.3])
    assert truth.warnings == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 2 3\n70 70 70\n", "2 rows"),
        (b"1 2 3\n70 70 70\n0 0.1\n", "3 rows of 2 to 3 numbers"),
        (b"1 2 3\n70 70 70\n0 0.1 nan\n", "row 3 is not a number"),
        (b"0 70 0\n1 71 0.1\n" * 300, "600 rows of 3 numbers, where three equally long rows"),
        (b"0 70 0\n1 71 0.1\n" * 300, "it seems transposed: write each column as a row"),
        (b"0 5 6 7\n1 70 71 72\n2 0 0.1 0.2\n", "read as samples or as the index of a table"),
        (b"1 2 3\n70 what 70\n0 0.1 0.2\n", "line 2: 'what' is not a number"),
        (b"", "is empty"),
        (b"\x00\x01\x02", "zero bytes"),
    ],
)
def test_ubfc_rppg_labels_that_cannot_be_are_one_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError) as caught:
        ubfc_with(content, tmp_path).ground_truth()
    assert message in str(caught.value)
    assert "ground_truth.txt" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_ubfc_rppg_warns_of_repeated_times_of_zeros_and_of_nan(tmp_path: Path) -> None:
    content = b"1 2 3 nan 5 6\n70 0 71 72 73 74\n0 0.1 0.1 0.2 0.3 0.25\n"
    truth = ubfc_with(content, tmp_path).ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.pulse.values, [1, 2, 5])
    np.testing.assert_allclose(truth.pulse.times_s, [0, 0.1, 0.3])
    assert np.isnan(truth.heart_rate.values[1])
    text = " ".join(truth.warnings)
    assert "2 timestamps are repeated or go backward" in text
    assert "pulse samples are not numbers" in text
    assert "heart rates are 0" in text


def ubfc_with(content: bytes, root: Path) -> Recording:
    folder = root / "subject1"
    folder.mkdir()
    (folder / "ground_truth.txt").write_bytes(content)
    (recording,) = dataset("ubfc_rppg").recordings(root)
    return recording


def test_ubfc_rppg_1_comes_back_too(tmp_path: Path) -> None:
    (recording,) = write_tree(
        "ubfc_rppg_1", tmp_path, SimulationPlan(subjects=1, seconds=1.0)
    ).values()
    (file,) = tmp_path.glob("DATASET_1/*/gtdump.xmp")
    table = np.loadtxt(file, delimiter=",")  # as the set's own description has it
    truth = recording.ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    np.testing.assert_allclose(truth.pulse.values, table[:, 3])
    np.testing.assert_allclose(truth.heart_rate.values, table[:, 1])
    np.testing.assert_allclose(truth.pulse.times_s, table[:, 0] / 1000)
    assert truth.pulse.fs == pytest.approx(62, rel=0.02)


@pytest.mark.real
def test_the_genuine_ubfc_labels_are_read_as_they_are(real: Path, tmp_path: Path) -> None:
    native = real / "ubfc-trace" / "ground_truth.txt"
    pulse, rate, times_s = np.loadtxt(native)
    truth = ubfc_with(native.read_bytes(), tmp_path).ground_truth()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    kept = np.concatenate([[True], times_s[1:] > np.maximum.accumulate(times_s)[:-1]])
    assert not kept.all()  # the genuine file has repeated times, and says so
    assert any("repeated" in line for line in truth.warnings)
    np.testing.assert_array_equal(truth.pulse.values, pulse[kept])
    np.testing.assert_array_equal(truth.heart_rate.values, rate[kept])
    assert truth.pulse.duration_s == pytest.approx(67.7, abs=0.1)
