"""The executor "local": processes of this machine."""

import os
from collections import Counter, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from types import TracebackType

from rppgbench.execution.executors import MAX_TRIES, Log, retry_limit_error
from rppgbench.execution.recording_task import RecordingTask, TaskResult, run_recording
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_process import (
    DEVICE,
    train_in_subprocess,
    train_in_this_process,
)
from rppgbench.execution.training_task import TrainingTask
from rppgbench.extraction.feature_cache import FEATURES
from rppgbench.system.errors import BenchError
from rppgbench.system.fault_kinds import Fault, classify_exit
from rppgbench.system.folders import existing_folder, require_writable
from rppgbench.system.worker_pool import Lost, run_in_pool

ONE_NUMERIC_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


def check_options(options: RunOptions) -> None:
    """Raise BenchError for a scheduler, and for a cache that is empty and cannot be written.

    A cache that cannot be written is of use where it holds the features of the recordings.
    """
    if options.scheduler:
        raise BenchError("--scheduler: goes with --executor dask")
    features = options.cache / FEATURES
    if existing_folder(features) != features.absolute():
        require_writable(options.cache, "--cache")


def network_device(options: RunOptions) -> str:
    """Return the device of this machine for networks; BenchError where there are too few."""
    from rppgbench.neural.devices import require_devices, resolve_device

    device = resolve_device(options.device)
    require_devices(device, options.devices)
    return device


def open_executor(options: RunOptions) -> "LocalExecutor":
    """Make the executor for `options.jobs` processes and `options.device`."""
    return LocalExecutor(options.jobs or 1, options.device)


class LocalExecutor(AbstractContextManager["LocalExecutor"]):
    """Processes of this machine for recordings; trainings, one after another, in this process.

    A training needs all cores or the whole GPU, and so do the estimates of the trained model. Where
    several devices share a training, each has a process of its own. With one job everything is done
    in this process, because a process takes a second to start. A method that crashes this process
    ends the run.
    """

    def __init__(self, jobs: int, device: str) -> None:
        self.jobs, self.device = jobs, device

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is held between two calls."""

    def recordings(self, tasks: Sequence[RecordingTask]) -> Generator[TaskResult]:
        """Process recordings, as `Executor` describes.

        A task whose worker crashed is done again without the job during which the worker crashed;
        this job is a row with the reason. A task whose worker was killed is done again, at the end
        and alone.
        """
        needs_models = any(job.fit for task in tasks for job in task.jobs)
        if self.jobs <= 1 or needs_models:
            with environment({DEVICE: self.device}):
                yield from map(run_recording, tasks)
            return
        with environment(ONE_NUMERIC_THREAD):  # the processes are the parallelism
            yield from self._in_processes(tasks)

    def _in_processes(self, tasks: Sequence[RecordingTask]) -> Generator[TaskResult]:
        tries: Counter[tuple[str, str]] = Counter()
        alone: deque[RecordingTask] = deque()
        # A killed task is done again alone, when the others no longer need memory.
        for queue, jobs in ((deque(tasks), min(self.jobs, len(tasks))), (alone, 1)):
            with closing(run_in_pool(run_recording, queue, jobs)) as results:
                for task, result in results:
                    if isinstance(result, TaskResult):
                        yield result
                        continue
                    key = task.dataset, task.recording
                    tries[key] += 1
                    next_task, fault = handle_lost_worker(task, result, tries[key])
                    if fault is not None:
                        yield TaskResult(task=task, faults=(fault,))
                    elif next_task is task:
                        alone.append(task)
                    else:
                        tries[key] = 0  # the job that crashed is known and left out
                        queue.append(next_task)

    def trainings(
        self, tasks: Sequence[TrainingTask], log: Log
    ) -> Generator[tuple[TrainingTask, Fault | None]]:
        """Train models one after another, as `Executor` describes.

        Args:
            tasks: one task for each model.
            log: takes lines of progress.

        Yields:
            Each task that has ended, with the fault that prevented the model, if any.
        """
        for task in tasks:
            train = train_in_this_process if task.options.devices == 1 else train_in_subprocess
            yield task, train(task, log)


def handle_lost_worker(
    task: RecordingTask, loss: Lost, tries: int
) -> tuple[RecordingTask, Fault | None]:
    """Decide what happens after a worker process ended during a task.

    Args:
        task: the task of the worker.
        loss: how the process ended, and during which job.
        tries: how often the task was lost since it last changed.

    Returns:
        The task to do next, and the machine's fault where the worker was killed too often.
    """
    name = f"{task.dataset}/{task.recording}"
    methods = {job.digest: job.method for job in task.jobs}
    doing = f"{methods[loss.at]} on {name}" if loss.at else f"reading {name}"
    fault = classify_exit(loss.exit_code, doing)
    if fault.kind == "machine":
        too_often = tries >= MAX_TRIES
        return task, retry_limit_error(doing, "fewer --jobs need less") if too_often else None
    if loss.at or tries >= MAX_TRIES:
        return replace(task, broken=(*task.broken, (loss.at, fault.reason))), None
    return task, None


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for this process and its children, and restore them at the end."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
