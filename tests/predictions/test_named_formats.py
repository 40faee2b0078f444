"""Formats of other tools, made up in their structure: what is read, and what is refused."""

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.registry import prediction_formats, recognise_format
from rppgbench.system.errors import BenchError

from ..factories import predictions as made

TYPES = ("Raw", "Standardized", "DiffNormalized")


@pytest.mark.parametrize("label_type", TYPES)
@pytest.mark.parametrize("key", [int, str], ids=["numbers", "texts"])
def test_toolbox_chunks_join_by_number_and_differences_are_summed(
    label_type: str, key: Any, tmp_path: Path
) -> None:
    content = made.toolbox_content(label_type, key)
    got = made.read(made.write_toolbox(tmp_path / "a.pickle", content))
    assert list(got) == list(made.RATES_BPM)
    for name, pulse in made.waves().items():
        recording = got[name]
        np.testing.assert_allclose(made.values(recording), pulse, atol=1e-5)
        assert recording.reference is not None
        np.testing.assert_allclose(recording.reference.values, -pulse, atol=1e-5)
        assert recording.prediction is not None
        assert recording.prediction.fs == pytest.approx(made.FS)
        assert recording.prediction.times_s[0] == 0
        assert any(label_type in line for line in recording.assumptions)


def test_ten_chunks_named_by_texts_join_by_number_not_by_text(tmp_path: Path) -> None:
    content = made.toolbox_content()
    pulse = made.wave(72.0, 1200)
    chunks = {str(at): pulse[100 * at : 100 * at + 100] for at in range(12)}
    content["predictions"] = content["labels"] = {"a": chunks}
    got = made.read(made.write_toolbox(tmp_path / "a.pickle", content))
    np.testing.assert_array_equal(made.values(got["a"]), pulse)


def broken_toolbox(case: str) -> dict[str, Any]:
    content = made.toolbox_content()
    chunks = content["predictions"]["subject1"]
    if case == "lost chunk":
        del chunks[1]
    elif case == "begins late":
        for kind in ("predictions", "labels"):
            part = content[kind]["subject1"]
            content[kind]["subject1"] = {number + 3: part[number] for number in part}
    elif case == "other labels":
        content["labels"]["subject1"] = {0: chunks[0]}
    elif case == "two readings":
        chunks["01"] = chunks[1]
    elif case == "named chunk":
        chunks["first"] = chunks.pop(0)
    elif case == "no chunks":
        content["predictions"]["subject1"] = {}
    elif case == "two columns":
        chunks[0] = np.zeros((100, 2))
    elif case == "no numbers":
        content["predictions"]["subject1"] = {0: np.full(100, np.nan)}
        content["labels"]["subject1"] = {0: np.ones(100)}
    elif case == "infinite":
        chunks[0] = np.full((100, 1), np.inf, dtype=np.float32)
    elif case == "texts":
        chunks[0] = np.array(["a"] * 100)
    return content


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("lost chunk", "chunks 0 to 2 with 1 absent"),
        ("begins late", "chunks 3 to 5"),
        ("other labels", "different chunks"),
        ("two readings", "two chunks have one number"),
        ("named chunk", "'first'"),
        ("no chunks", "no numbered chunks"),
        ("two columns", "shape (100, 2)"),
        ("no numbers", "no number among 100 values"),
        ("infinite", "100 infinite values"),
        ("texts", "no numbers, but of type <U1"),
    ],
)
def test_a_fault_of_one_toolbox_recording_is_its_reason(
    case: str, reason: str, tmp_path: Path
) -> None:
    got = made.read(made.write_toolbox(tmp_path / "a.pickle", broken_toolbox(case)))
    assert got["subject1"].prediction is None
    assert reason in got["subject1"].reason
    assert (got["subject1"].reference is None) == (case == "begins late")  # labels as well
    assert got["subject2"].prediction is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label_type": "Other"}, "label type 'Other'"),
        ({"fs": 0}, "sampling rate of 0 Hz"),
        ({"fs": "30"}, "no number"),
        ({"predictions": [1]}, "lacks 'predictions'"),
    ],
)
def test_a_toolbox_file_of_another_structure_is_one_line(
    change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    file = made.write_toolbox(tmp_path / "a.pickle", {**made.toolbox_content(), **change})
    with pytest.raises(BenchError, match=reason):
        made.read(file, "rppg_toolbox")


def test_the_rate_of_a_toolbox_file_is_stated_once(tmp_path: Path) -> None:
    content = made.toolbox_content()
    file = made.write_toolbox(tmp_path / "a.pickle", content)
    with pytest.raises(BenchError, match="states 30 samples per second, and --fs says 25"):
        made.read(file, fs=25.0)
    del content["fs"]
    made.write_toolbox(file, content)
    with pytest.raises(BenchError, match="give --fs HZ"):
        made.read(file)
    prediction = made.read(file, fs=25.0)["subject1"].prediction
    assert prediction is not None
    assert prediction.fs == pytest.approx(25.0)


@pytest.mark.parametrize("blocks", [made.PANDAS_1, made.PANDAS_3], ids=["pandas 1", "pandas 3"])
def test_pyvhr_gives_the_rates_of_each_method_and_video(
    blocks: tuple[tuple[str, ...], ...], tmp_path: Path
) -> None:
    file = made.write_pyvhr(tmp_path / "a.h5", blocks)
    assert recognise_format(file).name == "pyvhr"
    got = list(open_predictions(file))
    rows = made.pyvhr_rows()
    assert [(r.method, r.name) for r in got] == [(r["method"], r["videoFilename"]) for r in rows]
    for recording, row in zip(got, rows, strict=True):
        assert recording.prediction is not None
        assert recording.reference is not None
        assert recording.prediction.kind == recording.reference.kind == "heart_rate"
        np.testing.assert_array_equal(recording.prediction.values, row["bpmES"])
        np.testing.assert_array_equal(recording.prediction.times_s, row["timeES"])
        np.testing.assert_array_equal(recording.reference.values, row["bpmGT"])
        np.testing.assert_array_equal(recording.reference.times_s, row["timeGT"])


def test_a_pyvhr_row_without_rates_is_a_reason_and_one_without_truth_is_read(
    tmp_path: Path,
) -> None:
    rows = made.pyvhr_rows()
    rows[0]["bpmES"] = rows[0]["timeES"] = ""
    rows[1]["bpmGT"] = rows[1]["timeGT"] = ""
    file = made.write_pyvhr(tmp_path / "a.h5", made.PANDAS_1, rows)
    first, second, *_ = open_predictions(file)
    assert "bpmES is empty" in first.reason
    assert second.prediction is not None
    assert second.reference is None


def test_physbench_waveforms_keep_their_uneven_times_and_their_end_without_values(
    tmp_path: Path,
) -> None:
    file = made.write_physbench(tmp_path / "a.h5")
    assert recognise_format(file).name == "physbench"
    got = made.read(file)
    assert list(got) == [f"{name}/vid.avi" for name in made.RATES_BPM]
    recording = got["subject1/vid.avi"]
    assert recording.method == "MadeUp"
    assert recording.prediction is not None
    assert recording.reference is not None
    assert not recording.prediction.is_uniform
    assert recording.prediction.times_s[0] == 0
    assert recording.prediction.fs == pytest.approx(made.FS, abs=0.02)
    assert np.isnan(recording.prediction.values[-20:]).all()
    np.testing.assert_allclose(recording.prediction.values[:-20], made.wave(72.0)[:-20], atol=1e-6)
    np.testing.assert_array_equal(recording.reference.values, -made.wave(72.0))


def test_physbench_rates_have_no_reference_waveform(tmp_path: Path) -> None:
    recording = made.read(made.write_physbench(tmp_path / "a.h5", "HR"))["subject1/vid.avi"]
    assert recording.prediction is not None
    assert recording.prediction.kind == "heart_rate"
    assert recording.reference is None


def test_a_list_of_numbers_needs_a_format(tmp_path: Path) -> None:
    file = made.write_json(tmp_path / "a.json", [72.5, 73.5])
    with pytest.raises(BenchError, match="give --format json or --format physbench"):
        made.read(file)
    got = made.read(file, "physbench")
    assert list(got) == ["0", "1"]
    prediction = got["1"].prediction
    assert prediction is not None
    assert prediction.values.tolist() == [73.5]
    assert prediction.span_s == (0.0, float("inf"))


@pytest.mark.parametrize("vitals", ["vitals", "vital_signs"])
def test_vitallens_gives_the_waveform_or_the_rates(vitals: str, tmp_path: Path) -> None:
    face = made.vitallens_face(vitals)
    file = made.write_json(tmp_path / "clip.json", [face])
    assert recognise_format(file).name == "vitallens"
    waveform = made.read(file)["clip"].prediction
    assert waveform is not None
    assert waveform.kind == "waveform"
    np.testing.assert_array_equal(waveform.values, made.wave(72.0))
    rates = made.read(file, kind="heart_rate")["clip"].prediction
    assert rates is not None
    assert np.isnan(rates.values[:150]).all()
    assert (rates.values[150:] == 72.25).all()
    del face["rolling_vitals"]
    made.write_json(file, [face])
    single = made.read(file, kind="heart_rate")["clip"].prediction
    assert single is not None
    assert single.values.tolist() == [72.5]
    assert single.span_s == pytest.approx((0.0, 299 / made.FS))


def test_vitallens_names_two_faces_and_refuses_another_unit(tmp_path: Path) -> None:
    face = made.vitallens_face()
    file = made.write_json(tmp_path / "clip.json", [face, face])
    assert list(made.read(file)) == ["clip face 1", "clip face 2"]
    face["rolling_vitals"]["heart_rate"]["unit"] = "Hz"
    made.write_json(file, [face])
    with pytest.raises(BenchError, match="in 'Hz', where bpm belongs"):
        made.read(file, kind="heart_rate")
    made.write_json(file, [])
    with pytest.raises(BenchError, match="holds no face"):
        made.read(file, "vitallens")


def test_open_rppg_gives_its_pulse_or_its_rate(tmp_path: Path) -> None:
    times_s = np.arange(300) / made.FS
    np.savez(tmp_path / "a.npz", bvp=made.wave(72.0), ts=times_s, raw=np.zeros(300))
    result = {"hr": 72.5, "SQI": np.float16(0.25), "hrv": {}, "latency": 0.0}
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(result))
    made.write_json(tmp_path / "c.json", {"result": {**result, "SQI": 0.75}})
    source = open_predictions(tmp_path)
    assert source.format == "open_rppg"
    pulse, low, good = source
    np.testing.assert_array_equal(made.values(pulse), made.wave(72.0))
    assert made.values(low).tolist() == made.values(good).tolist() == [72.5]
    assert any("quality of 0.25" in line for line in low.assumptions)
    assert not any("quality" in line for line in good.assumptions)


def test_open_rppg_without_a_signal_is_a_reason(tmp_path: Path) -> None:
    file = made.write_json(tmp_path / "c.json", {"hr": None, "SQI": 0.0})
    with pytest.raises(BenchError, match="hr is no number, but NoneType"):
        made.read(file)


HEARTPY = "bpm,ibi,sdnn,rmssd,segment_indices\n"


def test_heartpy_gives_the_rate_of_the_recording_or_of_its_segments(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("bpm,ibi,sdnn\n75.5,794.7,--\n")
    assert made.values(made.read(file)["a"]).tolist() == [75.5]
    file.write_text(
        HEARTPY
        + '72.5,800,30,40,"(np.int32(0), np.int32(600))"\n'
        + ',,--,,"(600, 1200)"\n'
        + '74.5,800,30,40,"(np.int64(1200), np.int64(1800))"\n'
    )
    with pytest.raises(BenchError, match="give --fs HZ"):
        made.read(file)
    prediction = made.read(file, fs=60.0)["a"].prediction
    assert prediction is not None
    np.testing.assert_array_equal(prediction.values, [72.5, np.nan, 74.5])
    np.testing.assert_array_equal(prediction.times_s, [5.0, 15.0, 25.0])


@pytest.mark.parametrize(
    "text", ["peak_sample,kept\n6,1\n", "RR_ms,rejected\n800.0,0\n"], ids=["peaks", "intervals"]
)
def test_heartpy_without_rates_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BenchError, match="holds no heart rate of heartpy"):
        made.read(tmp_path / "a.csv")


def test_neurokit2_gives_its_clean_pulse_its_rates_or_their_mean(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "PPG_Raw,PPG_Clean,PPG_Rate,PPG_Quality,PPG_Peaks\n9,0.5,72,1,0\n9,-0.5,73,1,1\n"
    )
    with pytest.raises(BenchError, match="give --fs HZ"):
        made.read(file)
    assert made.values(made.read(file, fs=60.0)["a"]).tolist() == [0.5, -0.5]
    assert made.values(made.read(file, fs=60.0, kind="heart_rate")["a"]).tolist() == [72.0, 73.0]
    file.write_text("PPG_Rate_Mean,HRV_MeanNN\n74.5,799\n")
    assert made.values(made.read(file)["a"]).tolist() == [74.5]
    file.write_text("HRV_MeanNN,HRV_SDNN\n799,27\n")
    with pytest.raises(BenchError, match="variability of neurokit2 and no heart rate"):
        made.read(file)


def test_a_rate_in_hz_is_refused_and_a_rate_of_0_is_no_estimate(tmp_path: Path) -> None:
    file = made.write_json(tmp_path / "a.json", [1.2, 1.3])
    with pytest.raises(BenchError, match="in Hz, not in bpm"):
        made.read(file, "physbench")
    file = tmp_path / "a.csv"
    file.write_text("time_s,heart_rate_bpm\n0,72\n1,0\n2,74\n")
    recording = made.read(file)["a"]
    np.testing.assert_array_equal(made.values(recording), [72.0, np.nan, 74.0])
    assert any("0 bpm or less" in line for line in recording.assumptions)


def test_every_format_says_what_it_reads() -> None:
    formats = prediction_formats()
    assert {"table", "npy", "npz", "mat", "hdf5", "json", "rppg_toolbox", "pyvhr"} < set(formats)
    for name, one in formats.items():
        assert one.title, name
        assert one.files, name
        assert one.fields, name


def test_a_reference_that_cannot_be_used_leaves_the_prediction(tmp_path: Path) -> None:
    toolbox = made.toolbox_content()
    toolbox["labels"]["subject1"][0] = np.full((100, 1), np.inf)
    rows = made.pyvhr_rows()
    rows[0]["timeGT"] = np.zeros(9)
    physbench = made.write_physbench(tmp_path / "b.h5")
    with h5py.File(physbench, "r+") as content:
        content["0/label"][:] = np.inf
    sources = {
        made.write_toolbox(tmp_path / "a.pickle", toolbox): "infinite values",
        made.write_pyvhr(tmp_path / "a.h5", made.PANDAS_1, rows): "times that do not increase",
        physbench: "infinite values",
    }
    for file, reason in sources.items():
        first, second = list(open_predictions(file))[:2]
        assert first.prediction is not None, first.reason
        assert first.reference is None
        assert reason in first.reference_reason
        assert second.reference is not None
        assert second.reference_reason == ""
