"""What each method reached on each recording, beside what the video permits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.analysis.stored_plan import stored_plan
from rppgbench.analysis.stored_results import StoredResults
from rppgbench.core.features import WHOLE_FRAME
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import find_toml
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.beat_reading import join_pieces, reference_beats
from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator
from rppgbench.evaluation.rate_limit import (
    MIN_FS_HZ,
    RateLimit,
    has_noise,
    noise_covariance,
    rate_limit,
)
from rppgbench.execution.plan_records import UNTOUCHED
from rppgbench.execution.recording_task import RecordingTask, extract, find_recording
from rppgbench.execution.run_options import RunOptions
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.traces import extract_segments
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

BEATS = "beats_tukey"
"""The evaluator whose beats give the phase where another one reads no beats."""

WITHOUT_BEATS = "no window lies between the first beat of the reference and its last"

MIN_NOISE_S = 5.0
"""Shorter segments of a video say too little of the noise."""


@dataclass(frozen=True, kw_only=True)
class RecordingLimit:
    """One recording: the bound of its windows, and the errors of methods there.

    Attributes:
        dataset: Name of the data set.
        recording: Name of the recording.
        windows: Windows with a bound.
        limit_bpm: Root mean square of the bounds of the windows; NaN without any.
        efficient_bpm: Root mean square error of the most likely rate in these windows.
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


def rate_limits(
    stored: StoredResults,
    windows: pd.DataFrame,
    evaluator: Evaluator,
    *,
    region: str,
    cache: Path,
    moved_roots: Mapping[str, Path],
) -> Iterator[RecordingLimit]:
    """The bound of every recording without a change of its frames, beside the errors of methods.

    Features come from the cache; what is not there is extracted.

    Args:
        stored: The results.
        windows: Their scored windows under the evaluator.
        evaluator: The rule; its reading of beats gives the phase of the reference.
        region: The face region whose mean colour is read.
        cache: Folder of the cache.
        moved_roots: Roots of data sets that have moved, by name.

    Returns:
        One record for each recording, in the order of the results; each is made as it is taken.

    Raises:
        BenchError: The evaluator reads no heart rates, the data of the run is gone, every
            condition of the run changes the frames, or the file of `BEATS` reads no beats.
    """
    if evaluator.quantity != "heart rate":
        raise BenchError(
            f"--evaluator: this one reads the {evaluator.quantity}, and the limit is of heart "
            "rates; give another"
        )
    plan, _ = stored_plan(stored.store, cache, moved_roots)
    rule = _beat_reading(evaluator)
    untouched = windows[windows["condition"] == plan.protocol.untouched]
    if untouched.empty:
        raise BenchError(
            f"{stored.store.folder}: every estimate is of changed frames, and the limit is of "
            "untouched ones; run a protocol with a condition of kind none"
        )
    return _each_recording(stored, plan.roots, untouched, rule, region, cache)


def _each_recording(
    stored: StoredResults,
    roots: Mapping[str, Path],
    windows: pd.DataFrame,
    rule: BeatReading,
    region: str,
    cache: Path,
) -> Iterator[RecordingLimit]:
    for key, rows in windows.groupby(["dataset", "recording"], sort=False):
        dataset, recording = map(str, key)
        task = RecordingTask(
            dataset=dataset,
            root=roots[dataset],
            recording=recording,
            conditions=(UNTOUCHED,),
            request=FeatureRequest(whole_frame=region == WHOLE_FRAME),
            jobs=(),
            params=(),
            options=RunOptions(cache=cache),
            models=stored.store.folder / "models",
        )
        (extracted,) = extract(task, find_recording(dataset, task.root, recording))
        features = extracted.features
        if features.value is None:
            reason = features.fault.reason if features.fault is not None else "no features"
            yield _without(dataset, recording, reason)
            continue
        segments = extract_segments(features.value, "trace", region=region)
        truth = stored.ground_truths[dataset, recording]
        yield _recording_limit(dataset, recording, rows, segments, truth, rule)


def _beat_reading(evaluator: Evaluator) -> BeatReading:
    """How the evaluator finds beats; that of `beats_tukey` where its reference has another form."""
    if isinstance(evaluator.reference, BeatReading):
        return evaluator.reference
    file = find_toml("protocols/evaluators", "evaluator", BEATS, "--evaluator")
    reference = read_evaluator(file).reference
    if not isinstance(reference, BeatReading):
        raise BenchError(
            f"{file}: reads no beats of the reference, which the limit needs; restore the file, or "
            "give an --evaluator whose reference has kind 'beats'"
        )
    return reference


def _recording_limit(
    dataset: str,
    recording: str,
    rows: pd.DataFrame,
    segments: list[Waveform],
    truth: GroundTruth,
    rule: BeatReading,
) -> RecordingLimit:
    long_enough = [s for s in segments if len(s.samples) / s.fs >= MIN_NOISE_S]
    if not long_enough:
        return _without(dataset, recording, "no stretch of 5 s with the region in every frame")
    longest = max(long_enough, key=lambda segment: len(segment.samples))
    if longest.fs < MIN_FS_HZ:
        return _without(
            dataset,
            recording,
            f"{longest.fs:.3g} frames a second; {MIN_FS_HZ:.3g} tell the noise from the pulse",
        )
    covariance = noise_covariance(longest.samples, longest.fs)
    if not has_noise(covariance):
        return _without(dataset, recording, "a channel without noise of its own")
    scored = rows[rows["reference_bpm"].notna()]
    if scored.empty:
        return _without(dataset, recording, next(filter(None, rows["reason"]), "no reference"))
    bounds: dict[float, RateLimit] = {}
    for start_s, duration_s in scored[["start_s", "duration_s"]].drop_duplicates().to_numpy():
        for segment in long_enough:
            times_s = segment.times_s()
            inside = (times_s >= start_s - 1e-6) & (times_s < start_s + duration_s - 1e-6)
            if inside.sum() < 0.9 * duration_s * segment.fs:
                continue
            phase = reference_phase(truth, rule, times_s[inside])
            if phase is not None:
                bounds[start_s] = rate_limit(
                    segment.samples[inside], times_s[inside], phase, covariance
                )
    known = {start_s: b for start_s, b in bounds.items() if np.isfinite(b.limit_bpm)}
    if not known:
        reason = "no pulse stands out of the power beside it" if bounds else WITHOUT_BEATS
        return _without(dataset, recording, reason)
    inside_rows = scored[scored["start_s"].isin(known)]
    errors = {
        str(method): _root_mean_square(part["error_bpm"].to_numpy(np.float64))
        for method, part in inside_rows.groupby("method", sort=True)
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


def reference_phase(truth: GroundTruth, rule: BeatReading, times_s: Array) -> Array | None:
    """The phase of the reference, 2 pi a beat.

    It is linear between the beats of the contact pulse, else the integral of the device's rate.

    Args:
        truth: The reference.
        rule: How beats are found in the pulse.
        times_s: Times (N,), increasing.

    Returns:
        (N,) in radians; None where the reference does not cover the times.
    """
    if truth.pulse is not None or truth.beats_s is not None:
        marked_s = truth.beats_s
        beats = join_pieces([marked_s]) if marked_s is not None else reference_beats(truth, rule)[0]
        reach = (beats.times_s >= times_s[0] - 2) & (beats.times_s <= times_s[-1] + 2)
        near = beats.times_s[reach]
        if len(near) < 3 or near[0] > times_s[0] or near[-1] < times_s[-1]:
            return None
        if not beats.counted[reach][1:].all():
            return None
        return np.asarray(2 * np.pi * np.interp(times_s, near, np.arange(len(near))), np.float64)
    rate_bpm = truth.heart_rate_at(times_s)
    if not np.isfinite(rate_bpm).all():
        return None
    turns = np.concatenate(
        [[0.0], np.cumsum(np.diff(times_s) * (rate_bpm[1:] + rate_bpm[:-1]) / 2)]
    )
    return np.asarray(2 * np.pi * turns / 60, np.float64)


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def _without(dataset: str, recording: str, reason: str) -> RecordingLimit:
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
