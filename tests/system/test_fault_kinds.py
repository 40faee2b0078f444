"""Whose fault an exception or the end of a process is."""

import errno
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.execution.executors import MAX_TRIES
from rppgbench.execution.local_executor import handle_lost_worker
from rppgbench.system.errors import BenchError, MachineError, RecordingError, TooShortError
from rppgbench.system.fault_kinds import attempt, classify_exit, classify_fault
from rppgbench.system.worker_pool import Lost

from ..factories.tasks import make_job, make_recording_task


class OutOfMemoryError(RuntimeError):
    """As PyTorch names its own."""


class Speechless(Exception):
    """Fails at saying what is wrong."""

    def __str__(self) -> str:
        raise ValueError("no words")


class SpeechlessRecording(RecordingError):
    """The same, of a recording."""

    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Speechless(), "internal error in pos on set/01: Speechless: (its own words cannot be had"),
        (SpeechlessRecording(), "(its own words cannot be had: ValueError)"),
    ],
)
def test_an_exception_that_fails_at_its_own_words_is_told(error: Exception, says: str) -> None:
    assert classify_fault(error, "pos on set/01").reason.startswith(says)


@pytest.mark.parametrize("kind", [ValueError, RecordingError])
def test_a_long_reason_is_cut_and_the_log_has_the_whole(kind: type[Exception]) -> None:
    fault = classify_fault(kind("a" * 100_000), "pos on set/01")
    assert len(fault.reason) < 1100
    assert "characters)" in fault.reason
    assert "a" * 100_000 in fault.trace


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (MachineError("the disk is gone"), "machine", "the disk is gone"),
        (MemoryError(), "machine", "pos on set/01: not enough memory"),
        (OutOfMemoryError("CUDA"), "machine", "not enough memory"),
        (OSError(errno.EMFILE, "x"), "machine", "pos on set/01: no more files may be open"),
        (OSError(errno.ENFILE, "x"), "machine", "no more files to open"),
        (OSError(errno.ENOSPC, "x"), "machine", "no space left"),
        (OSError(errno.EDQUOT, "x"), "machine", "quota"),
        (OSError(errno.ENOMEM, "x"), "machine", "not enough memory"),
        (OSError(errno.EIO, "x"), "machine", "the disk could not read it"),
        (ModuleNotFoundError("no lazydep", name="lazydep"), "machine", "pip install lazydep"),
        (caused(RuntimeError("x"), OSError(errno.ENOSPC, "x")), "machine", "no space left"),
        (RecordingError("no face"), "recording", "no face"),
        (caused(RecordingError("claims 8 TB"), MemoryError()), "recording", "claims 8 TB"),
        (TooShortError("100 samples are too few"), "recording", "100 samples are too few"),
        (BenchError("--device cuda: not there"), "user", "--device cuda: not there"),
        (ValueError("a bug"), "bug", "internal error in pos on set/01: ValueError: a bug"),
        (KeyError("x"), "bug", "KeyError: 'x'"),
        (FileNotFoundError(errno.ENOENT, "x"), "bug", "FileNotFoundError"),
    ],
)
def test_an_exception_is_somebody_s_fault(error: Exception, kind: str, says: str) -> None:
    fault = classify_fault(error, "pos on set/01")
    assert fault.kind == kind
    assert says in fault.reason
    assert bool(fault.trace) == (kind == "bug")
    kinds = {"machine": MachineError, "user": BenchError}
    assert type(fault.error()) is kinds.get(kind, RecordingError)


def test_a_step_gives_a_value_or_a_fault_and_ctrl_c_is_neither() -> None:
    assert attempt(lambda: 3, "x").value == 3

    def fail() -> None:
        raise ValueError("a bug")

    fault = attempt(fail, "x").fault
    assert fault is not None
    assert "in fail" in fault.trace

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(stop, "x")


JOBS = tuple(make_job("set", "01", m, digest=f"{m}-digest") for m in ("pos", "mine"))
TASK = make_recording_task("set", "01", Path(), jobs=JOBS)


@pytest.mark.parametrize("code", [-signal.SIGSEGV, -signal.SIGABRT, 0, 7])
def test_a_worker_that_crashes_is_the_method_s_fault(code: int) -> None:
    again, fault = handle_lost_worker(TASK, Lost(code, "mine-digest"), 1)
    assert fault is None
    ((job, reason),) = again.broken
    assert job == "mine-digest"
    assert reason.startswith("mine on set/01 ended its process (")


@pytest.mark.parametrize("code", [-signal.SIGKILL, -signal.SIGTERM, -signal.SIGBUS])
def test_a_worker_that_is_killed_is_the_machine_s(code: int) -> None:
    for tries in range(1, MAX_TRIES):
        assert handle_lost_worker(TASK, Lost(code, "mine-digest"), tries) == (TASK, None)
    _, fault = handle_lost_worker(TASK, Lost(code, "mine-digest"), MAX_TRIES)
    assert fault is not None
    assert fault.kind == "machine"
    assert f"killed {MAX_TRIES} times over mine on set/01: out of memory?" in fault.reason


def test_a_crash_of_reading_is_tried_again_and_then_the_recording_s() -> None:
    lost = Lost(-signal.SIGSEGV, "")
    for tries in range(1, MAX_TRIES):
        assert handle_lost_worker(TASK, lost, tries) == (TASK, None)
    reason = "reading set/01 ended its process (SIGSEGV)"
    assert handle_lost_worker(TASK, lost, MAX_TRIES) == (
        replace(TASK, broken=(("", reason),)),
        None,
    )


def test_no_signal_is_unknown() -> None:
    assert classify_exit(-200, "x").reason == "x ended its process (exit code -200)"
