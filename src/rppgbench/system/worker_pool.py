"""A pool of worker processes that survives the sudden end of a worker."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar, cast

from rppgbench.system.processes import defer_interrupt, start_worker, stop_all_workers

Work = TypeVar("Work")
Result = TypeVar("Result")
At = Callable[[str], None]


@dataclass(frozen=True)
class Lost:
    """A piece of work whose process ended before it was done, by this code, at what it had said."""

    exit_code: int
    at: str


@dataclass(eq=False, kw_only=True)
class _Worker(Generic[Work]):
    process: BaseProcess
    pipe: Connection
    work: Work
    at: str = ""


def run_in_pool(
    function: Callable[[Work, At], Result], queue: deque[Work], workers: int
) -> Generator[tuple[Work, Result | Lost]]:
    """Do work in processes. A process that ends loses its own piece of work only and is replaced.

    Args:
        function: of a module; done as `function(work, at)`, where `at` takes a text that says what
            is begun. What it raises is raised here.
        queue: what is to be done. Whoever takes the results may append to it.
        workers: how many processes at most.

    Yields:
        Each piece of work with its result, or with what is known of its end. A generator that is
        closed ends the processes.
    """
    # Spawned, not forked: threads of FFmpeg and OpenCV do not survive a fork.
    context = multiprocessing.get_context("spawn")
    team: dict[Connection, _Worker[Work]] = {}

    def begin(work: Work) -> None:
        parent_end, child_end = context.Pipe()
        process = context.Process(target=_serve, args=(child_end, function))
        with defer_interrupt():
            process.start()
        child_end.close()  # so that the end of the process is the end of the pipe
        team[parent_end] = _Worker(process=process, pipe=parent_end, work=work)
        _send(parent_end, work)

    with ExitStack() as last, stop_all_workers():
        while queue or team:
            while queue and len(team) < workers:
                begin(queue.popleft())
            for pipe in cast(list[Connection], wait(list(team))):
                worker = team[pipe]
                try:
                    kind, content = pipe.recv()
                except (EOFError, OSError):
                    del team[pipe]
                    pipe.close()
                    worker.process.join()
                    yield worker.work, Lost(worker.process.exitcode or 0, worker.at)
                    continue
                if kind == "at":
                    worker.at = content
                    continue
                if kind == "raised":
                    raise content
                finished = worker.work
                if queue:
                    worker.work, worker.at = queue.popleft(), ""
                    _send(pipe, worker.work)
                else:
                    del team[pipe]
                    last.callback(pipe.close)
                yield finished, content


def _send(pipe: Connection, work: object) -> None:
    with suppress(OSError):  # it has ended: the end of its pipe says so
        pipe.send(work)


def _serve(pipe: Connection, function: Callable[[Any, At], Any]) -> None:
    """A worker: do what comes until nothing comes any more."""
    start_worker()
    end = os._exit  # a thread that a method left must not keep the process
    with suppress(EOFError, OSError):
        while True:
            work = pipe.recv()
            try:
                answer = ("done", function(work, lambda at: pipe.send(("at", at))))
            except Exception as error:
                answer = ("raised", error)
            pipe.send(answer)
    end(0)
