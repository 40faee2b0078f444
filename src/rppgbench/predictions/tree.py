"""Recordings in nested names: JSON, NPZ, MAT, HDF5 and pickles of dictionaries.

| structure | meaning |
| --- | --- |
| fields (`pulse`, `fs`, ...) | one recording |
| name -> fields | a recording for each name |
| name -> numbers | a recording for each name; `fs`, `time_s` and `method` beside them are shared |
| list of fields with `recording` | a recording for each item |
| numbers | one recording, called as the file |

Names may be nested further: a recording in a group has the name GROUP/RECORDING.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.predictions.checking import as_vector, check_name, recording_or_reason
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.fields import (
    Roles,
    bare_kind,
    find_roles,
    recording_from_fields,
)
from rppgbench.predictions.record import PredictedRecording
from rppgbench.system.errors import BenchError, RecordingError

MOST_DEEP = 4
FORMS = "numbers, fields (pulse, heart_rate_bpm, ...), or either of them under names of recordings"


def read_tree(
    content: Any, name: str, options: ReadOptions, file: Path
) -> Iterator[PredictedRecording]:
    """The recordings in nested names.

    Args:
        content: mappings, lists, arrays, numbers and texts; a mapping may read its values when they
            are asked for.
        name: the name of a recording that has none.
        options: what the user states.
        file: the file, for messages.

    Yields:
        The recordings, in the order of the source.

    Raises:
        BenchError: another structure, or one that can be read in two ways.
    """
    if isinstance(content, list) and content and isinstance(content[0], Mapping):
        yield from _read_items(content, options, file)
    elif isinstance(content, Mapping):
        yield from _read_mapping(content, name, {}, options, file, 0)
    else:
        yield _read_bare(content, check_name(name, str(file)), {}, options, str(file))


def _read_items(items: list[Any], options: ReadOptions, file: Path) -> Iterator[PredictedRecording]:
    """A list of fields: each item names its recording."""
    for number, item in enumerate(items):
        location = f"{file}: item {number}"
        if not isinstance(item, Mapping):
            raise BenchError(f"{location} has no fields, as the items before have")
        roles = find_roles(map(str, item), options.kind, location)
        if roles.recording is None or not roles.has_signal:
            raise BenchError(f"{location} lacks 'recording', or 'pulse' and 'heart_rate_bpm'")
        name = check_name(item[roles.recording], location)
        yield recording_or_reason(
            name,
            lambda i=item, r=roles, n=name: recording_from_fields(  # type: ignore[misc]
                i, r, n, options, str(file)
            ),
        )


def _read_mapping(
    content: Mapping[str, Any],
    name: str,
    shared: Mapping[str, Any],
    options: ReadOptions,
    file: Path,
    depth: int,
) -> Iterator[PredictedRecording]:
    location = f"{file}: {name}" if depth else str(file)
    if depth > MOST_DEEP:
        raise BenchError(f"{location}: nested more than {MOST_DEEP} deep; give {FORMS}")
    if not all(isinstance(key, str) for key in content):
        raise BenchError(f"{location}: names that are no texts; give {FORMS}")
    roles = find_roles(content, options.kind, location)
    if roles.has_signal:
        yield _read_fields(content, roles, name, shared, options, file)
        return
    common = {
        field: content[field]
        for field in (roles.fs, roles.time, roles.method)
        if field is not None and not isinstance(content[field], Mapping)
    }
    beside = {**shared, **common}
    if not roles.unread:
        raise BenchError(f"{location}: holds no predictions; give {FORMS}")
    for key in roles.unread:
        inner = f"{name}/{key}" if depth else key
        yield from _read_child(content, key, inner, beside, options, file, depth + 1)


def _read_child(
    content: Mapping[str, Any],
    key: str,
    name: str,
    shared: Mapping[str, Any],
    options: ReadOptions,
    file: Path,
    depth: int,
) -> Iterator[PredictedRecording]:
    """What lies under one name; a value that cannot be read is a recording with the reason."""
    checked = check_name(name, str(file))
    try:
        child = content[key]
    except RecordingError as error:
        yield PredictedRecording(name=checked, prediction=None, reason=str(error))
        return
    if isinstance(child, Mapping):
        yield from _read_mapping(child, checked, shared, options, file, depth)
    else:
        yield _read_bare(child, checked, shared, options, str(file))


def _read_fields(
    content: Mapping[str, Any],
    roles: Roles,
    name: str,
    shared: Mapping[str, Any],
    options: ReadOptions,
    file: Path,
) -> PredictedRecording:
    location = str(file)
    if roles.recording is not None:
        name = _text(content[roles.recording])
    checked = check_name(name, location)

    def build() -> PredictedRecording:
        needed = {*roles.per_sample(), roles.fs, roles.method, roles.reference_time}
        needed = {*needed, roles.reference_fs} - {None}
        fields = {field: content[field] for field in content if field in needed}
        merged = {**shared, **fields}
        whole = find_roles(merged, options.kind, location)
        recording = recording_from_fields(merged, whole, checked, options, location)
        return recording if not roles.unread else _with_notes(recording, roles.notes())

    return recording_or_reason(checked, build)


def _with_notes(recording: PredictedRecording, notes: tuple[str, ...]) -> PredictedRecording:
    """The same recording with further assumptions."""
    fresh = tuple(line for line in notes if line not in recording.assumptions)
    return replace(recording, assumptions=(*fresh, *recording.assumptions))


def _read_bare(
    content: Any, name: str, shared: Mapping[str, Any], options: ReadOptions, location: str
) -> PredictedRecording:
    """Numbers without the name of a field."""

    def build() -> PredictedRecording:
        place = f"{location}: {name}"
        values = as_vector(content, place, "values")
        kind = bare_kind(values, options.kind, place)
        field = "pulse" if kind == "waveform" else "heart_rate_bpm"
        fields = {**shared, field: values}
        roles = find_roles(fields, options.kind, location)
        recording = recording_from_fields(fields, roles, name, options, location)
        note = f"the numbers without a name are {'a waveform' if kind == 'waveform' else 'bpm'}"
        return _with_notes(recording, (note,))

    return recording_or_reason(name, build)


def _text(value: Any) -> str:
    """A text, also from an array of one text."""
    array = np.asarray(value) if isinstance(value, np.ndarray) else None
    single = array.reshape(-1)[0] if array is not None and array.size == 1 else value
    return single.decode("utf-8", "replace") if isinstance(single, bytes) else str(single)
