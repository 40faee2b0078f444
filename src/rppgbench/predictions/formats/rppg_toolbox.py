"""Pickles of rPPG-Toolbox: predictions and labels of each subject in numbered chunks.

Source: github ubicomplab/rPPG-Toolbox, `BaseTrainer.save_test_outputs`: {"predictions": {subject:
{chunk: (T, 1) tensor}}, "labels": the same, "label_type", "fs"}.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.predictions.checked_signals import make_signal, sampled_times_s
from rppgbench.predictions.checking import (
    agreed_fs,
    as_vector,
    check_name,
    needs_fs,
    recording_or_reason,
    value_or_reason,
)
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.pickles.reading import is_pickle_with, read_pickled_file
from rppgbench.predictions.record import PredictedRecording, PredictedSignal
from rppgbench.system.errors import BenchError, RecordingError, one_line

LABEL_TYPES = {
    "DiffNormalized": "differences of a waveform, which are summed up",
    "Standardized": "a waveform with mean 0 and standard deviation 1",
    "Raw": "a waveform as it is",
}
KEYS = ("predictions", "labels", "label_type")


def recognise(file: Path) -> Match:
    """Certain for a pickle with the toolbox's keys."""
    return Match.CERTAIN if is_pickle_with(file, *KEYS) else Match.NO


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every subject of the file.

    Args:
        file: the pickle.
        options: a sampling rate may not contradict the file's.
        name: not used: the file names its recordings.

    Yields:
        One recording for each subject, with the labels as its reference.

    Raises:
        BenchError: the pickle is refused, or has another structure.
    """
    content = read_pickled_file(file)
    match content:
        case {"predictions": dict(predictions), "labels": dict(labels), "label_type": str(kind)}:
            pass
        case _:
            raise BenchError(
                f"{file}: lacks 'predictions', 'labels' or 'label_type' of rPPG-Toolbox; "
                "give --format with another format"
            )
    if kind not in LABEL_TYPES:
        raise BenchError(
            f"{file}: the label type {one_line(kind)[:60]!r} is none of {', '.join(LABEL_TYPES)}; "
            "give its waveforms as a table with recording, time_s, pulse and reference_pulse"
        )
    location = str(file)
    stated = content["fs"] if "fs" in content else needs_fs(options, location)
    fs = agreed_fs(stated, options, location)
    assumptions = (
        "the chunks of a recording join in the order of their numbers without a gap",
        f"the first sample is the first frame, and the others follow at {fs:g} a second",
        f"label_type {kind}: {LABEL_TYPES[kind]}",
    )
    for subject, chunks in predictions.items():
        recording = check_name(subject, str(file))
        yield recording_or_reason(
            recording,
            lambda r=recording, s=subject, c=chunks: _recording(  # type: ignore[misc]
                r, c, labels.get(s), kind, fs, f"{file}: {r}", assumptions
            ),
        )


def _recording(
    name: str,
    chunks: Any,
    label_chunks: Any,
    kind: str,
    fs: float,
    location: str,
    assumptions: tuple[str, ...],
) -> PredictedRecording:
    def read_prediction() -> PredictedSignal:
        predicted = _joined(chunks, kind, location)
        if isinstance(chunks, Mapping) and isinstance(label_chunks, Mapping):
            _check_same_chunks(chunks, label_chunks, location)
        times_s = sampled_times_s(len(predicted), fs)
        return make_signal("predictions", "waveform", predicted, times_s, location)

    def read_label() -> PredictedSignal:
        label = _joined(label_chunks, kind, location)
        times_s = sampled_times_s(len(label), fs)
        return make_signal("labels", "waveform", label, times_s, location)

    prediction, reason = value_or_reason(read_prediction)
    reference, reference_reason = None, ""
    if label_chunks is not None:
        reference, reference_reason = value_or_reason(read_label)
    return PredictedRecording(
        name=name,
        prediction=prediction,
        reference=reference,
        assumptions=assumptions,
        cumulated=kind == "DiffNormalized",
        reason=reason,
        reference_reason=reference_reason,
    )


def _check_same_chunks(chunks: Mapping[Any, Any], labels: Mapping[Any, Any], location: str) -> None:
    """Predictions and labels lie on one clock only where they have the same chunks."""
    lengths = [
        {_number(key, location): np.size(chunk) for key, chunk in group.items()}
        for group in (chunks, labels)
    ]
    if lengths[0] != lengths[1]:
        raise RecordingError(f"{location}: predictions and labels have different chunks")


def _joined(chunks: Any, kind: str, location: str) -> Array:
    """The chunks in the order of their numbers: (T,)."""
    if not isinstance(chunks, dict) or not chunks:
        raise RecordingError(f"{location}: has no numbered chunks")
    numbered = {_number(key, location): chunk for key, chunk in chunks.items()}
    if len(numbered) < len(chunks):
        raise RecordingError(f"{location}: two chunks have one number")
    numbers = sorted(numbered)
    absent = numbers[-1] - numbers[0] + 1 - len(numbers)
    if absent or numbers[0] not in (0, 1):
        raise RecordingError(
            f"{location}: chunks {numbers[0]} to {numbers[-1]} with {max(absent, 0)} absent; the "
            "times after a lost chunk are not known"
        )
    parts = [as_vector(numbered[number], location, f"chunk {number}") for number in numbers]
    values = np.concatenate(parts)
    joined: Array = np.cumsum(values) if kind == "DiffNormalized" else values
    return joined


def _number(key: object, location: str) -> int:
    """The number of a chunk, which is a whole number or its text."""
    if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10:
        return int(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return key
    raise RecordingError(f"{location}: a chunk named {one_line(key)[:40]!r}, which is no number")


FORMAT = PredictionFormat(
    title="rPPG-Toolbox",
    files="a pickle of `save_test_outputs`, with PyTorch's tensors or numpy's arrays",
    fields=(
        Field(name="predictions", meaning="{recording: {chunk number: (T, 1)}}: the waveforms"),
        Field(name="labels", meaning="the same of the reference waveforms"),
        Field(name="label_type", meaning="`DiffNormalized`, `Standardized` or `Raw`"),
        Field(name="fs", meaning="samples per second"),
    ),
    notes=(
        "Chunks join in the order of their numbers, which are whole numbers or their texts.",
        "`DiffNormalized` is summed up, predictions and labels alike; a gap of NaN ends it.",
        "PyTorch need not be installed.",
    ),
    recognise=recognise,
    read=read,
)
