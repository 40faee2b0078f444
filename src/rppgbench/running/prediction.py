"""The heart rate in one video, without labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from rppgbench.errors import BenchError, RecordingError
from rppgbench.evaluator import Evaluator, FixedWindow, WholeWindow
from rppgbench.extraction.cache import cached_features
from rppgbench.extraction.one_pass import Needs
from rppgbench.features import Features
from rppgbench.method import Method, Model
from rppgbench.recording import Truth, VideoSource
from rppgbench.running.pulse_estimation import pulse_of
from rppgbench.scoring.reading import Pulses, Reading, read
from rppgbench.waveform import Waveform

STRIDE_S = 1.0
SHORTEST_S = 4.0  # below this a heart rate of 40 bpm has fewer than three beats


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one method says of one video.

    `heart_rate_bpm` is the median over the windows; `windows` holds (start_s, duration_s, bpm,
    snr_db) of each, with NaN where there is none. `coverage` is the share of the video that the
    pulse covers, `face_coverage` the share of frames with a face. The SNR is taken at the window's
    own rate: there is no truth here. Without a heart rate `reason` says why, and `pulse` is None
    where no stretch of the face was long enough for one.
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not known is null."""
        keys = ("start_s", "duration_s", "heart_rate_bpm", "snr_db")
        return {
            "method": self.method,
            "heart_rate_bpm": _plain(self.heart_rate_bpm),
            "snr_db": _plain(self.snr_db),
            "coverage": round(self.coverage, 4),
            "face_coverage": round(self.face_coverage, 4),
            "frames": self.frames,
            "fps": round(self.fps, 4),
            "duration_s": round(self.duration_s, 3),
            "windows": [dict(zip(keys, map(_plain, w), strict=True)) for w in self.windows],
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
    """Find the face, take the pulse, and read its rate by an evaluator's rule.

    The evaluator's windows are laid every second; a video that is shorter than one is read whole.
    BenchError where there is no video or no face in it.
    """
    if method.fit is not None and model is None:
        raise BenchError(f"{method.name}: learns; give the model that it learned with --weights")
    if method.combines:
        raise BenchError(f"{method.name}: {' and '.join(method.combines)} make it; predict by each")
    # What a model was learned with, its preset above all, is what it can be run with.
    params = method.parameters(model.facts.get("params", {}) if model is not None else {})
    clips = frozenset({str(params["crop"])}) if method.consumes == "clip" else frozenset[str]()
    features = cached_features(VideoSource(video), Needs(clips), cache)
    try:
        pulse, coverage = pulse_of(features, method, params, region, model)
    except RecordingError as error:
        return _prediction(method, features, None, 0.0, None, str(error))
    found = read_rates(pulse, rule)
    without = not np.isfinite(found.bpm).any()
    reason = "; ".join(sorted({str(r) for r in found.reason.ravel() if r})) if without else ""
    return _prediction(method, features, pulse, coverage, found, reason)


def _prediction(
    method: Method,
    features: Features,
    pulse: Waveform | None,
    coverage: float,
    found: Reading | None,
    reason: str,
) -> Prediction:
    times = features.times_s
    duration_s = float(times[-1] - times[0])
    step_s = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    rows = [] if found is None else [found.start_s, found.duration_s, found.bpm, found.snr_db]
    windows = tuple(tuple(map(float, row)) for row in zip(*(r[0] for r in rows), strict=True))
    return Prediction(
        method.name,
        _median([w[2] for w in windows]),
        _median([w[3] for w in windows]),
        coverage,
        float(features.track.found.mean()),
        len(times),
        (len(times) - 1) / duration_s if duration_s > 0 else 0.0,
        duration_s + step_s,
        pulse,
        cast(tuple[tuple[float, float, float, float], ...], windows),
        _list(features.facts.get("warnings")),
        reason,
    )


def read_rates(pulse: Waveform, rule: Evaluator) -> Reading:
    """The heart rates of a pulse (T,) without truth, in the rule's windows, one each second.

    A pulse that is shorter than a window is read whole.
    """
    seconds = len(pulse.samples) / pulse.fs
    window: FixedWindow | WholeWindow = WholeWindow(kind="whole", shortest_s=SHORTEST_S)
    if rule.window_s and seconds >= rule.window_s:
        window = FixedWindow(
            kind="fixed", length_s=rule.window_s, stride_s=STRIDE_S, shortest_s=rule.window_s
        )
    rule = rule.model_copy(update={"window": window, "unit": "window"})
    pulses = Pulses(pulse.samples[None], pulse.fs, np.array([pulse.start_s]), np.zeros(1))
    return read(rule, pulses, [Truth()])


def _median(values: list[float]) -> float:
    there = [value for value in values if np.isfinite(value)]
    return float(np.median(there)) if there else float("nan")


def _plain(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def _list(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list | tuple) else ()
