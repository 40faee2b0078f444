"""Work over the workers of a Dask scheduler."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
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
from rppgbench.execution.executors import Say, retry_limit_error
from rppgbench.execution.recording_task import RecordingTask, TaskResult
from rppgbench.execution.training_task import TrainingTask
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.fault_kinds import Fault

GPU = "GPU"
"""The abstract resource of a worker that has a card: `dask worker ... --resources GPU=1`."""
TOPIC = "rppgbench"
PATIENCE_S = 30.0
RECORDINGS_FIRST = 10
"""Priority of recordings over trainings: a result is stored before the next model is begun."""


class DaskExecutor:
    """The workers of a Dask scheduler: an `Executor`, and a context manager.

    Every worker gets text and looks its data up by name; Dask does again what a lost worker had.
    """

    def __init__(self, scheduler: str, device: str) -> None:
        """Connect; BenchError where there is no scheduler, or no Dask here."""
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise BenchError(
                f"--executor dask: {error}; pip install 'rppgbench[cluster]'"
            ) from error
        # It logs a traceback where the scheduler is gone; `_scheduler_there` says it in a line.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            self._client = Client(scheduler, timeout=PATIENCE_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BenchError(
                f"--scheduler {scheduler}: no Dask scheduler answers there ({error}); "
                "start one: dask scheduler"
            ) from error
        self._address = scheduler
        self._errand = WorkerContract(environment_digest(), device)
        self._run = uuid4().hex[:8]

    def __enter__(self) -> "DaskExecutor":
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(*_gone()):
            self._client.close()

    def recordings(self, tasks: Sequence[RecordingTask]) -> Generator[TaskResult]:
        """As `Executor` says."""
        names = [f"{task.dataset}-{task.recording}" for task in tasks]
        shares = [max((self._share(j.method) for j in t.jobs if j.fit), default=0.0) for t in tasks]
        done = self._done(_task_on_worker, tasks, names, shares, RECORDINGS_FIRST)
        for task, result in done:
            yield TaskResult(task, faults=(result,)) if isinstance(result, Fault) else result

    def lessons(
        self, lessons: Sequence[TrainingTask], say: Say
    ) -> Generator[tuple[TrainingTask, Fault | None]]:
        """As `Executor` says."""
        names = [f"{lesson.fit.method}-{lesson.fit.digest}" for lesson in lessons]
        shares = [self._share(lesson.fit.method) for lesson in lessons]

        def heard(event: tuple[Any, Any]) -> None:
            say(str(event[1]))

        topic = f"{TOPIC}-{self._run}"
        self._client.subscribe_topic(topic, heard)
        try:
            yield from self._done(_lesson_on_worker, lessons, names, shares, 0, topic)
        finally:
            with suppress(*_gone()):
                self._client.unsubscribe_topic(topic)

    def devices(self) -> set[str]:
        """The kinds of device of the workers that networks go to."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        cards = [name for name, one in workers.items() if one["resources"].get(GPU)]
        return set(self._client.run(_device_here, workers=cards or list(workers)).values())

    def _share(self, method: str) -> float:
        """How much of a GPU a method takes: none with --device cpu, or where no worker has one."""
        if self._errand.device == "cpu":
            return 0.0
        with self._scheduler_there():
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if self._errand.device == "auto" and not any(w["resources"].get(GPU) for w in workers):
            return 0.0
        return load_methods().found[method].gpu

    def _done(
        self,
        function: Callable[..., Any],
        work: Sequence[Any],
        names: Sequence[str],
        shares: Sequence[float],
        priority: int,
        *more: str,
    ) -> Generator[tuple[Any, Any]]:
        """Each piece of work with its result, or with the fault that its workers were killed."""
        from distributed import KilledWorker, as_completed

        futures = {
            self._client.submit(
                function,
                to_text(one),
                self._errand,
                *more,
                key=f"{name}-{self._run}-{uuid4().hex[:8]}",
                resources={GPU: share} if share else None,
                priority=priority,
                pure=False,
            ): (name, one)
            for one, name, share in zip(work, names, shares, strict=True)
        }
        finished = iter(as_completed(list(futures), loop=self._client.loop))
        try:
            while futures:
                with self._scheduler_there():
                    future = next(finished)
                    name, one = futures.pop(future)
                    try:
                        result = future.result()
                    except KilledWorker:
                        result = retry_limit_error(name, "workers with more memory may do it")
                    future.release()
                yield one, result
        finally:
            with suppress(*_gone()):
                self._client.cancel(list(futures), force=True)

    @contextmanager
    def _scheduler_there(self) -> Iterator[None]:
        """MachineError where the scheduler is gone: its work is lost, what is stored stays."""
        try:
            yield
        except _gone() as error:
            raise MachineError(
                f"--scheduler {self._address}: the Dask scheduler is gone "
                f"({type(error).__name__}); what is stored stays: start it and its workers again, "
                "and run the same command"
            ) from error


def _gone() -> tuple[type[BaseException], ...]:
    """What Dask raises where its scheduler is gone."""
    from concurrent.futures import CancelledError, TimeoutError

    from distributed.client import FutureCancelledError

    return (CancelledError, FutureCancelledError, OSError, TimeoutError, StopIteration)


def device_of_workers(scheduler: str) -> str:
    """The kind of device that the workers' networks compute on; those with the resource GPU count.

    BenchError where there is no worker, or where they have several kinds.
    """
    with DaskExecutor(scheduler, "auto") as cluster:
        kinds = cluster.devices()
    if len(kinds) != 1:
        told = " and ".join(sorted(kinds)) or "no worker"
        raise BenchError(
            f"--device auto: the workers of {scheduler} have {told}, and numbers depend on it; "
            "say --device cpu or cuda"
        )
    return kinds.pop()


def _device_here() -> str:
    # By name: packages import downwards alone, and networks lie above.
    device: str = import_module("rppgbench.neural.training").chosen_device("auto")
    return device


def _task_on_worker(text: str, errand: WorkerContract) -> TaskResult:
    return run_recording_task(text, errand)


def _lesson_on_worker(text: str, errand: WorkerContract, topic: str) -> Fault | None:
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state == "executing"

    return run_training_task(text, errand, lambda line: worker.log_event(topic, line), wanted)
