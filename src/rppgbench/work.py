"""One recording at a time: features, then every estimate."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.cache import NamedCondition, cached_features
from rppgbench.conditions import FACES, Transformation, condition_digest, faces_of
from rppgbench.content import load_datasets, load_methods
from rppgbench.errors import BenchError, RecordingError, unknown
from rppgbench.estimate import Estimate
from rppgbench.extraction import Needs
from rppgbench.features import Features
from rppgbench.method import Example, Method, Model
from rppgbench.models import read_model
from rppgbench.plan import Job
from rppgbench.protocol import Condition
from rppgbench.recording import Recording, Truth
from rppgbench.store import Observed
from rppgbench.traces import join, stretches
from rppgbench.waveform import Waveform


@dataclass(frozen=True)
class Task:
    """All that is to be done with one recording under one condition: names and digests only.

    Without jobs the features are extracted all the same, for a method that learns from them.
    """

    dataset: str
    root: Path
    recording: str
    condition: Condition
    clips: frozenset[str]
    jobs: tuple[Job, ...]
    params: tuple[tuple[str, Mapping[str, Any]], ...]
    cache: Path
    models: Path


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a task; `trace` is the traceback of a fault of our own, or empty."""

    task: Task
    observed: Observed
    estimates: tuple[Estimate, ...]
    trace: str = ""


def do(task: Task) -> Outcome:
    """Do one task; whatever is wrong with the recording becomes a reason, never a missing row."""
    recording = find_recording(task.dataset, task.root, task.recording)
    truth, facts, reason, trace = Truth(), dict[str, Any](), "", ""
    try:
        truth = recording.truth()
    except BenchError as error:
        reason = f"labels: {error}"
    features = None
    try:
        began = time.perf_counter()
        features = _features(task, recording)
        facts = dict(features.facts) | {"read_s": time.perf_counter() - began}
    except BenchError as error:
        reason = "; ".join(filter(None, [reason, str(error)]))
    except Exception as error:  # a fault of our own must not take the other recordings along
        trace = traceback.format_exc()
        reason = f"internal error while extracting: {type(error).__name__}: {error}"
    estimates = []
    for job in task.jobs:
        if features is None:
            estimates.append(_estimate(job, recording, None, reason))
            continue
        made, fault = _run(job, task, recording, features)
        estimates.append(made)
        trace = trace or fault
    observed = Observed(
        recording.dataset,
        recording.name,
        recording.subject,
        recording.scenario,
        recording.source,
        recording.skin_tone,
        recording.light,
        recording.simulated,
        task.condition.name,
        truth,
        facts,
        reason,
    )
    return Outcome(task, observed, tuple(estimates), trace)


def example(
    task: Task, method: Method, params: Mapping[str, Any], region: str, *, labelled: bool
) -> Example:
    """A recording as a method learns from it; RecordingError where it has no usable stretch."""
    recording = find_recording(task.dataset, task.root, task.recording)
    inputs = inputs_of(_features(task, recording), method, params, region)
    truth = recording.truth() if labelled else None
    return Example(recording.name, recording.subject, inputs, truth)


def inputs_of(
    features: Features, method: Method, params: Mapping[str, Any], region: str
) -> list[Waveform]:
    """What the machine hands to a method: a waveform for each stretch without a gap."""
    crop = str(params["crop"]) if method.consumes == "clip" else None
    return stretches(features, method.consumes, region=region or "skin", crop=crop)


def pulse_of(
    features: Features,
    method: Method,
    params: Mapping[str, Any],
    region: str,
    model: Model | None = None,
) -> tuple[Waveform, float]:
    """One method's pulse over a whole recording, NaN in the gaps, and the share that it covers.

    RecordingError where no stretch is long enough for the method.
    """
    parts, short = [], ""
    for stretch in inputs_of(features, method, params, region):
        given = (stretch,) if model is None else (stretch, model)
        try:
            parts.append(method.estimate(*given, **params))
        except ValueError as error:  # too short for this method's windows or filter
            short = str(error)
    if not parts:
        raise RecordingError(short or "the face is never seen for long enough at a stretch")
    times = features.times_s
    whole = join(parts, float(times[0]), float(times[-1]), parts[0].fs)
    return whole, float(np.isfinite(whole.samples).mean())


@cache
def _listing(dataset: str, root: Path) -> dict[str, Recording]:
    found = load_datasets().get("data set", dataset, str(root))
    return {r.name: r for r in found.recordings(root)}


def find_recording(dataset: str, root: Path, name: str) -> Recording:
    """A recording by name; a process lists each data set once."""
    listing = _listing(dataset, root)
    if name not in listing:
        raise unknown("recording", name, listing, f"{dataset} at {root}")
    return listing[name]


@cache
def _model(folder: Path) -> Model:
    return read_model(folder)


def _features(task: Task, recording: Recording) -> Features:
    """The features of a recording under the task's condition; what is in the cache is not redone.

    A condition runs with the face track of the untouched video, or finds the face anew in what
    came out, as it declares; the untouched video is decoded once for all of them.
    """
    source, needs, condition = recording.video(), Needs(task.clips), task.condition
    if condition.kind == "none":
        return cached_features(source, needs, task.cache)
    untouched = cached_features(source, Needs(), task.cache)
    times = untouched.times_s
    fps = (len(times) - 1) / float(times[-1] - times[0])
    change = Transformation(condition, fps, untouched.track)
    track = untouched.track if faces_of(condition) == FACES[0] else None
    named = NamedCondition(condition_digest(condition), change)
    return cached_features(source, needs, task.cache, condition=named, track=track)


def _run(job: Job, task: Task, recording: Recording, features: Features) -> tuple[Estimate, str]:
    """The estimate of one job, and the traceback of a fault of the method's own."""
    method = load_methods().get("method", job.method, str(task.recording))
    params = dict(task.params)[job.method]
    began = time.perf_counter()
    try:
        model = _model(task.models / job.fit) if job.fit else None
        pulse, coverage = pulse_of(features, method, params, job.region, model)
    except BenchError as error:
        return _estimate(job, recording, None, str(error)), ""
    except Exception as error:
        reason = f"internal error in {job.method}: {type(error).__name__}: {error}"
        return _estimate(job, recording, None, reason), traceback.format_exc()
    seconds = time.perf_counter() - began
    return _estimate(job, recording, pulse, "", coverage, seconds), ""


def _estimate(
    job: Job,
    recording: Recording,
    waveform: Waveform | None,
    reason: str,
    coverage: float = 0.0,
    seconds: float = 0.0,
) -> Estimate:
    return Estimate(
        job.digest,
        job.dataset,
        job.recording,
        recording.subject,
        recording.scenario,
        job.method,
        job.fold,
        job.seed,
        job.condition,
        job.region,
        waveform,
        coverage,
        reason,
        seconds,
    )
