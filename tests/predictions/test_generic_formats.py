"""Tables, arrays and trees: each form gives the same waveforms, and what is unclear is refused."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.opening import open_predictions
from rppgbench.predictions.registry import recognise_format
from rppgbench.system.errors import BenchError

from ..factories import predictions as made
from ..factories.predictions import save_arrays

Write = Callable[[Path], Any]


def wide() -> pd.DataFrame:
    return pd.DataFrame({"time_s": np.arange(300) / made.FS, **made.waves()})


def fields() -> dict[str, dict[str, Any]]:
    return {name: {"pulse": pulse, "fs": made.FS} for name, pulse in made.waves().items()}


def write_groups(file: Path) -> None:
    with h5py.File(file, "w") as content:
        for name, pulse in made.waves().items():
            content.create_group(name).attrs["fs"] = made.FS
            content[f"{name}/pulse"] = pulse


def write_data_sets(file: Path) -> None:
    with h5py.File(file, "w") as content:
        content.attrs["fs"] = made.FS
        for name, pulse in made.waves().items():
            content.create_dataset(name, data=pulse[:, np.newaxis], compression="gzip")


def write_mat_73(file: Path) -> None:
    """MATLAB's text of 512 bytes, then HDF5."""
    with h5py.File(file, "w", userblock_size=512) as content:
        for name, pulse in made.waves().items():
            content.create_group(name)["pulse"] = pulse[np.newaxis]
            content[f"{name}/fs"] = np.array([[made.FS]])
            content[f"{name}/method"] = np.array([[ord(c)] for c in "POS"], dtype=np.uint16)
            content[f"{name}/method"].attrs["MATLAB_class"] = np.bytes_(b"char")
        content.create_group("#refs#")
    with file.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file")


def write_lists(file: Path) -> None:
    pulses = list(made.waves().values())
    frame = {"recording": list(made.RATES_BPM), "fs": [made.FS] * 3, "pulse": pulses}
    pd.DataFrame(frame).to_parquet(file)


def in_json() -> dict[str, Any]:
    return {name: {"pulse": list(pulse), "fs": made.FS} for name, pulse in made.waves().items()}


FORMS: dict[str, tuple[str, str, Write]] = {
    "long CSV": ("a.csv", "table", lambda file: made.long_table().to_csv(file, index=False)),
    "long TSV": (
        "a.tsv",
        "table",
        lambda file: made.long_table().to_csv(file, index=False, sep="\t"),
    ),
    "decimal commas": (
        "a.csv",
        "table",
        lambda file: made.long_table().to_csv(file, index=False, sep=";", decimal=","),
    ),
    "byte-order mark and CRLF": (
        "a.csv",
        "table",
        lambda file: made.long_table().to_csv(
            file, index=False, encoding="utf-8-sig", lineterminator="\r\n"
        ),
    ),
    "milliseconds": (
        "a.csv",
        "table",
        lambda file: (
            made.long_table()
            .assign(time_ms=lambda rows: rows["time_s"] * 1000)
            .drop(columns="time_s")
            .to_csv(file, index=False)
        ),
    ),
    "frames": (
        "a.csv",
        "table",
        lambda file: (
            made.long_table()
            .assign(frame=lambda rows: (rows["time_s"] * made.FS).round().astype(int), fps=made.FS)
            .drop(columns="time_s")
            .to_csv(file, index=False)
        ),
    ),
    "long Parquet": ("a.parquet", "table", lambda file: made.long_table().to_parquet(file)),
    "lists in Parquet": ("a.parquet", "table", write_lists),
    "wide CSV": ("a.csv", "table", lambda file: wide().to_csv(file, index=False)),
    "wide Parquet": ("a.parquet", "table", lambda file: wide().to_parquet(file)),
    "named arrays": ("a.npz", "npz", lambda file: save_arrays(file, fs=made.FS, **made.waves())),
    "named fields": (
        "a.npz",
        "npz",
        lambda file: np.savez_compressed(
            file,
            **{
                f"{name}/{key}": value
                for name, part in fields().items()
                for key, value in part.items()
            },
        ),
    ),
    "variables": ("a.mat", "mat", lambda file: savemat(file, {"fs": made.FS, **made.waves()})),
    "version 4": (
        "a.mat",
        "mat",
        lambda file: savemat(file, {"fs": made.FS, **made.waves()}, format="4"),
    ),
    "structures": ("a.mat", "mat", lambda file: savemat(file, fields(), do_compression=True)),
    "version 7.3": ("a.mat", "mat", write_mat_73),
    "groups": ("a.h5", "hdf5", write_groups),
    "data sets": ("a.h5", "hdf5", write_data_sets),
    "JSON by name": ("a.json", "json", lambda file: made.write_json(file, in_json())),
    "JSON items": (
        "a.json",
        "json",
        lambda file: made.write_json(
            file, [{"recording": name, **part} for name, part in in_json().items()]
        ),
    ),
    "pickle": ("a.pkl", "pickle", lambda file: file.write_bytes(pickle.dumps(fields()))),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_waveforms(form: str, tmp_path: Path) -> None:
    name, format_name, write = FORMS[form]
    write(tmp_path / name)
    assert recognise_format(tmp_path / name).name == format_name
    got = made.read(tmp_path / name)
    in_order = sorted if h5py.is_hdf5(tmp_path / name) else list  # HDF5 sorts names
    assert list(got) == in_order(made.RATES_BPM)
    for recording, pulse in made.waves().items():
        prediction = got[recording].prediction
        assert prediction is not None, got[recording].reason
        np.testing.assert_allclose(prediction.values, pulse, rtol=0, atol=1e-12)
        np.testing.assert_allclose(prediction.times_s, np.arange(300) / made.FS, atol=1e-9)
        reference = got[recording].reference
        if form.startswith("long"):
            assert reference is not None
            np.testing.assert_allclose(reference.values, -pulse, rtol=0, atol=1e-12)
        else:
            assert reference is None or reference.name == "reference_pulse"
    assert made.read(tmp_path / name)["subject1"].method == ("POS" if form == "version 7.3" else "")


def test_a_folder_names_its_recordings_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for place in ("b.npy", "a.npy", "inner/a.npy"):
        np.save(tmp_path / place, made.wave(72.0))
    (tmp_path / "notes.md").write_text("not predictions")
    (tmp_path / ".hidden.npy").write_bytes(b"")
    source = open_predictions(tmp_path, ReadOptions(fs=made.FS))
    assert [one.name for one in source] == ["a", "b", "inner/a"]
    assert source.format == "npy"
    assert source.leftovers == ("notes.md: of no known format",)


def test_a_broken_file_of_a_folder_is_a_reason(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", made.wave(72.0))
    (tmp_path / "b.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-10])
    got = made.read(tmp_path, fs=made.FS)
    assert got["a"].prediction is not None
    assert "b.npy" in got["b"].reason


def test_the_digest_is_of_names_and_content(tmp_path: Path) -> None:
    def digest() -> str:
        return open_predictions(tmp_path, ReadOptions(fs=made.FS)).sha256

    for place in ("a.npy", "b.npy"):
        np.save(tmp_path / place, made.wave(72.0))
    first = digest()
    assert digest() == first
    (tmp_path / "b.npy").rename(tmp_path / "c.npy")
    second = digest()
    np.save(tmp_path / "c.npy", made.wave(71.0))
    assert len({first, second, digest()}) == 3


def write_table(folder: Path, text: str) -> Path:
    file = folder / "a.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_one_rate_a_recording_has_a_span_and_no_time(tmp_path: Path) -> None:
    file = write_table(
        tmp_path, "recording,method,heart_rate_bpm,reference_heart_rate_bpm\na,P,70,71\nb,P,80,\n"
    )
    first, second = open_predictions(file)
    assert first.method == "P"
    assert first.prediction is not None
    assert first.prediction.span_s == (0.0, float("inf"))
    assert first.reference is not None
    assert first.reference.values.tolist() == [71.0]
    assert second.reference is None


def test_two_methods_on_one_recording_are_two_recordings(tmp_path: Path) -> None:
    file = write_table(tmp_path, "recording,method,bpm\na,P,70\na,G,80\n")
    got = [(one.method, made.values(one)[0]) for one in open_predictions(file)]
    assert got == [("P", 70.0), ("G", 80.0)]


def test_rates_with_times_are_read_beside_a_waveform_where_they_are_wanted(tmp_path: Path) -> None:
    file = write_table(tmp_path, "time_s,pulse,hr\n0,0.5,70\n0.5,0.75,71\n")
    waveform = made.read(file)["a"]
    assert made.values(waveform).tolist() == [0.5, 0.75]
    assert any("pulse is the prediction" in line for line in waveform.assumptions)
    rates = made.read(file, kind="heart_rate")["a"]
    assert made.values(rates).tolist() == [70.0, 71.0]
    assert "hr is in bpm" in rates.assumptions


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("time_s,value", "'value' could be a waveform or heart rates"),
        ("time_s,prediction", "'prediction' could be a waveform or heart rates"),
        ("time_s,pulse,label", "'label' could be a waveform or heart rates"),
        ("time,pulse", "'time' could be in seconds or in milliseconds"),
        ("timestamp,pulse", "'timestamp' could be in seconds or in milliseconds"),
        ("pulse,bvp", "'pulse' and 'bvp' could both be the waveform"),
        ("time_s,time_ms,pulse", "'time_s' and 'time_ms' could both be the time"),
        ("video,subject,pulse", "'video' and 'subject' could both be the recording"),
        ("0.5,0.25", "its first line holds '0.5' for the name of a column"),
        ("a,b;c", "commas and semicolons"),
        ("pulse,pulse", "two columns are called 'pulse'"),
        ("recording,snr", "has no column 'pulse' or 'heart_rate_bpm'"),
        ("pulse,", "its first line holds ''"),
    ],
)
def test_a_header_with_two_readings_is_refused_with_both(
    header: str, message: str, tmp_path: Path
) -> None:
    row = ",".join("1" for _ in header.split(","))
    file = write_table(tmp_path, f"{header}\n{row}\n{row}\n")
    with pytest.raises(BenchError, match=message):
        made.read(file, fs=30.0)


def test_the_kind_that_the_user_states_makes_a_name_clear(tmp_path: Path) -> None:
    file = write_table(tmp_path, "time_s,value\n0,70\n1,71\n")
    assert made.values(made.read(file, kind="waveform")["a"]).tolist() == [70.0, 71.0]
    prediction = made.read(file, kind="heart_rate")["a"].prediction
    assert prediction is not None
    assert prediction.kind == "heart_rate"


def test_numbers_without_a_name_are_a_waveform_only_where_they_cannot_be_rates(
    tmp_path: Path,
) -> None:
    np.save(tmp_path / "a.npy", np.array([70.0, 71.0]))
    with pytest.raises(BenchError, match="could be a waveform or heart rates in bpm"):
        made.read(tmp_path / "a.npy", fs=30.0)
    np.save(tmp_path / "a.npy", np.array([70.0, 0.5]))
    recording = made.read(tmp_path / "a.npy", fs=30.0)["a"]
    assert "the numbers without a name are a waveform" in recording.assumptions


def test_a_source_without_a_rate_asks_for_it_once(tmp_path: Path) -> None:
    file = write_table(tmp_path, "recording,pulse\na,0.5\na,0.25\nb,0.5\nb,0.25\n")
    with pytest.raises(BenchError, match="give --fs HZ"):
        made.read(file)
    prediction = made.read(file, fs=20.0)["b"].prediction
    assert prediction is not None
    assert prediction.times_s.tolist() == [0.0, 0.05]


def test_columns_that_are_not_read_are_listed(tmp_path: Path) -> None:
    file = write_table(tmp_path, "time_s,pulse,snr,mood\n0,0.5,3,ok\n1,0.25,3,ok\n")
    assert "fields that are not read: snr, mood" in made.read(file)["a"].assumptions


def test_columns_of_different_lengths_end_at_their_last_number(tmp_path: Path) -> None:
    file = write_table(tmp_path, "time_s,a,b\n0,0.5,-1\n1,,2\n2,0.25,\n")
    got = made.read(file)
    np.testing.assert_array_equal(made.values(got["a"]), [0.5, np.nan, 0.25])
    np.testing.assert_array_equal(made.values(got["b"]), [-1.0, 2.0])


def test_a_reference_may_have_times_of_its_own(tmp_path: Path) -> None:
    content = {
        "fs": 30.0,
        "pulse": [0.5, 0.25, 0.5],
        "reference_pulse": [1.0, 2.0],
        "reference_time_s": [0.0, 0.5],
    }
    reference = made.read(made.write_json(tmp_path / "a.json", content))["a"].reference
    assert reference is not None
    assert reference.times_s.tolist() == [0.0, 0.5]
    content["reference_fs"] = content.pop("reference_time_s") and 10.0
    reference = made.read(made.write_json(tmp_path / "a.json", content))["a"].reference
    assert reference is not None
    assert reference.times_s.tolist() == [0.0, 0.1]


@pytest.mark.parametrize("column", ["reference_time_s", "reference_fs", "reference_beats_s"])
def test_a_table_holds_no_reference_with_times_of_its_own(column: str, tmp_path: Path) -> None:
    file = write_table(tmp_path, f"time_s,pulse,reference_pulse,{column}\n0,0.5,1,0\n1,0.25,2,1\n")
    with pytest.raises(BenchError, match=f"'{column}': in a table a reference has the times"):
        made.read(file)


def test_what_python_writes_as_nan_is_no_value(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"fs": 30, "pulse": [0.5, float("nan"), 0.25]}))
    assert "NaN" in file.read_text()
    np.testing.assert_array_equal(made.values(made.read(file)["a"]), [0.5, np.nan, 0.25])


@pytest.mark.parametrize("column", ["heart_rate_bpm", "reference_heart_rate_bpm"])
def test_intervals_under_the_name_of_rates_are_refused_with_both_readings(
    column: str, tmp_path: Path
) -> None:
    """Ten intervals from 600 to 960 ms are 62 to 100 bpm; fewer may be wrong rates."""
    intervals_ms = np.linspace(600.0, 960.0, 10)
    table = pd.DataFrame({"time_s": np.arange(10.0), "pulse": np.sin(np.arange(10.0))})
    table[column] = intervals_ms
    if column == "heart_rate_bpm":
        del table["pulse"]
    table.to_csv(tmp_path / "a.csv", index=False)
    if column == "heart_rate_bpm":
        with pytest.raises(BenchError) as error:
            made.read(tmp_path / "a.csv")
        reason = str(error.value)
    else:
        recording = made.read(tmp_path / "a.csv")["a"]
        assert recording.prediction is not None
        reason = recording.reference_reason
    assert "10 values, all above 300: no heart rates in bpm" in reason
    assert "as intervals between beats in ms they are 62 to 100 bpm" in reason
    for rates in (intervals_ms[:9], np.append(intervals_ms, 300.0)):
        table = pd.DataFrame({"time_s": np.arange(float(len(rates))), "heart_rate_bpm": rates})
        table.to_csv(tmp_path / "b.csv", index=False)
        assert made.values(made.read(tmp_path / "b.csv")["b"]).tolist() == pytest.approx(rates)


def test_a_reference_that_cannot_be_used_leaves_the_prediction(tmp_path: Path) -> None:
    table = made.long_table()
    table.loc[table["recording"] == "subject2", "reference_pulse"] = np.inf
    table.to_csv(tmp_path / "a.csv", index=False)
    got = made.read(tmp_path / "a.csv")
    np.testing.assert_allclose(made.values(got["subject2"]), made.waves()["subject2"], atol=1e-12)
    assert got["subject2"].references == ()
    assert "reference_pulse has 300 infinite values" in got["subject2"].reference_reason
    assert got["subject1"].reference_reason == ""
    assert got["subject1"].reference is not None


def test_a_kind_that_a_recording_lacks_names_the_option(tmp_path: Path) -> None:
    file = write_table(tmp_path, "time_s,pulse\n0,0.5\n1,0.25\n")
    with pytest.raises(BenchError, match="holds no heart rate; leave --kind heart_rate out"):
        made.read(file, kind="heart_rate")
    file = write_table(tmp_path, "time_s,hr\n0,70\n1,71\n")
    with pytest.raises(BenchError, match="holds no waveform; leave --kind waveform out"):
        made.read(file, kind="waveform")
