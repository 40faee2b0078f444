"""The record of what one method says of one video, and of how far a reference is from it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.pulse_verdict import Word
from rppgbench.evaluation.windows import RateWindow


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """The result of one method on one video.

    Attributes:
        video: The file.
        method: The name of the method.
        evaluator: The name of the evaluator.
        heart_rate_bpm: The mean over the evaluator's own windows, as heart_rates.csv of a run has
            it; NaN without a pulse.
        snr_db: The median signal-to-noise ratio of `windows` in dB, each at its own rate.
        coverage: The share of the video that the pulse covers, 0 to 1.
        face_coverage: The share of frames with a face; where no face is searched for, of those with
            a colour (`seen` says which).
        frames: The number of frames.
        fps: Frames per second.
        duration_s: The length of the video in seconds.
        pulse: The pulse (T,); None where no stretch of the face was long enough for one.
        windows: Windows of the evaluator's length, one each second.
        warnings: What is doubtful in video and reference, a line each.
        reason: Why there is no heart rate, or why the verdict is not "yes".
        verdict: Whether the video shows a pulse: "yes", "doubtful" or "no".
        agreement: The share of the windows near their median, 0 to 1.
        reading: How the rate was read, or why a run has none.
        seen: "a face is" or "a colour is".
        reference: What a contact sensor measured; None where no reference was given.
        compared_windows: The number of the evaluator's windows that have a rate of both.
        reference_bpm: The mean of the reference over these windows; NaN without one.
        mae_bpm: The mean absolute error over them.
        confidence: Mean of the method's own confidence over the video, 0 to 1 by the method's own
            definition; NaN where it gives none.
        trained_on: The data sets that the weights were learned on, where these say so.
    """

    video: str
    method: str
    evaluator: str
    heart_rate_bpm: float
    snr_db: float
    coverage: float
    face_coverage: float
    frames: int
    fps: float
    duration_s: float
    pulse: Waveform | None
    windows: tuple[RateWindow, ...]
    warnings: tuple[str, ...]
    reason: str = ""
    verdict: Word = "no"
    agreement: float = 0.0
    reading: str = ""
    seen: str = "a face is"
    reference: GroundTruth | None = None
    compared_windows: int = 0
    reference_bpm: float = float("nan")
    mae_bpm: float = float("nan")
    confidence: float = float("nan")
    trained_on: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; what is not known is null."""
        values: dict[str, Any] = {
            "video": self.video,
            "method": self.method,
            "evaluator": self.evaluator,
            "pulse": self.verdict,
            "heart_rate_bpm": _round_finite(self.heart_rate_bpm),
            "reading": self.reading,
            "agreement": round(self.agreement, 4),
            "snr_db": _round_finite(self.snr_db),
            "coverage": round(self.coverage, 4),
            "face_coverage": round(self.face_coverage, 4),
            "frames": self.frames,
            "fps": round(self.fps, 4),
            "duration_s": round(self.duration_s, 3),
            "windows": [
                {name: _round_finite(value) for name, value in window._asdict().items()}
                for window in self.windows
            ],
            "warnings": list(self.warnings),
            "reason": self.reason,
        }
        if np.isfinite(self.confidence):
            values["confidence"] = round(self.confidence, 4)
        if self.trained_on:
            values["trained_on"] = list(self.trained_on)
        if self.reference is not None:
            values["compared_windows"] = self.compared_windows
            values["reference_bpm"] = _round_finite(self.reference_bpm)
            values["mae_bpm"] = _round_finite(self.mae_bpm)
        else:
            for window in values["windows"]:
                del window["reference_bpm"]
        return values


def _round_finite(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
