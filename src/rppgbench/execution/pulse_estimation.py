"""The steps from the features of a recording to a pulse estimate."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rppgbench.core.features import WHOLE_FRAME, Features
from rppgbench.core.guarded_calls import run_estimate
from rppgbench.core.method import Method, Model
from rppgbench.core.waveform import Waveform
from rppgbench.extraction.even_grid import MIN_SEGMENT_S
from rppgbench.extraction.traces import extract_segments, join_segments, longest_segment_s
from rppgbench.system.errors import NoPulseError, RecordingError, error_text
from rppgbench.video.timestamps import implausible_rate


def method_inputs(
    features: Features, method: Method, params: Mapping[str, Any], region: str
) -> list[Waveform]:
    """Return the input of a method: one waveform for each segment without a gap.

    Args:
        features: the features of a recording.
        method: the method.
        params: all parameters of the method.
        region: the face region; "" for the whole skin.
    """
    crop = str(params["crop"]) if method.input == "clip" else None
    return extract_segments(
        features, method.input, region=region or "skin", fs=input_rate(features, params), crop=crop
    )


def input_rate(features: Features, params: Mapping[str, Any]) -> float | None:
    """The sampling rate of a method's input in Hz; None for the mean frame rate.

    A method's parameter `fs` is the rate that the method expects. Frames at another rate are
    interpolated once, at their true times; a rate within a thousandth of `fs` is left as it is.

    Args:
        features: the features of a recording.
        params: all parameters of the method.
    """
    times, fs = features.times_s, params.get("fs")
    if not fs or len(times) < 2:
        return float(fs) if fs else None
    rate_fps = (len(times) - 1) / float(times[-1] - times[0])
    return None if abs(rate_fps / fs - 1) < 1e-3 else float(fs)


def _too_short(features: Features, method: Method, params: Mapping[str, Any], region: str) -> str:
    """Why no stretch of a recording is long enough: the video's own length first."""
    times = features.times_s
    lasts_s = float(times[-1] - times[0]) if len(times) > 1 else 0.0
    if lasts_s < MIN_SEGMENT_S:
        why = (
            f"the video is too short: its frames span {lasts_s:.1f} s, and {MIN_SEGMENT_S:g} s are "
            "needed"
        )
        odd = implausible_rate((len(times) - 1) / lasts_s) if lasts_s > 0 else ""
        return f"{why}; {odd}" if odd else why
    crop = str(params["crop"]) if method.input == "clip" else None
    seen_s = longest_segment_s(features, method.input, region or "skin", crop)
    subject = "the colour is" if region == WHOLE_FRAME else "the face is"
    return (
        f"{subject} never seen for long enough: at most {seen_s:.1f} s at a stretch, and "
        f"{MIN_SEGMENT_S:g} s are needed"
    )


def estimate_pulse(
    features: Features,
    method: Method,
    params: Mapping[str, Any],
    region: str,
    model: Model | None = None,
) -> tuple[Waveform, float]:
    """Estimate the pulse of a whole recording by one method.

    Args:
        features: the features of the recording.
        method: the method.
        params: all parameters of the method.
        region: the face region; "" for the whole skin.
        model: the trained model of a method that learns.

    Returns:
        The pulse (T,), NaN in gaps, and the share of the recording that the pulse covers.

    Raises:
        RecordingError: no segment gives a pulse, or what the method returned is none.
        Exception: what else the method raises is a bug of the method.
    """
    parts, short = [], ""
    for segment in method_inputs(features, method, params, region):
        try:
            parts.append(run_estimate(method, segment, params, model))
        except NoPulseError as error:
            short = error_text(error)
    if not parts:
        raise RecordingError(short or _too_short(features, method, params, region))
    times = features.times_s
    pulse = join_segments(parts, float(times[0]), float(times[-1]), parts[0].fs)
    return pulse, float(np.isfinite(pulse.samples).mean())
