"""Call other people's code and restore the state of the process afterwards."""

import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from rppgbench.system.errors import error_text
from rppgbench.system.process_state import left_threads

_EXIT = os._exit
_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def isolated() -> Iterator[None]:
    """Call other people's code in this context, which restores the state of the process.

    Put back are the current folder, the environment, the module search path, the mode of new files
    (umask), the handlers of signals and the timer, numpy's rules for floating-point errors, the
    filters of warnings, the random states of Python, numpy and PyTorch, and PyTorch's and OpenCV's
    threads and modes, where they are loaded. `sys.exit` and `os._exit` are a RuntimeError, so that
    no call ends the process without a message, and so is every other exception that is no
    `Exception`, but for Ctrl-C. Threads that go on are noted: they do not keep the command from
    ending.
    """
    with ExitStack() as after:
        for restore in (*_save_python_state(), *_save_torch_state(), *_save_opencv_state()):
            after.callback(restore)
        after.enter_context(np.errstate())
        after.enter_context(guard_process())
        try:
            yield
        except SystemExit as error:
            code = "" if error.code is None else repr(error.code)
            raise RuntimeError(f"it called sys.exit({code})") from error
        except BaseException as error:
            if isinstance(error, Exception) or type(error) is KeyboardInterrupt:
                raise
            reason = f"it raised {type(error).__name__}: {error_text(error)}"
            raise RuntimeError(reason) from error


@contextmanager
def guard_process() -> Iterator[None]:
    """Call or import other people's code in this context: it cannot end this process or keep it.

    `os._exit` raises SystemExit. Threads that go on are noted. A forked child that comes back here
    ends, so that nothing is done twice.
    """
    before, process = set(threading.enumerate()), os.getpid()
    with _exit_is_an_exception():
        try:
            yield
        finally:
            if os.getpid() != process:
                _EXIT(1)
            left_threads.update(_threads_since(before))


Restore = Callable[[], Any]


def _save_python_state() -> Iterator[Restore]:
    with suppress(OSError):  # the current folder may have been deleted
        yield partial(os.chdir, Path.cwd())
    variables, path, filters = dict(os.environ), list(sys.path), list(warnings.filters)

    def restore() -> None:
        if dict(os.environ) != variables:
            for name in os.environ.keys() - variables.keys():
                del os.environ[name]
            os.environ.update(variables)
        sys.path[:] = path
        if list(warnings.filters) != filters:
            warnings.resetwarnings()  # the only public way to say that the filters changed
            warnings.filters[:] = filters  # type: ignore[index]

    yield restore
    yield from _save_process_state()
    yield partial(random.setstate, random.getstate())
    yield partial(np.random.set_state, np.random.get_state())


def _save_process_state() -> Iterator[Restore]:
    """The mode of new files, the handlers of signals, and the timer that sends one."""
    mask = _umask()
    yield lambda: os.umask(mask)
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may change handlers
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    timer = signal.getitimer(signal.ITIMER_REAL) if hasattr(signal, "getitimer") else None

    def restore() -> None:
        if timer == (0.0, 0.0):
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                with suppress(OSError, ValueError):
                    signal.signal(number, handler)

    yield restore


def _umask() -> int:
    with _ONE_AT_A_TIME:  # the mode can only be read by setting it
        mask = os.umask(0o077)
        os.umask(mask)
    return mask


def _save_torch_state() -> Iterator[Restore]:
    torch = sys.modules.get("torch")
    if not hasattr(torch, "get_rng_state"):
        return  # not loaded, or only half
    assert torch is not None
    threads, dtype, grad = (
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )
    algorithms = _deterministic_algorithms()
    state = torch.get_rng_state()

    def restore() -> None:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        if _deterministic_algorithms() != algorithms:  # the setter imports torch's compiler: 1 s
            torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
        torch.set_rng_state(state)

    yield restore


def _deterministic_algorithms() -> tuple[bool, bool]:
    """Whether torch's algorithms must be deterministic, and whether others only warn."""
    torch = sys.modules["torch"]
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


def _save_opencv_state() -> Iterator[Restore]:
    cv2 = sys.modules.get("cv2")
    if not hasattr(cv2, "getNumThreads"):
        return
    assert cv2 is not None
    threads = cv2.getNumThreads()

    def restore() -> None:
        if cv2.getNumThreads() != threads:
            cv2.setNumThreads(threads)

    yield restore


def _threads_since(before: set[threading.Thread]) -> set[threading.Thread]:
    """Threads that are new, of this process's own code or not, and are no daemons."""
    return {t for t in set(threading.enumerate()) - before if not t.daemon}


@contextmanager
def _exit_is_an_exception() -> Iterator[None]:
    """`os._exit` in this process raises SystemExit; a forked child ends as it would."""
    process = os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != process:
            _EXIT(status)
        raise SystemExit(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = _EXIT
