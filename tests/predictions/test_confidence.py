"""The confidence that a source gives beside its predictions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.waveform import Array, Signal
from rppgbench.predictions.formats.pyvhr import FORMAT as PYVHR
from rppgbench.predictions.record import PredictedRecording, PredictedSignal
from rppgbench.predictions.writing import write_signals
from rppgbench.signals.rate_confidence import confidence_of_deviation
from rppgbench.system.errors import BenchError

from ..factories import predictions as made

COUNT = 300
RISING = np.linspace(0.0, 1.0, COUNT)
WITH_CONFIDENCE = (".csv", ".parquet", ".json", ".npz", ".mat", ".h5")


def confidence_of(recording: PredictedRecording) -> Signal:
    assert recording.prediction is not None, recording.reason
    assert recording.prediction.confidence is not None
    return recording.prediction.confidence


def table(file: Path, confidence: Any, **columns: Any) -> Path:
    """A table of one recording with a column `confidence`."""
    pulse = {"time_s": np.arange(COUNT) / made.FS, "pulse": made.wave(72.0)}
    pd.DataFrame({**pulse, "confidence": confidence, **columns}).to_csv(file, index=False)
    return file


@pytest.mark.parametrize("suffix", WITH_CONFIDENCE)
def test_every_format_holds_a_confidence_for_each_sample(suffix: str, tmp_path: Path) -> None:
    times_s = np.arange(COUNT) / made.FS
    signal = PredictedSignal(
        name="",
        kind="waveform",
        values=made.wave(72.0),
        times_s=times_s,
        confidence=Signal(RISING, times_s),
    )
    bare = PredictedSignal(name="", kind="waveform", values=made.wave(60.0), times_s=times_s)
    file = write_signals(tmp_path / f"waves{suffix}", {"a": signal, "b": bare})
    read = made.read(file, "json" if suffix == ".json" else None)
    np.testing.assert_allclose(confidence_of(read["a"]).values, RISING, atol=1e-12)
    np.testing.assert_allclose(confidence_of(read["a"]).times_s, times_s, atol=1e-12)
    assert read["b"].prediction is not None
    assert read["b"].prediction.confidence is None


def test_a_confidence_of_windows_is_written_at_the_samples(tmp_path: Path) -> None:
    windows = Signal(np.array([0.2, np.nan, 0.8]), np.array([2.0, 4.0, 8.0]))
    times_s = np.arange(COUNT) / made.FS
    signal = PredictedSignal(
        name="", kind="waveform", values=made.wave(72.0), times_s=times_s, confidence=windows
    )
    file = write_signals(tmp_path / "a.csv", {"a": signal})
    confidence = confidence_of(made.read(file)["a"])
    at_s = [1.0, 2.0, 5.0, 8.0, 9.0]
    at = confidence.values[np.searchsorted(confidence.times_s, np.array(at_s) - 1e-6)]
    np.testing.assert_allclose(at, [np.nan, 0.2, 0.5, 0.8, np.nan])


def test_empty_cells_are_no_confidence(tmp_path: Path) -> None:
    part = np.where(np.arange(COUNT) < 100, np.nan, 0.5)
    confidence = confidence_of(made.read(table(tmp_path / "a.csv", part))["a"])
    assert np.isnan(confidence.values[:100]).all()
    assert (confidence.values[100:] == 0.5).all()
    empty = made.read(table(tmp_path / "b.csv", np.full(COUNT, np.nan)))["b"]
    assert empty.prediction is not None
    assert empty.prediction.confidence is None


@pytest.mark.parametrize(
    ("values", "shown"),
    [(100 * RISING, "from 0 to 100"), (RISING - 0.5, "from -0.5 to 0.5")],
)
def test_what_is_not_from_0_to_1_is_refused(values: Array, shown: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=f"confidence of pulse goes {shown}.*not percent"):
        made.read(table(tmp_path / "a.csv", values))


def test_another_number_of_values_is_refused(tmp_path: Path) -> None:
    content = {"fs": 30, "pulse": made.wave(72.0).tolist(), "confidence": [0.5, 0.7]}
    file = made.write_json(tmp_path / "a.json", content)
    with pytest.raises(BenchError, match="has 2 values for 300"):
        made.read(file)


def test_a_table_with_a_column_for_each_recording_has_no_place_for_it(tmp_path: Path) -> None:
    times_s = np.arange(COUNT) / made.FS
    wide = {"time_s": times_s, "a": 1000 * made.wave(72.0), "Confidence": RISING}
    pd.DataFrame(wide).to_csv(tmp_path / "wide.csv", index=False)
    with pytest.raises(BenchError, match="'Confidence' belongs to no column"):
        made.read(tmp_path / "wide.csv")


def test_beside_names_of_recordings_it_is_refused_too(tmp_path: Path) -> None:
    content = {"fs": 30, "a": (1000 * made.wave(72.0)).tolist(), "confidence": RISING.tolist()}
    file = made.write_json(tmp_path / "a.json", content)
    with pytest.raises(BenchError, match="'confidence' stands beside names of recordings"):
        made.read(file, "json")


def test_beside_a_waveform_it_may_be_that_of_the_rate(tmp_path: Path) -> None:
    content = {"fs": 30, "pulse": made.wave(72.0).tolist(), "hr_bpm": [72], "confidence": [0.9]}
    file = made.write_json(tmp_path / "a.json", content)
    recording = made.read(file)["a"]
    assert recording.prediction is not None
    assert recording.prediction.confidence is None
    assert "confidence has one value for each of hr_bpm, and none of pulse" in recording.assumptions
    assert confidence_of(made.read(file, kind="heart_rate")["a"]).values.tolist() == [0.9]


def test_one_rate_has_one_confidence(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("recording,heart_rate_bpm,confidence\na,72.5,0.75\nb,60,\n")
    read = made.read(file)
    assert confidence_of(read["a"]).values.tolist() == [0.75]
    assert read["b"].prediction is not None
    assert read["b"].prediction.confidence is None


def test_vitallens_gives_that_of_waveform_and_rates(tmp_path: Path) -> None:
    face = made.vitallens_face()
    face["waveforms"]["ppg_waveform"]["confidence"] = RISING.tolist()
    face["rolling_vitals"]["heart_rate"]["confidence"] = (1 - RISING).tolist()
    face["vitals"]["heart_rate"]["confidence"] = 0.625
    file = made.write_json(tmp_path / "clip.json", [face])
    np.testing.assert_array_equal(confidence_of(made.read(file)["clip"]).values, RISING)
    rates = confidence_of(made.read(file, kind="heart_rate")["clip"])
    np.testing.assert_array_equal(rates.values, 1 - RISING)
    del face["rolling_vitals"]
    made.write_json(file, [face])
    single = confidence_of(made.read(file, kind="heart_rate")["clip"])
    assert single.values.tolist() == [0.625]


def test_open_rppg_gives_its_quality_with_the_rate(tmp_path: Path) -> None:
    file = made.write_json(tmp_path / "c.json", {"hr": 72.5, "SQI": 0.75, "hrv": {}})
    assert confidence_of(made.read(file)["c"]).values.tolist() == [0.75]


def test_pyvhr_gives_the_deviation_of_the_patches(tmp_path: Path) -> None:
    rows = made.pyvhr_rows()
    rows[0]["MAD"] = [0.0, 0.88, 2.64, 10.0, 30.0]
    rows[1]["MAD"] = [0.0] * 5  # one region: a deviation of nothing
    rows[2]["MAD"] = [1.0, 2.0]
    rows[3]["MAD"] = [-1.0] * 5
    file = made.write_pyvhr(tmp_path / "a.h5", made.PANDAS_1, rows)
    patches, region, short, negative = PYVHR.read(file, None, "")  # type: ignore[arg-type]
    expected = confidence_of_deviation(np.array(rows[0]["MAD"]))
    np.testing.assert_allclose(confidence_of(patches).values, expected)
    assert region.prediction is not None
    assert region.prediction.confidence is None
    assert any("MAD is 0 throughout" in line for line in region.assumptions)
    assert "2 values for 5" in short.reason
    assert "MAD below 0" in negative.reason


def test_files_without_a_confidence_are_read_as_before(tmp_path: Path) -> None:
    content = {"fs": 30, "pulse": made.wave(72.0).tolist()}
    (tmp_path / "a.json").write_text(json.dumps(content))
    prediction = made.read(tmp_path / "a.json")["a"].prediction
    assert prediction is not None
    assert prediction.confidence is None
