"""The names of fields in the generic formats, and which field has which role.

A field is a column of a table, a key of JSON, an array of NPZ, a variable of MAT, a data set of
HDF5. All of them have the same names. A name that could mean two things is refused with both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rppgbench.predictions.declaration import Field
from rppgbench.predictions.record import Kind
from rppgbench.system.errors import BenchError, one_line, shortened

RECORDING_NAMES = ("recording", "video", "video_name", "filename", "subject")
METHOD_NAMES = ("method",)
TIME_NAMES = ("time_s", "time_ms")
FRAME_NAMES = ("frame",)
FS_NAMES = ("fs", "fps", "sampling_rate", "frame_rate")
WAVEFORM_NAMES = ("pulse", "waveform", "bvp", "ppg", "rppg")
CONFIDENCE_NAMES = ("confidence",)
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
        name="confidence",
        meaning="the method's confidence in each value, 0 to 1 by its own definition; empty or NaN "
        "for none; optional",
    ),
    Field(
        name="reference_NAME",
        meaning="the truth: the name of a waveform or of heart rates after one of "
        + ", ".join(f"`{prefix}`" for prefix in REFERENCE_PREFIXES),
    ),
    Field(
        name="reference_time_s, reference_fs",
        meaning="times or sampling rate of a reference that has its own (not in a table)",
    ),
    Field(
        name="reference_beats_s",
        meaning="beats that the device of the reference marked, in seconds (not in a table)",
    ),
)
"""The fields of the generic formats, for the documentation."""

GENERIC_NOTES = (
    "Names of fields are read in any case. Other fields are not read, and are listed as such.",
    "`value`, `prediction`, `label` and the like could be a waveform or heart rates, `time` and "
    "`timestamp` could be in seconds or milliseconds: they are refused with both readings.",
    "A waveform without times and without `fs` needs `--fs`.",
    "One heart rate without a time is the rate of the whole recording.",
    "A confidence in percent is refused, and so is one of another number of values.",
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
    confidence: str | None
    reference_waveform: str | None
    reference_rate: str | None
    reference_time: str | None
    reference_fs: str | None
    reference_beats: str | None
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
            self.confidence,
            self.reference_waveform,
            self.reference_rate,
        )
        return tuple(name for name in names if name is not None)

    def separate_reference(self) -> tuple[str, ...]:
        """The fields of a reference whose numbers are not one for each sample of a prediction."""
        names = (self.reference_time, self.reference_fs, self.reference_beats)
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
        "confidence": CONFIDENCE_NAMES,
        "reference_waveform": references,
        "reference_rate": reference_rates,
        "reference_time": ("reference_time_s",),
        "reference_fs": ("reference_fs",),
        "reference_beats": ("reference_beats_s",),
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
