"""The execution of a plan: missing estimates are made and stored."""

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from rppgbench.core.content_roots import checkout_root
from rppgbench.core.model_files import is_model
from rppgbench.execution.epoch_models import EPOCHS, plan_epoch_jobs
from rppgbench.execution.estimate_writer import EstimateWriter
from rppgbench.execution.executors import Executor, load_executor
from rppgbench.execution.obstacles import require_possible
from rppgbench.execution.plan_manifest import plan_manifest
from rppgbench.execution.plan_records import Job, Plan
from rppgbench.execution.plan_tasks import (
    learned_from,
    recording_tasks,
    training_task,
    videos_to_keep,
)
from rppgbench.execution.provenance import provenance
from rppgbench.execution.recording_task import RecordingTask
from rppgbench.execution.reuse import explain_recomputation, write_dependencies
from rppgbench.execution.run_energy import recorded_energy
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.shared_pretraining import share, take_shared
from rppgbench.execution.training_task import TrainingTask
from rppgbench.extraction.feature_cache import clean_cache
from rppgbench.store.store import Store
from rppgbench.system.cache_use import in_use
from rppgbench.system.fault_kinds import Fault
from rppgbench.system.folders import make_folder
from rppgbench.system.progress import progress


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """The result of a run.

    Attributes:
        done: number of estimates that this run made.
        stored: number of estimates that were stored already.
        failed: the reason of each recording that failed, by name.
        seconds: duration of the run in s.
    """

    done: int
    stored: int
    failed: dict[str, str]
    seconds: float


def run(
    plan: Plan,
    store: Store,
    options: RunOptions,
    log: Callable[[str], None] = lambda line: None,
    report_failure: Callable[[str, str], object] = lambda method, reason: None,
) -> RunSummary:
    """Make the missing estimates of a plan and store them; after an interruption they stay.

    First come the features and the methods that do not learn, one recording after another. Then
    come the pre-trainings that models share, and the trainings, each followed by the estimates of
    its model. Networks compute on the device of the plan.

    Args:
        plan: what to do.
        store: the results folder.
        options: how to do it; nothing there changes a number.
        log: takes a line on stored estimates that are not reused, and why.
        report_failure: takes a method and a reason for each training that failed.

    Returns:
        The number of estimates, the failures and the duration.

    Raises:
        BenchError: the results folder cannot be made or holds something else; a method is known
            to fail; or a training was refused, after everything else was done.
        MachineError: the machine prevented an estimate.
        KeyboardInterrupt: with a message on what is stored.
    """
    began = time.monotonic()
    options = replace(options, device=plan.device or options.device)
    for folder in filter(None, (store.folder, options.keep_videos)):
        make_folder(folder)
    cache = options.cache
    with store.locked(), in_use(cache, plan.roots), clean_cache(cache):
        manifest = plan_manifest(plan) | {"command": options.command}
        origin = _run_provenance(options)
        store.begin(manifest, [job.digest for job in plan.jobs], origin)
        stored = store.done()
        if reasons := explain_recomputation(store.folder, plan, stored):
            log(reasons)
        write_dependencies(store.folder, plan, stored)
        stored -= store.jobs_without_estimate() if options.retry_failed else set()
        todo = [job for job in plan.jobs if job.digest not in stored]
        require_possible(plan, todo)
        energy = recorded_energy(store.folder, origin) if todo else nullcontext()
        try:
            with energy:
                _PlanRun(plan, store, options, report_failure).run(todo)
                if options.every_epoch:
                    _test_epochs(plan, store, options, manifest, origin)
        except KeyboardInterrupt:
            count = len(plan.jobs) - store.missing()
            raise KeyboardInterrupt(
                f"{count} of {len(plan.jobs)} estimates are stored in {store.folder}"
            ) from None
        failed = store.failed()
    return RunSummary(
        done=len(todo),
        stored=len(plan.jobs) - len(todo),
        failed=failed,
        seconds=time.monotonic() - began,
    )


def _open_executor(options: RunOptions) -> Executor:
    return load_executor(options.executor).open_executor(options)


class _PlanRun:
    """Runs the jobs of one plan with an executor and stores the results."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        options: RunOptions,
        report_failure: Callable[[str, str], object],
    ) -> None:
        self.plan, self.store, self.options = plan, store, options
        self.report_failure = report_failure

    def run(self, todo: Sequence[Job]) -> None:
        """Do these jobs and store each result as it comes."""
        by_fit: dict[str, list[Job]] = defaultdict(list)
        for job in todo:
            by_fit[job.fit].append(job)
        without_model = by_fit.pop("", [])
        trainings = [
            training_task(self.plan, fit, self.options, self.store)
            for fit in self.plan.fits
            if fit.digest in by_fit
        ]
        pretrainings = self._missing_pretrainings(trainings)
        with_model = [job for jobs in by_fit.values() for job in jobs]
        more = [
            *learned_from([*pretrainings, *trainings], with_model),
            *videos_to_keep(self.plan, self.options),
        ]
        tasks = recording_tasks(self.plan, without_model, self.options, self.store, more=more)
        with _open_executor(self.options) as executor, EstimateWriter(self.store) as writer:
            _estimate(tasks, executor, writer, title="recordings", quiet=self.options.quiet)
            faults = self._pretrain(pretrainings, executor, writer)
            self._train(trainings, by_fit, faults, executor, writer)
            writer.raise_missed()

    def _missing_pretrainings(self, trainings: Sequence[TrainingTask]) -> list[TrainingTask]:
        """Return the pre-trainings that these trainings begin with and that are not done.

        What another results folder shares is copied.
        """
        models = self.store.folder / "models"
        wanted = {
            task.fit.pretraining for task in trainings if not is_model(models / task.fit.digest)
        }
        options = replace(self.options, every_epoch=False)
        return [
            training_task(self.plan, fit, options, self.store)
            for fit in self.plan.pretrainings
            if fit.digest in wanted and not take_shared(options.cache, models, fit)
        ]

    def _pretrain(
        self, pretrainings: Sequence[TrainingTask], executor: Executor, writer: EstimateWriter
    ) -> dict[str, Fault]:
        """Do each pre-training once and share it; return the fault of each that failed."""
        faults: dict[str, Fault] = {}
        models = self.store.folder / "models"
        for training, fault in self._trained(pretrainings, "pre-trainings", executor, writer):
            if fault is None:
                made_by = self.store.provenances()[self.store.provenance()]
                share(self.options.cache, models, training.fit, made_by)
            else:
                faults[training.fit.digest] = fault
        return faults

    def _trained(
        self,
        trainings: Sequence[TrainingTask],
        title: str,
        executor: Executor,
        writer: EstimateWriter,
    ) -> Generator[tuple[TrainingTask, Fault | None]]:
        """Train models with a progress bar; yield each with its fault, if any."""
        if not trainings:
            return
        with (
            progress(title, len(trainings), quiet=self.options.quiet) as display,
            closing(executor.trainings(trainings, display.say)) as ended,
        ):
            for training, fault in ended:
                name = f"{training.fit.method} {training.fit.fold}"
                if fault is not None:
                    writer.note(fault, name)
                    self.report_failure(training.fit.method, fault.reason)
                    if fault.kind == "user":
                        writer.refuse(fault.reason)
                yield training, fault
                display.step(name)

    def _train(
        self,
        trainings: Sequence[TrainingTask],
        jobs: Mapping[str, Sequence[Job]],
        faults: Mapping[str, Fault],
        executor: Executor,
        writer: EstimateWriter,
    ) -> None:
        """Train each model and make the estimates, `jobs` by the digest of the model, with it.

        `faults` are those of pre-trainings. A model that begins with one of these has its fault.
        """
        possible = [task for task in trainings if task.fit.pretraining not in faults]
        without = [task for task in trainings if task.fit.pretraining in faults]
        failed = ((task, faults[task.fit.pretraining]) for task in without)
        with closing(self._trained(possible, "models", executor, writer)) as ended:
            for training, fault in chain(ended, failed):
                if fault is None or fault.kind not in {"machine", "user"}:
                    self._test_model(jobs[training.fit.digest], fault, executor, writer)

    def _test_model(
        self, jobs: Sequence[Job], fault: Fault | None, executor: Executor, writer: EstimateWriter
    ) -> None:
        broken = {} if fault is None else dict.fromkeys((j.digest for j in jobs), fault.reason)
        tasks = recording_tasks(self.plan, jobs, self.options, self.store, broken=broken)
        with closing(executor.recordings(tasks)) as results:
            for result in results:
                writer.keep(result)


def _estimate(
    tasks: Sequence[RecordingTask],
    executor: Executor,
    writer: EstimateWriter,
    *,
    title: str,
    quiet: bool,
) -> None:
    """Process recordings with a progress bar of that title."""
    with (
        progress(title, len(tasks), quiet=quiet) as display,
        closing(executor.recordings(tasks)) as results,
    ):
        for result in results:
            writer.keep(result)
            display.step(result.task.recording)


def _run_provenance(options: RunOptions) -> dict[str, Any]:
    """Return what made the results of this run; every part of the store refers to it."""
    scheduler = {"scheduler": options.scheduler} if options.scheduler else {}
    return {
        **provenance(checkout_root()),
        "device": options.device,
        "devices": options.devices,
        **scheduler,
        "command": options.command,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _test_epochs(
    plan: Plan,
    store: Store,
    options: RunOptions,
    manifest: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> None:
    """Estimate with the model of every epoch, in a results folder within the results folder."""
    jobs = plan_epoch_jobs(plan.jobs, store.folder / "models")
    nested = Store(store.folder / EPOCHS)
    epochs = {job.digest: epoch for epoch, job in jobs}
    nested.begin({**manifest, EPOCHS: epochs}, list(epochs), origin)
    stored = nested.done()
    todo = [job for _, job in jobs if job.digest not in stored]
    tasks = recording_tasks(plan, todo, options, store)
    with _open_executor(options) as executor, EstimateWriter(nested) as writer:
        _estimate(tasks, executor, writer, title="epochs", quiet=options.quiet)
        writer.raise_missed()
