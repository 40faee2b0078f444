"""From the pulse of one video to its heart rate, verdict and errors against a reference."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rppgbench.core.features import Features, has_whole_frames
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.evaluation.chain_reading import PulseBatch
from rppgbench.evaluation.evaluator import Evaluator, FixedWindow, WholeWindow
from rppgbench.evaluation.pulse_verdict import verdict
from rppgbench.evaluation.rate_reading import Reading, crop_to_valid, has_window, read_pulses
from rppgbench.evaluation.windows import RateWindow
from rppgbench.execution.prediction import Prediction
from rppgbench.system.errors import RecordingError

STRIDE_S = 1.0
SHORTEST_S = 4.0  # below this a heart rate of 40 bpm has fewer than three beats
NO_TRUTH = GroundTruth()


@dataclass(frozen=True, kw_only=True)
class NamedEvaluator:
    """An evaluator and the name of its file.

    Attributes:
        name: The name.
        rule: The rule.
    """

    name: str
    rule: Evaluator

    def __post_init__(self) -> None:
        self.rule.require_heart_rates(self.name)


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictionReader:
    """Reads the answer of one method on one video under one evaluator.

    Attributes:
        video: The file.
        method: The name of the method.
        evaluator: The evaluator.
        reference: What a contact sensor measured, on the clock of the frames; None without one.
    """

    video: str
    method: str
    evaluator: NamedEvaluator
    reference: GroundTruth | None = None

    def read(self, features: Features, pulse: Waveform, coverage: float) -> Prediction:
        """The rate, the windows, the verdict and the errors of a pulse.

        Args:
            features: What the method took.
            pulse: The pulse (T,), NaN in gaps.
            coverage: The share of the video that the pulse covers.

        Raises:
            RecordingError: The reference cannot be aligned with the frames.
        """
        rule = self.evaluator.rule
        answer = self._answer(features, pulse=pulse, coverage=coverage)
        rates = read_rates(pulse, rule)
        if not rates.bpm.size:
            return replace(answer, reason=_describe_too_short(pulse, rule))
        truth_bpm = np.full(rates.bpm.shape[1], np.nan)
        if answer.reference is not None:  # read apart: with a reference the SNR is at its rate
            truth_bpm = rates.reference_bpm[0]
        if answer.reference is not None:  # read apart: the SNR would be that at the reference
            truth_bpm = read_rates(pulse, rule, answer.reference).reference_bpm[0]
        answer = replace(answer, windows=_windows(rates, truth_bpm))
        if not np.isfinite(rates.bpm).any():
            reasons = sorted({str(reason) for reason in rates.reason.ravel() if reason})
            return replace(answer, reason="; ".join(reasons))
        judgement = verdict(rates.bpm[0], rates.snr_db[0], float(rates.duration_s[0, 0]))
        answer = replace(
            answer,
            snr_db=judgement.snr_db,
            verdict=judgement.word,
            agreement=judgement.agreement,
            reason=judgement.reason,
        )
        declared = read_declared(pulse, rule, answer.reference or NO_TRUTH)
        own_bpm, reading = _read_as_run(declared)
        if judgement.word == "no":
            known = np.isfinite(own_bpm)
            start = f"a run reads {own_bpm:.1f} bpm here all the same: " if known else ""
            return replace(answer, reading=f"{start}{reading}")
        if not np.isfinite(own_bpm):
            own_bpm, declared = float(np.nanmedian(rates.bpm)), None
        answer = replace(answer, heart_rate_bpm=own_bpm, reading=reading)
        if declared is None:
            return replace(answer, **_errors(rates.bpm[0], truth_bpm))
        return replace(answer, **_errors(declared.bpm[0], declared.reference_bpm[0]))

    def without_pulse(self, features: Features, reason: str) -> Prediction:
        """The answer where the method gives no pulse.

        Args:
            features: What the method took.
            reason: Why there is none.
        """
        return replace(self._answer(features), reason=reason)

    def _answer(
        self, features: Features, *, pulse: Waveform | None = None, coverage: float = 0.0
    ) -> Prediction:
        """What is known before a rate is read."""
        times_s = features.times_s
        span_s = float(times_s[-1] - times_s[0]) if len(times_s) > 1 else 0.0
        step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
        noted = features.metadata.get("warnings")
        warnings = tuple(map(str, noted)) if isinstance(noted, list | tuple) else ()
        truth = self.reference
        if truth is not None:
            try:
                truth = check_against_frames(truth, FrameClock.from_times(times_s))
            except RecordingError as error:
                raise RecordingError(f"reference: {error}") from error
            warnings += tuple(f"reference: {line}" for line in truth.warnings)
        return Prediction(
            video=self.video,
            method=self.method,
            evaluator=self.evaluator.name,
            heart_rate_bpm=float("nan"),
            snr_db=float("nan"),
            coverage=coverage,
            face_coverage=float(features.track.detected.mean()),
            frames=len(times_s),
            fps=(len(times_s) - 1) / span_s if span_s > 0 else 0.0,
            duration_s=span_s + step_s,
            pulse=pulse,
            confidence=_mean_confidence(pulse),
            windows=(),
            warnings=warnings,
            seen="a colour is" if has_whole_frames(features) else "a face is",
            reference=truth,
        )


def _mean_confidence(pulse: Waveform | None) -> float:
    """The mean of a method's own confidence over the video; NaN where it gives none."""
    if pulse is None or pulse.confidence is None:
        return float("nan")
    values = pulse.confidence.values[np.isfinite(pulse.confidence.values)]
    return float(values.mean()) if len(values) else float("nan")


def _windows(rates: Reading, truth_bpm: Array) -> tuple[RateWindow, ...]:
    rows = (rates.start_s[0], rates.duration_s[0], rates.bpm[0], rates.snr_db[0], truth_bpm)
    return tuple(RateWindow(*map(float, row)) for row in zip(*rows, strict=True))


def _errors(bpm: Array, truth_bpm: Array) -> Mapping[str, Any]:
    """Mean reference and mean absolute error over the windows (W,) that have both, in bpm."""
    both = np.isfinite(bpm) & np.isfinite(truth_bpm)
    if not both.any():
        return {}
    return {
        "compared_windows": int(both.sum()),
        "reference_bpm": float(truth_bpm[both].mean()),
        "mae_bpm": float(np.abs(bpm - truth_bpm)[both].mean()),
    }


def _read_as_run(reading: Reading | None) -> tuple[float, str]:
    """The rate that a run writes into heart_rates.csv, NaN without one, and how it is read."""
    if reading is None or not np.isfinite(reading.bpm).any():
        return float("nan"), "read whole: too short for the evaluator, so a run gives it no rate"
    count = int(np.isfinite(reading.bpm).sum())
    windows = "one window" if count == 1 else f"mean of {count} windows"
    lasts = sorted({f"{lasts:.3g}" for lasts in reading.duration_s.ravel()}, key=float)
    length = " to ".join(dict.fromkeys((lasts[0], lasts[-1])))
    return float(np.nanmean(reading.bpm)), f"{windows} of {length} s, as in a run"


def _describe_too_short(pulse: Waveform, rule: Evaluator) -> str:
    border = f" and {2 * rule.border_frames} frames of border" if rule.border_frames else ""
    return (
        f"too short: the pulse lasts {len(pulse.samples) / pulse.fs:.1f} s, and a heart rate takes "
        f"at least {SHORTEST_S:g} s{border}; record for longer"
    )


def read_declared(
    pulse: Waveform, rule: Evaluator, truth: GroundTruth = NO_TRUTH
) -> Reading | None:
    """Read the heart rates of a pulse in the evaluator's own windows, as a run does.

    Args:
        pulse: the pulse (T,).
        rule: the evaluator.
        truth: the reference, on the clock of the pulse.

    Returns:
        The rates, or None where the pulse is shorter than a window.
    """
    valid, cropped = crop_to_valid(rule, pulse)
    if not has_window(rule, valid):
        return None
    return read_pulses(rule, _batch(valid, cropped=cropped), [truth])


def read_rates(pulse: Waveform, rule: Evaluator, truth: GroundTruth = NO_TRUTH) -> Reading:
    """Read the heart rates of a pulse in one window each second.

    A pulse that is shorter than a window is read whole. The SNR is de Haan's under every rule; with
    a reference it is taken at the reference's rate.

    Args:
        pulse: the pulse (T,).
        rule: the evaluator, for the length of the window and the spectrum.
        truth: the reference, on the clock of the pulse.
    """
    lasts_s = len(pulse.samples) / pulse.fs
    window: FixedWindow | WholeWindow = WholeWindow(kind="whole", shortest_s=SHORTEST_S)
    if rule.window_s and lasts_s >= rule.window_s:
        window = FixedWindow(
            kind="fixed", length_s=rule.window_s, stride_s=STRIDE_S, shortest_s=rule.window_s
        )
    rule = rule.model_copy(update={"window": window, "unit": "window", "snr": "de_haan"})
    return read_pulses(rule, _batch(pulse), [truth])


def _batch(pulse: Waveform, cropped: int = 0) -> PulseBatch:
    """A batch of one pulse (T,)."""
    return PulseBatch(
        samples=pulse.samples[None],
        fs=pulse.fs,
        start_s=np.array([pulse.start_s]),
        cropped=np.array([float(cropped)]),
    )
