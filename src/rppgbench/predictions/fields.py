"""The names of fields in the generic formats, and a recording made of its fields.

A field is a column of a table, a key of JSON, an array of NPZ, a variable of MAT, a data set of
HDF5. All of them have the same names. A name that could mean two things is refused with both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.predictions.checking import (
    NON_POSITIVE,
    PLAUSIBLE_BPM,
    agreed_fs,
    as_array,
    as_vector,
    check_fs,
    check_name,
    choose_signal,
    make_signal,
    prediction_or_reason,
    sampled_times_s,
    single_rate,
)
from rppgbench.predictions.declaration import Field, ReadOptions
from rppgbench.predictions.record import Kind, PredictedRecording, PredictedSignal
from rppgbench.system.errors import BenchError, RecordingError, one_line, shortened

RECORDING_NAMES = ("recording", "video", "video_name", "filename", "subject")
METHOD_NAMES = ("method",)
TIME_NAMES = ("time_s", "time_ms")
FRAME_NAMES = ("frame",)
FS_NAMES = ("fs", "fps", "sampling_rate", "frame_rate")
WAVEFORM_NAMES = ("pulse", "waveform", "bvp", "ppg", "rppg")
RATE_NAMES = ("heart_rate_bpm", "hr_bpm", "bpm", "heart_rate", "hr")
REFERENCE_PREFIXES = ("reference_", "ref_", "true_", "gt_", "label_")

NO_UNIT_NAMES = frozenset({"heart_rate", "hr"})
TIME_SCALES = {"time_s": 1.0, "time_ms": 1e-3}
UNCLEAR_TIMES = frozenset({"time", "times", "timestamp", "timestamps", "t", "ts"})
UNCLEAR_SIGNALS = frozenset(
    {
        "value",
        "values",
        "prediction",
        "predictions",
        "pred",
        "predict",
        "estimate",
        "output",
        "data",
    }
)
UNCLEAR_REFERENCES = frozenset({"reference", "label", "labels", "gt", "ground_truth", "truth"})

GENERIC_FIELDS = (
    Field(name=" or ".join(RECORDING_NAMES), meaning="the name of the recording, a text"),
    Field(name="method", meaning="the method; optional"),
    Field(name="time_s, time_ms", meaning="seconds or milliseconds from the first frame"),
    Field(name="frame", meaning="numbers of frames, from 0; needs a sampling rate"),
    Field(name=" or ".join(FS_NAMES), meaning="samples per second, where there are no times"),
    Field(name=" or ".join(WAVEFORM_NAMES), meaning="the waveform"),
    Field(name=" or ".join(RATE_NAMES), meaning="heart rates in bpm"),
    Field(
        name="reference_NAME",
        meaning="the truth: the name of a waveform or of heart rates after one of "
        + ", ".join(f"`{prefix}`" for prefix in REFERENCE_PREFIXES),
    ),
    Field(
        name="reference_time_s, reference_fs",
        meaning="times or sampling rate of a reference that has its own (not in a table)",
    ),
)
"""The fields of the generic formats, for the documentation."""

GENERIC_NOTES = (
    "Names of fields are read in any case. Other fields are not read, and are listed as such.",
    "`value`, `prediction`, `label` and the like could be a waveform or heart rates, `time` and "
    "`timestamp` could be in seconds or milliseconds: they are refused with both readings.",
    "A waveform without times and without `fs` needs `--fs`.",
    "One heart rate without a time is the rate of the whole recording.",
)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which field has which role; None where no field has it."""

    recording: str | None
    method: str | None
    time: str | None
    frame: str | None
    fs: str | None
    waveform: str | None
    rate: str | None
    reference_waveform: str | None
    reference_rate: str | None
    reference_time: str | None
    reference_fs: str | None
    unread: tuple[str, ...]

    @property
    def has_signal(self) -> bool:
        """Whether there is a field with a prediction."""
        return self.waveform is not None or self.rate is not None

    def per_sample(self) -> tuple[str, ...]:
        """The fields that hold one number for each sample."""
        names = (
            self.time,
            self.frame,
            self.waveform,
            self.rate,
            self.reference_waveform,
            self.reference_rate,
        )
        return tuple(name for name in names if name is not None)

    def notes(self) -> tuple[str, ...]:
        """What the names of the fields leave open and is assumed, a line each."""
        lines = []
        if self.rate is not None and self.rate.lower() in NO_UNIT_NAMES:
            lines.append(f"{self.rate} is in bpm")
        if self.recording is not None and self.recording.lower() != "recording":
            lines.append(f"{self.recording} names the recordings")
        if self.unread:
            shown = ", ".join(one_line(name) for name in self.unread)
            lines.append(f"fields that are not read: {shortened(shown, 200)}")
        return tuple(lines)


def find_roles(names: Iterable[str], kind: Kind | None, location: str) -> Roles:
    """Which field has which role, by its name.

    Args:
        names: the names of the fields.
        kind: what a field such as `value` holds, as the user says; None refuses such a field.
        location: the file, for messages.

    Raises:
        BenchError: two fields have one role, or a name could mean two things.
    """
    fields = list(names)
    field_by_role: dict[str, str | None] = {}
    references = [prefix + name for prefix in REFERENCE_PREFIXES for name in WAVEFORM_NAMES]
    reference_rates = [prefix + name for prefix in REFERENCE_PREFIXES for name in RATE_NAMES]
    for role, known in {
        "recording": RECORDING_NAMES,
        "method": METHOD_NAMES,
        "time": TIME_NAMES,
        "frame": FRAME_NAMES,
        "fs": FS_NAMES,
        "waveform": WAVEFORM_NAMES,
        "rate": RATE_NAMES,
        "reference_waveform": references,
        "reference_rate": reference_rates,
        "reference_time": ("reference_time_s",),
        "reference_fs": ("reference_fs",),
    }.items():
        field_by_role[role] = _only(fields, known, role, location)
    _take_unclear(fields, field_by_role, kind, location)
    used = set(field_by_role.values())
    return Roles(unread=tuple(name for name in fields if name not in used), **field_by_role)


def _only(fields: Sequence[str], known: Sequence[str], role: str, location: str) -> str | None:
    """The one field whose name is among the known ones; the first known name goes before others."""
    matching = [name for name in fields if name.lower() in known]
    if role == "recording":
        matching = [name for name in matching if name.lower() == known[0]] or matching
    if len(matching) > 1:
        raise BenchError(
            f"{location}: {one_line(matching[0])!r} and {one_line(matching[1])!r} could both be "
            f"the {role.replace('_', ' ')}; leave one of them out"
        )
    return matching[0] if matching else None


def _take_unclear(
    fields: Sequence[str], field_by_role: dict[str, str | None], kind: Kind | None, location: str
) -> None:
    """Give roles to fields whose name leaves the kind open, where the user states the kind."""
    for name in fields:
        lower = name.lower()
        if lower in UNCLEAR_TIMES and field_by_role["time"] is None:
            raise BenchError(
                f"{location}: {name!r} could be in seconds or in milliseconds; rename it to "
                "'time_s' or 'time_ms'"
            )
        for unclear, prefix in ((UNCLEAR_SIGNALS, ""), (UNCLEAR_REFERENCES, "reference_")):
            roles = (f"{prefix}waveform", f"{prefix}rate")
            if lower not in unclear or any(field_by_role[role] is not None for role in roles):
                continue
            if kind is None:
                raise BenchError(
                    f"{location}: {name!r} could be a waveform or heart rates in bpm; rename it to "
                    f"'{prefix}pulse' or '{prefix}heart_rate_bpm'"
                )
            field_by_role[roles[kind == "heart_rate"]] = name


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

    prediction, reason = prediction_or_reason(predict)
    reference_fields = roles.reference_waveform, roles.reference_rate
    kinds: tuple[Kind, Kind] = ("waveform", "heart_rate")
    references = {
        kind: reader.signal(field, kind, is_reference=True)
        for field, kind in zip(reference_fields, kinds, strict=True)
    }
    preferred = references[prediction.kind] if prediction is not None else None
    reference = preferred or references["waveform"] or references["heart_rate"]
    method = None if roles.method is None else fields.get(roles.method)
    return PredictedRecording(
        name=name,
        prediction=prediction,
        reference=reference,
        second_reference=next(
            (
                signal
                for signal in references.values()
                if signal is not None and signal is not reference
            ),
            None,
        ),
        method="" if method is None else check_name(_single(method, place), place, "method"),
        assumptions=(*roles.notes(), *notes, *reader.notes),
        reason=reason,
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
        if kind == "heart_rate" and len(values) == 1 and not self._has_times(is_reference):
            return single_rate(field, float(values[0]), self._location)
        times_s = self._times_s(len(values), is_reference)
        return make_signal(field, kind, values, times_s, self._location)

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
                self._options.fs,
                self._location,
            )
        if self._options.fs is None:
            raise BenchError(
                f"{self._location}: states neither times nor a sampling rate; give --fs HZ"
            )
        return check_fs(self._options.fs, self._location)


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
