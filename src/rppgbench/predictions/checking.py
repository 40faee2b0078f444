"""Checks that every format shares: of names, of numbers and of sampling rates."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.predictions.declaration import ReadOptions
from rppgbench.predictions.record import PredictedRecording
from rppgbench.system.errors import BenchError, MachineError, RecordingError, one_line, shortened

T = TypeVar("T")

MOST_NAME_CHARACTERS = 500
MOST_SAMPLES = 20_000_000
"""Of one signal: five hours at 1 kHz."""
_FORMULA = re.compile(r"[=+@]|-[^\w .]")
"""How a cell begins that spreadsheets take for a formula."""


def check_name(name: object, location: str, what: str = "recording") -> str:
    """Check a name that a source gives: it is text for tables and pages, and never a path.

    Args:
        name: the name.
        location: the file, for messages.
        what: what the name is of.

    Returns:
        The name.

    Raises:
        BenchError: no text, empty, too long, with control characters, or like a formula.
    """
    if isinstance(name, bytes):
        name = name.decode("utf-8", "replace")
    if not isinstance(name, str):
        name = str(name) if isinstance(name, int) else ""
    shown = repr(shortened(one_line(name), 60))
    fault = ""
    if not name.strip():
        fault = f"a {what} without a name"
    elif len(name) > MOST_NAME_CHARACTERS:
        fault = f"the {what} {shown} has a name of {len(name):,} characters"
    elif not name.isprintable():
        fault = f"the {what} {shown} has a name with control characters"
    elif _FORMULA.match(name):
        fault = f"the {what} {shown} has a name that a spreadsheet runs as a formula"
    if fault:
        raise BenchError(f"{location}: {fault}; rename it in the source")
    return name


def as_array(values: Any, location: str, what: str) -> NDArray[Any]:
    """Values as an array of at least one axis.

    Args:
        values: an array, a list, or one value.
        location: the file and recording, for messages.
        what: what the values are.

    Raises:
        RecordingError: lists of different lengths within a list.
    """
    try:
        return np.atleast_1d(np.asarray(values))
    except (ValueError, OverflowError) as error:
        text = shortened(one_line(error), 80)
        raise RecordingError(f"{location}: {what} that are no row of numbers ({text})") from None


def as_vector(values: Any, location: str, what: str) -> Array:
    """Numbers in a row as float64: (T,), from (T,), (T, 1) or (1, T).

    Args:
        values: an array or a list.
        location: the file and recording, for messages.
        what: what the numbers are.

    Raises:
        RecordingError: no real numbers, several columns, or too many of them.
    """
    array = as_array(values, location, what)
    if array.dtype.kind not in "iuf":
        raise RecordingError(f"{location}: {what} that are no numbers, but of type {array.dtype}")
    if array.size != max(array.shape):
        raise RecordingError(f"{location}: {what} of shape {array.shape}, where one row belongs")
    if array.size > MOST_SAMPLES:
        raise RecordingError(
            f"{location}: {what} of {array.size:,} samples; cut it into recordings"
        )
    return array.reshape(-1).astype(np.float64)


def needs_fs(options: ReadOptions, location: str) -> float:
    """The sampling rate that the user gives.

    Args:
        options: what the user gave.
        location: the file, for messages.

    Raises:
        BenchError: none was given, or it is not above 0.
    """
    if options.fs is None:
        raise BenchError(
            f"{location}: states neither times nor a sampling rate; give {options.fs_option} HZ"
        )
    return check_fs(options.fs, location)


def check_fs(fs: object, location: str) -> float:
    """Check a sampling rate.

    Args:
        fs: the rate.
        location: the file, for messages.

    Raises:
        BenchError: no number above 0.
    """
    if isinstance(fs, bool) or not isinstance(fs, int | float | np.integer | np.floating):
        raise BenchError(f"{location}: a sampling rate that is no number; repair it")
    if not 0 < float(fs) < 1e6:
        raise BenchError(f"{location}: a sampling rate of {float(fs):g} Hz; give a positive one")
    return float(fs)


def agreed_fs(stated: object, options: ReadOptions, location: str) -> float:
    """The sampling rate that a file states, which the user's may not contradict.

    Args:
        stated: the rate in the file.
        options: what the user gave.
        location: the file, for messages.

    Raises:
        BenchError: the two differ.
    """
    fs = check_fs(stated, location)
    if options.fs is not None and abs(options.fs - fs) > 1e-6 * fs:
        option = options.fs_option
        raise BenchError(
            f"{location}: states {fs:g} samples per second, and {option} says {options.fs:g}; "
            f"leave {option} out"
        )
    return fs


def recording_or_reason(
    name: str, build: Callable[[], PredictedRecording], method: str = ""
) -> PredictedRecording:
    """A recording, or the reason why it has no prediction.

    Args:
        name: the name of the recording, checked.
        build: makes the recording.
        method: the method, for a recording without a prediction.
    """
    try:
        return build()
    except MachineError:
        raise
    except RecordingError as error:
        return PredictedRecording(name=name, prediction=None, method=method, reason=one_line(error))


def value_or_reason(build: Callable[[], T]) -> tuple[T | None, str]:
    """A prediction or a reference, or why it cannot be used: the other one stays usable.

    Args:
        build: makes the prediction or the reference.

    Returns:
        The value and "", or None and the reason in one line.
    """
    try:
        return build(), ""
    except MachineError:
        raise
    except RecordingError as error:
        return None, one_line(error)
