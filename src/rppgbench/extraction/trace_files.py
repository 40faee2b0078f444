"""Files of mean colours: read a file, and give its rows as the features of a recording.

A file holds one face region of one recording, a row for each frame. Its columns (of CSV, TSV and
Parquet), arrays (of NPZ) or variables (of MAT) have these names, in any order:

    time_s           (T,) seconds, increasing; or `fs`, the rows per second
    red, green, blue (T,) the means over the region's pixels in any unit; a row without a number, or
                     with 0 in all of them, has no colour (a gap)
    pulse            (T,) optional: the contact pulse at the times of the rows
    heart_rate_bpm   (T,) optional: the contact sensor's heart rate at the times of the rows

What could be read in two ways is refused with both readings: the unit of a column `time`, the order
of an array `rgb`, a `time_s` and an `fs` that disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.features import WHOLE_FRAME, FaceTrack, Features, RegionMoments
from rppgbench.core.recording import TraceSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.extraction.trace_columns import (
    COLOURS,
    HEART_RATE,
    PULSE,
    RATE,
    TIME,
    read_columns,
)
from rppgbench.system.errors import RecordingError
from rppgbench.video.timestamps import MAX_FPS, MIN_FPS

TRACE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet", ".npz", ".mat"})
MOST_NAMES = 6  # of a message
RATE_TOLERANCE = 0.01
"""Share by which `fs` and `time_s` may differ."""

MOST_CONTACT_HZ = 4000.0
LEAST_CONTACT_HZ = 0.01
NO_LANDMARKS = np.full((1, 468, 2), np.nan, np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class TraceFile:
    """A file of mean colours: the colours, and the contact sensor's signals where it has them."""

    source: TraceSource
    pulse: Signal | None
    heart_rate: Signal | None


@dataclass(frozen=True, eq=False, kw_only=True)
class ContactFile:
    """A file of a contact sensor: its signals, and whether each sample has a time of its own."""

    pulse: Signal | None
    heart_rate: Signal | None
    has_times: bool
    warnings: tuple[str, ...]


def read_trace(file: Path) -> TraceFile:
    """Read the mean colours in a file.

    Rows whose time repeats or goes backward are left out with a warning.

    Raises:
        RecordingError: the file cannot be read, lacks a column, or can be read in two ways.
        MachineError: the disk cannot read the file.
    """
    columns, unread = read_columns(file)
    _require_colours(file, columns, unread)
    rgb = np.stack([columns[name] for name in COLOURS], axis=1)
    times_s = _row_times(file, columns, len(rgb), MIN_FPS, MAX_FPS)
    warnings = []
    negative = int((rgb < 0).any(axis=1).sum())
    if negative:
        raise RecordingError(
            f"{file}: {negative} of {len(rgb)} rows have a colour below 0: filtered traces, or "
            "differences? give the mean colours as the camera has them"
        )
    rgb[~np.isfinite(rgb).all(axis=1) | (rgb == 0).all(axis=1)] = np.nan
    signal = Signal(rgb, times_s).in_order()
    dropped = len(times_s) - len(signal.times_s)
    if dropped:
        warnings.append(f"{dropped} of {len(times_s)} times repeat or go backward: left out")
    missing = int(np.isnan(signal.values[:, 0]).sum())
    if missing == len(signal.values):
        raise RecordingError(f"{file}: no row has a colour; check the columns red, green, blue")
    if missing:
        warnings.append(f"no colour in {missing} of {len(signal.values)} rows: gaps")
    warnings += describe_unread(unread)
    source = TraceSource(
        path=file, times_s=signal.times_s, rgb=signal.values, warnings=tuple(warnings)
    )
    return TraceFile(
        source=source,
        pulse=_optional_signal(columns, PULSE, times_s),
        heart_rate=_optional_signal(columns, HEART_RATE, times_s),
    )


def read_contact(file: Path) -> ContactFile:
    """Read the signals of a contact sensor: `time_s` on the clock of the colours, or `fs` from 0 s.

    Raises:
        RecordingError: the file cannot be read, has no signal, or can be read in two ways.
        MachineError: the disk cannot read the file.
    """
    columns, unread = read_columns(file)
    signals = [columns[name] for name in (PULSE, HEART_RATE) if name in columns]
    if not signals:
        raise RecordingError(
            f"{file}: has no column {PULSE} or {HEART_RATE}{_present(unread)}; rename one"
        )
    times_s = _row_times(file, columns, len(signals[0]), LEAST_CONTACT_HZ, MOST_CONTACT_HZ)
    return ContactFile(
        pulse=_optional_signal(columns, PULSE, times_s),
        heart_rate=_optional_signal(columns, HEART_RATE, times_s),
        has_times=TIME in columns,
        warnings=tuple(describe_unread(unread)),
    )


def trace_features(source: TraceSource) -> Features:
    """The features of a recording of which the mean colours are known, and nothing else.

    The one region is `whole_frame`. A row without a colour counts as a frame without a face.
    """
    times_s, rgb = source.times_s, source.rgb
    has_colour: NDArray[np.bool_] = np.asarray(np.isfinite(rgb).all(axis=1))
    rows = len(times_s)
    moments = RegionMoments(
        names=(WHOLE_FRAME,),
        count=has_colour[:, None].astype(np.float64),
        rgb=np.where(has_colour[:, None], rgb, 0.0)[:, None],
        second=np.full((rows, 1, 6), np.nan),
    )
    track = FaceTrack(
        landmarks=np.broadcast_to(NO_LANDMARKS, (rows, 468, 2)),
        box=np.broadcast_to(np.float32(np.nan), (rows, 4)),
        detected=has_colour,
        cadence=1,
    )
    span_s = float(times_s[-1] - times_s[0]) if rows > 1 else 0.0
    fps = (rows - 1) / span_s if span_s > 0 else 0.0
    metadata = {
        "format": "mean colours",
        "frames": rows,
        "fps": fps,
        "duration_s": rows / fps if fps else 0.0,
        "warnings": list(source.warnings),
    }
    return Features(times_s=times_s, track=track, moments=moments, metadata=metadata)


def describe_unread(names: tuple[str, ...]) -> list[str]:
    """The warning about columns that are not read, if there are any.

    >>> describe_unread(("frame", "yaw"))
    ["columns that are not read: 'frame', 'yaw'"]
    """
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    shown = ", ".join(map(repr, names[:MOST_NAMES]))
    return [f"columns that are not read: {shown}{more}"] if names else []


def _require_colours(file: Path, columns: Mapping[str, Array], unread: tuple[str, ...]) -> None:
    missing = [name for name in COLOURS if name not in columns]
    if missing:
        raise RecordingError(
            f"{file}: has no column {missing[0]}{_present(unread)}; name the mean colours "
            f"{', '.join(COLOURS)}"
        )


def _present(unread: tuple[str, ...]) -> str:
    names = ", ".join(map(repr, unread[:MOST_NAMES]))
    return f" (it has {names})" if names else ""


def _optional_signal(columns: Mapping[str, Array], name: str, times_s: Array) -> Signal | None:
    return Signal(columns[name], times_s) if name in columns else None


def _row_times(
    file: Path, columns: Mapping[str, Array], rows: int, lowest_hz: float, highest_hz: float
) -> Array:
    """The time (T,) of each row in seconds, by `time_s` or by `fs`."""
    if TIME not in columns and RATE not in columns:
        raise RecordingError(
            f"{file}: has neither {TIME} nor {RATE}; add the time of each row in seconds, or the "
            "rows per second"
        )
    fs = _rate(file, columns[RATE]) if RATE in columns else 0.0
    rate_hz = fs
    times_s = np.arange(rows) / fs if fs else columns[TIME]
    if TIME in columns:
        times_s = columns[TIME]
        rate_hz = _mean_rate(times_s)
        if fs and abs(rate_hz / fs - 1) > RATE_TOLERANCE:
            raise RecordingError(
                f"{file}: {RATE} says {fs:.6g} rows a second, {TIME} {rate_hz:.6g}; keep the right "
                "one"
            )
    if not lowest_hz <= rate_hz <= highest_hz:
        by_ms = f", or {1000 * rate_hz:.4g} if {TIME} is in milliseconds" if TIME in columns else ""
        raise RecordingError(
            f"{file}: {rate_hz:.4g} rows a second{by_ms}, where {lowest_hz:g} to {highest_hz:g} "
            f"are read; give {TIME} in seconds or {RATE} in Hz"
        )
    return times_s


def _rate(file: Path, values: Array) -> float:
    """The one rate in `fs`: one value, or a column with the same value in every row."""
    rates = np.unique(values)
    if len(rates) != 1 or not np.isfinite(rates[0]) or rates[0] <= 0:
        shown = ", ".join(f"{rate:g}" for rate in rates[:3])
        raise RecordingError(f"{file}: {RATE} holds {shown}; give one rate in Hz, or {TIME}")
    return float(rates[0])


def _mean_rate(times_s: Array) -> float:
    """Rows per second, by the median step: pauses do not count."""
    steps_s = np.diff(times_s[np.isfinite(times_s)])
    steps_s = steps_s[steps_s > 0]
    return 1 / float(np.median(steps_s)) if len(steps_s) else 0.0
