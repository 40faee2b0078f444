"""A recording made of its fields, in the generic formats."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.predictions.checked_signals import (
    NON_POSITIVE,
    PLAUSIBLE_BPM,
    choose_signal,
    make_signal,
    sampled_times_s,
    single_rate,
)
from rppgbench.predictions.checking import (
    agreed_fs,
    as_array,
    as_vector,
    check_fs,
    check_name,
    needs_fs,
    value_or_reason,
)
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.fields import TIME_SCALES, Roles
from rppgbench.predictions.record import Kind, PredictedRecording, PredictedSignal
from rppgbench.system.errors import BenchError, RecordingError, one_line


def recording_from_fields(
    fields: Mapping[str, Any], roles: Roles, name: str, options: ReadOptions, location: str
) -> PredictedRecording:
    """A recording made of its fields.

    Args:
        fields: the fields; values of samples are arrays or lists (T,), others single values.
        roles: which field has which role.
        name: the recording's name, checked.
        options: a sampling rate, and which signal is the prediction.
        location: the file, for messages.

    Raises:
        RecordingError: the fields do not fit each other.
        BenchError: neither times nor a sampling rate.
    """
    place = f"{location}: {name}"
    reader = _FieldReader(fields, roles, options, place)
    notes: list[str] = []

    def predict() -> PredictedSignal:
        waveform = reader.signal(roles.waveform, "waveform")
        rate = reader.signal(roles.rate, "heart_rate")
        chosen, lines = choose_signal(waveform, rate, options.kind, place)
        notes.extend(lines)
        return chosen

    prediction, reason = value_or_reason(predict)
    truth, reference_reason = value_or_reason(lambda: (reader.references(), reader.beats_s()))
    signals, beats_s = truth or ((), None)
    references = sorted(signals, key=lambda s: prediction is not None and s.kind != prediction.kind)
    method = None if roles.method is None else fields.get(roles.method)
    return PredictedRecording(
        name=name,
        prediction=prediction,
        reference=references[0] if references else None,
        second_reference=references[1] if len(references) > 1 else None,
        method="" if method is None else check_name(_single(method, place), place, "method"),
        assumptions=(*roles.notes(), *notes, *reader.notes),
        reason=reason,
        reference_reason=reference_reason,
        beats_s=beats_s,
    )


class _FieldReader:
    """Makes signals of the fields of one recording."""

    def __init__(
        self, fields: Mapping[str, Any], roles: Roles, options: ReadOptions, location: str
    ) -> None:
        self._fields = fields
        self._roles = roles
        self._options = options
        self._location = location
        self.notes: list[str] = []

    def signal(
        self, field: str | None, kind: Kind, *, is_reference: bool = False
    ) -> PredictedSignal | None:
        """The signal in a field; None without a field, and for a reference without a number.

        Args:
            field: the name of the field.
            kind: what it holds.
            is_reference: whether the times of references belong to it.
        """
        if field is None:
            return None
        values = as_vector(self._fields[field], self._location, field)
        if is_reference and np.isnan(values).all():
            return None
        if kind == "heart_rate" and (values <= 0).any():
            self._note(NON_POSITIVE)
        confidence = None if is_reference else self._confidence(field, len(values))
        if kind == "heart_rate" and len(values) == 1 and not self._has_times(is_reference):
            return single_rate(field, float(values[0]), self._location, confidence=confidence)
        times_s = self._times_s(len(values), is_reference)
        return make_signal(field, kind, values, times_s, self._location, confidence=confidence)

    def _confidence(self, signal: str, count: int) -> Array | None:
        """The confidence of the method in each value of a signal: (T,), None without such a field.

        Beside a waveform and heart rates it belongs to the one that has as many values.

        Args:
            signal: the field of the signal.
            count: number of its values.
        """
        field = self._roles.confidence
        if field is None:
            return None
        confidence = as_vector(self._fields[field], self._location, field)
        for other in (self._roles.waveform, self._roles.rate):
            if other is None or other == signal:
                continue
            if np.size(self._fields[other]) == len(confidence) != count:
                self._note(f"{field} has one value for each of {other}, and none of {signal}")
                return None
        return confidence

    def references(self) -> tuple[PredictedSignal, ...]:
        """The truth in the fields: a waveform, then heart rates, or either of them, or nothing."""
        signals = (
            self.signal(self._roles.reference_waveform, "waveform", is_reference=True),
            self.signal(self._roles.reference_rate, "heart_rate", is_reference=True),
        )
        return tuple(signal for signal in signals if signal is not None)

    def beats_s(self) -> Array | None:
        """The beats that the device of the reference marked: (B,) in seconds."""
        field = self._roles.reference_beats
        return None if field is None else as_vector(self._fields[field], self._location, field)

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)

    def _has_times(self, is_reference: bool) -> bool:
        has_reference_time = is_reference and self._roles.reference_time is not None
        return has_reference_time or self._roles.time is not None or self._roles.frame is not None

    def _times_s(self, count: int, is_reference: bool) -> Array:
        roles = self._roles
        if is_reference and roles.reference_time is not None:
            return as_vector(self._fields[roles.reference_time], self._location, "reference times")
        if is_reference and roles.reference_fs is not None:
            stated = _single(self._fields[roles.reference_fs], self._location)
            return sampled_times_s(count, check_fs(stated, self._location))
        if roles.time is not None:
            times = as_vector(self._fields[roles.time], self._location, "times")
            return times * TIME_SCALES[roles.time.lower()]
        fs = self._fs()
        if roles.frame is not None:
            frames = as_vector(self._fields[roles.frame], self._location, "frames")
            return frames / fs
        self._note(f"the first sample is the first frame, and the others follow at {fs:g} a second")
        return sampled_times_s(count, fs)

    def _fs(self) -> float:
        if self._roles.fs is not None:
            return agreed_fs(
                _single(self._fields[self._roles.fs], self._location),
                self._options,
                self._location,
            )
        return needs_fs(self._options, self._location)


def _single(value: Any, location: str) -> Any:
    """The one value of a field that does not change within a recording."""
    array = as_array(value, location, "values")
    if array.size == 0:
        return value
    first = array.flat[0]
    different = array[array != first]
    if len(different):
        shown = " and ".join(one_line(item)[:40] for item in (first, different.flat[0]))
        raise RecordingError(f"{location}: a field that changes within the recording: {shown}")
    return first.item() if isinstance(first, np.generic) else first


def bare_kind(values: Array, kind: Kind | None, location: str) -> Kind:
    """What numbers without a name are.

    Args:
        values: (T,).
        kind: what the user says; None decides where only one reading is possible.
        location: the file and recording, for messages.

    Returns:
        "heart_rate" for a single number that can be one; "waveform" for numbers that cannot be
        heart rates.

    Raises:
        BenchError: both are possible.
    """
    if kind is not None:
        return kind
    low, high = PLAUSIBLE_BPM
    known = values[np.isfinite(values)]
    if len(known) and ((known < low) | (known > high)).any() and len(values) > 1:
        return "waveform"
    if len(values) == 1:
        return "heart_rate"
    raise BenchError(
        f"{location}: the numbers could be a waveform or heart rates in bpm; name them 'pulse' or "
        "'heart_rate_bpm' in the source"
    )
