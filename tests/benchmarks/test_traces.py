"""The data set of mean colours: persons, sensors, and a run from files to a table."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rppgbench as rb
from rppgbench.cli import main
from rppgbench.core.recording import TraceSource
from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.datasets.check import check_data
from rppgbench.digests.closures import reader_code
from rppgbench.digests.code_digest import Sources
from rppgbench.simulation import SimulationPlan
from rppgbench.system.errors import BenchError, RecordingError

from ..factories.datasets import dataset, listed, simulated_recordings, write_tree

FS = 30.0
PLAN = SimulationPlan(subjects=2, seconds=6.0, seed=5)


def write_trace(file: Path, bpm: float, *, seconds: float = 32.0, **more: object) -> None:
    """A pulse in green above red and blue, and more columns."""
    times_s = np.arange(round(seconds * FS)) / FS
    wave = np.sin(2 * np.pi * bpm / 60 * times_s)
    random = np.random.default_rng(1)
    strength = {"red": 0.2, "green": 1.0, "blue": 0.4}
    colours = {
        name: 120 + share * wave + random.normal(0, 0.1, len(times_s))
        for name, share in strength.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"time_s": times_s, **colours, **more}).to_csv(file, index=False)


def write_sensor(file: Path, bpm: float, *, seconds: float = 40.0, start_s: float = -2.0) -> None:
    """A contact pulse at 60 Hz that begins before the traces and ends after them."""
    times_s = start_s + np.arange(round(seconds * 60)) / 60
    pulse = np.sin(2 * np.pi * bpm / 60 * times_s) + 0.3 * np.sin(4 * np.pi * bpm / 60 * times_s)
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"time_s": times_s, "pulse": pulse}).to_csv(file, index=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "traces"
    for region in ("forehead", "cheeks"):
        write_trace(root / "anna" / f"{region}.csv", 72.0)
    write_sensor(root / "anna" / "contact.csv", 72.0)
    rows = round(32 * FS)
    write_trace(root / "ben.csv", 90.0, heart_rate_bpm=np.full(rows, 90.0))
    write_trace(root / "carla" / "cheeks.csv", 60.0)
    return root


def test_folders_are_persons_and_share_a_sensor(folder: Path) -> None:
    recordings = listed("traces", folder)
    assert {name: recording.subject for name, recording in recordings.items()} == {
        "anna/cheeks": "anna",
        "anna/forehead": "anna",
        "ben": "ben",
        "carla/cheeks": "carla",
    }
    assert isinstance(recordings["ben"].video(), TraceSource)
    anna, ben = recordings["anna/cheeks"].ground_truth(), recordings["ben"].ground_truth()
    assert anna.pulse is not None
    assert anna.pulse.times_s[0] == pytest.approx(-2.0)
    assert anna.one_clock
    assert ben.pulse is None
    assert ben.heart_rate is not None
    assert recordings["carla/cheeks"].ground_truth().pulse is None
    assert folder / "anna" / "contact.csv" in recordings["anna/forehead"].files


def test_the_check_counts_and_tells_what_is_not_read(folder: Path) -> None:
    (folder / "notes.txt").write_text("who was recorded\n")
    write_sensor(folder / "dora" / "contact.csv", 70.0)
    checked = check_data(dataset("traces"), folder)
    assert checked.fit
    assert checked.usable == 4
    said = [finding.text for finding in checked.findings]
    assert "not read: 'dora/contact.csv': no trace in its folder" in said
    assert "not read: 'notes.txt': no trace by its name" in said


def test_the_check_finds_a_trace_that_cannot_be_used(folder: Path) -> None:
    write_trace(folder / "short.csv", 70.0, seconds=0.1)
    (folder / "bad.csv").write_text("time,red,green,blue\n0,1,2,3\n1,1,2,3\n")
    checked = check_data(dataset("traces"), folder)
    faults = {f.recording: f.text for f in checked.findings if f.severity == "error"}
    assert "too short: its frames span 0.1 s" in faults["short"]
    assert "'time' can be seconds or milliseconds" in faults["bad"]
    assert set(faults) == {"short", "bad"}


def test_a_sensor_without_times_that_is_longer_than_the_trace_is_told(tmp_path: Path) -> None:
    write_trace(tmp_path / "anna" / "cheeks.csv", 72.0)
    pulse = np.sin(2 * np.pi * 1.2 * np.arange(32 * 60) / 60)
    np.savez(tmp_path / "anna" / "contact.npz", pulse=pulse, fs=np.array([60.0]))
    assert check_data(dataset("traces"), tmp_path).findings == ()
    np.savez(tmp_path / "anna" / "contact.npz", pulse=pulse, fs=np.array([40.0]))
    (finding,) = check_data(dataset("traces"), tmp_path).findings
    assert finding.severity == "warning"
    assert "1.5" in finding.text  # 48 s of labels to 32 s of frames


def test_two_sensors_of_one_trace_are_refused(folder: Path) -> None:
    write_sensor(folder / "contact.csv", 90.0)
    with pytest.raises(RecordingError, match=r"contact\.csv is beside it; keep one"):
        listed("traces", folder)["ben"].ground_truth()
    np.savez(folder / "contact.npz", pulse=np.ones(9), fs=np.array([60.0]))
    with pytest.raises(BenchError, match=r"contact\.csv and contact\.npz; keep one"):
        listed("traces", folder)


def test_a_simulated_tree_comes_back(tmp_path: Path) -> None:
    recordings = write_tree("traces", tmp_path, PLAN)
    sessions = simulated_recordings("traces", PLAN)
    assert list(recordings) == [f"{session.subject}/cheeks" for session in sessions]
    for session in sessions:
        recording = recordings[f"{session.subject}/cheeks"]
        source, truth = recording.video(), recording.ground_truth()
        assert isinstance(source, TraceSource)
        np.testing.assert_allclose(source.times_s, session.scene.times_s, atol=1e-6)
        assert truth.pulse is not None
        assert truth.heart_rate is not None
        times_s = truth.pulse.times_s
        np.testing.assert_allclose(truth.pulse.values, session.pulse_at(times_s), atol=1e-4)
        rates_bpm = session.heart_rate_at(times_s)
        np.testing.assert_allclose(truth.heart_rate.values, rates_bpm, atol=6e-4)
    frame = next(iter(sessions[0].frames()))
    first = recordings[f"{sessions[0].subject}/cheeks"].video()
    assert isinstance(first, TraceSource)
    np.testing.assert_allclose(first.rgb[0], frame[32:64, 32:64].mean(axis=(0, 1)), atol=1e-6)
    checked = check_data(dataset("traces"), tmp_path)
    assert checked.fit
    assert checked.verdict.endswith("[SIMULATED]")


def test_a_run_scores_the_traces_with_a_sensor_and_reads_all(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    arguments = ["run", "--protocol", "traces", "--data", f"traces={folder}", "--methods", "pos"]
    assert main([*arguments, "--out", str(out), "--cache", str(tmp_path / "cache")]) == 0
    with (out / "heart_rates.csv").open(newline="") as table:
        rates = {row["recording"]: float(row["heart_rate_bpm"]) for row in csv.DictReader(table)}
    expected = {"anna/cheeks": 72.0, "anna/forehead": 72.0, "ben": 90.0, "carla/cheeks": 60.0}
    assert rates == pytest.approx(expected, abs=0.6)
    with (out / "table.csv").open(newline="") as table:
        errors = {row["evaluator"]: float(row["mae"]) for row in csv.DictReader(table)}
    assert errors["li2023"] < 0.6
    assert not (tmp_path / "cache" / "features").exists()  # the file itself is the only pass


def test_methods_that_need_pictures_are_refused_before_anything_runs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--protocol", "traces", "--data", f"traces={folder}"]
    out = tmp_path / "results"
    assert main([*arguments, "--methods", "pos,two_sr", "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "two_sr needs pictures" in line
    assert not out.exists()


def test_a_prediction_from_a_trace_is_that_of_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = str(folder / "ben.csv")
    assert main(["predict", "--trace", trace, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["heart_rate_bpm"] == pytest.approx(90.0, abs=0.6)
    assert said["pulse"] == "yes"
    assert said["frames"] == 960
    assert rb.predict_trace(trace).heart_rate_bpm == pytest.approx(said["heart_rate_bpm"], abs=5e-4)
    for arguments, says in (
        (["predict"], "give it videos, or --trace FILE"),
        (["predict", "a.mp4", "--trace", trace], "give it videos, or --trace FILE"),
        (["predict", "--trace", trace, "--method", "two_sr"], "two_sr: needs pictures"),
        (["predict", "--trace", trace, "--region", "skin"], "--region"),
        (
            ["predict", "--trace", trace, "--preset", "toolbx"],
            "--preset: no preset of pos 'toolbx'",
        ),
        (
            ["predict", "--trace", trace, "--method", "lgi", "--preset", "paper"],
            "lgi has no preset",
        ),
        (["predict", "--trace", str(folder / "none.csv")], "none.csv"),
    ):
        assert main(arguments) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert says in line


def test_a_prediction_takes_the_parameters_of_a_preset(folder: Path) -> None:
    pos, trace = load_methods().get("method", "pos", "test"), folder / "ben.csv"
    colours = pd.read_csv(trace)[["red", "green", "blue"]].to_numpy()
    pulses = {}
    for preset in (None, "paper", "toolbox"):
        params = pos.parameters({} if preset is None else {"preset": preset})
        pulses[preset] = rb.predict_trace(trace, preset=preset).samples["pulse"].to_numpy()
        expected = pos.estimate(Waveform(colours, FS), **params).samples
        np.testing.assert_allclose(pulses[preset], expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(pulses[None], pulses["paper"])
    assert not np.allclose(pulses["toolbox"], pulses["paper"], atol=1e-3)


def test_the_reader_of_files_is_in_the_digest_of_estimates() -> None:
    parts = reader_code(dataset("traces"), Sources()).parts
    assert "rppgbench/extraction/trace_files.py" in parts
    assert "rppgbench/extraction/trace_columns.py" in parts
