"""One recording: its labels, its features, its estimates."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from rppgbench.core.estimate import Estimate
from rppgbench.core.features import Features
from rppgbench.core.method import Example, Method, Model
from rppgbench.core.model_files import read_model
from rppgbench.core.protocol import Condition
from rppgbench.core.recording import GroundTruth, Recording
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.core.validation import list_recordings, read_video
from rppgbench.core.waveform import Waveform
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.frame_clock import FrameClock, check_against_frames
from rppgbench.execution.planner import Job
from rppgbench.execution.pulse_estimation import estimate_pulse
from rppgbench.execution.training_examples import example_of, labels_of
from rppgbench.extraction.conditions import (
    ConditionTransform,
    condition_digest,
    face_source,
    keeps_video,
)
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import NamedTransform, transformed_features
from rppgbench.store.schema import RecordingInfo
from rppgbench.system.errors import BenchError, MachineError, RecordingError, unknown_name
from rppgbench.system.fault_kinds import Attempt, Fault, attempt
from rppgbench.system.process_state import note_call
from rppgbench.video.packet_writer import SUFFIX, PacketWriter, read_description

T = TypeVar("T")
At = Callable[[str], None]
"""Takes what is begun: a job's digest, or "" for labels and features."""


@dataclass(frozen=True)
class RecordingTask:
    """All that is to be done with one recording under some conditions: names and digests only.

    The video is decoded once for all of them. Without jobs the features are extracted all the
    same, for a method that learns from them. `fingerprint` is that of the recording in the plan.
    Recompressed videos are kept in `videos`, where that is a folder. `broken` has the reasons of
    jobs, by digest, that cannot be done: their model could not be learned, or they ended a process.
    The reason under "" is that of the extraction.
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
    broken: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class TaskResult:
    """What came of a task: `observed` of each condition, an estimate of each job.

    What a fault of the machine kept from being done has no row here, only its fault; bugs are among
    the `faults` too, with their traces.
    """

    task: RecordingTask
    observed: tuple[RecordingInfo, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    faults: tuple[Fault, ...] = ()


def run_recording(task: RecordingTask, at: At = lambda what: None) -> TaskResult:
    """Do one task; whatever is wrong with the recording becomes a reason, never a missing row.

    Args:
        task: the recording, its conditions and its jobs.
        at: told what is begun, so that it is known what a process ended at.

    Returns:
        Rows of all that was done, and the faults. It raises nothing but KeyboardInterrupt.
    """
    at("")
    name = f"{task.dataset}/{task.recording}"
    found = attempt(lambda: _still_there(task), name)
    if found.value is None:
        return TaskResult(task, faults=_faults(found))
    recording = found.value
    labels = read_labels(task, recording)
    if labels.fault is not None and labels.fault.kind == "machine":
        return TaskResult(task, faults=_faults(labels))
    unlabelled = "" if labels.fault is None else f"labels: {labels.fault.reason}"
    began = time.perf_counter()
    extracted = extract(task, recording)
    read_s = (time.perf_counter() - began) / len(extracted)  # one pass: its cost is everybody's
    observed: list[RecordingInfo] = []
    estimates: list[Attempt[Estimate]] = []
    truths, apart = _on_frames(labels.value or GroundTruth(), extracted)
    for condition, features, truth in zip(task.conditions, extracted, truths, strict=True):
        if features.fault is not None and features.fault.kind == "machine":
            continue
        facts = dict(features.value.facts) | {"read_s": read_s} if features.value else {}
        unseen = "" if features.fault is None else features.fault.reason
        reason = "; ".join(filter(None, [unlabelled or apart, unseen]))
        observed.append(_observed(recording, condition, truth, facts, reason))
        jobs = [job for job in task.jobs if job.condition == condition.name]
        for job in jobs:
            if features.value is None:
                estimates.append(Attempt(_estimate(job, recording, None, reason)))
            else:
                at(job.digest)
                estimates.append(_estimate_job(job, task, recording, features.value))
    made = tuple(one.value for one in estimates if one.value is not None)
    return TaskResult(task, tuple(observed), made, _faults(labels, *extracted, *estimates))


def read_labels(task: RecordingTask, recording: Recording) -> Attempt[GroundTruth]:
    """The first stage: what the reader says of the contact sensor, checked."""
    doing = f"the labels of {task.dataset}/{task.recording}"
    return _while_there(task, lambda: labels_of(recording), doing)


def _on_frames(
    truth: GroundTruth, extracted: Sequence[Attempt[Features]]
) -> tuple[list[GroundTruth], str]:
    """The truth held against the frames of each condition, and why there is none, or "".

    What the frames of one condition refute holds for all: fewer frames may only hide it.
    """
    held = []
    for features in extracted:
        clock = None if features.value is None else FrameClock.from_times(features.value.times_s)
        try:
            held.append(check_against_frames(truth, clock))
        except RecordingError as error:
            return [GroundTruth(warnings=truth.warnings)] * len(extracted), f"labels: {error}"
    return held, ""


def extract(task: RecordingTask, recording: Recording) -> list[Attempt[Features]]:
    """The second stage: the features of a recording under each of the task's conditions.

    What is in the cache is not redone; the rest is made in one pass over the video.
    """
    doing = f"the extraction of {task.dataset}/{task.recording}"
    broken = dict(task.broken).get("")
    if broken:
        return [Attempt(fault=Fault("recording", broken)) for _ in task.conditions]

    def in_one_pass() -> list[Features | Exception]:
        changes = [_change(condition, task) for condition in task.conditions]
        return transformed_features(
            read_video(recording), FeatureRequest(task.clips), task.cache, changes
        )

    made = _while_there(task, in_one_pass, doing)
    if made.value is None:
        return [Attempt(fault=made.fault) for _ in task.conditions]
    return [_while_there(task, partial(_value_of, one), doing) for one in made.value]


def _value_of(made: Features | Exception) -> Features:
    if isinstance(made, Exception):
        raise made
    return made


def _estimate_job(
    job: Job, task: RecordingTask, recording: Recording, features: Features
) -> Attempt[Estimate]:
    """The third stage, of one job: its row, or the machine's fault, or both for a bug."""
    broken = dict(task.broken).get(job.digest)
    if broken:
        return Attempt(_estimate(job, recording, None, broken))
    began = time.perf_counter()

    def pulse() -> tuple[Waveform, float]:
        method = load_methods().get("method", job.method, task.recording)
        model = _model(task.models / job.fit) if job.fit else None
        return estimate_pulse(features, method, dict(task.params)[job.method], job.region, model)

    doing = f"{job.method} on {task.dataset}/{task.recording}"
    note_call(doing)
    made = attempt(pulse, doing)
    if made.value is not None:
        waveform, coverage = made.value
        seconds = time.perf_counter() - began
        return Attempt(_estimate(job, recording, waveform, "", coverage, seconds))
    assert made.fault is not None
    if made.fault.kind == "machine":
        return Attempt(fault=made.fault)
    return Attempt(_estimate(job, recording, None, made.fault.reason), made.fault)


def _faults(*attempts: Attempt[Any]) -> tuple[Fault, ...]:
    """What a log or the end of a run is to tell: each fault of the machine and each bug, once."""
    faults = [one.fault for one in attempts if one.fault is not None]
    return tuple(dict.fromkeys(f for f in faults if f.kind == "machine" or f.trace))


def load_example(
    task: RecordingTask, method: Method, params: Mapping[str, Any], region: str, *, labelled: bool
) -> Example:
    """A recording as a method learns from it, under the task's one condition.

    RecordingError where it has no usable stretch or no labels; MachineError where its files are
    gone: a model never learns from fewer without saying so.
    """
    recording = _still_there(task)
    (features,) = extract(task, recording)
    labels = read_labels(task, recording) if labelled else Attempt[GroundTruth]()
    for fault in (features.fault, labels.fault):
        if fault is not None:
            raise fault.error()
    assert features.value is not None
    return example_of(recording, features.value, method, params, region, labels.value)


def _while_there(task: RecordingTask, step: Callable[[], T], doing: str) -> Attempt[T]:
    """Do a step on a recording; where it fails and the files are gone, the disk is at fault."""
    note_call(doing)
    made = attempt(step, doing)
    if made.fault is None or made.fault.kind == "machine":
        return made
    there = attempt(lambda: _still_there(task), doing)
    return made if there.fault is None else Attempt(fault=there.fault)


def _still_there(task: RecordingTask) -> Recording:
    """The recording, if any of its files is there or none ever was; MachineError if all are gone.

    It was there when the plan was made, so it is no fault of the recording's but of the disk's.
    """
    name = f"{task.dataset}/{task.recording}"
    try:
        recording = find_recording(task.dataset, task.root, task.recording)
    except BenchError as error:
        raise MachineError(f"{name} is gone ({error}); when it is back, run this again") from error
    files = recording.files
    there = not files or any(file.exists() for file in files)
    if task.root.exists() and (there or fingerprint([recording]) == task.fingerprint):
        return recording  # an empty folder was empty when the plan was made
    raise MachineError(
        f"{task.root}: the files of {name} were there and are gone; is the disk connected? "
        "When they are back, run this again"
    )


@cache
def _listing(dataset: str, root: Path) -> dict[str, Recording]:
    found = load_datasets().get("data set", dataset, str(root))
    return {r.name: r for r in list_recordings(found, root)}


def find_recording(dataset: str, root: Path, name: str) -> Recording:
    """A recording by name; a process lists each data set once."""
    listing = _listing(dataset, root)
    if name not in listing:
        raise unknown_name("recording", name, listing, f"{dataset} at {root}")
    return listing[name]


@cache
def _model(folder: Path) -> Model:
    return read_model(folder)


def _change(condition: Condition, task: RecordingTask) -> NamedTransform | None:
    """What a condition does to the frames, and to the disk where its video is to be kept."""
    if condition.kind == "none":
        return None
    name, faces = condition_digest(condition), face_source(condition)
    if task.videos is None or not keeps_video(condition):
        return NamedTransform(name=name, create=partial(ConditionTransform, condition), faces=faces)
    place = task.videos / task.dataset / task.recording / f"{condition.name}{SUFFIX}"
    about = f"rppgbench condition {name} of recording {task.fingerprint}"
    if read_description(place) == about:
        return NamedTransform(name=name, create=partial(ConditionTransform, condition), faces=faces)
    create = partial(ConditionTransform, condition, PacketWriter(place, about))
    return NamedTransform(name=name, create=create, faces=faces, always_run=True)


def _observed(
    recording: Recording,
    condition: Condition,
    truth: GroundTruth,
    facts: Mapping[str, Any],
    reason: str,
) -> RecordingInfo:
    return RecordingInfo(
        dataset=recording.dataset,
        recording=recording.name,
        subject=recording.subject,
        scenario=recording.scenario,
        source=recording.source,
        skin_tone=recording.skin_tone,
        light=recording.light,
        simulated=recording.simulated,
        condition=condition.name,
        ground_truth=truth,
        facts=facts,
        reason=reason,
    )


def _estimate(
    job: Job,
    recording: Recording,
    waveform: Waveform | None,
    reason: str,
    coverage: float = 0.0,
    seconds: float = 0.0,
) -> Estimate:
    return Estimate(
        job=job.digest,
        dataset=job.dataset,
        recording=job.recording,
        subject=recording.subject,
        scenario=recording.scenario,
        method=job.method,
        fold=job.fold,
        seed=job.seed,
        condition=job.condition,
        region=job.region,
        waveform=waveform,
        coverage=coverage,
        reason=reason,
        seconds=seconds,
    )
