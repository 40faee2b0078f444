"""The heart rate in one video or one file of mean colours, without labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from rppgbench.core.features import WHOLE_FRAME, Features, has_whole_frames
from rppgbench.core.method import Method, Model
from rppgbench.core.recording import GroundTruth, VideoSource
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.chain_reading import PulseBatch
from rppgbench.evaluation.evaluator import Evaluator, FixedWindow, WholeWindow
from rppgbench.evaluation.pulse_verdict import Verdict, Word, verdict
from rppgbench.evaluation.rate_reading import (
    Reading,
    crop_to_valid,
    has_window,
    read_pulses,
)
from rppgbench.execution.pulse_estimation import estimate_pulse
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.extraction.trace_files import read_trace, trace_features
from rppgbench.system.errors import BenchError
from rppgbench.system.fault_kinds import attempt
from rppgbench.system.process_state import note_call

STRIDE_S = 1.0
SHORTEST_S = 4.0  # below this a heart rate of 40 bpm has fewer than three beats


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """The result of one method on one video.

    `heart_rate_bpm` is the mean over the evaluator's own windows, as heart_rates.csv of a run has
    it; `reading` says so, or why not. `windows` holds (start_s, duration_s, bpm, snr_db) of windows
    of that length, one each second, with NaN where there is none: from them come the SNR, taken at
    a window's own rate, the `agreement` (the share near their median) and the `verdict` "pulse",
    "doubtful" or "no pulse". `coverage` is the share of the video that the pulse covers,
    `face_coverage` the share of frames with a face; where no face is searched for, of those with a
    colour (`seen` says which). Without a pulse there is no heart rate, and `reason` says why;
    `pulse` is None where no stretch of the face was long enough for one.
    """

    method: str
    heart_rate_bpm: float
    snr_db: float
    coverage: float
    face_coverage: float
    frames: int
    fps: float
    duration_s: float
    pulse: Waveform | None
    windows: tuple[tuple[float, float, float, float], ...]
    warnings: tuple[str, ...]
    reason: str = ""
    verdict: Word = "no pulse"
    agreement: float = 0.0
    reading: str = ""
    seen: str = "a face is"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not known is null."""
        keys = ("start_s", "duration_s", "heart_rate_bpm", "snr_db")
        return {
            "method": self.method,
            "verdict": self.verdict,
            "heart_rate_bpm": _round_finite(self.heart_rate_bpm),
            "reading": self.reading,
            "agreement": round(self.agreement, 4),
            "snr_db": _round_finite(self.snr_db),
            "coverage": round(self.coverage, 4),
            "face_coverage": round(self.face_coverage, 4),
            "frames": self.frames,
            "fps": round(self.fps, 4),
            "duration_s": round(self.duration_s, 3),
            "windows": [dict(zip(keys, map(_round_finite, w), strict=True)) for w in self.windows],
            "warnings": list(self.warnings),
            "reason": self.reason,
        }


def predict_video(
    video: Path,
    method: Method,
    rule: Evaluator,
    cache: Path,
    *,
    region: str = "skin",
    model: Model | None = None,
) -> Prediction:
    """Find the face, estimate the pulse, and read the heart rate by the rule of an evaluator.

    The rate is that of `bench run`: the mean over the evaluator's windows. A video that is shorter
    than one window is read whole, from `SHORTEST_S` on.

    Args:
        video: the file, or a folder of images.
        method: the method.
        rule: the evaluator.
        cache: folder of extracted features.
        region: the face region.
        model: the trained model of a method that learns.

    Raises:
        BenchError: there is no video or no face in it, or a model is missing or has no use.
        MachineError: a package or memory is missing.
    """
    params = _parameters(method, model)
    clips = frozenset({str(params["crop"])}) if method.input == "clip" else frozenset[str]()
    request = FeatureRequest(clips, whole_frame=region == WHOLE_FRAME)
    features = cached_features(VideoSource(video), request, cache)
    return _predict(features, str(video), method, params, region, model, rule)


def predict_trace(trace: Path, method: Method, rule: Evaluator) -> Prediction:
    """Estimate the pulse from a file of mean colours, and read the heart rate as `predict_video`.

    Args:
        trace: the file; `extraction.trace_files` names its columns.
        method: a method that takes mean colours and does not learn.
        rule: the evaluator.

    Raises:
        BenchError: the file cannot be read, or the method needs pictures or a model.
    """
    params = _parameters(method, None)
    if method.input != "trace":
        raise BenchError(
            f"{method.name}: needs pictures ({method.input}), and {trace} holds mean colours; "
            "choose a method that takes a trace"
        )
    features = trace_features(read_trace(trace).source)
    return _predict(features, str(trace), method, params, WHOLE_FRAME, None, rule)


def _parameters(method: Method, model: Model | None) -> dict[str, Any]:
    """All parameters of a method that is run alone; BenchError where it cannot be."""
    if method.fit is not None and model is None:
        raise BenchError(f"{method.name}: learns; give the model that it learned with --weights")
    if method.fit is None and model is not None:
        raise BenchError(f"--weights: {method.name} takes none, it does not learn; leave them out")
    if method.members:
        raise BenchError(f"{method.name}: {' and '.join(method.members)} make it; predict by each")
    # What a model was learned with, its preset above all, is what it can be run with.
    return method.parameters(model.metadata.get("params", {}) if model is not None else {})


def _predict(
    features: Features,
    name: str,
    method: Method,
    params: Mapping[str, Any],
    region: str,
    model: Model | None,
    rule: Evaluator,
) -> Prediction:
    """The answer for features; `name` is the file, for messages."""
    doing = f"{method.name} on {name}"
    note_call(doing)
    outcome = attempt(lambda: estimate_pulse(features, method, params, region, model), doing)
    if outcome.value is not None:
        return _read(method, features, *outcome.value, rule)
    assert outcome.fault is not None
    if outcome.fault.kind in {"machine", "user"}:
        raise outcome.fault.error()
    return _prediction(method, features, reason=outcome.fault.reason)


def _read(
    method: Method, features: Features, pulse: Waveform, coverage: float, rule: Evaluator
) -> Prediction:
    """The rate, the windows and the verdict of a pulse (T,)."""
    rates = read_rates(pulse, rule)
    describe = partial(_prediction, method, features, pulse=pulse, coverage=coverage, rates=rates)
    if not rates.bpm.size:
        return describe(reason=_too_short(pulse, rule))
    if not np.isfinite(rates.bpm).any():
        return describe(reason="; ".join(sorted({str(r) for r in rates.reason.ravel() if r})))
    judgement = verdict(rates.bpm[0], rates.snr_db[0], float(rates.duration_s[0, 0]))
    bpm, how = _read_as_run(pulse, rule)
    if judgement.word == "no pulse":
        reading = f"a run reads {bpm:.1f} bpm here all the same: {how}" if np.isfinite(bpm) else how
        return describe(judgement=judgement, reading=reading, reason=judgement.reason)
    if not np.isfinite(bpm):
        bpm = float(np.nanmedian(rates.bpm))
    return describe(judgement=judgement, bpm=bpm, reading=how)


def _read_as_run(pulse: Waveform, rule: Evaluator) -> tuple[float, str]:
    """The rate that a run writes into heart_rates.csv, NaN without one, and how it is read."""
    reading = read_declared(pulse, rule)
    if reading is None or not np.isfinite(reading.bpm).any():
        return float("nan"), "read whole: too short for the evaluator, so a run gives it no rate"
    return float(np.nanmean(reading.bpm)), _describe_windows(reading)


def _describe_windows(reading: Reading) -> str:
    count = int(np.isfinite(reading.bpm).sum())
    windows = "one window" if count == 1 else f"mean of {count} windows"
    lasts = sorted({f"{lasts:.3g}" for lasts in reading.duration_s.ravel()}, key=float)
    return f"{windows} of {' to '.join(dict.fromkeys((lasts[0], lasts[-1])))} s, as in a run"


def _too_short(pulse: Waveform, rule: Evaluator) -> str:
    border = f" and {2 * rule.border_frames} frames of border" if rule.border_frames else ""
    return (
        f"too short: the pulse lasts {len(pulse.samples) / pulse.fs:.1f} s, and a heart rate takes "
        f"at least {SHORTEST_S:g} s{border}; record for longer"
    )


def _prediction(
    method: Method,
    features: Features,
    *,
    pulse: Waveform | None = None,
    coverage: float = 0.0,
    rates: Reading | None = None,
    judgement: Verdict | None = None,
    bpm: float = float("nan"),
    reading: str = "",
    reason: str = "",
) -> Prediction:
    times = features.times_s
    duration_s = float(times[-1] - times[0]) if len(times) > 1 else 0.0
    step_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    rows = [] if rates is None else [rates.start_s, rates.duration_s, rates.bpm, rates.snr_db]
    windows = tuple(tuple(map(float, row)) for row in zip(*(r[0] for r in rows), strict=True))
    return Prediction(
        method=method.name,
        heart_rate_bpm=bpm,
        snr_db=float("nan") if judgement is None else judgement.snr_db,
        coverage=coverage,
        face_coverage=float(features.track.detected.mean()),
        frames=len(times),
        fps=(len(times) - 1) / duration_s if duration_s > 0 else 0.0,
        duration_s=duration_s + step_s,
        pulse=pulse,
        windows=cast(tuple[tuple[float, float, float, float], ...], windows),
        warnings=_list(features.metadata.get("warnings")),
        reason=reason or ("" if judgement is None else judgement.reason),
        verdict="no pulse" if judgement is None else judgement.word,
        agreement=0.0 if judgement is None else judgement.agreement,
        reading=reading,
        seen="a colour is" if has_whole_frames(features) else "a face is",
    )


def read_declared(pulse: Waveform, rule: Evaluator) -> Reading | None:
    """Read the heart rates of a pulse in the evaluator's own windows, as a run does.

    Args:
        pulse: the pulse (T,).
        rule: the evaluator.

    Returns:
        The rates, or None where the pulse is shorter than a window.
    """
    valid, cropped = crop_to_valid(rule, pulse)
    if not has_window(rule, valid):
        return None
    return read_pulses(rule, _batch(valid, cropped=cropped), [GroundTruth()])


def read_rates(pulse: Waveform, rule: Evaluator) -> Reading:
    """Read the heart rates of a pulse without a reference, in one window each second.

    A pulse that is shorter than a window is read whole. The SNR is de Haan's under every rule.

    Args:
        pulse: the pulse (T,).
        rule: the evaluator, for the length of the window and the spectrum.
    """
    seconds = len(pulse.samples) / pulse.fs
    window: FixedWindow | WholeWindow = WholeWindow(kind="whole", shortest_s=SHORTEST_S)
    if rule.window_s and seconds >= rule.window_s:
        window = FixedWindow(
            kind="fixed", length_s=rule.window_s, stride_s=STRIDE_S, shortest_s=rule.window_s
        )
    rule = rule.model_copy(update={"window": window, "unit": "window", "snr": "de_haan"})
    return read_pulses(rule, _batch(pulse), [GroundTruth()])


def _batch(pulse: Waveform, cropped: int = 0) -> PulseBatch:
    """A batch of one pulse (T,)."""
    return PulseBatch(
        samples=pulse.samples[None],
        fs=pulse.fs,
        start_s=np.array([pulse.start_s]),
        cropped=np.array([float(cropped)]),
    )


def _round_finite(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def _list(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list | tuple) else ()
