"""The key numbers of the pages on genuine data (docs/measurements/genuine), from the files."""

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rppgbench as rb
from rppgbench.cli import main
from rppgbench.importing.reference_rates import doubtful_clock

from ..factories.scripts import load_script

pytestmark = pytest.mark.real

SCRIPT = Path(__file__).parents[2] / "docs" / "measurements" / "genuine" / "measure.py"
PAGES = SCRIPT.parent


@pytest.fixture(scope="module")
def measure() -> ModuleType:
    """The script that makes the tables."""
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def traces(real: Path, measure: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mean colours of others with the declared columns."""
    folder = tmp_path_factory.mktemp("traces")
    measure.convert_traces(real, folder)
    return folder


def errors(traces: Path, name: str, rule: str) -> "pd.Series[float]":
    """The MAE of POS on each recording, in bpm."""
    out = traces / f"results_{name}"
    arguments = ["run", "--protocol", "traces", "--data", f"traces={traces / name}"]
    assert main([*arguments, "--methods", "pos", "--out", str(out)]) == 0
    windows = rb.load_results(out).windows(rule)
    windows["error"] = windows["error_bpm"].abs()
    return windows.groupby("recording")["error"].mean()


@pytest.mark.parametrize(
    ("rule", "forehead", "cheeks", "both"),
    [("beats_tukey", 2.27, 1.37, 1.55), ("li2023", 3.28, 1.95, 2.39)],
)
def test_three_people_at_60_hz(
    traces: Path, rule: str, forehead: float, cheeks: float, both: float
) -> None:
    by_recording = errors(traces, "webcam", rule)
    assert len(by_recording) == 9
    for region, expected in (("FH", forehead), ("Cheeks", cheeks), ("FH___Cheeks", both)):
        own = by_recording[by_recording.index.str.endswith(f"/{region}")]
        assert own.mean() == pytest.approx(expected, abs=0.1)  # people weigh alike here
    assert by_recording["01/FH___Cheeks"] > 5 * by_recording["02/FH___Cheeks"] or rule != "li2023"


@pytest.mark.parametrize(("rule", "expected"), [("beats_tukey", 0.48), ("li2023", 0.58)])
def test_one_subject_of_ubfc(traces: Path, rule: str, expected: float) -> None:
    assert errors(traces, "ubfc", rule)["subject"] == pytest.approx(expected, abs=0.01)


def test_the_check_of_a_genuine_trace_names_its_repeated_time(
    traces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "check", "traces", str(traces / "ubfc")]) == 0
    assert "1 of 2024 times repeat or go backward: left out" in "".join(capsys.readouterr())


@pytest.mark.parametrize("rule", ["beats_tukey", "li2023"])
def test_the_face_whose_pulse_is_known(real: Path, rule: str, tmp_path: Path) -> None:
    answer = rb.predict(real / "evm-face" / "face.mp4", evaluator=rule, cache=tmp_path)
    assert answer.details.verdict == "yes"
    assert answer.heart_rate_bpm == pytest.approx(52.8, abs=0.2)


def test_rates_of_contact_pulses_stand_on_the_page(
    real: Path, measure: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure.labels(real, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    page = (PAGES / "recordings.md").read_text(encoding="utf-8")
    rows = [line.rsplit("|", 2)[0] for line in lines if line.startswith(("| UBFC", "| vitallens"))]
    assert len(rows) == 7
    assert [row for row in rows if row not in page] == []


def test_pyvhr_states_the_errors_that_its_tracks_have(real: Path, tmp_path: Path) -> None:
    file = shutil.copy(real / "pyvhr-h5" / "UBFC1_clustering.h5", tmp_path)
    results = rb.import_predictions(
        file, method="clustering", out=tmp_path / "out", page=False, cache=tmp_path
    )
    stated = pd.read_csv(real / "pyvhr-results" / "summary.csv").query("file == 'UBFC1_clustering'")
    mean = stated.groupby("method")["MAE"].mean()
    scores = results.scores("pyvhr").set_index("method")["mae"]
    assert {name: scores[f"clustering_{name}"] for name in mean.index} == pytest.approx(
        dict(mean), abs=1e-9
    )


@pytest.fixture(scope="module")
def published(real: Path) -> dict[str, dict[str, rb.Waveform]]:
    """Published waveforms of UBFC-rPPG by series, as pieces of 10 s."""
    archive = np.load(real / "rppg2ppg-outputs" / "UBFC.npz", allow_pickle=False)
    return {
        name: {
            f"piece{number:03d}": rb.Waveform(piece.astype(np.float64), 30.0)
            for number, piece in enumerate(archive[name].reshape(-1, 300))
        }
        for name in ("label", "GREEN", "POS")
    }


def test_one_published_output_scores_otherwise_under_each_rule(
    published: dict[str, dict[str, rb.Waveform]],
) -> None:
    estimates = {name: waves for name, waves in published.items() if name != "label"}
    rules = {"toolbox_2023": (17.84, 8.55), "pyvhr": (25.46, 9.77), "physbench": (63.85, 9.84)}
    table = rb.score(estimates, published["label"], evaluators=[*rules], resamples=0)
    mae: Any = table.set_index(["evaluator", "method"])["mae"]
    for rule, expected in rules.items():
        assert (mae[rule, "GREEN"], mae[rule, "POS"]) == pytest.approx(expected, abs=0.01)


def test_the_filter_makes_most_of_the_difference(
    published: dict[str, dict[str, rb.Waveform]],
) -> None:
    parts = rb.decompose(
        {"GREEN": published["GREEN"]}, published["label"], first="toolbox_2023", second="pyvhr"
    )
    shares = parts.set_index("group")["share_bpm"]
    assert shares["filter"] == pytest.approx(7.92, abs=0.01)
    assert shares.sum() == pytest.approx(25.46 - 17.84, abs=0.02)


def test_a_published_series_without_a_waveform_costs_the_edge_of_the_band(real: Path) -> None:
    archive = np.load(real / "rppg2ppg-outputs" / "UBFC.npz", allow_pickle=False)
    pieces = archive["CHROM"].reshape(-1, 300).astype(np.float64)
    is_flat = (pieces == 0).all(axis=1)
    assert (int(is_flat.sum()), len(is_flat)) == (191, 231)
    labels = archive["label"].reshape(-1, 300).astype(np.float64)
    first = int(np.flatnonzero(is_flat)[0])
    waves = {"piece": rb.Waveform(pieces[first], 30.0)}
    truth = {"piece": rb.Waveform(labels[first], 30.0)}
    edges = {"toolbox_2023": (45.0, 150.0), "pyvhr": (39.0, 240.0)}
    for rule, edge in edges.items():
        windows = rb.score_windows(waves, truth, evaluator=rule)
        assert windows["missing"].all()
        farthest = np.abs(windows["reference_bpm"].to_numpy()[:, None] - edge).max(axis=1)
        np.testing.assert_allclose(windows["error_bpm"].abs(), farthest, atol=0.01)


@pytest.mark.parametrize(("name", "is_odd"), [("UBFC", False), ("cohface", True)])
def test_references_on_a_wrong_clock_are_odd(real: Path, name: str, is_odd: bool) -> None:
    labels = np.load(real / "rppg2ppg-outputs" / f"{name}.npz", allow_pickle=False)["label"]
    times_s = np.arange(300) / 30.0
    said = doubtful_clock(
        rb.GroundTruth(pulse=rb.Signal(piece.astype(np.float64), times_s))
        for piece in labels.reshape(-1, 300)
    )
    assert ("80, 103 and 138 bpm" in said) == is_odd
    assert bool(said) == is_odd
