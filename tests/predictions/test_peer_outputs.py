"""Genuine files of other tools: their rates are those that are known, their errors their own."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.signal import detrend, periodogram

from rppgbench.core.waveform import Array
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.record import PredictedRecording, PredictedSignal
from rppgbench.system.errors import BenchError

from ..factories import predictions as made

pytestmark = pytest.mark.real


def nearest(signal: PredictedSignal, times_s: Array) -> Array:
    """The value of a signal that is nearest in time, the earlier one of two."""
    index = np.abs(signal.times_s[np.newaxis] - times_s[:, np.newaxis]).argmin(axis=1)
    found: Array = signal.values[index]
    return found


def errors_of(recording: PredictedRecording) -> tuple[float, float, float]:
    """MAE, RMSE and Pearson's correlation against the nearest truth in time."""
    assert recording.prediction is not None
    assert recording.reference is not None
    truth = nearest(recording.reference, recording.prediction.times_s)
    error = recording.prediction.values - truth
    correlation = np.corrcoef(recording.prediction.values, truth)[0, 1]
    return float(np.abs(error).mean()), float(np.sqrt((error**2).mean())), float(correlation)


def test_pyvhr_rates_give_its_own_errors(real: Path) -> None:
    summary = pd.read_csv(real / "pyvhr-results" / "summary.csv")
    published = summary[summary["file"] == "UBFC1_clustering"].set_index(["method", "video"])
    recordings = list(open_predictions(real / "pyvhr-h5" / "UBFC1_clustering.h5"))
    assert len(recordings) == len(published) == 40
    for recording in recordings:
        names = [key for key in published.index if key[0] == recording.method]
        (key,) = [key for key in names if recording.name.endswith(key[1])]
        row = published.loc[key]
        np.testing.assert_allclose(
            errors_of(recording), [row["MAE"], row["RMSE"], row["PCC"]], rtol=0, atol=1e-9
        )


@pytest.mark.parametrize("pandas", [1, 3])
def test_pyvhr_of_both_layouts_gives_one_reading(pandas: int, real: Path) -> None:
    folder = real / "peer-outputs" / "pyvhr"
    got = {
        (one.method, one.name): made.values(one)
        for one in open_predictions(folder / f"evm_and_simulated_pandas{pandas}.h5")
    }
    assert len(got) == 12
    for (method, name), rates in got.items():
        assert rates.mean() == pytest.approx(53.0 if name == "evm_face.mp4" else 75.0, abs=1.5)
        assert method.startswith("cpu_")


def test_pyvhr_states_an_uncertainty_for_medians_of_patches(real: Path) -> None:
    file = real / "peer-outputs" / "pyvhr" / "evm_and_simulated_pandas3.h5"
    for recording in open_predictions(file):
        assert recording.prediction is not None
        confidence = recording.prediction.confidence
        agrees = any("MAD is 0 throughout" in line for line in recording.assumptions)
        assert (confidence is not None) == (recording.method.endswith("_median") and not agrees)
        if confidence is not None:
            assert (confidence.values > 0.75).all()  # a deviation of 0.9 to 2.6 bpm


@pytest.mark.parametrize("label_type", ["DiffNormalized", "Standardized", "Raw"])
def test_rppg_toolbox_gives_the_rates_that_are_known(label_type: str, real: Path) -> None:
    folder = real / "peer-outputs" / "rppg-toolbox"
    truth = json.loads((folder / "truth.json").read_text())["subjects"]
    got = made.read(folder / f"made_up_{label_type}.pickle")
    assert set(got) == set(truth)
    for name, facts in truth.items():
        recording = got[name]
        assert recording.reference is not None
        for signal in (made.values(recording), recording.reference.values):
            assert len(signal) == facts["samples"]
            low, high = sorted((facts["first_bpm"], facts["last_bpm"]))
            assert low - 2 <= strongest_bpm(signal, 30.0) <= high + 2


def strongest_bpm(pulse: Array, fs: float) -> float:
    """The strongest frequency of a pulse between 40 and 180 bpm."""
    known = pulse[~np.isnan(pulse)]
    hz, power = periodogram(detrend(known), fs, nfft=2**15)
    band = (hz > 40 / 60) & (hz < 3)
    return float(hz[band][power[band].argmax()] * 60)


def test_physbench_gives_the_rates_that_are_known(real: Path) -> None:
    folder = real / "peer-outputs" / "physbench"
    got = list(open_predictions(folder / "made_up_result.h5"))
    for recording, (first, last), fps in zip(
        got, ((72, 78), (95, 88), (58, 58)), (30, 29.97, 30), strict=True
    ):
        assert recording.prediction is not None
        assert recording.prediction.fs == pytest.approx(fps, abs=0.01)
        low, high = sorted((first, last))
        assert low - 1 <= strongest_bpm(made.values(recording), fps) <= high + 1
    rates = made.read(folder / "made_up_pred_data.json", "physbench")
    truths = made.read(folder / "made_up_gold_data.json", "physbench")
    assert list(rates) == list(truths) == [str(number) for number in range(10)]
    assert made.values(rates["4"])[0] == pytest.approx(94.33, abs=0.01)


@pytest.mark.parametrize(
    ("name", "bpm"),
    [
        ("evm_pos", 52.73),
        ("evm_chrom", 52.59),
        ("evm_g", 52.82),
        ("evm_pos_no_rolling", 52.73),
        ("simulated_pos", 74.97),
        ("simulated_chrom", 74.92),
        ("simulated_g", 74.99),
    ],
)
def test_vitallens_gives_the_rates_that_are_known(name: str, bpm: float, real: Path) -> None:
    file = real / "peer-outputs" / "vitallens" / f"{name}.json"
    waveform = made.read(file)[name].prediction
    assert waveform is not None
    assert len(waveform.values) == (301 if name.startswith("evm") else 240)
    assert strongest_bpm(waveform.values, waveform.fs) == pytest.approx(bpm, abs=1.0)
    assert waveform.confidence is not None
    assert set(waveform.confidence.values.tolist()) == {1.0}  # its local methods say nothing else


def test_vitallens_without_rolling_rates_gives_its_one_rate(real: Path) -> None:
    file = real / "peer-outputs" / "vitallens" / "evm_pos_no_rolling.json"
    single = made.read(file, kind="heart_rate")["evm_pos_no_rolling"].prediction
    assert single is not None
    assert single.values[0] == pytest.approx(52.73, abs=0.005)
    assert single.span_s == (0.0, 10.0)


def test_open_rppg_gives_the_rates_that_are_known(real: Path) -> None:
    folder = real / "peer-outputs" / "open-rppg"
    for name, bpm, quality in (
        ("facephys", 53.55, 0.86),
        ("me_flow", 78.39, 0.27),
        ("physformer", 80.46, 0.28),
    ):
        for ending in ("result.pkl", "json"):
            file = folder / (f"evm_{name}_rlap" + ("_" if ending[0] == "r" else ".") + ending)
            (recording,) = open_predictions(file)
            assert made.values(recording)[0] == pytest.approx(bpm, abs=0.005)
            assert recording.prediction is not None
            assert recording.prediction.confidence is not None
            assert recording.prediction.confidence.values[0] == pytest.approx(quality, abs=0.005)
    (pulse,) = open_predictions(folder / "evm_facephys_rlap_bvp.npz")
    assert strongest_bpm(made.values(pulse), 30.0) == pytest.approx(53.55, abs=1.0)


def test_heartpy_and_neurokit2_give_the_rates_that_are_known(real: Path) -> None:
    heartpy, neurokit = (real / "peer-outputs" / name for name in ("heartpy", "neurokit2"))
    (wrong,) = open_predictions(heartpy / "evm_pos_measures.csv")
    assert made.values(wrong)[0] == pytest.approx(450.0)
    (measures,) = open_predictions(heartpy / "simulated_measures.csv")
    assert made.values(measures)[0] == pytest.approx(75.06, abs=0.005)
    at_60_hz = ReadOptions(fs=60.0)
    (segments,) = open_predictions(heartpy / "simulated_segmentwise.csv", at_60_hz)
    assert segments.prediction is not None
    assert segments.prediction.times_s[:2].tolist() == [5.0, 15.0]
    (pulse,) = open_predictions(neurokit / "simulated_ppg_process.csv", at_60_hz)
    assert strongest_bpm(made.values(pulse), 60.0) == pytest.approx(75.09, abs=1.5)
    (mean,) = open_predictions(neurokit / "simulated_analyze.csv")
    assert made.values(mean)[0] == pytest.approx(75.09, abs=0.005)
    for file in ("simulated_peaks.csv", "simulated_rr.csv"):
        with pytest.raises(BenchError, match="holds no heart rate"):
            list(open_predictions(heartpy / file))
    with pytest.raises(BenchError, match="variability"):
        list(open_predictions(neurokit / "simulated_hrv_time.csv"))


def test_a_folder_of_genuine_files_lists_what_is_not_read(real: Path) -> None:
    folder = real / "peer-outputs" / "neurokit2"
    source = open_predictions(folder, ReadOptions(fs=60.0))
    assert source.format == "neurokit2"
    assert [line.partition(":")[0] for line in source.leftovers] == [
        "evm_pos_info.json",
        "simulated_info.json",
        "simulated_truth.json",
    ]
    reasons = {one.name: one.reason for one in source}
    assert "variability" in reasons["simulated_hrv_time"]
    assert reasons["simulated_ppg_process"] == ""
