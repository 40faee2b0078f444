"""The store keeps what it was given, whole, and names what is wrong with it."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rppgbench.core.estimate import Estimate
from rppgbench.core.mean_colours import MeanColours
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal, Waveform
from rppgbench.store.schema import (
    ADDED_IN_FORMAT_3,
    ADDED_IN_FORMAT_4,
    BEATS,
    COLOUR_COLUMNS,
    OBSERVED,
    VITAL_COLUMNS,
    iterate_rows,
    recording_from_row,
    recording_row,
)
from rppgbench.store.store import FORMAT, Store
from rppgbench.system.errors import BenchError

from ..factories.records import make_estimate, make_recording_info

FACTS = {"protocol": {"name": "p", "digest": "d1"}}


def estimate(job: str, *, reason: str = "", method: str = "pos") -> Estimate:
    samples = np.array([0.1, np.nan, -3.0, np.pi])
    waveform = None if reason else Waveform(samples, 29.97, 0.5)
    return make_estimate(waveform, "r 1", job=job, method=method, coverage=0.75, reason=reason)


def store(folder: Path, *jobs: str) -> Store:
    made = Store(folder)
    made.begin(FACTS, jobs)
    return made


def test_estimates_come_back_bit_for_bit(tmp_path: Path) -> None:
    held = store(tmp_path, "a", "b")
    held.add([estimate("a"), estimate("b", reason="no face")])
    first, second = held.estimates()
    assert first.waveform is not None
    np.testing.assert_array_equal(first.waveform.samples, [0.1, np.nan, -3.0, np.pi])
    assert (first.waveform.fs, first.waveform.start_s, first.coverage) == (29.97, 0.5, 0.75)
    assert (second.waveform, second.reason) == (None, "no face")
    assert held.done() == {"a", "b"}
    assert held.missing() == 0


def test_truths_come_back_with_their_own_times(tmp_path: Path) -> None:
    held = store(tmp_path, "a")
    pulse = Signal(np.array([1.0, 2.0]), np.array([0.0, 0.017]))
    marks_s = np.array([0.2, 1.1, 2.0])
    breath = Signal(np.array([0.5, -0.5, 0.25]), np.array([0.01, 0.03, 0.05]))
    truth = GroundTruth(pulse=pulse, beats_s=marks_s, respiration=breath, warnings=("clock off",))
    held.add_observed(
        [
            make_recording_info(
                "r",
                dataset="d",
                subject="s",
                simulated=True,
                ground_truth=truth,
                metadata={"fps": 30},
            )
        ]
    )
    (one,) = held.observed().values()
    assert one.ground_truth.pulse is not None
    np.testing.assert_array_equal(one.ground_truth.pulse.times_s, pulse.times_s)
    assert one.ground_truth.heart_rate is None
    np.testing.assert_array_equal(one.ground_truth.beats_s, marks_s)
    assert one.ground_truth.respiration is not None
    np.testing.assert_array_equal(one.ground_truth.respiration.values, breath.values)
    np.testing.assert_array_equal(one.ground_truth.respiration.times_s, breath.times_s)
    assert one.ground_truth.oxygen_saturation is None
    assert one.ground_truth.warnings == ("clock off",)
    assert one.metadata == {"fps": 30}
    assert one.simulated


def test_what_reading_took_is_what_the_first_reading_took(tmp_path: Path) -> None:
    held = store(tmp_path, "a")
    for facts in ({"fps": 20}, {"read_s": 4.5, "fps": 30}, {"read_s": 0.01, "fps": 25}):
        held.add_observed(
            [make_recording_info("r", dataset="d", subject="s", simulated=True, metadata=facts)]
        )
    (one,) = held.observed().values()
    assert one.metadata == {"read_s": 4.5, "fps": 25}


def test_only_planned_estimates_count_and_each_once(tmp_path: Path) -> None:
    held = store(tmp_path, "a", "b")
    held.add([estimate("a"), estimate("old")])
    held.add([estimate("a", method="again")])
    assert [e.job for e in held.estimates()] == ["a"]
    assert held.missing() == 1


def test_filters_by_field(tmp_path: Path) -> None:
    held = store(tmp_path, "a", "b")
    held.add([estimate("a"), estimate("b", method="chrom")])
    assert [e.job for e in held.estimates(method="chrom")] == ["b"]


def damage(folder: Path) -> Path:
    (part,) = (folder / "estimates").glob("*.parquet")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    return part


def cut(folder: Path) -> Path:
    (part,) = (folder / "estimates").glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-10])
    return part


def copy(folder: Path) -> Path:
    (part,) = (folder / "estimates").glob("*.parquet")
    other = part.with_name("0" * 32 + ".parquet")
    other.write_bytes(part.read_bytes())
    return other


def foreign(folder: Path) -> Path:
    file = folder / "estimates" / "notes.txt"
    file.write_text("mine")
    return file


@pytest.mark.parametrize("harm", [damage, cut, copy, foreign])
def test_a_part_that_is_not_as_written_is_named(tmp_path: Path, harm: object) -> None:
    held = store(tmp_path, "a")
    held.add([estimate("a")])
    assert callable(harm)
    file = harm(tmp_path)
    with pytest.raises(BenchError, match=file.name):
        list(held.estimates())


def test_a_lost_part_is_missed(tmp_path: Path) -> None:
    held = store(tmp_path, "a")
    held.add([estimate("a")])
    next((tmp_path / "estimates").glob("*.parquet")).unlink()
    assert held.missing() == 1


def test_what_a_killed_run_left_is_not_read(tmp_path: Path) -> None:
    held = store(tmp_path, "a")
    (tmp_path / "estimates" / ".partial-1-x.parquet").write_bytes(b"half")
    assert held.done() == set()


PROTOCOL = {
    "name": "p",
    "digest": "d1",
    "test": ["pure"],
    "methods": ["pos"],
    "params": {},
    "seeds": [0],
    "simulation": {"subjects": 3, "seed": 0},
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"test": ["cohface"]}, 'test is ["pure"] there and ["cohface"] here'),
        (
            {"simulation": {"subjects": 4, "seed": 0}},
            "simulation.subjects is 3 there and 4 here",
        ),
        ({"split": "whole"}, 'split is not stated there and "whole" here'),
    ],
)
def test_a_folder_of_another_protocol_is_refused_with_the_setting_that_differs(
    tmp_path: Path, change: dict[str, object], says: str
) -> None:
    Store(tmp_path).begin({"protocol": PROTOCOL}, ["a"])
    with pytest.raises(BenchError) as error:
        Store(tmp_path).begin({"protocol": {**PROTOCOL, "digest": "d2", **change}}, [])
    assert str(error.value) == (
        f"{tmp_path}: holds results of protocol 'p' with other settings: {says}; give another --out"
    )


def test_another_method_parameter_or_seed_leaves_what_is_stored(tmp_path: Path) -> None:
    first = Store(tmp_path)
    first.begin({"protocol": PROTOCOL}, ["a"])
    first.add([estimate("a")])
    joined = {
        **PROTOCOL,
        "digest": "d2",
        "methods": ["pos", "chrom"],
        "seeds": [0, 1],
        "params": {"pos": {"window_s": 2.0}},
        "regions": ["skin"],
    }
    Store(tmp_path).begin({"protocol": joined}, ["a", "b"])
    assert Store(tmp_path).done() == {"a"}
    Store(tmp_path).begin({"protocol": PROTOCOL}, ["a"])
    assert [e.job for e in Store(tmp_path).estimates()] == ["a"]


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(BenchError, match="other files than results"):
        store(tmp_path)


def test_a_newer_version_s_store_is_named(tmp_path: Path) -> None:
    held = store(tmp_path, "a")
    file = tmp_path / "manifest.json"
    file.write_text(file.read_text().replace(f'"format": {FORMAT}', '"format": 99'))
    with pytest.raises(BenchError, match="newer version"):
        _ = held.manifest


def test_no_results_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no results here"):
        list(Store(tmp_path / "nowhere").estimates())


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    with (
        Store(tmp_path).locked(),
        pytest.raises(BenchError, match=f"process {os.getpid()}"),
        Store(tmp_path).locked(),
    ):
        pass
    with Store(tmp_path).locked():
        pass  # the lock ends with its holder


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    held = store(tmp_path, "a")
    folder = tmp_path / "estimates"
    folder.rmdir()
    folder.write_text("a file where a folder belongs")
    with pytest.raises(BenchError, match="cannot write results"):
        held.add([estimate("a")])
    assert folder.read_text() == "a file where a folder belongs"


def test_heart_rates_without_a_waveform_come_back(tmp_path: Path) -> None:
    held = store(tmp_path, "a", "b")
    rates = Signal(np.array([72.0, np.nan]), np.array([4.0, 5.5]))
    plain = estimate("b")
    held.add([replace(estimate("a", reason=""), waveform=None, heart_rate=rates), plain])
    first, second = held.estimates()
    assert first.waveform is None
    assert first.heart_rate is not None
    np.testing.assert_array_equal(first.heart_rate.values, [72.0, np.nan])
    np.testing.assert_array_equal(first.heart_rate.times_s, [4.0, 5.5])
    assert second.heart_rate is None


def test_a_confidence_comes_back_with_its_own_times(tmp_path: Path) -> None:
    held = store(tmp_path, "a", "b")
    stated = Signal(np.array([0.25, np.nan, 1.0]), np.array([4.0, 5.5, 7.0]))
    held.add([replace(estimate("a"), confidence=stated), estimate("b")])
    first, second = held.estimates()
    assert first.confidence is not None
    np.testing.assert_array_equal(first.confidence.values, stated.values)
    np.testing.assert_array_equal(first.confidence.times_s, stated.times_s)
    assert second.confidence is None


@pytest.mark.parametrize(
    ("written", "lacking"),
    [(3, ADDED_IN_FORMAT_4), (2, (*ADDED_IN_FORMAT_3, *ADDED_IN_FORMAT_4))],
)
def test_a_folder_of_an_older_format_is_read(
    written: int, lacking: tuple[str, ...], tmp_path: Path
) -> None:
    held = store(tmp_path, "a")
    held.add([estimate("a")])
    (part,) = (tmp_path / "estimates").iterdir()
    table = pq.read_table(part).drop_columns(list(lacking))
    part.unlink()
    pq.write_table(table, tmp_path / "old.parquet")
    data = (tmp_path / "old.parquet").read_bytes()
    (part.parent / f"{hashlib.sha256(data).hexdigest()[:32]}.parquet").write_bytes(data)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {FORMAT}', f'"format": {written}'))
    (old,) = Store(tmp_path).estimates()
    assert old.waveform is not None
    assert (old.heart_rate, old.confidence) == (None, None)
    assert Store(tmp_path).done() == {"a"}


def test_mean_colours_come_back_segment_by_segment(tmp_path: Path) -> None:
    held = store(tmp_path, "a")
    parts = [
        Waveform(np.random.default_rng(k).uniform(50, 200, (n, 3)).astype(np.float32), fs, start_s)
        for k, (n, fs, start_s) in enumerate([(160, 30.0, 0.5), (301, 29.97, 9.25)])
    ]
    infos = {
        "two": MeanColours(region="skin", segments=tuple(parts)),
        "none": MeanColours(region="skin", segments=()),
        "absent": None,
    }
    held.add_observed([make_recording_info(name, colours=c) for name, c in infos.items()])
    seen = {info.recording: info.colours for info in held.observed().values()}
    assert seen["absent"] is None
    two, none = seen["two"], seen["none"]
    assert two is not None
    assert none is not None
    assert (two.region, none.segments) == ("skin", ())
    for part, back in zip(parts, two.segments, strict=True):
        assert (back.fs, back.start_s) == (part.fs, part.start_s)
        np.testing.assert_array_equal(back.samples, part.samples)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("colours", [1.0] * 14),
        ("colours", [1.0] * 12),
        ("colour_segments", [0.0, 30.0]),
        ("colour_segments", [0.0, 30.0, 2.0, 0.0, 30.0, 3.0, 9.0, 30.0]),
        ("colour_segments", [0.0, 30.0, -5.0]),
        ("colour_segments", [0.0, float("nan"), 5.0]),
        ("colour_segments", [0.0, 30.0, float("inf")]),
        ("colour_segments", [0.0, 30.0, 2.5, 0.0, 30.0, 2.5]),
    ],
)
def test_colours_that_do_not_fit_their_segments_are_one_line(
    column: str, cell: list[float], tmp_path: Path
) -> None:
    """A part of somebody else's may hold anything."""
    colours = MeanColours(region="skin", segments=(Waveform(np.ones((5, 3), np.float32), 30.0),))
    info = make_recording_info("r", colours=colours)
    (row,) = iterate_rows(pa.Table.from_pylist([recording_row(info) | {column: cell}], OBSERVED))
    with pytest.raises(BenchError, match="mean colours do not fit their segments"):
        recording_from_row(row)


@pytest.mark.parametrize(
    "lacking",
    [
        COLOUR_COLUMNS,
        (*VITAL_COLUMNS, *COLOUR_COLUMNS),
        (BEATS, *VITAL_COLUMNS, *COLOUR_COLUMNS),
    ],
)
def test_recordings_that_were_stored_before_newer_columns_are_read(
    lacking: tuple[str, ...], tmp_path: Path
) -> None:
    held = store(tmp_path, "a")
    held.add_observed(
        [
            make_recording_info("r", dataset="d", subject="s", simulated=True)
        ]
    )  # fmt: skip
    (part,) = (tmp_path / "recordings").iterdir()
    table = pq.read_table(part).drop_columns(list(lacking))
    part.unlink()
    pq.write_table(table, tmp_path / "old.parquet")
    data = (tmp_path / "old.parquet").read_bytes()
    (part.parent / f"{hashlib.sha256(data).hexdigest()[:32]}.parquet").write_bytes(data)
    (old,) = Store(tmp_path).observed().values()
    assert old.ground_truth.beats_s is None
    assert old.ground_truth.respiration is None
    assert old.colours is None
