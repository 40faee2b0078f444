"""The processing of one recording: read the labels, extract features, estimate, return rows."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from rppgbench.core.controls import INPUT_CONTROLS
from rppgbench.core.estimate import Estimate
from rppgbench.core.features import Features
from rppgbench.core.guarded_calls import list_recordings, read_video
from rppgbench.core.mean_colours import MeanColours
from rppgbench.core.method import Example, Method, Model, Side
from rppgbench.core.model_files import read_model
from rppgbench.core.protocol import Condition
from rppgbench.core.recording import GroundTruth, Recording, TraceSource
from rppgbench.core.registry import load_datasets, load_methods
from rppgbench.core.waveform import Waveform
from rppgbench.datasets import checked_labels
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.execution.plan_records import UNTOUCHED, Job
from rppgbench.execution.pulse_estimation import estimate_pulse, input_rate, method_inputs
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_examples import make_example
from rppgbench.extraction.colour_segments import mean_colours
from rppgbench.extraction.conditions import (
    ConditionTransform,
    condition_digest,
    face_source,
    keeps_video,
)
from rppgbench.extraction.control_inputs import INPUTS
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import (
    NamedTransform,
    transform_digest,
    transformed_features,
)
from rppgbench.extraction.resampled_clips import stored_segments
from rppgbench.extraction.trace_files import trace_features
from rppgbench.store.schema import RecordingInfo
from rppgbench.system.errors import BenchError, MachineError, unknown_name
from rppgbench.system.fault_kinds import Attempt, Fault, attempt
from rppgbench.system.process_state import note_call
from rppgbench.video.packet_writer import SUFFIX, PacketWriter, read_description

MODELS_IN_MEMORY = 16
"""Number of models that a process keeps: the jobs of one recording use a model of each method and
seed of its fold, and the next recording of the fold uses the same models."""

T = TypeVar("T")
OnStart = Callable[[str], None]
"""Takes what is begun: the digest of a job, or "" for labels and features."""


@dataclass(frozen=True, kw_only=True)
class RecordingTask:
    """All work on one recording under some conditions: names and digests only.

    The video is decoded once for all conditions. Without jobs the features are extracted anyway,
    for a method that learns from them.

    Attributes:
        dataset: name of the data set.
        root: folder of the data set.
        recording: name of the recording.
        conditions: what is done to the video, one set of features for each.
        request: the features that the methods of the plan ask for.
        jobs: the estimates to make.
        params: all parameters of each method of the jobs, by name.
        options: the options of the run.
        models: folder of the trained models.
        fingerprint: that of the recording in the plan.
        broken: reasons of jobs, by digest, that cannot be done: their model could not be trained,
            or they crashed a process. The reason under "" is that of the extraction.
    """

    dataset: str
    root: Path
    recording: str
    conditions: tuple[Condition, ...]
    request: FeatureRequest
    jobs: tuple[Job, ...]
    params: tuple[tuple[str, Mapping[str, Any]], ...]
    options: RunOptions
    models: Path
    fingerprint: str = ""
    broken: tuple[tuple[str, str], ...] = ()
    colour_region: str = ""

    @property
    def name(self) -> str:
        """Data set and recording, as messages name them."""
        return f"{self.dataset}/{self.recording}"


@dataclass(frozen=True, eq=False, kw_only=True)
class TaskResult:
    """The rows of a task for the store, and the faults to report.

    A fault of the machine leaves no row. Bugs are rows and, with their traces, among the faults.

    Attributes:
        task: the task.
        observed: one row for each condition.
        estimates: one row for each job.
        faults: faults of the machine, and bugs.
    """

    task: RecordingTask
    observed: tuple[RecordingInfo, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, eq=False)
class ConditionFeatures:
    """The features of a recording under one condition, and their share of the extraction time."""

    condition: Condition
    features: Attempt[Features]
    read_s: float


def run_recording(task: RecordingTask, on_start: OnStart = lambda started: None) -> TaskResult:
    """Process one recording; a fault of the recording is a reason in its rows, never a missing row.

    Args:
        task: the recording, its conditions and its jobs.
        on_start: takes what is begun, so that a crash of the process can be assigned to a job.

    Returns:
        Rows of the estimates that were made, and the faults. Only KeyboardInterrupt is raised.
    """
    on_start("")
    located = attempt(lambda: locate_recording(task), task.name)
    if located.value is None:
        return TaskResult(task=task, faults=_reportable(located))
    recording = located.value
    labels = read_labels(task, recording)
    if _is_machine_fault(labels):
        return TaskResult(task=task, faults=_reportable(labels))
    extracted = extract(task, recording)
    unchanged = attempt(lambda: require_unchanged(task, recording), task.name)
    if _is_machine_fault(unchanged):
        return TaskResult(task=task, faults=_reportable(unchanged))
    observed = describe(recording, labels, extracted, task.colour_region)
    estimates = list(estimate(task, recording, observed, extracted, on_start))
    features = [part.features for part in extracted]
    return TaskResult(
        task=task,
        observed=tuple(observed.values()),
        estimates=tuple(outcome.value for outcome in estimates if outcome.value is not None),
        faults=_reportable(labels, unchanged, *features, *estimates),
    )


def locate_recording(task: RecordingTask) -> Recording:
    """Find the recording of a task.

    The recording existed when the plan was made. Files that are gone are a fault of the machine.

    Raises:
        MachineError: all of its files are gone. An empty folder was empty in the plan too.
    """
    try:
        recording = find_recording(task.dataset, task.root, task.recording)
    except BenchError as error:
        raise MachineError(
            f"{task.name} is gone ({error}); when it is back, run this again"
        ) from error
    files = recording.files
    exist = not files or any(file.exists() for file in files)
    if task.root.exists() and (exist or fingerprint([recording]) == task.fingerprint):
        return recording
    raise MachineError(
        f"{task.root}: the files of {task.name} were there and are gone; is the disk connected? "
        "When they are back, run this again"
    )


def require_unchanged(task: RecordingTask, recording: Recording) -> None:
    """Refuse files that are not those of the plan: a row under the plan's digest would be false.

    Args:
        task: the task, with the fingerprint of the recording in the plan.
        recording: the recording.

    Raises:
        MachineError: a file was changed, added or removed since the plan was made, or all are gone.
    """
    if task.fingerprint and fingerprint([recording], task.options.cache) != task.fingerprint:
        locate_recording(task)  # files that are gone have a reason of their own
        raise MachineError(f"{task.name}: its files changed since the plan; run this again")


def read_labels(task: RecordingTask, recording: Recording) -> Attempt[GroundTruth]:
    """Read and check the labels of a recording.

    Args:
        task: the task, for its root and fingerprint.
        recording: the recording.

    Returns:
        The ground truth, or the fault.
    """
    return _attempt_with_files(
        task, lambda: checked_labels.read_labels(recording), f"the labels of {task.name}"
    )


def extract(
    task: RecordingTask, recording: Recording, *, trust_notes: bool = False
) -> list[ConditionFeatures]:
    """Extract the features of a recording under each of the task's conditions.

    What is in the cache is not extracted again. The rest is made in one pass over the video. The
    features of input controls are made from those of the untouched video.

    Args:
        task: the conditions, crop rules and the cache.
        recording: the recording.
        trust_notes: see `feature_cache.transformed_features`.

    Returns:
        One entry for each condition, in order, with features or a fault.
    """
    controls = [c for c in task.conditions if c.kind in INPUT_CONTROLS]
    frame_conditions = [c for c in task.conditions if c.kind not in INPUT_CONTROLS]
    if controls and not any(condition.kind == "none" for condition in frame_conditions):
        frame_conditions.append(UNTOUCHED)
    parts = _extract_frames(task, recording, frame_conditions, trust_notes=trust_notes)
    by_name = {part.condition.name: part for part in parts}
    for control in controls:
        untouched = next(part for part in parts if part.condition.kind == "none")
        by_name[control.name] = _control_features(control, untouched, task.name)
    return [by_name[condition.name] for condition in task.conditions]


def _control_features(
    control: Condition, untouched: ConditionFeatures, name: str
) -> ConditionFeatures:
    """The features of a control; a fault of the recording is the control's fault too."""
    features = untouched.features.value
    if features is None:
        return ConditionFeatures(control, untouched.features, 0.0)
    replaced = attempt(partial(INPUTS[control.kind], features), f"{control.name} of {name}")
    return ConditionFeatures(control, replaced, 0.0)


def _extract_frames(
    task: RecordingTask,
    recording: Recording,
    conditions: Sequence[Condition],
    *,
    trust_notes: bool,
) -> list[ConditionFeatures]:
    """One entry for each condition of the frames, from the cache or from one pass."""
    doing = f"the extraction of {task.name}"
    began = time.perf_counter()

    def extract_in_one_pass() -> list[Features | Exception]:
        source = read_video(recording)
        if isinstance(source, TraceSource):  # the plan allows no condition then
            return [trace_features(source)]
        transforms = [_transform(condition, task) for condition in conditions]
        return transformed_features(
            source,
            task.request,
            task.options.cache,
            transforms,
            trust_notes=trust_notes,
            dataset=task.dataset,
        )

    crash = dict(task.broken).get("")
    if crash:
        attempts = [Attempt[Features](fault=Fault("recording", crash))] * len(conditions)
    else:
        extracted = _attempt_with_files(task, extract_in_one_pass, doing)
        if extracted.value is None:
            attempts = [Attempt[Features](fault=extracted.fault)] * len(conditions)
        else:
            attempts = [
                _attempt_with_files(task, partial(_value_or_raise, features), doing)
                for features in extracted.value
            ]
    # One pass serves all conditions, so its time is divided equally.
    read_s = (time.perf_counter() - began) / len(conditions)
    pairs = zip(conditions, attempts, strict=True)
    return [ConditionFeatures(condition, features, read_s) for condition, features in pairs]


def describe(
    recording: Recording,
    labels: Attempt[GroundTruth],
    extracted: Sequence[ConditionFeatures],
    colour_region: str = "",
) -> dict[str, RecordingInfo]:
    """Describe a recording under each condition, for the store.

    Args:
        recording: the recording.
        labels: its ground truth, or why there is none.
        extracted: its features.
        colour_region: face region whose mean colours are kept of the untouched video; "" for none.

    Returns:
        A row by the name of the condition. A fault of the machine leaves no row.
    """
    unlabelled = "" if labels.fault is None else f"labels: {labels.fault.reason}"
    clocks = [_frame_clock(part.features.value) for part in extracted]
    truths, mismatch = checked_labels.align_labels(labels.value or GroundTruth(), clocks)
    rows = {}
    for part, truth in zip(extracted, truths, strict=True):
        if _is_machine_fault(part.features):
            continue
        features, fault = part.features.value, part.features.fault
        metadata = {**features.metadata, "read_s": part.read_s} if features else {}
        reasons = [unlabelled or mismatch, fault.reason if fault else ""]
        rows[part.condition.name] = RecordingInfo(
            dataset=recording.dataset,
            recording=recording.name,
            subject=recording.subject,
            scenario=recording.scenario,
            source=recording.source,
            skin_tone=recording.skin_tone,
            light=recording.light,
            simulated=recording.simulated,
            condition=part.condition.name,
            ground_truth=truth,
            metadata=metadata,
            reason="; ".join(filter(None, reasons)),
            colours=_colours(part, colour_region),
        )
    return rows


def _colours(part: ConditionFeatures, region: str) -> MeanColours | None:
    """The mean colours of an untouched video; None where its features lack the region."""
    features = part.features.value
    if features is None or part.condition.kind != "none" or region not in features.moments.names:
        return None
    return mean_colours(features, region)


def estimate(
    task: RecordingTask,
    recording: Recording,
    observed: Mapping[str, RecordingInfo],
    extracted: Sequence[ConditionFeatures],
    on_start: OnStart,
) -> Iterator[Attempt[Estimate]]:
    """Make the estimates of all jobs of a task.

    Args:
        task: the jobs and their parameters.
        recording: the recording.
        observed: its rows by condition; without features their reason is that of the estimates.
        extracted: its features.
        on_start: takes the digest of each job that is begun.

    Yields:
        The row of each job, or the machine's fault, or both for a bug.
    """
    for part in extracted:
        if _is_machine_fault(part.features):
            continue
        features = part.features.value
        for job in task.jobs:
            if job.condition != part.condition.name:
                continue
            if features is None:
                reason = observed[job.condition].reason
                yield Attempt(_estimate_row(job, recording, None, reason))
            else:
                on_start(job.digest)
                yield _estimate_job(job, task, recording, features)


def _frame_clock(features: Features | None) -> FrameClock | None:
    return None if features is None else FrameClock.from_times(features.times_s)


def _value_or_raise(features: Features | Exception) -> Features:
    if isinstance(features, Exception):
        raise features
    return features


def _estimate_job(
    job: Job, task: RecordingTask, recording: Recording, features: Features
) -> Attempt[Estimate]:
    crash = dict(task.broken).get(job.digest)
    if crash:
        return Attempt(_estimate_row(job, recording, None, crash))
    began = time.perf_counter()

    def estimate_waveform() -> tuple[Waveform, float]:
        method = load_methods().get("method", job.method, task.recording)
        model = _model(task.models / job.fit) if job.fit else None
        return estimate_pulse(features, method, dict(task.params)[job.method], job.region, model)

    doing = f"{job.method} on {task.name}"
    note_call(doing)
    estimated = attempt(estimate_waveform, doing)
    if estimated.value is not None:
        waveform, coverage = estimated.value
        seconds = time.perf_counter() - began
        return Attempt(_estimate_row(job, recording, waveform, "", coverage, seconds))
    assert estimated.fault is not None
    if _is_machine_fault(estimated):
        return Attempt(fault=estimated.fault)
    return Attempt(_estimate_row(job, recording, None, estimated.fault.reason), estimated.fault)


def _is_machine_fault(step: Attempt[Any]) -> bool:
    return step.fault is not None and step.fault.kind == "machine"


def _reportable(*steps: Attempt[Any]) -> tuple[Fault, ...]:
    """Return each fault of the machine and each bug once, for the log and the end of the run."""
    faults = [step.fault for step in steps if step.fault is not None]
    return tuple(dict.fromkeys(f for f in faults if f.kind == "machine" or f.trace))


def load_example(
    task: RecordingTask,
    method: Method,
    params: Mapping[str, Any],
    region: str,
    *,
    labelled: bool,
    side: Side,
) -> Example:
    """Load a recording as a method learns from it, under the task's one condition.

    Args:
        task: the recording and its condition.
        method: the method that learns.
        params: all parameters of the method.
        region: the face region, or "".
        labelled: whether the method is shown the labels.
        side: the side of the protocol that the recording is on.

    Raises:
        RecordingError: the recording has no usable segment, or no labels.
        MachineError: its files are gone. A model never learns from fewer recordings in silence.
    """
    recording = locate_recording(task)
    (extracted,) = extract(task, recording, trust_notes=True)
    labels = read_labels(task, recording) if labelled else Attempt[GroundTruth]()
    for fault in (extracted.features.fault, labels.fault):
        if fault is not None:
            raise fault.error()
    assert extracted.features.value is not None
    features = extracted.features.value
    if method.input == "clip":  # the same values, in files of the cache
        crop, fs = str(params["crop"]), input_rate(features, params)
        inputs = stored_segments(features, crop, fs, task.options.cache, dataset=task.dataset)
    else:
        inputs = method_inputs(features, method, params, region)
    return make_example(recording, features, inputs, labels.value, side)


def _attempt_with_files(task: RecordingTask, step: Callable[[], T], doing: str) -> Attempt[T]:
    """Do a step on a recording; where it fails and the files are gone, the disk is at fault."""
    note_call(doing)
    outcome = attempt(step, doing)
    if outcome.fault is None or _is_machine_fault(outcome):
        return outcome
    located = attempt(lambda: locate_recording(task), doing)
    return outcome if located.fault is None else Attempt(fault=located.fault)


@cache
def _recordings(dataset: str, root: Path) -> dict[str, Recording]:
    declared = load_datasets().get("data set", dataset, str(root))
    return {recording.name: recording for recording in list_recordings(declared, root)}


def find_recording(dataset: str, root: Path, name: str) -> Recording:
    """Find a recording by name; a process lists each data set once.

    Args:
        dataset: name of the data set.
        root: folder of the data set.
        name: name of the recording.

    Raises:
        BenchError: there is no such data set or recording.
    """
    recordings = _recordings(dataset, root)
    if name not in recordings:
        raise unknown_name("recording", name, recordings, f"{dataset} at {root}")
    return recordings[name]


@lru_cache(maxsize=MODELS_IN_MEMORY)
def _model(folder: Path) -> Model:
    return read_model(folder)


def _transform(condition: Condition, task: RecordingTask) -> NamedTransform | None:
    """Return what a condition does to the frames, and where its video is kept, if anywhere."""
    if condition.kind == "none":
        return None
    transform = NamedTransform(
        name=condition_digest(condition),
        create=partial(ConditionTransform, condition),
        faces=face_source(condition),
    )
    keep_videos = task.options.keep_videos
    if keep_videos is None or not keeps_video(condition):
        return transform
    file = keep_videos / task.dataset / task.recording / f"{condition.name}{SUFFIX}"
    change = transform_digest(transform)
    description = f"rppgbench condition {change} of recording {task.fingerprint}"
    if read_description(file) == description:
        return transform
    create = partial(ConditionTransform, condition, PacketWriter(file, description))
    return replace(transform, create=create, always_run=True)


def _estimate_row(
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
        waveform=None if waveform is None else replace(waveform, confidence=None),
        confidence=None if waveform is None else waveform.confidence,
        coverage=coverage,
        reason=reason,
        seconds=seconds,
    )
