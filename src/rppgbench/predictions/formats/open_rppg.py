"""What open-rppg returns, saved by its user: the pulse as NPZ, the result as pickle or JSON.

Source: open-rppg 0.1.1. It has no writer: `model.bvp()` gives the pulse and its times, and
`model.process_video` a dictionary with the heart rate and its signal quality.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.predictions.array_source import NpzTree, is_npz
from rppgbench.predictions.checked_signals import make_signal, single_rate
from rppgbench.predictions.checking import check_name, recording_or_reason
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.json_source import begins_json, read_json_source
from rppgbench.predictions.pickles.reading import is_pickle, is_pickle_with, read_pickled_file
from rppgbench.predictions.record import PredictedRecording
from rppgbench.system.errors import BenchError

PULSE = {"bvp", "ts"}
RESULT = {"hr", "SQI"}
LOW_QUALITY = 0.5
"""Below this signal quality open-rppg itself gives no variability."""


def recognise(file: Path) -> Match:
    """Certain for an archive with `bvp` and `ts`, and for a result with `hr` and `SQI`."""
    if is_pickle_with(file, *RESULT):
        return Match.CERTAIN
    try:
        if is_npz(file):
            return Match.CERTAIN if set(_pulse(file)) >= PULSE else Match.NO
        if begins_json(file):
            return Match.CERTAIN if _result(read_json_source(file)) is not None else Match.NO
    except BenchError:
        return Match.NO
    return Match.NO


def _pulse(file: Path) -> dict[str, Any]:
    """The arrays `bvp` and `ts` of an archive, where it has them."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            tree = NpzTree(archive.zip, file)
            return {name: tree[name] for name in PULSE & set(tree)}
    except BenchError:
        raise
    except Exception as error:  # a damaged archive raises exceptions of several modules
        raise BenchError(f"{file}: not an archive of arrays; save it again") from error


def _result(content: Any) -> dict[str, Any] | None:
    """The dictionary of a result, or the one under the key `result`."""
    if isinstance(content, dict) and isinstance(content.get("result"), dict):
        content = content["result"]
    return content if isinstance(content, dict) and set(content) >= RESULT else None


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read the pulse, or the heart rate.

    Args:
        file: NPZ, pickle or JSON.
        options: not used: the file states all.
        name: the recording's name.

    Yields:
        One recording.

    Raises:
        BenchError: the file has another structure.
    """
    recording = check_name(name, str(file))
    if is_npz(file):
        arrays = _pulse(file)
        if set(arrays) != PULSE:
            raise BenchError(f"{file}: lacks 'bvp' or 'ts' of open-rppg; give another --format")
        yield recording_or_reason(recording, lambda: _from_pulse(arrays, recording, str(file)))
        return
    content = read_pickled_file(file) if is_pickle(file) else read_json_source(file)
    result = _result(content)
    if result is None:
        raise BenchError(f"{file}: lacks 'hr' or 'SQI' of open-rppg; give another --format")
    yield recording_or_reason(recording, lambda: _from_result(result, recording, str(file)))


def _from_pulse(arrays: dict[str, Any], name: str, location: str) -> PredictedRecording:
    return PredictedRecording(
        name=name, prediction=make_signal("bvp", "waveform", arrays["bvp"], arrays["ts"], location)
    )


def _from_result(result: dict[str, Any], name: str, location: str) -> PredictedRecording:
    quality = result["SQI"]
    notes = []
    if isinstance(quality, int | float) and quality <= LOW_QUALITY:
        notes.append(f"open-rppg gives the signal a quality of {quality:.2f}, of 1 at most")
    return PredictedRecording(
        name=name,
        prediction=single_rate("hr", result["hr"], location, confidence=quality),
        assumptions=("hr is the rate of the whole recording, whose length is not stated", *notes),
    )


FORMAT = PredictionFormat(
    title="open-rppg",
    files="an NPZ file of `bvp` and `ts`, or a pickle or JSON of the result of `process_video`",
    fields=(
        Field(name="bvp, ts", meaning="NPZ: the filtered pulse, and its times in s"),
        Field(name="hr", meaning="result: one heart rate in bpm of the recording"),
        Field(name="SQI", meaning="result: its signal quality, 0 to 1: the confidence of `hr`"),
    ),
    notes=(
        "open-rppg writes no files itself. The recording has the name of the file.",
        "`raw` beside `bvp` is not read; a result with `hr` None has no prediction.",
    ),
    recognise=recognise,
    read=read,
)
