"""The protocol of an executor, and the registry of executors by name.

An executor is one file: a module `NAME_executor.py` of this package with the members of
`ExecutorModule`. The file's name is the name for `--executor`; no list is edited.
"""

from collections.abc import Callable, Generator, Sequence
from importlib import import_module
from types import TracebackType
from typing import Protocol, Self, cast

from rppgbench.execution.recording_task import RecordingTask, TaskResult
from rppgbench.execution.run_options import EXECUTOR_SUFFIX, RunOptions, executor_names
from rppgbench.execution.training_task import TrainingTask
from rppgbench.system.errors import unknown_name
from rppgbench.system.fault_kinds import Fault

MAX_TRIES = 3
"""How often a task whose worker was killed is done before the task is a fault of the machine."""

Log = Callable[[str], None]
"""Takes a line of progress."""


class Executor(Protocol):
    """Does tasks in any order and on any machine, with the same results.

    An executor is a context manager. A generator that is closed early stops its work. Work whose
    process or machine is lost is done again, `MAX_TRIES` times in all.
    """

    def __enter__(self) -> Self:
        """Start, or connect."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Stop, or disconnect."""

    def recordings(self, tasks: Sequence[RecordingTask]) -> Generator[TaskResult]:
        """Process recordings.

        Args:
            tasks: one task for each recording; the models that they need exist.

        Yields:
            The result of each task, as soon as there is one.
        """

    def trainings(
        self, tasks: Sequence[TrainingTask], log: Log
    ) -> Generator[tuple[TrainingTask, Fault | None]]:
        """Train models.

        Args:
            tasks: one task for each model.
            log: takes lines of progress.

        Yields:
            Each task that has ended, with the fault that kept the model from being trained, if any.
        """


class ExecutorModule(Protocol):
    """What a module `NAME_executor.py` has to define."""

    def check_options(self, options: RunOptions) -> None:
        """Raise BenchError for options that the executor lacks or cannot use."""

    def network_device(self, options: RunOptions) -> str:
        """Return the kind of device that networks compute on; BenchError where it is missing."""

    def open_executor(self, options: RunOptions) -> Executor:
        """Make the executor; its context starts it."""


def load_executor(name: str) -> ExecutorModule:
    """Import the module of an executor.

    Raises:
        BenchError: there is no executor of that name.
    """
    names = executor_names()
    if name not in names:
        raise unknown_name("executor", name, names, "--executor")
    return cast(ExecutorModule, import_module(f"rppgbench.execution.{name}{EXECUTOR_SUFFIX}"))


def retry_limit_error(doing: str, advice: str) -> Fault:
    """Return the fault of work whose worker was killed every time.

    Args:
        doing: the work, such as "pos on pure/01-01".
        advice: what may help.
    """
    reason = f"a worker process was killed {MAX_TRIES} times over {doing}: out of memory? {advice}"
    return Fault("machine", reason)
