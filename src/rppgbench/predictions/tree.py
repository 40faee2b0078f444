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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.predictions.checking import as_vector, check_name, recording_or_reason
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.field_signals import bare_kind, recording_from_fields
from rppgbench.predictions.fields import Roles, find_roles
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
    reader = _TreeReader(options, file)
    if isinstance(content, list) and content and isinstance(content[0], Mapping):
        yield from reader.items(content)
    elif isinstance(content, Mapping):
        yield from reader.mapping(content, name, {}, 0)
    else:
        yield reader.bare(content, check_name(name, str(file)), {})


class _TreeReader:
    """Reads the nested names of one file; `shared` are the fields that stand above a recording."""

    def __init__(self, options: ReadOptions, file: Path) -> None:
        self._options = options
        self._file = file

    def items(self, items: list[Any]) -> Iterator[PredictedRecording]:
        """A list of fields: each item names its recording."""
        for number, item in enumerate(items):
            location = f"{self._file}: item {number}"
            if not isinstance(item, Mapping):
                raise BenchError(f"{location} has no fields, as the items before have")
            roles = find_roles(map(str, item), self._options.kind, location)
            if roles.recording is None or not roles.has_signal:
                raise BenchError(f"{location} lacks 'recording', or 'pulse' and 'heart_rate_bpm'")
            name = check_name(item[roles.recording], location)
            yield recording_or_reason(name, partial(self._built, item, roles, name))

    def mapping(
        self, content: Mapping[str, Any], name: str, shared: Mapping[str, Any], depth: int
    ) -> Iterator[PredictedRecording]:
        """The fields of one recording, or names of recordings with what lies under them."""
        location = f"{self._file}: {name}" if depth else str(self._file)
        if depth > MOST_DEEP:
            raise BenchError(f"{location}: nested more than {MOST_DEEP} deep; give {FORMS}")
        if not all(isinstance(key, str) for key in content):
            raise BenchError(f"{location}: names that are no texts; give {FORMS}")
        roles = find_roles(content, self._options.kind, location)
        if roles.has_signal:
            yield self._fields(content, roles, name, shared)
            return
        if roles.confidence is not None:
            raise BenchError(
                f"{location}: {roles.confidence!r} stands beside names of recordings; put it under "
                "each name, beside its 'pulse' or 'heart_rate_bpm'"
            )
        common = {
            field: content[field]
            for field in (roles.fs, roles.time, roles.method)
            if field is not None and not isinstance(content[field], Mapping)
        }
        beside = {**shared, **common}
        if not roles.unread:
            raise BenchError(f"{location}: holds no predictions; give {FORMS}")
        for key in roles.unread:
            inner = check_name(f"{name}/{key}" if depth else key, str(self._file))
            try:
                child = content[key]
            except RecordingError as error:
                yield PredictedRecording(name=inner, prediction=None, reason=str(error))
                continue
            if isinstance(child, Mapping):
                yield from self.mapping(child, inner, beside, depth + 1)
            else:
                yield self.bare(child, inner, beside)

    def bare(self, content: Any, name: str, shared: Mapping[str, Any]) -> PredictedRecording:
        """Numbers without the name of a field."""

        def build() -> PredictedRecording:
            place = f"{self._file}: {name}"
            values = as_vector(content, place, "values")
            kind = bare_kind(values, self._options.kind, place)
            field = "pulse" if kind == "waveform" else "heart_rate_bpm"
            fields = {**shared, field: values}
            roles = find_roles(fields, self._options.kind, str(self._file))
            recording = self._built(fields, roles, name)
            note = f"the numbers without a name are {'a waveform' if kind == 'waveform' else 'bpm'}"
            return replace(recording, assumptions=(note, *recording.assumptions))

        return recording_or_reason(name, build)

    def _fields(
        self, content: Mapping[str, Any], roles: Roles, name: str, shared: Mapping[str, Any]
    ) -> PredictedRecording:
        """The fields of one recording, read with the fields that stand above."""
        if roles.recording is not None:
            name = _text(content[roles.recording])
        location = str(self._file)
        checked = check_name(name, location)
        whole = find_roles(dict.fromkeys([*shared, *content]), self._options.kind, location)

        def build() -> PredictedRecording:
            used = {field: content[field] for field in content if field not in whole.unread}
            return self._built({**shared, **used}, whole, checked)

        return recording_or_reason(checked, build)

    def _built(self, fields: Mapping[str, Any], roles: Roles, name: str) -> PredictedRecording:
        return recording_from_fields(fields, roles, name, self._options, str(self._file))


def _text(value: Any) -> str:
    """A text, also from an array of one text."""
    array = np.asarray(value) if isinstance(value, np.ndarray) else None
    single = array.reshape(-1)[0] if array is not None and array.size == 1 else value
    return single.decode("utf-8", "replace") if isinstance(single, bytes) else str(single)
