"""Who does the work: processes here, or a cluster."""

import multiprocessing
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Protocol

from rppgbench.errors import BenchError, MachineError
from rppgbench.running.learning import Lesson, learn
from rppgbench.running.lesson_process import DEVICE, learn_apart
from rppgbench.running.work import Outcome, Task, do
from rppgbench.workers import begin_worker, ctrl_c_held_back, no_worker_left

ONE_NUMERIC_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
TRIES = 3  # how often a task whose worker died is done again before it is a failure
Say = Callable[[str], None]


class Executor(Protocol):
    """Does tasks and lessons, in any order and anywhere; what comes of them is the same.

    A generator that is closed early stops what it began. Work whose process or machine is lost is
    done again, `TRIES` times in all.
    """

    def recordings(self, tasks: Sequence[Task]) -> Generator[Outcome]:
        """What came of each task, as it comes; the models that tasks use are there."""

    def lessons(self, lessons: Sequence[Lesson], say: Say) -> Generator[Lesson]:
        """Each lesson when it is learned; `say` takes lines of how far they are."""


class Processes:
    """So many processes of this machine for recordings; trainings, in turn, in this one.

    A training wants all cores or the whole GPU, and so do the estimates of what it learned. Where
    several devices share a training, each has a process of its own.
    """

    def __init__(self, jobs: int, device: str) -> None:
        self.jobs, self.device = jobs, device

    def recordings(self, tasks: Sequence[Task]) -> Generator[Outcome]:
        """As `Executor` says; a task whose worker died is done again, alone at last."""
        learned = any(job.fit for task in tasks for job in task.jobs)
        if self.jobs <= 1 or len(tasks) <= 1 or learned:
            with environment({DEVICE: self.device}):
                yield from map(do, tasks)
            return
        waiting = list(tasks)
        for attempt in range(TRIES):
            # The last try is one task a process: one that kills its worker takes no other along.
            waiting, lost = [], waiting
            alone = attempt == TRIES - 1
            for group in [[task] for task in lost] if alone else [lost]:
                with closing(_pool(group, 1 if alone else self.jobs)) as done:
                    for task, outcome in done:
                        if outcome is None:
                            waiting.append(task)
                        else:
                            yield outcome
            if not waiting:
                return
        raise lost_too_often([task.recording for task in waiting], "fewer --jobs need less")

    def lessons(self, lessons: Sequence[Lesson], say: Say) -> Generator[Lesson]:
        """As `Executor` says."""
        for lesson in lessons:
            (learn if lesson.devices == 1 else learn_apart)(lesson, say)
            yield lesson


def lost_too_often(names: Sequence[str], advice: str) -> BenchError:
    """What to say of work whose worker died every time."""
    return MachineError(
        f"a worker process was killed {TRIES} times over {', '.join(names[:5])}: out of memory? "
        f"{advice}; run the same command again to go on"
    )


def _pool(tasks: Sequence[Task], jobs: int) -> Generator[tuple[Task, Outcome | None]]:
    """Each task with its outcome, or None where the pool broke before it was done."""
    # Spawned, not forked: threads of FFmpeg and OpenCV do not survive a fork. One numeric thread a
    # worker: the processes are the parallelism, and the results do not depend on their number.
    futures: dict[Future[Outcome], Task] = {}
    with environment(ONE_NUMERIC_THREAD), no_worker_left(), ExitStack() as last:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=begin_worker)
        last.callback(pool.shutdown, wait=False, cancel_futures=True)
        with ctrl_c_held_back(), suppress(BrokenProcessPool):  # the workers begin with the first
            for task in tasks:
                futures[pool.submit(do, task)] = task
        pending = set(futures)
        while pending:
            ready, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in ready:
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    yield futures[future], None
        for task in tasks[len(futures) :]:
            yield task, None


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
