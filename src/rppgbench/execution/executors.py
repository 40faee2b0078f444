"""Who does the work: processes here, or a cluster."""

import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Protocol

from rppgbench.execution.recording_task import RecordingTask, TaskResult, run_recording
from rppgbench.execution.training_process import DEVICE, learn_here, train_in_subprocess
from rppgbench.execution.training_task import TrainingTask
from rppgbench.system.fault_kinds import Fault, fault_of_exit
from rppgbench.system.worker_pool import Lost, pooled

ONE_NUMERIC_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
TRIES = 3  # how often a task whose worker was killed is done before it is a failure
Say = Callable[[str], None]


class Executor(Protocol):
    """Does tasks and lessons, in any order and anywhere; what comes of them is the same.

    A generator that is closed early stops what it began. Work whose process or machine is lost is
    done again, `TRIES` times in all.
    """

    def recordings(self, tasks: Sequence[RecordingTask]) -> Generator[TaskResult]:
        """What came of each task, as it comes; the models that tasks use are there."""

    def lessons(
        self, lessons: Sequence[TrainingTask], say: Say
    ) -> Generator[tuple[TrainingTask, Fault | None]]:
        """Each lesson when it is over, with what kept it from being learned, if anything did.

        `say` takes lines of how far they are.
        """


class ProcessExecutor:
    """So many processes of this machine for recordings; trainings, in turn, in this one.

    A training wants all cores or the whole GPU, and so do the estimates of what it learned. Where
    several devices share a training, each has a process of its own. With one job all is done in
    this process: processes take a second to begin. There, a method that crashes ends the run.
    """

    def __init__(self, jobs: int, device: str) -> None:
        self.jobs, self.device = jobs, device

    def recordings(self, tasks: Sequence[RecordingTask]) -> Generator[TaskResult]:
        """As `Executor` says.

        A task whose worker crashed is done again without the job that it crashed at, which is a row
        with the reason. One whose worker was killed is done again, in the end alone.
        """
        learned = any(job.fit for task in tasks for job in task.jobs)
        if self.jobs <= 1 or learned:
            with environment({DEVICE: self.device}):
                yield from map(run_recording, tasks)
            return
        tries: Counter[tuple[str, str]] = Counter()
        alone: deque[RecordingTask] = deque()
        with environment(ONE_NUMERIC_THREAD):  # the processes are the parallelism
            # What was killed is done again alone, when the others need no memory any more.
            for queue, jobs in ((deque(tasks), min(self.jobs, len(tasks))), (alone, 1)):
                with closing(pooled(run_recording, queue, jobs)) as done:
                    for task, result in done:
                        if isinstance(result, TaskResult):
                            yield result
                            continue
                        key = task.dataset, task.recording
                        tries[key] += 1
                        again, fault = after_loss(task, result, tries[key])
                        if fault is not None:
                            yield TaskResult(task, faults=(fault,))
                        elif again is task:
                            alone.append(task)
                        else:
                            tries[key] = 0  # it is known what it ended at, and left out
                            queue.append(again)

    def lessons(
        self, lessons: Sequence[TrainingTask], say: Say
    ) -> Generator[tuple[TrainingTask, Fault | None]]:
        """As `Executor` says."""
        for lesson in lessons:
            yield lesson, (learn_here if lesson.devices == 1 else train_in_subprocess)(lesson, say)


def after_loss(task: RecordingTask, lost: Lost, tries: int) -> tuple[RecordingTask, Fault | None]:
    """What is to be done after a worker ended at a task: the task again, or the fault of it all.

    Args:
        task: what it was at.
        lost: how it ended, and at which job.
        tries: how often the task was lost since it was last changed.

    Returns:
        The task to do, and the machine's fault where it was killed too often.
    """
    name = f"{task.dataset}/{task.recording}"
    methods = {job.digest: job.method for job in task.jobs}
    doing = f"{methods[lost.at]} on {name}" if lost.at else f"reading {name}"
    fault = fault_of_exit(lost.exit_code, doing)
    if fault.kind == "machine":
        return task, retry_limit_error(doing, "fewer --jobs need less") if tries >= TRIES else None
    if lost.at or tries >= TRIES:
        return replace(task, broken=(*task.broken, (lost.at, fault.reason))), None
    return task, None


def retry_limit_error(doing: str, advice: str) -> Fault:
    """What to say of work whose worker was killed every time."""
    words = f"a worker process was killed {TRIES} times over {doing}: out of memory? {advice}"
    return Fault("machine", words)


@contextmanager
def environment(given: Mapping[str, str]) -> Iterator[None]:
    """What is begun in here has these variables in its environment."""
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
