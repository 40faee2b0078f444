"""One recording at a time: features, then every estimate."""

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from rppgbench.content import load_datasets, load_methods
from rppgbench.datasets.frame_clock import FrameClock, held_against
from rppgbench.datasets.sensor import plausible_truth
from rppgbench.errors import BenchError, MachineError, RecordingError, unknown
from rppgbench.estimate import Estimate
from rppgbench.extraction.cache import NamedChange, changed_features
from rppgbench.extraction.conditions import (
    Transformation,
    condition_digest,
    faces_of,
    keeps_video,
)
from rppgbench.extraction.one_pass import Needs
from rppgbench.features import Features
from rppgbench.method import Example, Method, Model
from rppgbench.protocol import Condition
from rppgbench.recording import Recording, Truth
from rppgbench.running.models import read_model
from rppgbench.running.plan import Job
from rppgbench.running.pulse_estimation import inputs_of, pulse_of
from rppgbench.running.rows import Observed
from rppgbench.video.kept import SUFFIX, KeptVideo, about_of
from rppgbench.waveform import Waveform


@dataclass(frozen=True)
class Task:
    """All that is to be done with one recording under some conditions: names and digests only.

    The video is decoded once for all of them. Without jobs the features are extracted all the
    same, for a method that learns from them. `fingerprint` is that of the recording in the plan.
    Recompressed videos are kept in `videos`, where that is a folder.
    """

    dataset: str
    root: Path
    recording: str
    conditions: tuple[Condition, ...]
    clips: frozenset[str]
    jobs: tuple[Job, ...]
    params: tuple[tuple[str, Mapping[str, Any]], ...]
    cache: Path
    models: Path
    fingerprint: str = ""
    videos: Path | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a task: `observed` of each condition; `trace` is of a fault of our own.

    What a `fault` of the machine's kept from being done has no row: the run ends with it.
    """

    task: Task
    observed: tuple[Observed, ...]
    estimates: tuple[Estimate, ...]
    trace: str = ""
    fault: MachineError | None = None


def do(task: Task) -> Outcome:
    """Do one task; whatever is wrong with the recording becomes a reason, never a missing row.

    What the machine is at fault for has no row: the outcome's `fault`, or raised where it is the
    whole task's (MachineError).
    """
    recording = _still_there(task)
    truth, unlabelled = Truth(), ""
    try:
        truth = plausible_truth(recording.truth())
    except MachineError:
        raise
    except BenchError as error:
        _still_there(task)
        unlabelled = f"labels: {error}"
    began = time.perf_counter()
    found = _features(task, recording)
    read_s = (time.perf_counter() - began) / len(found)  # one pass: its cost is everybody's
    observed, estimates, traces, machine = [], [], [], None
    for condition, features in zip(task.conditions, found, strict=True):
        if isinstance(features, MachineError | MemoryError):
            machine = _of_the_machine(features, task)
            continue
        if isinstance(features, RecordingError):
            _still_there(task)
        facts, reason, labels = dict[str, Any](), unlabelled, truth
        if isinstance(features, Features):
            facts = dict(features.facts) | {"read_s": read_s}
            labels, apart = _on_frames(truth, features)
            reason = reason or apart
        else:
            reason = "; ".join(filter(None, [unlabelled, _words(features)]))
            traces += [] if isinstance(features, BenchError) else [_trace(features)]
        for job in (job for job in task.jobs if job.condition == condition.name):
            if not isinstance(features, Features):
                estimates.append(_estimate(job, recording, None, reason))
                continue
            made, fault = _run(job, task, recording, features)
            estimates.append(made)
            traces += [fault] if fault else []
        observed.append(
            Observed(
                recording.dataset,
                recording.name,
                recording.subject,
                recording.scenario,
                recording.source,
                recording.skin_tone,
                recording.light,
                recording.simulated,
                condition.name,
                labels,
                facts,
                reason,
            )
        )
    trace = traces[0] if traces else ""
    return Outcome(task, tuple(observed), tuple(estimates), trace, machine)


def _on_frames(truth: Truth, features: Features) -> tuple[Truth, str]:
    """The truth held against the decoded frames; without labels, and why, where that cannot be."""
    try:
        return held_against(truth, FrameClock.of_times(features.times_s)), ""
    except RecordingError as error:
        return Truth(warnings=truth.warnings), f"labels: {error}"


def _words(fault: Exception) -> str:
    if isinstance(fault, BenchError):
        return str(fault)
    return f"internal error while extracting: {type(fault).__name__}: {fault}"


def _trace(fault: Exception) -> str:
    return "".join(traceback.format_exception(fault))


def example(
    task: Task, method: Method, params: Mapping[str, Any], region: str, *, labelled: bool
) -> Example:
    """A recording as a method learns from it, under the task's one condition.

    RecordingError where it has no usable stretch; MachineError where its files are gone: a model
    never learns from fewer without saying so.
    """
    recording = _still_there(task)
    try:
        (features,) = _features(task, recording)
        if isinstance(features, Exception):
            raise features
        inputs = inputs_of(features, method, params, region)
        truth = None
        if labelled:
            clock = FrameClock.of_times(features.times_s)
            truth = held_against(plausible_truth(recording.truth()), clock)
    except RecordingError:
        _still_there(task)
        raise
    return Example(recording.name, recording.subject, inputs, truth)


def _still_there(task: Task) -> Recording:
    """The recording, if any of its files is there; MachineError if all are gone.

    It was there when the plan was made, so it is no fault of the recording's but of the disk's.
    """
    name = f"{task.dataset}/{task.recording}"
    try:
        recording = find_recording(task.dataset, task.root, task.recording)
    except BenchError as error:
        raise MachineError(f"{name} is gone ({error}); when it is back, run this again") from error
    files = recording.files
    if task.root.exists() and (not files or any(file.exists() for file in files)):
        return recording
    raise MachineError(
        f"{task.root}: the files of {name} were there and are gone; is the disk connected? "
        "When they are back, run this again"
    )


def _of_the_machine(error: MachineError | MemoryError, task: Task) -> MachineError:
    if isinstance(error, MachineError):
        return error
    return MachineError(
        f"{task.dataset}/{task.recording}: not enough memory for it; fewer --jobs need less"
    )


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


def _features(task: Task, recording: Recording) -> list[Features | Exception]:
    """The features of a recording under each of the task's conditions, or what went wrong.

    What is in the cache is not redone; the rest is made in one pass over the video.
    """
    try:
        changes = [_change(condition, task) for condition in task.conditions]
        return changed_features(recording.video(), Needs(task.clips), task.cache, changes)
    except Exception as fault:  # the video's own: it must not take the other recordings along
        return [fault] * len(task.conditions)


def _change(condition: Condition, task: Task) -> NamedChange | None:
    """What a condition does to the frames, and to the disk where its video is to be kept."""
    if condition.kind == "none":
        return None
    name, faces = condition_digest(condition), faces_of(condition)
    if task.videos is None or not keeps_video(condition):
        return NamedChange(name, partial(Transformation, condition), faces)
    place = task.videos / task.dataset / task.recording / f"{condition.name}{SUFFIX}"
    about = f"rppgbench condition {name} of recording {task.fingerprint}"
    if about_of(place) == about:
        return NamedChange(name, partial(Transformation, condition), faces)
    make = partial(Transformation, condition, KeptVideo(place, about))
    return NamedChange(name, make, faces, again=True)


def _run(job: Job, task: Task, recording: Recording, features: Features) -> tuple[Estimate, str]:
    """The estimate of one job, and the traceback of a fault of the method's own."""
    method = load_methods().get("method", job.method, str(task.recording))
    params = dict(task.params)[job.method]
    began = time.perf_counter()
    try:
        model = _model(task.models / job.fit) if job.fit else None
        pulse, coverage = pulse_of(features, method, params, job.region, model)
    except (MachineError, MemoryError) as error:
        raise _of_the_machine(error, task) from error
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
