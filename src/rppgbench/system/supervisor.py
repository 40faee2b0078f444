"""Run a command in a child process and notice when the child ends before the command does."""

import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from rppgbench.system.fault_kinds import Fault, classify_exit
from rppgbench.system.process_state import watch_calls

WATCHED = ("SIGCHLD", "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
DONE_AT, CODE_AT, CALL_AT, SIZE = 0, 1, 2, 512


def can_supervise() -> bool:
    """Whether this system has what `run_supervised` needs (Linux has)."""
    return hasattr(os, "fork") and hasattr(signal, "sigwaitinfo")


def run_supervised(do: Callable[[], int], on_loss: Callable[[Fault], int]) -> int:
    """Run a command in a child process; `on_loss` handles a child that ended too early.

    Other people's code can end its process with exit code 0 by ways that Python does not see (a C
    library, `exec`, a thread). Only another process can notice that.

    Args:
        do: the command; it gives its exit code. Called while there is one thread alone.
        on_loss: takes the fault of a child that ended before the command did, and gives the exit
            code of that.
    """
    state = mmap.mmap(-1, SIZE)  # the child writes there; a program that takes its place cannot
    lifeline = os.pipe()
    watched = {getattr(signal, name) for name in WATCHED}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    child = os.fork()
    if not child:
        os.close(lifeline[1])
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        threading.Thread(target=_end_with, args=(lifeline[0],), daemon=True).start()
        watch_calls(lambda call: _write(state, call))
        return _run_as_child(do, state)
    os.close(lifeline[0])
    status = _wait_for(child, watched)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(lifeline[1])
    if state[DONE_AT]:
        return state[CODE_AT]
    call = bytes(state[CALL_AT:]).split(b"\0", 1)[0].decode("utf-8", "replace")
    code = os.waitstatus_to_exitcode(status)
    return on_loss(classify_exit(code, call or "something that was called"))


def _run_as_child(do: Callable[[], int], state: mmap.mmap) -> int:
    """Run the command and note its end; what ends the process after that is no fault."""
    code = 1
    try:
        code = do()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        raise
    finally:
        state[CODE_AT] = code & 0xFF
        state[DONE_AT] = 1
    return code


def _write(state: mmap.mmap, call: str) -> None:
    text = call.encode()[: SIZE - CALL_AT - 1] + b"\0"
    state[CALL_AT : CALL_AT + len(text)] = text


def _wait_for(child: int, watched: set[signal.Signals]) -> int:
    """Wait for a child, and pass on the signals that were sent to this process alone."""
    while True:
        received = signal.sigwaitinfo(watched)
        if received.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif received.si_pid:  # a terminal sends its signals (with no sender) to the child as well
            with suppress(ProcessLookupError):
                os.kill(child, received.si_signo)


def _end_with(lifeline: int) -> NoReturn:
    """In the child: end at once when the process that waits for it is gone."""
    end = os._exit
    with suppress(OSError):
        os.read(lifeline, 1)
    end(1)
