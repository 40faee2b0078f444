"""What a format of predictions declares: its title, its fields, how it is recognised and read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from rppgbench.predictions.record import Kind, PredictedRecording


class Match(IntEnum):
    """Whether a file is of a format, by its content."""

    NO = 0
    POSSIBLE = 1
    CERTAIN = 2


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user states about a source.

    Attributes:
        fs: samples per second of waveforms, for files that state neither a rate nor times.
        kind: which signal is the prediction where a file has both a waveform and heart rates; None
            takes the waveform.
        fs_option: the option of the command line that states `fs`, for messages.
    """

    fs: float | None = None
    fs_option: str = "--fs"
    kind: Kind | None = None


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column, key, variable or data set of a format, for the documentation."""

    name: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class PredictionFormat:
    """A format of files with predictions.

    A module of `predictions.formats` declares one as `FORMAT`; the name of the module is the name
    of the format.

    Attributes:
        title: the format in a few words.
        files: which files, in one sentence.
        fields: what is read.
        notes: rules of reading, a sentence each.
        recognise: whether a file is of this format; it never raises for a readable file.
        read: the recordings of one file, one at a time. A fault of the file is a `BenchError`; a
            fault of one recording is a recording with a reason. The last argument is the name of
            the recording where the file itself holds one recording without a name.
    """

    title: str
    files: str
    fields: tuple[Field, ...]
    notes: tuple[str, ...] = ()
    recognise: Callable[[Path], Match] = field(repr=False)
    read: Callable[[Path, ReadOptions, str], Iterator[PredictedRecording]] = field(repr=False)
