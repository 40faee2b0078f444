"""Estimates and what was seen of recordings, as Parquet rows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rppgbench.core.estimate import Estimate
from rppgbench.core.mean_colours import MeanColours
from rppgbench.core.recording import SIGNALS, VITAL_SIGNS, GroundTruth
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.system.errors import BenchError

SAMPLES = pa.list_(pa.float64())
COLOURS = pa.list_(pa.float32())

ESTIMATES = pa.schema(
    [(f.name, pa.string()) for f in fields(Estimate) if f.type is str]
    + [
        ("seed", pa.int64()),
        ("coverage", pa.float64()),
        ("seconds", pa.float64()),
        ("samples", SAMPLES),
        ("fs", pa.float64()),
        ("start_s", pa.float64()),
        ("heart_rate", SAMPLES),
        ("heart_rate_times_s", SAMPLES),
        ("confidence", SAMPLES),
        ("confidence_times_s", SAMPLES),
    ]
)

ADDED_IN_FORMAT_3 = ("heart_rate", "heart_rate_times_s")
ADDED_IN_FORMAT_4 = ("confidence", "confidence_times_s")
"""Columns of `ESTIMATES` that parts of older formats lack: they are read as absent."""

ADDED_TO_ESTIMATES = (ADDED_IN_FORMAT_3, ADDED_IN_FORMAT_4)

BEATS = "beats_s"

SIGNAL_COLUMNS = {name: (name, f"{name}_times_s") for name in SIGNALS}
"""The columns of the values and of the times of each signal of a ground truth."""

VITAL_COLUMNS = tuple(column for name in VITAL_SIGNS for column in SIGNAL_COLUMNS[name])

COLOUR_COLUMNS = ("colour_region", "colours", "colour_segments")
"""The columns of mean colours: their region, red, green and blue of each frame of all segments
after each other, and the start, rate and number of frames of each segment."""

ADDED_TO_OBSERVED = ((BEATS,), VITAL_COLUMNS, COLOUR_COLUMNS)
"""Columns of `OBSERVED` that parts written before them lack: they are read as absent."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordingInfo:
    """A recording under one condition: its ground truth, the metadata of its video, its faults.

    `colours` are the mean colours of one face region, of untouched videos alone.
    """

    dataset: str
    recording: str
    subject: str
    scenario: str
    source: str
    skin_tone: str
    light: str
    simulated: bool
    condition: str
    ground_truth: GroundTruth
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    colours: MeanColours | None = None


OBSERVED = pa.schema(
    [
        *[(f.name, pa.string()) for f in fields(RecordingInfo) if f.type is str],
        ("simulated", pa.bool_()),
        ("facts", pa.string()),
        ("warnings", pa.list_(pa.string())),
        ("pulse", SAMPLES),
        ("pulse_times_s", SAMPLES),
        ("heart_rate", SAMPLES),
        ("heart_rate_times_s", SAMPLES),
        (BEATS, SAMPLES),
        *((column, SAMPLES) for column in VITAL_COLUMNS),
        *zip(COLOUR_COLUMNS, (pa.string(), COLOURS, SAMPLES), strict=True),
    ]
)


def read_table(file: Path, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """Read a part of the store.

    Args:
        file: the Parquet file.
        schema: the schema of its kind of part.
        columns: the columns to read; None reads all.

    Raises:
        BenchError: the file is no Parquet file, or has another schema.
    """
    try:
        parquet = pq.ParquetFile(file)  # read_table takes a millisecond more
        lacking = _lacking(parquet.schema_arrow, schema)
        table = parquet.read(None if columns is None else [c for c in columns if c not in lacking])
    except (pa.ArrowException, OSError) as error:
        raise BenchError(f"{file}: not a Parquet file of this store: {error}") from error
    expected = schema if columns is None else pa.schema([schema.field(c) for c in columns])
    for place, name in enumerate(expected.names):
        if name not in lacking:
            continue
        table = table.add_column(place, name, pa.nulls(len(table), schema.field(name).type))
    if not table.schema.equals(expected):
        raise BenchError(f"{file}: columns of another kind of store; move it away")
    return table


def _lacking(stored: pa.Schema, schema: pa.Schema) -> frozenset[str]:
    """The columns that a part lacks because it is older than they are."""
    groups = ADDED_TO_ESTIMATES if schema is ESTIMATES else ADDED_TO_OBSERVED
    return frozenset(
        column for group in groups if not set(group) & set(stored.names) for column in group
    )


def iterate_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows, with the columns of samples as arrays and not as lists of Python numbers."""
    combined = table.combine_chunks()
    arrays = {
        f.name: combined[f.name].chunk(0)
        for f in combined.schema
        if f.type in (SAMPLES, COLOURS) and len(combined)
    }
    plain = combined.drop_columns(list(arrays)).to_pylist()
    for index, row in enumerate(plain):
        for name, column in arrays.items():
            cell = column[index]
            row[name] = cell.values.to_numpy(zero_copy_only=False) if cell.is_valid else None
        yield row


def estimate_row(estimate: Estimate) -> dict[str, Any]:
    """One row of `ESTIMATES`."""
    signals = {"waveform", "heart_rate", "confidence"}
    row = {f.name: getattr(estimate, f.name) for f in fields(Estimate) if f.name not in signals}
    wave = estimate.waveform
    row["samples"] = None if wave is None else np.asarray(wave.samples, dtype=np.float64)
    row["fs"] = None if wave is None else wave.fs
    row["start_s"] = None if wave is None else wave.start_s
    for name in ("heart_rate", "confidence"):
        signal: Signal | None = getattr(estimate, name)
        row[name] = None if signal is None else np.asarray(signal.values, np.float64)
        row[f"{name}_times_s"] = None if signal is None else np.asarray(signal.times_s, np.float64)
    return row


def estimate_from_row(row: dict[str, Any]) -> Estimate:
    """What `estimate_row` was made of; `row` is used up."""
    samples, fs, start_s = (row.pop(key) for key in ("samples", "fs", "start_s"))
    waveform = None if samples is None else Waveform(samples, fs, start_s)
    rates, confidence = (_take_signal(row, name) for name in ("heart_rate", "confidence"))
    return Estimate(waveform=waveform, heart_rate=rates, confidence=confidence, **row)


def _take_signal(row: dict[str, Any], name: str) -> Signal | None:
    values, times_s = row.pop(name), row.pop(f"{name}_times_s")
    return None if values is None else Signal(values, times_s)


def recording_row(recording: RecordingInfo) -> dict[str, Any]:
    """One row of `OBSERVED`."""
    row = {
        f.name: getattr(recording, f.name)
        for f in fields(RecordingInfo)
        if f.name not in {"ground_truth", "metadata", "colours"}
    }
    row["facts"] = json.dumps(dict(recording.metadata), sort_keys=True)
    row["warnings"] = list(recording.ground_truth.warnings)
    for name, (values, times_s) in SIGNAL_COLUMNS.items():
        signal: Signal | None = getattr(recording.ground_truth, name)
        row[values] = None if signal is None else signal.values
        row[times_s] = None if signal is None else signal.times_s
    row[BEATS] = recording.ground_truth.beats_s
    return row | _colour_cells(recording.colours)


def _colour_cells(colours: MeanColours | None) -> dict[str, Any]:
    """The cells of `COLOUR_COLUMNS`."""
    if colours is None:
        return dict.fromkeys(COLOUR_COLUMNS)
    parts = colours.segments
    frames = [np.asarray(part.samples, np.float32).ravel() for part in parts]
    return {
        "colour_region": colours.region,
        "colours": np.concatenate([np.empty(0, np.float32), *frames]),
        "colour_segments": np.array(
            [number for part in parts for number in (part.start_s, part.fs, len(part.samples))],
            np.float64,
        ),
    }


def _take_colours(row: dict[str, Any]) -> MeanColours | None:
    """What `_colour_cells` was made of; the cells are taken out of the row."""
    region, values, clocks = (row.pop(column) for column in COLOUR_COLUMNS)
    if region is None or values is None or clocks is None:
        return None
    counts, rates = clocks[2::3], clocks[1::3]
    if len(clocks) % 3 or not _fit(counts, rates, len(values)):
        raise BenchError(
            f"{row['dataset']}/{row['recording']}: the stored mean colours do not fit their "
            "segments; run the protocol again with another --out"
        )
    colours, ends = values.reshape(-1, 3), np.cumsum(counts).astype(np.int64)
    segments = [
        Waveform(colours[begin:end], float(fs), float(start_s))
        for begin, end, fs, start_s in zip(
            [0, *ends[:-1]], ends, rates, clocks[::3], strict=len(counts) > 0
        )
    ]
    return MeanColours(region=region, segments=tuple(segments))


def _fit(counts: Array, rates: Array, values: int) -> bool:
    """Whether numbers of frames and rates of segments go with so many values."""
    usable = (counts > 0) & (counts == np.floor(counts)) & (rates > 0) & np.isfinite(rates)
    return bool(usable.all()) and 3 * counts.sum() == values


def recording_from_row(row: dict[str, Any]) -> RecordingInfo:
    """What `recording_row` was made of; `row` is used up."""
    signals = {}
    for name, columns in SIGNAL_COLUMNS.items():
        values, times_s = (row.pop(column) for column in columns)
        is_stored = values is not None
        signals[name] = Signal(values, times_s) if is_stored else None
    truth = GroundTruth(
        **signals,  # type: ignore[arg-type]
        beats_s=row.pop(BEATS),
        warnings=tuple(row.pop("warnings")),
    )
    metadata = json.loads(row.pop("facts"))
    colours = _take_colours(row)
    return RecordingInfo(ground_truth=truth, metadata=metadata, colours=colours, **row)
