"""Files of mean colours: every format gives the same rows, and nothing is guessed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from rppgbench.core.features import WHOLE_FRAME
from rppgbench.core.recording import TraceSource
from rppgbench.core.waveform import Array
from rppgbench.extraction.trace_files import read_contact, read_trace, trace_features
from rppgbench.extraction.traces import extract_segments
from rppgbench.system.errors import RecordingError

FS = 30.0
ROWS = 300
Columns = dict[str, Array]


def columns(**changes: Array | None) -> Columns:
    """Ten seconds of mean colours; None leaves a column out."""
    random = np.random.default_rng(4)
    named: dict[str, Array | None] = {
        "time_s": np.arange(ROWS) / FS,
        "red": 150 + random.normal(0, 1, ROWS),
        "green": 90 + random.normal(0, 1, ROWS),
        "blue": 70 + random.normal(0, 1, ROWS),
    }
    return {name: values for name, values in (named | changes).items() if values is not None}


def write_csv(file: Path, named: Columns) -> None:
    pd.DataFrame(named).to_csv(file, index=False)


def write_tabs(file: Path, named: Columns) -> None:
    pd.DataFrame(named).to_csv(file, index=False, sep="\t")


def write_parquet(file: Path, named: Columns) -> None:
    pd.DataFrame(named).to_parquet(file)


def write_npz(file: Path, named: Columns) -> None:
    np.savez(file, **named)  # type: ignore[arg-type]


def write_mat(file: Path, named: Columns) -> None:
    savemat(file, named)


WRITERS: dict[str, Callable[[Path, Columns], None]] = {
    "a.csv": write_csv,
    "a.tsv": write_tabs,
    "a.parquet": write_parquet,
    "a.npz": write_npz,
    "a.mat": write_mat,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    named = columns(pulse=np.sin(np.arange(ROWS)), heart_rate_bpm=np.full(ROWS, 72.0))
    WRITERS[name](tmp_path / name, named)
    read = read_trace(tmp_path / name)
    np.testing.assert_allclose(read.source.times_s, named["time_s"], atol=1e-12)
    expected = np.stack([named["red"], named["green"], named["blue"]], axis=1)
    np.testing.assert_allclose(read.source.rgb, expected, rtol=1e-12)
    assert read.source.warnings == ()
    assert read.pulse is not None
    assert read.heart_rate is not None
    np.testing.assert_allclose(read.pulse.values, named["pulse"], atol=1e-12)
    np.testing.assert_array_equal(read.heart_rate.values, named["heart_rate_bpm"])


@pytest.mark.parametrize(("name", "rate"), [("a.csv", ROWS), ("a.npz", 1), ("a.mat", 1)])
def test_a_rate_stands_for_the_times(name: str, rate: int, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name, columns(time_s=None, fs=np.full(rate, 25.0)))
    times_s = read_trace(tmp_path / name).source.times_s
    np.testing.assert_allclose(times_s, np.arange(ROWS) / 25.0)


def test_names_may_be_written_in_capitals(tmp_path: Path) -> None:
    named = {name.upper(): values for name, values in columns().items()}
    write_csv(tmp_path / "a.csv", named)
    assert len(read_trace(tmp_path / "a.csv").source.rgb) == ROWS


def test_rows_without_a_colour_are_gaps_and_counted(tmp_path: Path) -> None:
    green = columns()["green"]
    green[:3] = np.nan
    black = {
        name: np.where(np.arange(ROWS) == 10, 0.0, columns()[name]) for name in ("red", "blue")
    }
    green[10] = 0.0
    write_csv(tmp_path / "a.csv", columns(green=green, **black))
    source = read_trace(tmp_path / "a.csv").source
    assert np.flatnonzero(np.isnan(source.rgb).any(axis=1)).tolist() == [0, 1, 2, 10]
    assert source.warnings == ("no colour in 4 of 300 rows: gaps",)
    assert not trace_features(source).track.detected[[0, 1, 2, 10]].any()


def test_times_that_repeat_and_columns_that_are_not_read_are_told(tmp_path: Path) -> None:
    times_s = np.arange(ROWS) / FS
    times_s[50] = times_s[49]
    write_csv(tmp_path / "a.csv", columns(time_s=times_s, frame=np.arange(ROWS, dtype=float)))
    source = read_trace(tmp_path / "a.csv").source
    assert len(source.times_s) == ROWS - 1
    assert source.warnings == (
        "1 of 300 times repeat or go backward: left out",
        "columns that are not read: 'frame'",
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"time_s": None}, "has neither time_s nor fs"),
        ({"time_s": None, "time": np.arange(ROWS) / FS}, "'time' can be seconds or milliseconds"),
        ({"fs": np.full(ROWS, 25.0)}, "fs says 25 rows a second, time_s 30"),
        ({"time_s": None, "fs": np.arange(1.0, ROWS + 1)}, "fs holds 1, 2, 3; give one rate"),
        ({"time_s": np.arange(ROWS) * 1000 / FS}, "or 30 if time_s is in milliseconds"),
        ({"time_s": None, "fs": np.full(ROWS, 0.033)}, "0.033 rows a second, where 5 to 250"),
        ({"green": None}, "has no column green; name the mean colours red, green, blue"),
        ({"green": None, "g": np.ones(ROWS)}, "has no column green (it has 'g')"),
        ({"Green": np.ones(ROWS)}, "two columns are called 'green'"),
        ({"red": np.sin(np.arange(ROWS))}, "rows have a colour below 0: filtered traces"),
        ({name: np.zeros(ROWS) for name in ("red", "green", "blue")}, "no row has a colour"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(
    changes: dict[str, Array | None], says: str, tmp_path: Path
) -> None:
    write_csv(tmp_path / "a.csv", columns(**changes))
    with pytest.raises(RecordingError) as error:
        read_trace(tmp_path / "a.csv")
    assert says in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "a.csv"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.npz", "a.mat"])
def test_an_array_of_three_columns_has_two_orders(name: str, tmp_path: Path) -> None:
    named = {"time_s": np.arange(ROWS) / FS, "mean_rgb": np.ones((ROWS, 3))}
    WRITERS[name](tmp_path / name, named)
    with pytest.raises(RecordingError, match="red, green, blue or blue, green, red"):
        read_trace(tmp_path / name)


def test_arrays_of_two_lengths_are_refused(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", columns(blue=np.ones(ROWS - 1)))
    with pytest.raises(RecordingError, match=r"different lengths .*blue 299.*; one row a frame"):
        read_trace(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"red,green,blue,time_s\n"),
        ("a.csv", b"red,green,blue,time_s\n1,2,x,0\n"),
        ("a.csv", b"\x00\x01"),
        ("a.npz", b"PK\x03\x04 damaged"),
        ("a.mat", b"no MAT file"),
        ("a.parquet", b"PAR1 damaged"),
    ],
)
def test_a_damaged_file_is_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError) as error:
        read_trace(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none\.csv"):
        read_trace(tmp_path / "none.csv")


def test_a_sensor_needs_a_signal(tmp_path: Path) -> None:
    write_csv(tmp_path / "contact.csv", {"time_s": np.arange(9.0), "ppg": np.ones(9)})
    with pytest.raises(RecordingError, match=r"no column pulse or heart_rate_bpm \(it has 'ppg'\)"):
        read_contact(tmp_path / "contact.csv")


def test_a_sensor_says_whether_its_samples_have_times(tmp_path: Path) -> None:
    write_csv(tmp_path / "timed.csv", {"time_s": np.arange(9) / 60, "pulse": np.ones(9)})
    write_npz(tmp_path / "rate.npz", {"fs": np.array([60.0]), "pulse": np.ones(9)})
    assert read_contact(tmp_path / "timed.csv").has_times
    contact = read_contact(tmp_path / "rate.npz")
    assert not contact.has_times
    assert contact.pulse is not None
    np.testing.assert_allclose(contact.pulse.times_s, np.arange(9) / 60)


def test_features_hold_the_colours_of_one_region_and_a_gap_divides_them() -> None:
    times_s = np.arange(ROWS) / FS
    rgb = np.stack([columns()[name] for name in ("red", "green", "blue")], axis=1)
    rgb[120:150] = np.nan  # a second without a colour
    source = TraceSource(path=Path("a.csv"), times_s=times_s, rgb=rgb, warnings=("one",))
    features = trace_features(source)
    assert features.moments.names == (WHOLE_FRAME,)
    assert features.metadata["warnings"] == ["one"]
    assert features.metadata["fps"] == pytest.approx(FS)
    first, second = extract_segments(features, "trace", region=WHOLE_FRAME)
    np.testing.assert_array_equal(first.samples, rgb[:120])
    np.testing.assert_array_equal(second.samples, rgb[150:])
    assert second.start_s == pytest.approx(5.0)
    assert extract_segments(features, "second_moments", region=WHOLE_FRAME) == []
