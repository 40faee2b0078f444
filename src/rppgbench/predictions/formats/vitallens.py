"""JSON files of vitallens: one dictionary for each face of one video.

Source: github Rouast-Labs/vitallens-python, `VitalLens(export_to_json=True)`. Older versions call
the key `vitals` `vital_signs`. The files are no strict JSON: they hold the bare word NaN.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.predictions.checked_signals import (
    choose_signal,
    make_signal,
    sampled_times_s,
    single_rate,
)
from rppgbench.predictions.checking import (
    agreed_fs,
    as_vector,
    check_name,
    needs_fs,
    recording_or_reason,
)
from rppgbench.predictions.declaration import Field, Match, PredictionFormat, ReadOptions
from rppgbench.predictions.json_source import begins_json, read_json_source
from rppgbench.predictions.record import PredictedRecording, PredictedSignal
from rppgbench.system.errors import BenchError, RecordingError

VITALS = ("vitals", "vital_signs")
HEAD_BYTES = 2**20


def recognise(file: Path) -> Match:
    """Certain for JSON with the keys that vitallens writes."""
    if not begins_json(file):
        return Match.NO
    try:
        faces = read_json_source(file)
    except BenchError:
        return Match.NO
    is_known = (
        isinstance(faces, list) and faces and all(_is_face(face) for face in faces)
    ) or _is_face(faces)
    return Match.CERTAIN if is_known else Match.NO


def _is_face(value: object) -> bool:
    return (
        isinstance(value, dict)
        and "face" in value
        and any(key in value for key in (*VITALS, "waveforms"))
    )


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every face of the file.

    Args:
        file: the JSON file.
        options: which signal is the prediction.
        name: the recording's name, as the file states none.

    Yields:
        One recording for each face.

    Raises:
        BenchError: the file has another structure, or holds no face.
    """
    content = read_json_source(file)
    faces = content if isinstance(content, list) else [content]
    if not faces or not all(_is_face(face) for face in faces):
        raise BenchError(f"{file}: holds no face in the form of vitallens; give another --format")
    for number, face in enumerate(faces, start=1):
        recording = check_name(name if len(faces) == 1 else f"{name} face {number}", str(file))
        yield recording_or_reason(
            recording,
            lambda f=face, r=recording: _recording(f, r, options, str(file)),  # type: ignore[misc]
        )


def _recording(
    face: Mapping[str, Any], name: str, options: ReadOptions, location: str
) -> PredictedRecording:
    waveform = _waveform(face, options, location)
    rate = _heart_rate(face, options, location)
    prediction, notes = choose_signal(waveform, rate, options.kind, location)
    return PredictedRecording(name=name, prediction=prediction, assumptions=notes)


def _part(face: Mapping[str, Any], group: str, signal: str) -> Mapping[str, Any] | None:
    parts = face.get(group)
    part = parts.get(signal) if isinstance(parts, dict) else None
    return part if isinstance(part, dict) else None


def _waveform(
    face: Mapping[str, Any], options: ReadOptions, location: str
) -> PredictedSignal | None:
    for group in ("waveforms", *VITALS):
        part = _part(face, group, "ppg_waveform")
        if part is not None and "data" in part:
            values = as_vector(part["data"], location, "ppg_waveform")
            times_s = _times_s(face, len(values), options, location)
            return make_signal(
                "ppg_waveform",
                "waveform",
                values,
                times_s,
                location,
                confidence=part.get("confidence"),
            )
    return None


def _heart_rate(
    face: Mapping[str, Any], options: ReadOptions, location: str
) -> PredictedSignal | None:
    """The rolling rates where there are any, else the one rate of the video."""
    rolling = _part(face, "rolling_vitals", "heart_rate")
    if rolling is not None and "data" in rolling:
        _check_unit(rolling, location)
        values = as_vector(rolling["data"], location, "rolling heart_rate")
        if np.isfinite(values).any():
            times_s = _times_s(face, len(values), options, location)
            return make_signal(
                "rolling heart_rate",
                "heart_rate",
                values,
                times_s,
                location,
                confidence=rolling.get("confidence"),
            )
    for group in VITALS:
        part = _part(face, group, "heart_rate")
        if part is not None and "value" in part:
            _check_unit(part, location)
            span_s = (0.0, float("inf"))
            if isinstance(face.get("time"), list) and face["time"]:
                span_s = (0.0, float(as_vector(face["time"], location, "time")[-1]))
            return single_rate(
                "heart_rate", part["value"], location, span_s, confidence=part.get("confidence")
            )
    return None


def _check_unit(part: Mapping[str, Any], location: str) -> None:
    unit = part.get("unit", "bpm")
    if unit != "bpm":
        raise RecordingError(f"{location}: a heart rate in {unit!r}, where bpm belongs")


def _times_s(face: Mapping[str, Any], count: int, options: ReadOptions, location: str) -> Any:
    if isinstance(face.get("time"), list):
        return face["time"]
    if "fps" in face:
        return sampled_times_s(count, agreed_fs(face["fps"], options, location))
    return sampled_times_s(count, needs_fs(options, location))


FORMAT = PredictionFormat(
    title="vitallens",
    files="a JSON file for each video; vitallens writes no other format",
    fields=(
        Field(name="waveforms.ppg_waveform.data", meaning="the waveform: the prediction"),
        Field(name="rolling_vitals.heart_rate.data", meaning="heart rates in bpm over time"),
        Field(
            name="vitals.heart_rate.value",
            meaning="one heart rate in bpm of the video; `vital_signs` in older versions",
        ),
        Field(
            name="confidence",
            meaning="beside `data` or `value`: vitallens' confidence in them, 0 to 1; its methods "
            "that run locally (g, chrom, pos) give 1 throughout",
        ),
        Field(name="time, fps", meaning="times in s, or frames per second"),
    ),
    notes=(
        "The recording has the name of the file, with `face N` behind it where there are several.",
        "The bare word NaN is read as no value.",
        "The waveform is the prediction; the rolling rates, or the one rate, where there is none.",
    ),
    recognise=recognise,
    read=read,
)
