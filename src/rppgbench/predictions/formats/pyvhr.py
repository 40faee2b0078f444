"""Result files of pyVHR: heart rates of each window, by method and video.

Source: github phuselab/pyVHR, `TestResult.saveResults`: a pandas frame `self.dataFrame` in HDF5,
whose columns of objects are pickled inside it. pandas 1 writes all of them as one block, pandas 3
in several.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.predictions.checked_signals import make_signal
from rppgbench.predictions.checking import (
    as_vector,
    check_name,
    recording_or_reason,
    value_or_reason,
)
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.hdf5_source import (
    holds,
    open_source,
    read_arrays,
    read_object,
    text_attribute,
)
from rppgbench.predictions.pickles.reading import unpickle
from rppgbench.predictions.record import PredictedRecording
from rppgbench.signals.rate_confidence import confidence_of_deviation
from rppgbench.system.errors import BenchError, RecordingError

FRAME = "self.dataFrame"
NEEDED = ("method", "videoFilename", "bpmES", "timeES")
MOST_BLOCKS = 100
ASSUMPTIONS = (
    "a heart rate belongs to the middle of its window; the file does not state the window's length",
)
NO_DEVIATION = (
    "MAD is 0 throughout: that of one region, or of patches that agree in every window; it is not "
    "read as a confidence"
)


def recognise(file: Path) -> Match:
    """Certain for HDF5 with the frame that pyVHR writes."""
    return Match.CERTAIN if holds(file, FRAME) else Match.NO


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every row of the frame.

    Args:
        file: the HDF5 file.
        options: not used: the file states all.
        name: not used: the file names its recordings.

    Yields:
        One recording for each method and video.

    Raises:
        BenchError: the file has another structure, or a pickle inside it is refused.
    """
    columns = _columns(file)
    absent = [column for column in NEEDED if column not in columns]
    if absent:
        raise BenchError(f"{file}: has no column {absent[0]!r} of pyVHR; it is another frame")
    names = _names(columns, file)
    for row, recording in enumerate(names):
        cells = {column: values[row] for column, values in columns.items()}
        method = check_name(cells["method"], str(file), "method")
        yield recording_or_reason(
            recording,
            lambda c=cells, r=recording, m=method: _recording(c, r, m, file),  # type: ignore[misc]
            method,
        )


def _columns(file: Path) -> dict[str, Any]:
    """The columns of the frame: each a row of cells."""
    with open_source(file) as content:
        group = content.get(FRAME)
        if group is None or text_attribute(group, "pandas_type") != "frame":
            raise BenchError(f"{file}: has no frame {FRAME!r} of pyVHR; give another --format")
        columns: dict[str, Any] = {}
        for block in range(MOST_BLOCKS):
            if f"block{block}_items" not in group:
                return columns
            items = read_arrays(group, file, f"block{block}_items")[f"block{block}_items"]
            values = _block_values(group, file, f"block{block}_values")
            if values.ndim == 1:
                values = values[:, np.newaxis]
            if values.ndim != 2 or values.shape[1] != len(items):
                raise BenchError(f"{file}: a block of shape {values.shape} for {len(items)} names")
            for column, item in enumerate(items):
                columns[bytes(item).decode("utf-8", "replace")] = values[:, column]
            if len({len(column) for column in columns.values()}) > 1:
                raise BenchError(f"{file}: columns of different lengths; it is damaged")
    raise BenchError(f"{file}: a frame of more than {MOST_BLOCKS} blocks; it is not pyVHR's")


def _block_values(group: Any, file: Path, name: str) -> Any:
    """The values of a block: (rows, columns) numbers or objects."""
    item = group.get(name)
    if item is None:
        raise BenchError(f"{file}: has no {name!r}; it is damaged")
    if item.dtype.hasobject:
        values = unpickle(read_object(item, file), f"{file}: {name!r}")
        if not isinstance(values, np.ndarray):
            raise BenchError(f"{file}: {name!r} holds no array; it is damaged")
        return values
    return read_arrays(group, file, name)[name]


def _names(columns: Mapping[str, Any], file: Path) -> list[str]:
    """The name of the recording of each row: its video's file.

    Videos of different folders have different names where the whole path is in the file; a column
    `videoIdx` tells apart videos of one name.
    """
    names = [check_name(value, str(file)) for value in columns["videoFilename"]]
    counts = Counter(zip(columns["method"], columns.get("dataset", names), names, strict=True))
    if max(counts.values(), default=0) > 1:
        raise BenchError(
            f"{file}: one method has two rows of one video; keep the rows of one run in a file"
        )
    return names


def _recording(cells: Mapping[str, Any], name: str, method: str, file: Path) -> PredictedRecording:
    location = f"{file}: {method} on {name}"
    prediction, reason = value_or_reason(
        lambda: make_signal(
            "bpmES",
            "heart_rate",
            _filled(cells, "bpmES", location),
            _filled(cells, "timeES", location),
            location,
            confidence=_confidence(cells, location),
        )
    )
    reference, reference_reason = None, ""
    if _is_set(cells.get("bpmGT")) and _is_set(cells.get("timeGT")):
        reference, reference_reason = value_or_reason(
            lambda: make_signal("bpmGT", "heart_rate", cells["bpmGT"], cells["timeGT"], location)
        )
    return PredictedRecording(
        name=name,
        prediction=prediction,
        reference=reference,
        method=method,
        assumptions=(*ASSUMPTIONS, *_deviation_notes(cells)),
        reason=reason,
        reference_reason=reference_reason,
    )


def _confidence(cells: Mapping[str, Any], location: str) -> Array | None:
    """The confidence of each rate by pyVHR's uncertainty; None where the row gives none.

    The uncertainty is the median absolute deviation of the patches. It is 0 throughout where one
    region stands for the face, and the file does not state which it is: no confidence.
    """
    if not _is_set(cells.get("MAD")):
        return None
    deviation_bpm = as_vector(cells["MAD"], location, "MAD")
    if (deviation_bpm < 0).any():
        raise RecordingError(f"{location}: MAD below 0, which no deviation is; repair it")
    return confidence_of_deviation(deviation_bpm) if deviation_bpm.any() else None


def _deviation_notes(cells: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a row with deviations has no confidence."""
    is_zero = _is_set(cells.get("MAD")) and not np.any(cells["MAD"])
    return (NO_DEVIATION,) if is_zero else ()


def _is_set(cell: object) -> bool:
    """Whether a cell has values; an unset one is an empty text."""
    return isinstance(cell, np.ndarray | list) and len(cell) > 0


def _filled(cells: Mapping[str, Any], column: str, location: str) -> Any:
    if not _is_set(cells[column]):
        raise RecordingError(f"{location}: {column} is empty")
    return cells[column]


FORMAT = PredictionFormat(
    title="pyVHR",
    files="an HDF5 file of `TestResult.saveResults`, written with pandas 1, 2 or 3",
    fields=(
        Field(name="method", meaning="the method"),
        Field(name="videoFilename", meaning="the recording"),
        Field(name="bpmES, timeES", meaning="heart rates in bpm at the middles of windows, in s"),
        Field(
            name="MAD",
            meaning="median absolute deviation of the patches in bpm, which pyVHR gives as the "
            "uncertainty of a median: read as a confidence; optional",
        ),
        Field(name="bpmGT, timeGT", meaning="the same of the reference; optional"),
    ),
    notes=(
        "A file holds heart rates only, of every method and video.",
        "The confidence is the share of a normal distribution with the deviation MAD within 5 bpm "
        "of its centre. A MAD of 0 throughout is that of one region, or of patches that agree in "
        "every window: the file does not state which, so there is no confidence.",
        "The errors in the file (MAE, RMSE, PCC and others) are not read: they are computed again.",
    ),
    recognise=recognise,
    read=read,
)
