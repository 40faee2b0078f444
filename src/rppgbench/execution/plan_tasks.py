"""The tasks of a plan: a recording with its jobs, or a training."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from rppgbench.core.registry import load_methods
from rppgbench.execution.plan_records import Fit, Job, Plan
from rppgbench.execution.recording_task import RecordingTask
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_task import TrainingTask
from rppgbench.extraction.conditions import keeps_video
from rppgbench.store.store import Store

Features = tuple[str, str, str]
"""The features of (data set, recording, condition)."""


def training_task(plan: Plan, fit: Fit, options: RunOptions, store: Store) -> TrainingTask:
    """The task of a training or a shared pre-training.

    Args:
        plan: the plan.
        fit: what is trained, and on which recordings.
        options: options of the run.
        store: the results folder, which gets the model.
    """
    keys = [key for key, _ in fit.recordings]
    params = plan.methods[fit.method]
    if fit.is_pretraining:
        params = load_methods().available[fit.method].pretraining_params(params) or {}
    return TrainingTask(
        fit=fit,
        params=params,
        roots={dataset: plan.roots[dataset] for dataset, _ in keys},
        condition=plan.condition(fit.condition),
        request=plan.request,
        options=options,
        models=store.folder / "models",
        fingerprints=tuple(plan.prints[key] for key in keys),
        provenance=store.provenance(),
    )


def recording_tasks(
    plan: Plan,
    jobs: Iterable[Job],
    options: RunOptions,
    store: Store,
    more: Iterable[Features] = (),
    broken: Mapping[str, str] = MappingProxyType({}),
) -> list[RecordingTask]:
    """Group jobs by recording, so that each video is decoded once for all of its conditions.

    Args:
        plan: the plan.
        jobs: the estimates to make.
        options: options of the run.
        store: the results folder, which holds the models.
        more: features that are needed without a job.
        broken: the reasons of jobs that cannot be done, by digest.
    """
    grouped: dict[tuple[str, str], list[Job]] = defaultdict(list)
    # The conditions of a recording keep their order, so they are keys of a dictionary.
    conditions_by_recording: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for job in jobs:
        grouped[job.dataset, job.recording].append(job)
        conditions_by_recording[job.dataset, job.recording][job.condition] = None
    for dataset, recording, condition in more:
        conditions_by_recording[dataset, recording][condition] = None
    tasks = []
    for key, conditions in conditions_by_recording.items():
        dataset, recording = key
        methods = sorted({job.method for job in grouped[key]})
        reasons = [(job.digest, broken[job.digest]) for job in grouped[key] if job.digest in broken]
        task = RecordingTask(
            dataset=dataset,
            root=plan.roots[dataset],
            recording=recording,
            conditions=tuple(map(plan.condition, conditions)),
            request=plan.request,
            jobs=tuple(grouped[key]),
            params=tuple((method, plan.methods[method]) for method in methods),
            options=options,
            models=store.folder / "models",
            fingerprint=plan.prints[key],
            broken=tuple(reasons),
            colour_region=plan.protocol.regions[0],
        )
        tasks.append(task)
    return tasks


def learned_from(trainings: Iterable[TrainingTask], jobs: Iterable[Job]) -> Iterator[Features]:
    """Yield the features for trainings and for tests of their models.

    They are extracted with those of other methods, in parallel, and not during the training.

    Args:
        trainings: the trainings.
        jobs: the estimates of their models.
    """
    for training in trainings:
        for key, _ in training.fit.recordings:
            yield (*key, training.fit.condition)
    for job in jobs:
        yield job.dataset, job.recording, job.condition


def videos_to_keep(plan: Plan, options: RunOptions) -> Iterator[Features]:
    """Yield the features whose videos are kept, whether or not their estimates are stored.

    Args:
        plan: the plan.
        options: options of the run.
    """
    if options.keep_videos is not None:
        for job in plan.jobs:
            if keeps_video(plan.condition(job.condition)):
                yield job.dataset, job.recording, job.condition
