"""Records of predictions that other tools made: signals, recordings, and the source of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.system.errors import BenchError, one_line

Kind = Literal["waveform", "heart_rate"]
"""What the values of a signal are: samples of a pulse, or heart rates in bpm."""

UNIFORM_SHARE = 1e-3
"""Of the sampling interval: times that are further from a regular grid are uneven.

Times that a file rounds to a microsecond are within 0.003 % of the interval at 30 Hz.
"""


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictedSignal:
    """One signal of one recording: a waveform, or heart rates in bpm.

    Attributes:
        name: what the source calls the signal.
        kind: "waveform" or "heart_rate".
        values: (T,), NaN where there is no value. Heart rates are in bpm.
        times_s: (T,), seconds from the first frame of the recording, strictly increasing.
        span_s: for one heart rate of a whole stretch, which has one value: its first and last
            second. The end is infinite where the source does not state the length. None otherwise.
        confidence: that of the source in the signal, from 0 to 1 by its own definition, at times of
            its own; None where the source gives none.
    """

    name: str
    kind: Kind
    values: Array
    times_s: Array
    span_s: tuple[float, float] | None = None
    confidence: Signal | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"no kind of signal: {self.kind!r}")
        if self.values.ndim != 1 or self.values.shape != self.times_s.shape:
            raise ValueError(
                f"one time a value: {self.times_s.shape} times for {self.values.shape} values"
            )
        if not np.isfinite(self.times_s).all() or (np.diff(self.times_s) <= 0).any():
            raise ValueError("times that are not numbers, or do not increase")
        if self.span_s is not None and (self.kind != "heart_rate" or len(self.values) != 1):
            raise ValueError("a span belongs to one heart rate")

    @property
    def is_uniform(self) -> bool:
        """Whether the times are a regular grid, so that the signal has a sampling rate.

        >>> times_s = np.array([0.0, 0.5, 1.0])
        >>> PredictedSignal(name="", kind="waveform", values=times_s, times_s=times_s).is_uniform
        True
        """
        count = len(self.times_s)
        if count < 2:
            return False
        grid_s = np.linspace(self.times_s[0], self.times_s[-1], count)
        interval_s = (self.times_s[-1] - self.times_s[0]) / (count - 1)
        return bool(np.abs(self.times_s - grid_s).max() <= UNIFORM_SHARE * interval_s)

    @property
    def fs(self) -> float:
        """The mean number of values per second; 0 with fewer than two values."""
        return self.as_signal().fs

    def as_signal(self) -> Signal:
        """The values with their times."""
        return Signal(self.values, self.times_s)

    def as_waveform(self) -> Waveform:
        """The values of a regular grid.

        Raises:
            ValueError: the times are uneven.
        """
        if not self.is_uniform:
            raise ValueError(f"{self.name}: the times are uneven")
        return Waveform(self.values, self.fs, float(self.times_s[0]))


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictedRecording:
    """What a source holds of one recording by one method.

    Attributes:
        name: the recording's name in the source. It is text, never a path.
        prediction: the prediction; None where there is none, for the `reason`.
        reference: the truth that the source itself holds; None where it holds none.
        second_reference: truth of the other kind, where the source holds a pulse and heart rates.
        method: the method's name in the source; empty where the source names none.
        assumptions: what the source does not state and the reader took as given, a line each.
        reason: why there is no prediction, in one line.
        reference_reason: why the truth in the source cannot be used, in one line; empty where there
            is no such fault.
        cumulated: whether the reader summed up differences, so that the waveform may drift.
        beats_s: beats that the device of the reference marked, (B,) in seconds; None without any.
    """

    name: str
    prediction: PredictedSignal | None
    reference: PredictedSignal | None = None
    second_reference: PredictedSignal | None = None
    method: str = ""
    assumptions: tuple[str, ...] = ()
    reason: str = ""
    reference_reason: str = ""
    cumulated: bool = False
    beats_s: Array | None = None

    @property
    def references(self) -> tuple[PredictedSignal, ...]:
        """All truth that the source holds, at most one of each kind."""
        signals = (self.reference, self.second_reference)
        return tuple(signal for signal in signals if signal is not None)

    def __post_init__(self) -> None:
        if (self.prediction is None) != bool(self.reason):
            raise ValueError("a recording has a prediction, or the reason why it has none")
        if self.references and self.reference_reason:
            raise ValueError("a reference is usable, or has the reason why it is not")


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictionSource:
    """Predictions in one file or one folder; iterating reads them one recording at a time.

    Attributes:
        path: the file or folder.
        files: all files that are read, sorted.
        format: the names of their formats, sorted and joined by ", ".
        sha256: 64 hex digits over names and content of all files (`files.digest_of_files`).
        assumptions: what holds for all recordings and is not stated by the source.
        leftovers: files of a folder that are not read, each with the reason, a line each.
        simulated: whether the source says that its recordings are simulated.
        read: starts reading; `recordings` checks what it gives.
    """

    path: Path
    files: tuple[Path, ...]
    format: str
    sha256: str
    assumptions: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    simulated: bool = False
    read: Callable[[], Iterator[PredictedRecording]] = field(repr=False)

    def __iter__(self) -> Iterator[PredictedRecording]:
        return self.recordings()

    def recordings(self) -> Iterator[PredictedRecording]:
        """Yield the recordings in the order of the source, each read when it is asked for.

        Raises:
            BenchError: two recordings of one method have one name, or none has a prediction.
        """
        names: set[tuple[str, str]] = set()
        count, first_reason = 0, ""
        for recording in self.read():
            if (recording.method, recording.name) in names:
                of_method = f" of method {one_line(recording.method)!r}" if recording.method else ""
                raise BenchError(
                    f"{self.path}: two recordings{of_method} are called "
                    f"{one_line(recording.name)!r}; give each a name of its own"
                )
            names.add((recording.method, recording.name))
            count += recording.prediction is not None
            first_reason = first_reason or recording.reason
            yield recording
        if not count:
            raise BenchError(first_reason or f"{self.path}: holds no recording; check the path")
