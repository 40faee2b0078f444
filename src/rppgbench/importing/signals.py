"""Signals of a source as estimates and references."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rppgbench.core.recording import GroundTruth, pulse_gap_s
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.datasets.ground_truth import plausible_ground_truth
from rppgbench.predictions.record import PredictedSignal
from rppgbench.system.errors import RecordingError

WHOLE_RECORDING_S = 1e6
"""One rate holds for the whole recording: to this second where the source states no length."""

FEWEST_SAMPLES = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportedSignal:
    """A prediction as an estimate holds it: a waveform, heart rates, or a reason for neither.

    Attributes:
        waveform: the pulse on a regular grid.
        heart_rate: heart rates in bpm.
        confidence: that of the source in either, 0 to 1; None where it gives none.
        reason: why there is neither.
        note: what was done to the signal, or "".
    """

    waveform: Waveform | None = None
    heart_rate: Signal | None = None
    confidence: Signal | None = None
    reason: str = ""
    note: str = ""

    @property
    def covered_s(self) -> tuple[float, float]:
        """The first and last second with a value; (0, 0) without any."""
        if self.waveform is not None:
            signal = Signal(self.waveform.samples, self.waveform.times_s())
        elif self.heart_rate is not None:
            signal = self.heart_rate
        else:
            return 0.0, 0.0
        times_s = signal.times_s[np.isfinite(signal.values)]
        return float(times_s[0]), float(times_s[-1])


def imported_signal(predicted: PredictedSignal) -> ImportedSignal:
    """A predicted signal as an estimate.

    A waveform with uneven times is interpolated in time onto a regular grid at its mean rate, never
    across a gap (`pulse_gap_s`).

    Args:
        predicted: the signal.

    Returns:
        The signal, or the reason why it cannot be used.
    """
    finite = int(np.isfinite(predicted.values).sum())
    noun = "samples of the waveform" if predicted.kind == "waveform" else "heart rates"
    if not len(predicted.values):
        return ImportedSignal(reason=f"{noun}: none in the source")
    if not finite:
        return ImportedSignal(reason=f"{noun}: none of {len(predicted.values)} is a number")
    if predicted.kind == "heart_rate":
        return ImportedSignal(heart_rate=rates_of(predicted), confidence=_confidence(predicted))
    if len(predicted.values) < FEWEST_SAMPLES:
        return ImportedSignal(reason=f"{noun}: only {len(predicted.values)} in the source")
    if predicted.is_uniform:
        return ImportedSignal(waveform=predicted.as_waveform(), confidence=predicted.confidence)
    signal = predicted.as_signal()
    count = len(signal.times_s)
    grid_s = np.linspace(signal.times_s[0], signal.times_s[-1], count)
    samples = signal.at(grid_s, pulse_gap_s(signal))
    return ImportedSignal(
        waveform=Waveform(samples, signal.fs, float(signal.times_s[0])),
        confidence=predicted.confidence,
        note="uneven times: interpolated in time to the mean rate, never across a gap",
    )


def _confidence(predicted: PredictedSignal) -> Signal | None:
    """The confidence of heart rates; that of one rate holds for its whole stretch."""
    if predicted.confidence is None or predicted.span_s is None:
        return predicted.confidence
    times_s = rates_of(predicted).times_s
    return Signal(np.full(len(times_s), predicted.confidence.values[0]), times_s)


def rates_of(predicted: PredictedSignal) -> Signal:
    """Heart rates with their times; one rate of a stretch is a reading for each second of it.

    Args:
        predicted: heart rates, or one heart rate with its span.

    Returns:
        The readings. A span without an end is two equal readings far apart.
    """
    if predicted.span_s is None:
        return predicted.as_signal()
    start_s, stop_s = predicted.span_s
    if not np.isfinite(stop_s):
        return Signal(np.full(2, predicted.values[0]), np.array([start_s, WHOLE_RECORDING_S]))
    times_s = np.arange(start_s, max(stop_s, start_s + 1e-3))
    return Signal(np.full(len(times_s), predicted.values[0]), times_s)


def ground_truth_of(
    references: Sequence[PredictedSignal], beats_s: Array | None = None
) -> GroundTruth:
    """References of a source, checked as labels of a data set are.

    Args:
        references: a pulse, heart rates, or both.
        beats_s: beats that the device marked, (B,) in seconds.

    Returns:
        The ground truth.

    Raises:
        RecordingError: it holds no usable value.
    """
    pulse = heart_rate = None
    for reference in references:
        if reference.kind == "heart_rate":
            heart_rate = rates_of(reference)
            if not np.isfinite(heart_rate.values).any():
                raise RecordingError("the reference holds no heart rate that is a number")
        elif np.isfinite(reference.values).sum() < FEWEST_SAMPLES:
            raise RecordingError("the reference holds fewer than two numbers")
        else:
            pulse = reference.as_signal()
    return plausible_ground_truth(GroundTruth(pulse=pulse, heart_rate=heart_rate, beats_s=beats_s))


def digest_of(references: Sequence[PredictedSignal], beats_s: Array | None = None) -> str:
    """The digest of references; "" for none.

    Args:
        references: the signals.
        beats_s: beats that the device marked, (B,) in seconds.
    """
    state = hashlib.sha256()
    for reference in references:
        state.update(reference.kind.encode() + b"\0")
        state.update(reference.values.tobytes() + reference.times_s.tobytes())
    if beats_s is not None:
        state.update(b"beats\0" + beats_s.tobytes())
    return state.hexdigest() if references or beats_s is not None else ""


def coverage_of(signal: ImportedSignal, duration_s: float) -> float:
    """The share of a recording that a prediction covers, 0 to 1.

    Args:
        signal: the prediction.
        duration_s: the duration of the recording in seconds; 0 where it is not known.
    """
    if signal.waveform is not None:
        finite = np.isfinite(signal.waveform.samples)
        lasts_s = max(duration_s, len(finite) / signal.waveform.fs)
        return float(finite.sum() / signal.waveform.fs / lasts_s)
    if signal.heart_rate is None:
        return 0.0
    first_s, last_s = signal.covered_s
    return min((last_s - first_s) / duration_s, 1.0) if duration_s > 0 else 1.0
