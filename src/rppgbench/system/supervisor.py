"""Run a command in a child process and notice when the child ends before the command does."""

import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from rppgbench.system.fault_kinds import Fault, fault_of_exit
from rppgbench.system.process_state import watch_calls

WATCHED = ("SIGCHLD", "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
DONE_AT, CODE_AT, CALL_AT, SIZE = 0, 1, 2, 512


def can_supervise() -> bool:
    """Whether this system has what `supervised` needs (Linux has)."""
    return hasattr(os, "fork") and hasattr(signal, "sigwaitinfo")


def supervised(do: Callable[[], int], lost: Callable[[Fault], int]) -> int:
    """Do a command in a child process and give its exit code; it is told where the child is lost.

    Other people's code can end its process with exit code 0 by ways that Python does not see (a C
    library, `exec`, a thread). Only another process can notice that.

    Args:
        do: the command; it gives its exit code. Called while there is one thread alone.
        lost: takes the fault of a child that ended before the command did, and gives the exit
            code of that.
    """
    shared = mmap.mmap(-1, SIZE)  # the child writes there; a program that takes its place cannot
    lifeline = os.pipe()
    watched = {getattr(signal, name) for name in WATCHED}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    parent = os.getpid()
    child = os.fork()
    if not child:
        os.close(lifeline[1])
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        threading.Thread(target=_end_with, args=(lifeline[0], parent), daemon=True).start()
        watch_calls(lambda words: _write(shared, words))
        return _as_child(do, shared)
    os.close(lifeline[0])
    status = _wait_for(child, watched)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(lifeline[1])
    if shared[DONE_AT]:
        return shared[CODE_AT]
    call = bytes(shared[CALL_AT:]).split(b"\0", 1)[0].decode("utf-8", "replace")
    code = os.waitstatus_to_exitcode(status)
    return lost(fault_of_exit(code, call or "something that was called"))


def _as_child(do: Callable[[], int], shared: mmap.mmap) -> int:
    """Do the command, and say that it is done: what ends the process from then on is no fault."""
    code = 1
    try:
        code = do()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        raise
    finally:
        shared[CODE_AT] = code & 0xFF
        shared[DONE_AT] = 1
    return code


def _write(shared: mmap.mmap, words: str) -> None:
    text = words.encode()[: SIZE - CALL_AT - 1] + b"\0"
    shared[CALL_AT : CALL_AT + len(text)] = text


def _wait_for(child: int, watched: set[signal.Signals]) -> int:
    """Wait for a child, and pass on the signals that were sent to this process alone."""
    while True:
        got = signal.sigwaitinfo(watched)
        if got.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif got.si_pid:  # a terminal sends its signals (with no sender) to the child as well
            with suppress(ProcessLookupError):
                os.kill(child, got.si_signo)


def _end_with(lifeline: int, parent: int) -> NoReturn:
    """In the child: end at once when the process that waits for it is gone."""
    end = os._exit
    with suppress(OSError):
        os.read(lifeline, 1)
    end(1)
