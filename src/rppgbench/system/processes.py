"""Worker processes that end when their parent process ends."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from rppgbench.system.errors import MachineError, format_own_warnings
from rppgbench.system.process_state import raise_file_limit

_end_at_once = os._exit  # while a method is called, `os._exit` of this process is another function
PATIENCE_S = 1.0
"""How long a worker that is told to end may take before it is killed."""


def start_worker() -> None:
    """Prepare a worker process: it ignores Ctrl-C and ends when its parent ends.

    Without it, workers of a parent that was killed would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr  # answers alone go to standard output, and a worker has none
    format_own_warnings()
    raise_file_limit()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    _end_at_once(1)  # what is written is written whole or not at all


@contextmanager
def defer_interrupt() -> Iterator[None]:
    """Start processes in this context: Ctrl-C reaches this process at its end, and never them.

    A terminal sends it to all processes of a command; a worker that is still loading would die of
    it with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield  # Windows has no masks of signals
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def stop_all_workers() -> Iterator[None]:
    """End the processes that were begun in here and are still at work, however it is left."""
    before = set(multiprocessing.active_children())
    try:
        yield
    finally:
        _end(set(multiprocessing.active_children()) - before)


def _end(workers: set[BaseProcess]) -> None:
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(PATIENCE_S)
        if worker.is_alive():
            worker.kill()
            worker.join()


def run_in_process(do: Callable[..., None], *arguments: object) -> None:
    """Call a function in a process of its own, which ends at once when this process is stopped.

    What it raises is raised here; MachineError where it was killed. `do` is a function of a module.
    """
    context = multiprocessing.get_context("spawn")
    with stop_all_workers():
        pool = ProcessPoolExecutor(1, mp_context=context, initializer=start_worker)
        try:
            with defer_interrupt():
                future = pool.submit(do, *arguments)
            future.result()
        except BrokenProcessPool as error:
            raise MachineError(
                "a process of this command was killed; out of memory? Run it again"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
