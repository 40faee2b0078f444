"""Sort exceptions: faults of a recording, of the computer, or of the program."""

import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rppgbench.system.errors import (
    BenchError,
    MachineError,
    NoPulseError,
    RecordingError,
    error_text,
    shortened,
)
from rppgbench.system.io_errors import disk_fault

Kind = Literal["recording", "machine", "user", "bug"]
T = TypeVar("T")

OF_THE_MACHINE = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGBUS")
"""Signals that come from outside of a process: no memory, a stop, a disk that fails under a map."""


@dataclass(frozen=True)
class Fault:
    """The cause of a failure, in plain values that can be sent to another process.

    `reason` is one line. A fault of the machine leaves no row: the next run does the work again.
    Of a recording, or of code with a bug, the reason is that of a row. `trace` is a bug's
    traceback, or the whole of a reason that was cut, for the log.
    """

    kind: Kind
    reason: str
    trace: str = ""

    def error(self) -> BenchError:
        """The fault as an exception; a bug's is a RecordingError too, its trace stays here."""
        kinds = {"machine": MachineError, "user": BenchError}
        return kinds.get(self.kind, RecordingError)(self.reason)


@dataclass(frozen=True, eq=False)
class Attempt(Generic[T]):
    """What a step gave: a value, or the fault that kept it from one."""

    value: T | None = None
    fault: Fault | None = None


def attempt(step: Callable[[], T], doing: str) -> Attempt[T]:
    """Run a step and classify what it raises.

    Args:
        step: called without arguments.
        doing: the step in words, for messages, such as "pos on pure/01-01".

    Returns:
        The value of the step, or its fault.
    """
    try:
        return Attempt(step())
    except Exception as error:
        return Attempt(fault=classify_fault(error, doing))


def classify_fault(error: Exception, doing: str) -> Fault:
    """Classify an exception as a fault of the machine, of the recording, of the user, or as a bug.

    Args:
        error: what was raised.
        doing: what was done to which recording, such as "pos on pure/01-01".

    Returns:
        The machine's: `MachineError`, a missing package, no memory, no more files, a full disk. The
        recording's and the user's, in their own words: `RecordingError` and `NoPulseError`, any
        other `BenchError`. All else is a bug of the code that was called: its reason names `doing`.

    >>> classify_fault(MemoryError(), "pos on pure/01-01")  # doctest: +ELLIPSIS
    Fault(kind='machine', reason='pos on pure/01-01: not enough memory; ...', trace='')
    >>> classify_fault(NoPulseError("100 samples are too few"), "pos on pure/01-01")
    Fault(kind='recording', reason='100 samples are too few', trace='')
    >>> classify_fault(ValueError("x"), "pos on pure/01-01").reason
    'internal error in pos on pure/01-01: ValueError: x'
    """
    if isinstance(error, MachineError):
        return Fault("machine", error_text(error))
    message = error_text(error)
    if isinstance(error, RecordingError | NoPulseError):
        message = message or f"{doing}: {type(error).__name__}, without a word"
        reason = shortened(message)
        return Fault("recording", reason, "" if reason == message else message)
    if isinstance(error, BenchError):
        return Fault("user", message)
    for cause in _chain(error):
        reason_text = _describe_machine_fault(cause, doing)
        if reason_text:
            return Fault("machine", reason_text)
    reason_text = f"internal error in {doing}: {type(error).__name__}: {message}"
    return Fault("bug", shortened(reason_text), "".join(traceback.format_exception(error)))


def classify_exit(code: int, doing: str) -> Fault:
    """Classify the end of a process that ended without a result.

    Args:
        code: its exit code; a negative one is a signal.
        doing: what the process did, for messages.

    Returns:
        The fault.

    >>> classify_exit(-11, "pos on pure/01-01").reason
    'pos on pure/01-01 ended its process (SIGSEGV)'
    >>> classify_exit(-9, "pos on pure/01-01").kind
    'machine'
    """
    name = f"exit code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name if code < 0 else name
    if name in OF_THE_MACHINE:
        reason = f"the process of {doing} was killed ({name}); out of memory? Run it again"
        return Fault("machine", reason)
    return Fault("bug", f"{doing} ended its process ({name})")


def install_hint(error: ModuleNotFoundError) -> str:
    """How to get the package that is missing."""
    package = (error.name or "").split(".")[0]
    extra = {"torch": "neural", "lightning_fabric": "neural", "pyedflib": "bdf"}.get(package)
    return f"pip install 'rppgbench[{extra}]'" if extra else f"pip install {package}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _describe_machine_fault(error: BaseException, doing: str) -> str:
    """What the machine lacks, or ""."""
    if isinstance(error, MachineError):
        return error_text(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # PyTorch's
        return f"{doing}: not enough memory; fewer --jobs need less"
    if isinstance(error, ModuleNotFoundError):
        return f"{doing}: {error}; {install_hint(error)}, and run this again"
    if isinstance(error, OSError):
        fault = disk_fault(error, doing)
        return str(fault) if fault else ""
    return ""
