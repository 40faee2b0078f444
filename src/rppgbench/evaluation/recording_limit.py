"""What each method reached on one recording, beside what the noise of its video permits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.mean_colours import MIN_NOISE_S
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.evaluation.rate_limit import (
    MIN_FS_HZ,
    RateLimit,
    has_noise,
    noise_covariance,
    rate_limit,
)
from rppgbench.evaluation.reference_phase import ReferencePhase

if TYPE_CHECKING:
    import pandas as pd

WITHOUT_BEATS = "no window lies within the beats of the reference and the interval beside them"

SHARE_OF_WINDOW = 0.9
"""A window with fewer of its frames in one segment has no bound."""


@dataclass(frozen=True, kw_only=True)
class RecordingLimit:
    """One recording: the bound of its windows, and the errors of methods there.

    Attributes:
        dataset: Name of the data set.
        recording: Name of the recording.
        windows: Windows with a bound.
        limit_bpm: Root mean square of the bounds of the windows; NaN without any.
        efficient_bpm: Root mean square error of the most likely rate in these windows; NaN where it
            was not looked for.
        noise: Noise of one frame in each channel, as a share of the mean colour.
        strength: Median of the strength of the pulse, in units of the noise of one frame.
        rmse_bpm: Root mean square error of each method in these windows.
        reason: Why there is no bound; "" where there is one.
    """

    dataset: str
    recording: str
    windows: int
    limit_bpm: float
    efficient_bpm: float
    noise: tuple[float, float, float]
    strength: float
    rmse_bpm: Mapping[str, float]
    reason: str = ""


def recording_limit(
    rows: pd.DataFrame,
    segments: Sequence[Waveform],
    truth: GroundTruth,
    rule: BeatReading,
    *,
    efficient: bool = True,
) -> RecordingLimit:
    """The bound of the windows of one recording, and the errors of methods there.

    Args:
        rows: The rows of `score_windows` of the recording, one at least.
        segments: Mean colours (T, 3) of each stretch of its video.
        truth: Its reference.
        rule: How beats are found in the reference; they give its phase.
        efficient: Whether the most likely rate of each window is looked for, which takes most of
            the time; else `efficient_bpm` is NaN.

    Returns:
        The bound, or the reason why there is none.
    """
    dataset, recording = map(str, rows[["dataset", "recording"]].iloc[0])
    long_enough = [s for s in segments if len(s.samples) / s.fs >= MIN_NOISE_S]
    scored = rows[rows["reference_bpm"].notna()]
    if not long_enough:
        reason = f"no stretch of {MIN_NOISE_S:g} s with the region in every frame"
        return without_limit(dataset, recording, reason)
    longest = max(long_enough, key=lambda segment: len(segment.samples))
    if longest.fs < MIN_FS_HZ:
        reason = f"{longest.fs:.3g} frames a second; {MIN_FS_HZ:.3g} tell the noise from the pulse"
        return without_limit(dataset, recording, reason)
    covariance = noise_covariance(np.asarray(longest.samples, np.float64), longest.fs)
    if not has_noise(covariance):
        return without_limit(dataset, recording, "a channel without noise of its own")
    if scored.empty:
        reason = next(filter(None, rows["reason"]), "no reference")
        return without_limit(dataset, recording, reason)
    bounds = _window_bounds(
        scored, long_enough, ReferencePhase(truth, rule), covariance, efficient=efficient
    )
    known = {start_s: b for start_s, b in bounds.items() if np.isfinite(b.limit_bpm)}
    if not known:
        reason = "no pulse stands out of the power beside it" if bounds else WITHOUT_BEATS
        return without_limit(dataset, recording, reason)
    inside = np.isin(scored["start_s"].to_numpy(np.float64), list(known))
    names = scored["method"].to_numpy(object)[inside]
    errors_bpm = scored["error_bpm"].to_numpy(np.float64)[inside]
    errors = {
        str(method): _root_mean_square(errors_bpm[names == method]) for method in sorted({*names})
    }
    red, green, blue = map(float, np.sqrt(np.diag(covariance)))
    return RecordingLimit(
        dataset=dataset,
        recording=recording,
        windows=len(known),
        limit_bpm=_root_mean_square(np.array([b.limit_bpm for b in known.values()])),
        efficient_bpm=_root_mean_square(np.array([b.efficient_bpm for b in known.values()])),
        noise=(red, green, blue),
        strength=float(np.median([b.strength for b in known.values()])),
        rmse_bpm=errors,
    )


def _window_bounds(
    scored: pd.DataFrame,
    segments: Sequence[Waveform],
    reference: ReferencePhase,
    covariance: Array,
    *,
    efficient: bool,
) -> dict[float, RateLimit]:
    """The bound of each window that lies in one segment and in the reference, by its start."""
    bounds: dict[float, RateLimit] = {}
    windows = scored[["start_s", "duration_s"]].drop_duplicates().to_numpy(np.float64)
    for segment in segments:
        times_s = segment.times_s()
        for start_s, duration_s in windows:
            first, stop = np.searchsorted(times_s, [start_s - 1e-6, start_s + duration_s - 1e-6])
            if stop - first < SHARE_OF_WINDOW * duration_s * segment.fs:
                continue
            phase = reference.at(times_s[first:stop])
            if phase is not None:
                colours = np.asarray(segment.samples[first:stop], np.float64)
                bounds[start_s] = rate_limit(
                    colours, times_s[first:stop], phase, covariance, efficient=efficient
                )
    return bounds


def without_limit(dataset: str, recording: str, reason: str) -> RecordingLimit:
    """A recording without a bound.

    Args:
        dataset: Name of the data set.
        recording: Name of the recording.
        reason: Why there is none.
    """
    nothing = float("nan")
    return RecordingLimit(
        dataset=dataset,
        recording=recording,
        windows=0,
        limit_bpm=nothing,
        efficient_bpm=nothing,
        noise=(nothing, nothing, nothing),
        strength=nothing,
        rmse_bpm={},
        reason=reason,
    )


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")
