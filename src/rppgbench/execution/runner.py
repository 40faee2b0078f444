"""A plan, done: only what is missing, whatever happens."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rppgbench.core.registry import checkout_root
from rppgbench.execution.dask_executor import DaskExecutor
from rppgbench.execution.epoch_models import EPOCHS, plan_epoch_jobs
from rppgbench.execution.estimate_writer import EstimateWriter
from rppgbench.execution.executors import Executor, ProcessExecutor
from rppgbench.execution.planner import Fit, Job, Plan, plan_facts
from rppgbench.execution.provenance import provenance
from rppgbench.execution.recording_task import RecordingTask
from rppgbench.execution.reuse import keep_facts, why_again
from rppgbench.execution.training_task import TrainingTask
from rppgbench.extraction.conditions import keeps_video
from rppgbench.extraction.feature_cache import clean_cache
from rppgbench.store.store import Store
from rppgbench.system.progress import progress


@dataclass(frozen=True)
class RunOptions:
    """How a plan is done: nothing here changes a number.

    With `scheduler`, the address of a Dask scheduler, its workers do the work; else `jobs`
    processes of this machine. With `every_epoch` the models of all epochs are tested too, apart.
    Recompressed videos are kept in the folder `videos`, if there is one. Of `devices` so many
    share each training. With `retry_failed` what is stored as failed is made again.
    """

    cache: Path
    jobs: int = 1
    device: str = "auto"
    scheduler: str = ""
    every_epoch: bool = False
    videos: Path | None = None
    command: str = ""
    quiet: bool = False
    devices: int = 1
    retry_failed: bool = False


@dataclass(frozen=True)
class RunSummary:
    """What a run came to: `failed` names each recording that gave a reason, with the reason."""

    done: int
    found: int  # estimates that were stored already
    failed: dict[str, str]
    seconds: float


def run(
    plan: Plan, store: Store, means: RunOptions, say: Callable[[str], None] = lambda line: None
) -> RunSummary:
    """Do what is missing of the plan and store it; on an interruption, what is done stays.

    First features and the methods that do not learn, a recording at a time, then each fit and the
    estimates of what it learned. Before that `say` takes a line on stored estimates that are not
    reused, and why. Networks compute on the device that the plan is for.
    """
    began = time.monotonic()
    means = replace(means, device=plan.device or means.device)
    with store.locked(), clean_cache(means.cache):
        facts = plan_facts(plan) | {"command": means.command}
        made_by = _made_by(means)
        store.begin(facts, [job.digest for job in plan.jobs], made_by)
        done = store.done()
        if reasons := why_again(store.folder, plan, done):
            say(reasons)
        keep_facts(store.folder, plan, done)
        done -= store.unmade() if means.retry_failed else set()
        todo = [job for job in plan.jobs if job.digest not in done]
        try:
            with _executor(means) as executor, EstimateWriter(store) as ledger:
                _do(todo, plan, store, means, executor, ledger)
                ledger.raise_missed()
            if means.every_epoch:
                _test_epochs(plan, store, means, facts, made_by)
        except KeyboardInterrupt:
            kept = len(plan.jobs) - store.missing()
            raise KeyboardInterrupt(
                f"{kept} of {len(plan.jobs)} estimates are stored in {store.folder}"
            ) from None
        failed = store.failed()
    return RunSummary(len(todo), len(plan.jobs) - len(todo), failed, time.monotonic() - began)


def _executor(means: RunOptions) -> AbstractContextManager[Executor]:
    if means.scheduler:
        return DaskExecutor(means.scheduler, means.device)
    return nullcontext(ProcessExecutor(means.jobs, means.device))


def _do(
    todo: Sequence[Job],
    plan: Plan,
    store: Store,
    means: RunOptions,
    executor: Executor,
    ledger: EstimateWriter,
) -> None:
    """Do these jobs and keep each outcome as it comes."""
    by_fit: dict[str, list[Job]] = defaultdict(list)
    for job in todo:
        by_fit[job.fit].append(job)
    at_once = by_fit.pop("", [])
    lessons = [_lesson(plan, fit, means, store) for fit in plan.fits if fit.digest in by_fit]
    learned = [job for jobs in by_fit.values() for job in jobs]
    also = [*_to_extract(lessons, learned), *_to_keep(plan, means)]
    tasks = _tasks(plan, at_once, means, store, also=also)
    with (
        progress("recordings", len(tasks), quiet=means.quiet) as shown,
        closing(executor.recordings(tasks)) as outcomes,
    ):
        for outcome in outcomes:
            ledger.keep(outcome)
            shown.step(outcome.task.recording)
    with (
        progress("models", len(lessons), quiet=means.quiet) as shown,
        closing(executor.lessons(lessons, shown.say)) as done,
    ):
        for lesson, fault in done:
            jobs = by_fit[lesson.fit.digest]
            if fault is not None:
                ledger.note(fault, f"{lesson.fit.method} {lesson.fit.fold}")
                if fault.kind == "user":
                    raise fault.error()
                if fault.kind == "machine":
                    continue
            broken = {} if fault is None else dict.fromkeys((j.digest for j in jobs), fault.reason)
            tasks = _tasks(plan, jobs, means, store, broken=broken)
            with closing(executor.recordings(tasks)) as outcomes:
                for outcome in outcomes:
                    ledger.keep(outcome)
            shown.step(f"{lesson.fit.method} {lesson.fit.fold}")


def _made_by(means: RunOptions) -> dict[str, Any]:
    """What this run says of itself; everything that it makes refers to it."""
    scheduler = {"scheduler": means.scheduler} if means.scheduler else {}
    return {
        **provenance(checkout_root()),
        "device": means.device,
        "devices": means.devices,
        **scheduler,
        "command": means.command,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _test_epochs(
    plan: Plan,
    store: Store,
    means: RunOptions,
    facts: Mapping[str, Any],
    made_by: Mapping[str, Any],
) -> None:
    """Estimates by the model of every epoch, in a results folder within the results folder."""
    jobs = plan_epoch_jobs(plan.jobs, store.folder / "models")
    apart = Store(store.folder / EPOCHS)
    epochs = {job.digest: epoch for epoch, job in jobs}
    apart.begin({**facts, EPOCHS: epochs}, list(epochs), made_by)
    done = apart.done()
    tasks = _tasks(plan, [job for _, job in jobs if job.digest not in done], means, store)
    with (
        _executor(means) as executor,
        EstimateWriter(apart) as ledger,
        progress("epochs", len(tasks), quiet=means.quiet) as shown,
        closing(executor.recordings(tasks)) as outcomes,
    ):
        for outcome in outcomes:
            ledger.keep(outcome)
            shown.step(outcome.task.recording)
        ledger.raise_missed()


def _lesson(plan: Plan, fit: Fit, means: RunOptions, store: Store) -> TrainingTask:
    keys = (*fit.pretrain, *fit.train)
    return TrainingTask(
        fit,
        plan.methods[fit.method],
        {dataset: plan.roots[dataset] for dataset, _ in keys},
        plan.condition(fit.condition),
        plan.clips,
        means.cache,
        store.folder / "models",
        means.device,
        tuple(plan.prints[key] for key in keys),
        means.every_epoch,
        means.devices,
        provenance=store.provenance(),
    )


def _tasks(
    plan: Plan,
    jobs: Iterable[Job],
    means: RunOptions,
    store: Store,
    also: Iterable[tuple[str, str, str]] = (),
    broken: Mapping[str, str] = MappingProxyType({}),
) -> list[RecordingTask]:
    """The jobs by recording, so that each video is decoded once for all of its conditions.

    `also` are (data set, recording, condition) whose features are wanted without a job; `broken`
    says of jobs that cannot be done why, by digest.
    """
    grouped: dict[tuple[str, str], list[Job]] = defaultdict(list)
    wanted: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)  # conditions, in their order
    for job in jobs:
        grouped[job.dataset, job.recording].append(job)
        wanted[job.dataset, job.recording][job.condition] = None
    for dataset, recording, condition in also:
        wanted[dataset, recording][condition] = None
    return [
        RecordingTask(
            dataset,
            plan.roots[dataset],
            recording,
            tuple(map(plan.condition, conditions)),
            plan.clips,
            tuple(own := grouped[dataset, recording]),
            tuple((m, plan.methods[m]) for m in sorted({job.method for job in own})),
            means.cache,
            store.folder / "models",
            plan.prints[dataset, recording],
            means.videos,
            tuple((job.digest, broken[job.digest]) for job in own if job.digest in broken),
        )
        for (dataset, recording), conditions in wanted.items()
    ]


def _to_extract(
    lessons: Iterable[TrainingTask], jobs: Iterable[Job]
) -> Iterator[tuple[str, str, str]]:
    """What models are learned from and then tested on, so that it too goes over processes."""
    for lesson in lessons:
        for key in (*lesson.fit.pretrain, *lesson.fit.train):
            yield (*key, lesson.fit.condition)
    for job in jobs:
        yield job.dataset, job.recording, job.condition


def _to_keep(plan: Plan, means: RunOptions) -> Iterator[tuple[str, str, str]]:
    """What videos are to be kept of, stored estimates or not."""
    if means.videos is not None:
        for job in plan.jobs:
            if keeps_video(plan.condition(job.condition)):
                yield job.dataset, job.recording, job.condition
