"""The heart rate in one video, without labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.cache import cached_features
from rppgbench.errors import BenchError
from rppgbench.evaluator import Evaluator, FixedWindow, WholeWindow
from rppgbench.extraction import Needs
from rppgbench.method import Method, Model
from rppgbench.reading import Pulses, Reading, read
from rppgbench.recording import Truth, VideoSource
from rppgbench.waveform import Waveform
from rppgbench.work import pulse_of

STRIDE_S = 1.0
SHORTEST_S = 4.0  # below this a heart rate of 40 bpm has fewer than three beats


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one method says of one video.

    `heart_rate_bpm` is the median over the windows; `windows` holds (start_s, duration_s, bpm,
    snr_db) of each, with NaN where there is none. `coverage` is the share of the video that the
    pulse covers. The SNR is taken at the window's own rate: there is no truth here.
    """

    method: str
    heart_rate_bpm: float
    snr_db: float
    coverage: float
    frames: int
    fps: float
    duration_s: float
    pulse: Waveform
    windows: tuple[tuple[float, float, float, float], ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not known is null."""
        keys = ("start_s", "duration_s", "heart_rate_bpm", "snr_db")
        return {
            "method": self.method,
            "heart_rate_bpm": _plain(self.heart_rate_bpm),
            "snr_db": _plain(self.snr_db),
            "coverage": round(self.coverage, 4),
            "frames": self.frames,
            "fps": round(self.fps, 4),
            "duration_s": round(self.duration_s, 3),
            "windows": [dict(zip(keys, map(_plain, w), strict=True)) for w in self.windows],
            "warnings": list(self.warnings),
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
    BenchError where there is no video, no face, or no stretch that is long enough.
    """
    if method.fit is not None and model is None:
        raise BenchError(f"{method.name}: learns; give the model that it learned with --weights")
    if method.combines:
        raise BenchError(f"{method.name}: {' and '.join(method.combines)} make it; predict by each")
    params = method.parameters({})
    clips = frozenset({str(params["crop"])}) if method.consumes == "clip" else frozenset[str]()
    features = cached_features(VideoSource(video), Needs(clips), cache)
    try:
        pulse, coverage = pulse_of(features, method, params, region, model)
    except BenchError as error:
        raise BenchError(f"{video}: {error}") from error
    found = _read(pulse, rule)
    rates, snr = found.bpm[0], found.snr_db[0]
    times = features.times_s
    listed = _list(features.facts.get("warnings"))
    return Prediction(
        method.name,
        _median(rates),
        _median(snr),
        coverage,
        len(times),
        (len(times) - 1) / float(times[-1] - times[0]),
        float(times[-1] - times[0]) + float(np.median(np.diff(times))),
        pulse,
        tuple(
            (float(s), float(d), float(b), float(q))
            for s, d, b, q in zip(found.start_s[0], found.duration_s[0], rates, snr, strict=True)
        ),
        listed,
    )


def _read(pulse: Waveform, rule: Evaluator) -> Reading:
    seconds = len(pulse.samples) / pulse.fs
    window: FixedWindow | WholeWindow = WholeWindow(kind="whole", shortest_s=SHORTEST_S)
    if rule.window_s and seconds >= rule.window_s:
        window = FixedWindow(
            kind="fixed", length_s=rule.window_s, stride_s=STRIDE_S, shortest_s=rule.window_s
        )
    rule = rule.model_copy(update={"window": window, "unit": "window"})
    pulses = Pulses(pulse.samples[None], pulse.fs, np.array([pulse.start_s]), np.zeros(1))
    return read(rule, pulses, [Truth()])


def _median(values: np.ndarray[Any, Any]) -> float:
    there = values[np.isfinite(values)]
    return float(np.median(there)) if len(there) else float("nan")


def _plain(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def _list(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list | tuple) else ()
