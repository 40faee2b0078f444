"""Tables: CSV, TSV and Parquet, long or wide."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.predictions.checking import check_name, recording_or_reason
from rppgbench.predictions.declaration import Match, PredictionFormat, ReadOptions
from rppgbench.predictions.field_signals import bare_kind, recording_from_fields
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES, Roles, find_roles
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.table_rows import (
    column_names,
    csv_header,
    grouped_rows,
    is_parquet,
    read_batches,
)
from rppgbench.system.errors import BenchError, one_line

MOST_WIDE_VALUES = 50_000_000
"""Of a table with a column for each recording, which is read whole."""
TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
OTHERS = (
    {"bpm", "ibi", "sdnn"},
    {"peak_sample", "kept"},
    {"rr_ms", "rejected"},
    {"ppg_clean", "ppg_rate"},
    {"ppg_rate_mean"},
    {"hrv_meannn"},
)
"""Columns by which a table is one of heartpy's or neurokit2's, which are formats of their own."""


def recognise(file: Path) -> Match:
    """Certain for Parquet, and for text with a known column or with names in its first line."""
    if is_parquet(file):
        return Match.CERTAIN
    if file.suffix.lower() not in TEXT_SUFFIXES:
        return Match.NO
    try:
        names, _ = csv_header(file)
    except BenchError:  # of a table, reading says what is wrong
        return Match.NO if file.suffix.lower() == ".txt" else Match.CERTAIN
    lower = {name.lower() for name in names}
    return Match.NO if any(other <= lower for other in OTHERS) else Match.CERTAIN


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every recording of a table.

    Args:
        file: the table.
        options: what the user states.
        name: the recording's name where the table names none.

    Yields:
        The recordings, one at a time.

    Raises:
        BenchError: the table is damaged, or can be read in two ways.
    """
    names = column_names(file)
    roles = find_roles(names, options.kind, str(file))
    if roles.has_signal:
        yield from _read_long(file, names, roles, options, name)
    else:
        yield from _read_wide(file, roles, options)


def _read_long(
    file: Path, names: Sequence[str], roles: Roles, options: ReadOptions, name: str
) -> Iterator[PredictedRecording]:
    """Rows of samples, or of one recording each."""
    if roles.separate_reference():
        raise BenchError(
            f"{file}: {one_line(roles.separate_reference()[0])!r}: in a table a reference has the "
            "times of the prediction; leave the column out, or give JSON, NPZ, MAT or HDF5"
        )
    keys = [key for key in (roles.recording, roles.method) if key is not None]
    fields = [*keys, *roles.per_sample(), *([roles.fs] if roles.fs is not None else [])]
    wanted = [column for column in names if column in fields]
    for key, rows in grouped_rows(read_batches(file, wanted), keys, file):
        stated = dict(zip(keys, key, strict=True))
        recording = stated.get(roles.recording or "", name)
        method = stated.get(roles.method or "", "")
        checked = check_name(recording, str(file))
        values = {column: _unwrapped(cells) for column, cells in rows.items()}
        yield recording_or_reason(
            checked,
            lambda v=values, r=checked: recording_from_fields(  # type: ignore[misc]
                v, roles, r, options, str(file)
            ),
            check_name(method, str(file), "method") if method else "",
        )


def _unwrapped(cells: Any) -> Any:
    """The numbers of a column; of one row with a list in its cell, the numbers of the list."""
    if cells.dtype == object and len(cells) == 1 and isinstance(cells[0], np.ndarray):
        return cells[0]
    return cells


def _read_wide(file: Path, roles: Roles, options: ReadOptions) -> Iterator[PredictedRecording]:
    """A column for each recording, with the times or the sampling rate beside them."""
    if roles.recording is not None or not roles.unread:
        raise BenchError(
            f"{file}: has no column 'pulse' or 'heart_rate_bpm'; rename the column of predictions"
        )
    if roles.confidence is not None:
        raise BenchError(
            f"{file}: {one_line(roles.confidence)!r} belongs to no column of a table with a column "
            "for each recording; give a row for each sample, or leave it out"
        )
    shared = [field for field in (roles.time, roles.frame, roles.fs) if field is not None]
    columns: dict[str, list[Array]] = {name: [] for name in (*shared, *roles.unread)}
    count = 0
    for batch in read_batches(file, list(columns)):
        count += sum(len(values) for values in batch.values())
        if count > MOST_WIDE_VALUES:
            raise BenchError(f"{file}: more than {MOST_WIDE_VALUES:,} values; use a long table")
        for name, values in batch.items():
            columns[name].append(values)
    whole = {name: np.concatenate(parts) for name, parts in columns.items() if parts}
    if not whole:
        raise BenchError(f"{file}: has no rows below its header; check the file")
    for name in roles.unread:
        checked = check_name(name, str(file))
        yield recording_or_reason(
            checked,
            lambda n=name, c=checked: _wide_recording(  # type: ignore[misc]
                whole, n, shared, c, options, file
            ),
        )


def _wide_recording(
    columns: dict[str, Array],
    column: str,
    shared: Sequence[str],
    name: str,
    options: ReadOptions,
    file: Path,
) -> PredictedRecording:
    """The recording of one column, up to its last number: columns may differ in length."""
    known = np.flatnonzero(~np.isnan(columns[column]))
    length = int(known[-1]) + 1 if len(known) else len(columns[column])
    values = columns[column][:length]
    kind = bare_kind(values, options.kind, f"{file}: {name}")
    fields = {field: columns[field][:length] for field in shared}
    fields["pulse" if kind == "waveform" else "heart_rate_bpm"] = values
    roles = find_roles(fields, options.kind, str(file))
    return recording_from_fields(fields, roles, name, options, str(file))


FORMAT = PredictionFormat(
    title="table",
    files="CSV, TSV or Parquet with a header, in UTF-8",
    fields=GENERIC_FIELDS,
    notes=(
        "Long: a row for each sample, with the name of its recording; the rows of a recording "
        "stand together. Without a column of names, the table is one recording.",
        "Wide: a column for each recording, beside `time_s` or `fs`; shorter columns end in empty "
        "cells. Numbers that could be heart rates are refused there.",
        "Parquet: a cell may hold the list of all samples of its recording.",
        "Cells are numbers, or empty, `nan`, `na`, `null`, `--`; a decimal comma is read in tables "
        "that semicolons separate.",
        *GENERIC_NOTES,
    ),
    recognise=recognise,
    read=read,
)
