"""The Python interface runs as the documentation shows it."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rppgbench as rb

from ..factories import stores as made_store

FS = 30.0
TIME_S = np.arange(900) / FS


def sine(bpm: float) -> rb.Waveform:
    return rb.Waveform(np.sin(2 * np.pi * bpm / 60 * TIME_S), FS)


def skin(bpm: float, seed: int = 0) -> np.ndarray:
    """A (T, 3) trace with a pulse that is strongest in green."""
    beat = np.sin(2 * np.pi * bpm / 60 * TIME_S)[:, None] * [0.3, 0.8, 0.5]
    return 100 + beat + np.random.default_rng(seed).normal(0, 0.05, (len(TIME_S), 3))


@pytest.mark.parametrize("name", ["green", "pos", "chrom", "ica"])
def test_a_method_is_a_function_of_an_array(name: str) -> None:
    pulse = rb.methods[name](skin(72), fs=FS)
    rates = rb.read_heart_rate(pulse, evaluator="li2023")
    assert np.abs(rates["heart_rate_bpm"] - 72).max() < 1
    assert pulse.samples.shape == (900,)


def test_a_gap_in_the_trace_is_a_gap_in_the_pulse() -> None:
    rgb = skin(72)
    rgb[400:430] = np.nan
    pulse = rb.methods.pos(rgb, fs=FS).samples
    assert np.isnan(pulse[400:430]).all()
    assert np.isfinite(np.delete(pulse, np.arange(400, 430))).all()


@pytest.mark.parametrize(
    ("rgb", "fs", "message"),
    [
        (np.zeros((300, 2)), 30.0, r"takes trace of shape \(T, 3\), not \(300, 2\)"),
        (np.zeros(300), 30.0, "takes trace"),
        (np.ones((300, 3)), 0.0, "samples per second"),
        (np.full((300, 3), np.nan), 30.0, "every sample has NaN"),
    ],
)
def test_a_wrong_array_is_a_value_error(rgb: np.ndarray, fs: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rb.methods.pos(rgb, fs=fs)


def test_an_unknown_method_names_a_near_one() -> None:
    with pytest.raises(AttributeError, match="did you mean 'pos'"):
        _ = rb.methods.poss
    with pytest.raises(rb.BenchError, match="no parameter of pos"):
        rb.methods.pos(skin(72), fs=FS, windw_s=2.0)


def test_score_takes_dictionaries_and_tables_alike() -> None:
    estimates = {"a": sine(60), "b": sine(95)}
    references = {"a": sine(60), "b": sine(90)}
    table = rb.score(estimates, references, evaluators=["li2023", "toolbox_2023"])
    assert table["evaluator"].tolist() == ["li2023", "toolbox_2023"]
    assert table["mae"].tolist() == pytest.approx([2.5, 2.5], abs=0.5)
    long = pd.concat(
        pd.DataFrame({"recording": name, "time_s": TIME_S, "value": wave.samples})
        for name, wave in estimates.items()
    )
    again = rb.score(long, references, evaluators=["li2023", "toolbox_2023"])
    pd.testing.assert_frame_equal(table, again)


def test_score_takes_several_methods() -> None:
    truth = {"a": sine(60)}
    table = rb.score({"one": {"a": sine(60)}, "two": {"a": sine(70)}}, truth, resamples=0)
    assert dict(zip(table["method"], table["mae"].round(0), strict=True)) == {"one": 0, "two": 10}


def test_a_recording_on_one_side_alone_is_refused() -> None:
    with pytest.raises(rb.BenchError, match="no reference of b"):
        rb.score({"a": sine(60), "b": sine(60)}, {"a": sine(60)})
    with pytest.raises(rb.BenchError, match="no estimate of b"):
        rb.score({"a": sine(60)}, {"a": sine(60), "b": sine(60)})


def test_uneven_times_of_an_estimate_are_refused() -> None:
    table = pd.DataFrame({"recording": "a", "time_s": [0.0, 1.0, 5.0], "value": [0.0, 1.0, 0.0]})
    with pytest.raises(rb.BenchError, match="not even"):
        rb.score(table, {"a": sine(60)})


def test_windows_stand_behind_the_scores() -> None:
    windows = rb.score_windows({"a": sine(72)}, {"a": sine(72)}, subjects={"a": "person"})
    assert set(windows["subject"]) == {"person"}
    assert np.abs(windows["error_bpm"]).max() < 0.05


def test_a_waveform_brings_its_confidence() -> None:
    confidence = rb.Signal(np.array([0.25, 0.75]), np.array([2.0, 12.0]))
    sure = dataclasses.replace(sine(72), confidence=confidence)
    windows = rb.score_windows({"a": sure}, {"a": sine(72)}, evaluator="li2023")
    assert windows["confidence"].tolist()[:2] == [0.25, 0.75]


def test_results_are_tables(tmp_path: Path) -> None:
    made_store.write(tmp_path / "results", made_store.estimates())
    results = rb.load_results(tmp_path / "results")
    assert results.recordings["subject"].tolist() == list(made_store.SUBJECTS)
    assert len(results.estimates) == 12
    assert {"mae", "mae_low"} <= set(results.scores())
    windows = results.windows("toolbox_2023")
    assert "estimate_bpm" in windows
    assert set(windows["leaked"]) == {""}


def test_every_export_is_there() -> None:
    for name in rb.__all__:
        assert getattr(rb, name) is not None
    assert set(rb.__all__) <= set(dir(rb))
    assert {"pos", "chrom"} <= set(rb.list_methods())
    assert "li2023" in rb.list_evaluators()
    assert "quickstart" in rb.list_protocols()


def test_a_data_set_is_a_list_of_recordings(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.mp4"):
        (tmp_path / name).write_bytes(b"x")
    recordings = rb.load_dataset("video_folder", tmp_path)
    assert [type(one) for one in recordings] == [rb.Recording, rb.Recording]
    with pytest.raises(rb.BenchError, match="no data"):
        rb.load_dataset("video_folder", tmp_path / "absent")


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, rppgbench; sys.exit('numpy' in sys.modules or 'pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_python_dash_m_is_the_command() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "rppgbench", "--version"], capture_output=True, text=True, check=True
    )
    assert rb.__version__ in process.stdout


def test_pairs_of_methods_are_tested_over_recordings() -> None:
    references = {str(bpm): sine(bpm) for bpm in range(60, 100, 4)}
    worse = {str(bpm): sine(bpm + 5) for bpm in range(60, 100, 4)}
    windows = rb.score_windows({"good": references, "worse": worse}, references)
    (row,) = rb.paired_tests(windows).to_dict("records")
    assert (row["first"], row["second"], row["n"]) == ("good", "worse", 10)
    assert row["difference"] == pytest.approx(-5, abs=0.05)
    assert row["p_holm"] < 0.01


def test_the_shares_of_a_decomposition_add_up() -> None:
    references = {str(bpm): sine(bpm) for bpm in (61, 70, 83)}
    estimates = {str(bpm): sine(bpm + 4) for bpm in (61, 70, 83)}
    parts = rb.decompose(estimates, references, first="toolbox_2023", second="li2023")
    assert parts["group"].is_unique
    assert len(parts) > 1
    difference = parts["second_bpm"][0] - parts["first_bpm"][0]
    assert parts["share_bpm"].sum() == pytest.approx(difference)
