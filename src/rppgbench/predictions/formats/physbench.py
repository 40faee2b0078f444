"""Results of PhysBench: waveforms in HDF5, or rates as plain JSON lists.

Source: github KegangWangCCNU/PhysBench, `eval_on_dataset` (HDF5) and, in the fork
Snopylz/PhysBench_lz, `save_result.py` (JSON).
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.predictions.checked_signals import make_signal, single_rate
from rppgbench.predictions.checking import check_name, recording_or_reason, value_or_reason
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.hdf5_source import (
    groups,
    holds,
    open_source,
    read_arrays,
    text_attribute,
)
from rppgbench.predictions.json_source import begins_json, read_json_source
from rppgbench.predictions.record import Kind, PredictedRecording
from rppgbench.system.errors import BenchError, RecordingError

KINDS: dict[str, Kind] = {"BVP": "waveform", "HR": "heart_rate"}
CLOCK = "the times are those of the file, counted from its first frame"
NUMBERED = (
    "the list names no recordings; they are called by their place in it, from 0",
    "each number is the heart rate in bpm of one stretch, whose length the file does not state",
)


def recognise(file: Path) -> Match:
    """Certain for HDF5 with PhysBench's attributes; possible for a JSON list of numbers."""
    if holds(file, "model", "output", "dataset"):
        return Match.CERTAIN
    if not begins_json(file):
        return Match.NO
    try:
        return Match.POSSIBLE if _is_row(read_json_source(file)) else Match.NO
    except BenchError:
        return Match.NO


def _is_row(content: object) -> bool:
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(value, int | float) for value in content)
    )


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every video of an HDF5 file, or every rate of a JSON list.

    Args:
        file: the file.
        options: not used: the file states all.
        name: not used: the file names or numbers its recordings.

    Yields:
        One recording for each video, or for each number.

    Raises:
        BenchError: the file has another structure.
    """
    if begins_json(file):
        yield from _read_rates(file)
    else:
        yield from _read_videos(file)


def _read_rates(file: Path) -> Iterator[PredictedRecording]:
    rates = read_json_source(file)
    if not _is_row(rates):
        raise BenchError(f"{file}: is no plain list of heart rates; give another --format")
    for number, rate in enumerate(rates):
        yield recording_or_reason(
            str(number),
            lambda n=number, r=rate: PredictedRecording(  # type: ignore[misc]
                name=str(n),
                prediction=single_rate("heart rate", r, f"{file}: {n}"),
                assumptions=NUMBERED,
            ),
        )


def _read_videos(file: Path) -> Iterator[PredictedRecording]:
    with open_source(file) as content:
        output = text_attribute(content, "output")
        if output not in KINDS:
            raise BenchError(f"{file}: states output {output[:40]!r}, neither BVP nor HR")
        method = text_attribute(content, "model")
        method = check_name(method, str(file), "method") if method else ""
        names = _names(content, file)
        for group_name, group in groups(content, file):
            recording = names[group_name]
            yield recording_or_reason(
                recording,
                lambda g=group, r=recording: _recording(  # type: ignore[misc]
                    g, r, method, KINDS[output], file
                ),
                method,
            )


def _names(content: Any, file: Path) -> dict[str, str]:
    """Group -> recording: the path in the data set's index where each is there once.

    A video whose face was lost is in pieces, the groups "i_1", "i_2" and so on, with one path.
    """
    paths = {name: text_attribute(group, "path") for name, group in groups(content, file)}
    counts = Counter(paths.values())
    names = {}
    for group, path in paths.items():
        if path and counts[path] == 1:
            names[group] = path
        else:
            names[group] = f"{path} ({group})" if path else group
    return {group: check_name(name, str(file)) for group, name in names.items()}


def _recording(group: Any, name: str, method: str, kind: Kind, file: Path) -> PredictedRecording:
    location = f"{file}: {name}"
    arrays = read_arrays(group, file, "predict", "label", "timestamp")
    for needed in ("predict", "timestamp"):
        if needed not in arrays:
            raise RecordingError(f"{location}: has no {needed!r}")
    times_s = arrays["timestamp"].reshape(-1).astype(np.float64)
    times_s = times_s - times_s[:1]
    reference, reference_reason = None, ""
    if kind == "waveform" and "label" in arrays:
        reference, reference_reason = value_or_reason(
            lambda: make_signal("label", kind, arrays["label"], times_s, location)
        )
    prediction, reason = value_or_reason(
        lambda: make_signal("predict", kind, arrays["predict"], times_s, location)
    )
    return PredictedRecording(
        name=name,
        prediction=prediction,
        reference=reference,
        method=method,
        assumptions=(CLOCK,),
        reason=reason,
        reference_reason=reference_reason,
    )


FORMAT = PredictionFormat(
    title="PhysBench",
    files="an HDF5 file of `eval_on_dataset`, or a JSON list of rates",
    fields=(
        Field(name="predict", meaning="HDF5, each group: waveform (`output` BVP), or bpm (HR)"),
        Field(name="label", meaning="the reference waveform; read for `output` BVP"),
        Field(name="timestamp", meaning="times in s on the sensor's clock, uneven"),
        Field(name="path", meaning="attribute of a group: the recording; else the group's name"),
        Field(name="[72.9, ...]", meaning="JSON: one rate in bpm a stretch, without names"),
    ),
    notes=(
        "A JSON list of numbers may be something else: it needs `--format physbench`.",
        "Numbers of a list are recordings 0, 1, 2 and so on; the list of true rates in the same "
        "order is a reference (`--reference`).",
        "Frames after the last window are NaN in `predict` and stay without an estimate.",
    ),
    recognise=recognise,
    read=read,
)
