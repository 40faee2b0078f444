"""Measures of heartpy as CSV: the rate of a recording, or of its segments.

Source: heartpy 1.2.7. It has no writer: its users save the dictionary of measures with pandas.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rppgbench.datasets.label_text import read_text
from rppgbench.predictions.checked_signals import make_signal, single_rate
from rppgbench.predictions.checking import check_name, needs_fs, recording_or_reason
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.table_rows import csv_columns
from rppgbench.system.errors import BenchError, RecordingError, one_line

MEASURES = {"bpm", "ibi", "sdnn"}
SEGMENTS = "segment_indices"
WITHOUT_RATE = ({"peak_sample", "kept"}, {"RR_ms", "rejected"})
_INDICES = re.compile(r"\((?:np\.int\d+\()?(\d{1,12})\)?, (?:np\.int\d+\()?(\d{1,12})\)?\)")
MISSING = frozenset({"", "--", "nan"})


def recognise(file: Path) -> Match:
    """Certain for a table with heartpy's measures, peaks or intervals."""
    names = csv_columns(file)
    is_known = names >= MEASURES or any(names == columns for columns in WITHOUT_RATE)
    return Match.CERTAIN if is_known else Match.NO


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read the rate of the recording, or those of its segments.

    Args:
        file: the CSV file.
        options: the sampling rate, for the times of segments.
        name: the recording's name.

    Yields:
        One recording.

    Raises:
        BenchError: the file holds no rates.
    """
    location = str(file)
    rows = list(csv.DictReader(read_text(file).splitlines()))
    names = set(rows[0]) if rows else set()
    if not names >= MEASURES:
        raise BenchError(
            f"{file}: holds no heart rate of heartpy; import the table of its measures instead"
        )
    recording = check_name(name, location)
    if SEGMENTS in names:
        fs = needs_fs(options, location)
        yield recording_or_reason(recording, lambda: _from_segments(rows, recording, fs, location))
    else:
        yield recording_or_reason(recording, lambda: _from_measures(rows, recording, location))


def _from_measures(rows: Sequence[dict[str, str]], name: str, location: str) -> PredictedRecording:
    if len(rows) != 1:
        raise RecordingError(f"{location}: {len(rows)} rows of measures, where one belongs")
    return PredictedRecording(
        name=name,
        prediction=single_rate("bpm", _number(rows[0]["bpm"], location), location),
        assumptions=("bpm is the rate of the whole recording, whose length is not stated",),
    )


def _from_segments(
    rows: Sequence[dict[str, str]], name: str, fs: float, location: str
) -> PredictedRecording:
    middles_s = []
    for row in rows:
        indices = _INDICES.fullmatch(row[SEGMENTS] or "")
        if indices is None:
            raise RecordingError(f"{location}: segment indices {one_line(row[SEGMENTS])[:60]!r}")
        first, last = map(int, indices.groups())
        middles_s.append((first + last) / 2 / fs)
    rates = [_number(row["bpm"], location) for row in rows]
    return PredictedRecording(
        name=name,
        prediction=make_signal("bpm", "heart_rate", np.array(rates), np.array(middles_s), location),
        assumptions=("a rate belongs to the middle of its segment",),
    )


def _number(cell: str | None, location: str) -> float:
    text = (cell or "").strip()
    if text.lower() in MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise RecordingError(
            f"{location}: a rate {one_line(text)[:40]!r}, which is no number"
        ) from None


FORMAT = PredictionFormat(
    title="heartpy",
    files="a CSV file of its measures, of one recording each",
    fields=(
        Field(name="bpm", meaning="the heart rate"),
        Field(name="segment_indices", meaning="first and last sample of each segment, if any"),
    ),
    notes=(
        "heartpy writes no files itself. The recording has the name of the file.",
        "Measures of segments need `--fs`, since they count in samples.",
        "Tables of peaks and of intervals hold no heart rate and are refused.",
        "heartpy on a wave of another kind than it expects may read several hundred bpm; the "
        "value is read as it stands.",
    ),
    recognise=recognise,
    read=read,
)
