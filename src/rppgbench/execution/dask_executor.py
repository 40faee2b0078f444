"""The executor "dask": the workers of a Dask scheduler."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import Any
from uuid import uuid4

from rppgbench.core.registry import load_methods
from rppgbench.execution.dask_worker import (
    WorkerContract,
    environment_digest,
    run_recording_task,
    run_training_task,
    to_text,
)
from rppgbench.execution.executors import Log, retry_limit_error
from rppgbench.execution.recording_task import RecordingTask, TaskResult
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_task import TrainingTask
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.fault_kinds import Fault

GPU = "GPU"
"""The abstract resource of a worker that has a GPU: `dask worker ... --resources GPU=1`."""
TOPIC = "rppgbench"
CONNECT_TIMEOUT_S = 30.0
RECORDINGS_PRIORITY = 10
"""Recordings come before trainings: a result is stored before the next model is begun."""


def check_options(options: RunOptions) -> None:
    """Raise BenchError without a scheduler, and for options of one machine."""
    if not options.scheduler:
        raise BenchError("--executor dask: give --scheduler tcp://HOST:8786, where Dask listens")
    if options.jobs:
        raise BenchError("--jobs: has no effect beside --executor dask, whose workers do the work")
    if options.devices > 1:
        raise BenchError(
            "--devices: of this machine; on a cluster each GPU has trainings of its own"
        )


def network_device(options: RunOptions) -> str:
    """Return the kind of device that the workers' networks compute on.

    Raises:
        BenchError: with `--device auto`, there is no worker or the workers have several kinds. The
            workers with the resource GPU count, where there are any.
    """
    if options.device != "auto":
        return options.device
    with open_executor(options) as cluster:
        kinds = cluster.devices()
    if len(kinds) != 1:
        listed = " and ".join(sorted(kinds)) or "no worker"
        raise BenchError(
            f"--device auto: the workers of {options.scheduler} have {listed}, and numbers depend "
            "on it; say --device cpu or cuda"
        )
    return kinds.pop()


def open_executor(options: RunOptions) -> "DaskExecutor":
    """Connect to `options.scheduler`; BenchError where there is no scheduler, or no Dask here."""
    return DaskExecutor(options.scheduler or "", options.device)


class DaskExecutor(AbstractContextManager["DaskExecutor"]):
    """The workers of a Dask scheduler.

    A worker gets text and finds its data by name. Dask repeats the work of a lost worker.
    """

    def __init__(self, scheduler: str, device: str) -> None:
        """Connect.

        Args:
            scheduler: address of the scheduler, such as "tcp://head:8786".
            device: kind of device for networks, or "auto".

        Raises:
            BenchError: there is no scheduler, or Dask is not installed here.
        """
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise BenchError(
                f"--executor dask: {error}; pip install 'rppgbench[cluster]'"
            ) from error
        # Dask logs a traceback where the scheduler is gone; `_scheduler_errors` needs one line.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            self._client = Client(scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BenchError(
                f"--scheduler {scheduler}: no Dask scheduler answers there ({error}); "
                "start one: dask scheduler"
            ) from error
        self._address = scheduler
        self._device = device
        self._contract = WorkerContract(environment_digest())
        self._run = uuid4().hex[:8]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        with suppress(*_connection_errors()):
            self._client.close()

    def recordings(self, tasks: Sequence[RecordingTask]) -> Generator[TaskResult]:
        """Process recordings, as `Executor` describes."""
        names = [f"{task.dataset}-{task.recording}" for task in tasks]
        shares = [
            max((self._gpu_share(job.method) for job in task.jobs if job.fit), default=0.0)
            for task in tasks
        ]
        completed = self._submit(_recording_on_worker, tasks, names, shares, RECORDINGS_PRIORITY)
        for task, result in completed:
            is_fault = isinstance(result, Fault)
            yield TaskResult(task=task, faults=(result,)) if is_fault else result

    def trainings(
        self, tasks: Sequence[TrainingTask], log: Log
    ) -> Generator[tuple[TrainingTask, Fault | None]]:
        """Train models, as `Executor` describes.

        Args:
            tasks: one task for each model.
            log: takes lines of progress.

        Yields:
            Each task that has ended, with the fault that prevented the model, if any.
        """
        names = [f"{task.fit.method}-{task.fit.digest}" for task in tasks]
        shares = [self._gpu_share(task.fit.method) for task in tasks]

        def forward(event: tuple[Any, Any]) -> None:
            log(str(event[1]))

        topic = f"{TOPIC}-{self._run}"
        self._client.subscribe_topic(topic, forward)
        try:
            yield from self._submit(_training_on_worker, tasks, names, shares, 0, topic)
        finally:
            with suppress(*_connection_errors()):
                self._client.unsubscribe_topic(topic)

    def devices(self) -> set[str]:
        """Return the kinds of device of the workers that networks go to."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        with_gpu = [name for name, info in workers.items() if info["resources"].get(GPU)]
        selected = with_gpu or list(workers)
        return set(self._client.run(_find_worker_device, workers=selected).values())

    def _gpu_share(self, method: str) -> float:
        """Return a method's share of a GPU: 0 with --device cpu, or where no worker has a GPU."""
        if self._device == "cpu":
            return 0.0
        with self._scheduler_errors():
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if self._device == "auto" and not any(w["resources"].get(GPU) for w in workers):
            return 0.0
        return load_methods().available[method].gpu

    def _submit(
        self,
        function: Callable[..., Any],
        tasks: Sequence[Any],
        names: Sequence[str],
        gpu_shares: Sequence[float],
        priority: int,
        *more: str,
    ) -> Generator[tuple[Any, Any]]:
        """Yield each task with its result, or with the fault that its workers were killed."""
        from distributed import KilledWorker, as_completed

        futures = {
            self._client.submit(
                function,
                to_text(task),
                self._contract,
                *more,
                key=f"{name}-{self._run}-{uuid4().hex[:8]}",
                resources={GPU: share} if share else None,
                priority=priority,
                pure=False,
            ): (name, task)
            for task, name, share in zip(tasks, names, gpu_shares, strict=True)
        }
        finished = iter(as_completed(list(futures), loop=self._client.loop))
        try:
            while futures:
                with self._scheduler_errors():
                    future = next(finished)
                    name, task = futures.pop(future)
                    try:
                        result = future.result()
                    except KilledWorker:
                        result = retry_limit_error(name, "workers with more memory may do it")
                    future.release()
                yield task, result
        finally:
            with suppress(*_connection_errors()):
                self._client.cancel(list(futures), force=True)

    @contextmanager
    def _scheduler_errors(self) -> Iterator[None]:
        """Raise MachineError where the scheduler is gone; stored estimates stay."""
        try:
            yield
        except _connection_errors() as error:
            raise MachineError(
                f"--scheduler {self._address}: the Dask scheduler is gone "
                f"({type(error).__name__}); what is stored stays: start it and its workers again, "
                "and run the same command"
            ) from error


def _connection_errors() -> tuple[type[BaseException], ...]:
    """Return the exceptions that Dask raises where the scheduler is gone."""
    from concurrent.futures import CancelledError, TimeoutError

    from distributed.client import FutureCancelledError

    return (CancelledError, FutureCancelledError, OSError, TimeoutError, StopIteration)


def _find_worker_device() -> str:
    from rppgbench.neural.devices import resolve_device

    return resolve_device("auto")


def _recording_on_worker(text: str, contract: WorkerContract) -> TaskResult:
    return run_recording_task(text, contract)


def _training_on_worker(text: str, contract: WorkerContract, topic: str) -> Fault | None:
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state == "executing"

    return run_training_task(text, contract, lambda line: worker.log_event(topic, line), is_wanted)
