"""Checks that every format shares: of names, of values and of times."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.return_checks import SMALLEST_SCALE
from rppgbench.core.waveform import Array
from rppgbench.predictions.record import Kind, PredictedRecording, PredictedSignal
from rppgbench.system.errors import BenchError, MachineError, RecordingError, one_line, shortened

MOST_NAME_CHARACTERS = 500
MOST_SAMPLES = 20_000_000
"""Of one signal: five hours at 1 kHz."""
PLAUSIBLE_BPM = (30.0, 240.0)
HZ_LIMIT = 4.5
"""Heart rates that are all below this are rates in Hz: no heart beats 4.5 times a minute."""

WAVEFORM_FS = (0.5, 10_000.0)
"""Samples per second of a pulse: 0.5 show no rate above 15 bpm, and no sensor gives 10,000."""

_FORMULA = re.compile(r"[=+@]|-[^\w .]")
"""How a cell begins that spreadsheets take for a formula."""

NON_POSITIVE = "heart rates of 0 bpm or less are read as no estimate"


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


def sampled_times_s(count: int, fs: float) -> Array:
    """The times of samples at a steady rate, from 0: (count,).

    Args:
        count: how many.
        fs: samples per second.
    """
    times_s: Array = np.arange(count) / fs
    return times_s


def make_signal(
    name: str,
    kind: Kind,
    values: Any,
    times_s: Any,
    location: str,
    span_s: tuple[float, float] | None = None,
) -> PredictedSignal:
    """A checked signal.

    Args:
        name: what the source calls it.
        kind: "waveform" or "heart_rate", in bpm.
        values: (T,).
        times_s: (T,), seconds from the first frame.
        location: the file and recording, for messages.
        span_s: see `PredictedSignal`.

    Raises:
        RecordingError: no value at all, infinite values, values beyond 64 bits, rates that are not
            in bpm, or times that are not numbers, do not increase, are of another number, or are
            in another unit than seconds.
    """
    vector = as_vector(values, location, name)
    times = as_vector(times_s, location, f"times of {name}")
    fault = _values_fault(vector, kind) or _times_fault(times, len(vector))
    if not fault and kind == "waveform":
        fault = _rate_fault(times)
    if fault:
        raise RecordingError(f"{location}: {name} {fault}")
    if kind == "heart_rate":
        vector = np.where(vector > 0, vector, np.nan)
    return PredictedSignal(name=name, kind=kind, values=vector, times_s=times, span_s=span_s)


def _values_fault(values: Array, kind: Kind) -> str:
    """Why values are no signal; empty where they are one."""
    known = values[~np.isnan(values)]
    if kind == "heart_rate":
        known = known[known > 0]
    if not len(values):
        return "has no value"
    if not len(known):
        return f"has no number among {len(values):,} values"
    if np.isinf(values).any():
        return f"has {int(np.isinf(values).sum()):,} infinite values"
    largest = float(np.abs(known).max())
    if largest > 1 / SMALLEST_SCALE or 0 < largest < SMALLEST_SCALE:
        return f"has values of up to {largest:.3g}, whose squares no number of 64 bits holds"
    if kind == "heart_rate" and largest < HZ_LIMIT:
        return f"has rates of up to {largest:.3g}: in Hz, not in bpm; give bpm"
    return ""


def _times_fault(times_s: Array, count: int) -> str:
    if len(times_s) != count:
        return f"has {count:,} values and {len(times_s):,} times"
    if not np.isfinite(times_s).all():
        return f"has {int((~np.isfinite(times_s)).sum()):,} times that are no numbers"
    backward = int((np.diff(times_s) <= 0).sum())
    if backward:
        return f"has {backward:,} times that do not increase"
    return ""


def _rate_fault(times_s: Array) -> str:
    """Why the times of a waveform are not in seconds; empty where they can be."""
    if len(times_s) < 2:
        return ""
    fs = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
    low, high = WAVEFORM_FS
    if low <= fs <= high:
        return ""
    field = "time_ms" if fs < low else "time_s"
    unit = "milliseconds" if fs < low else "seconds"
    return (
        f"has {fs:.3g} samples per second, and a pulse has {low:g} to {high:,.0f}; give the right "
        f"rate, or times in {unit} as {field!r}"
    )


def single_rate(
    name: str, bpm: object, location: str, span_s: tuple[float, float] = (0.0, float("inf"))
) -> PredictedSignal:
    """One heart rate of a whole recording.

    Args:
        name: what the source calls it.
        bpm: the rate.
        location: the file and recording, for messages.
        span_s: the first and last second; the end is infinite where it is not known.

    Raises:
        RecordingError: it is no number above 0.
    """
    if isinstance(bpm, bool) or not isinstance(bpm, int | float | np.integer | np.floating):
        raise RecordingError(f"{location}: {name} is no number, but {type(bpm).__name__}")
    first_s, last_s = span_s
    middle_s = (first_s + last_s) / 2 if np.isfinite(last_s) else first_s
    return make_signal(name, "heart_rate", [float(bpm)], [middle_s], location, span_s)


def needs_fs(fs: float | None, location: str) -> float:
    """The sampling rate that the user gives.

    Args:
        fs: what the user gave.
        location: the file, for messages.

    Raises:
        BenchError: none was given, or it is not above 0.
    """
    if fs is None:
        raise BenchError(f"{location}: states neither times nor a sampling rate; give --fs HZ")
    return check_fs(fs, location)


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


def agreed_fs(stated: object, option: float | None, location: str) -> float:
    """The sampling rate that a file states, which the user's may not contradict.

    Args:
        stated: the rate in the file.
        option: the user's, or None.
        location: the file, for messages.

    Raises:
        BenchError: the two differ.
    """
    fs = check_fs(stated, location)
    if option is not None and abs(option - fs) > 1e-6 * fs:
        raise BenchError(
            f"{location}: states {fs:g} samples per second, and --fs says {option:g}; "
            "leave --fs out"
        )
    return fs


def choose_signal(
    waveform: PredictedSignal | None,
    heart_rate: PredictedSignal | None,
    kind: Kind | None,
    location: str,
) -> tuple[PredictedSignal, tuple[str, ...]]:
    """Which of two signals of a recording is the prediction: the waveform, unless rates are wanted.

    Args:
        waveform: the waveform, if there is one.
        heart_rate: the heart rates, if there are any.
        kind: which the user wants; None takes the waveform where there is one.
        location: the file and recording, for messages.

    Returns:
        The signal, and what to say of the other one.

    Raises:
        RecordingError: there is none of the wanted kind.
    """
    if kind is None:
        kind = "heart_rate" if waveform is None else "waveform"
    chosen, other = (heart_rate, waveform) if kind == "heart_rate" else (waveform, heart_rate)
    if chosen is None:
        raise RecordingError(f"{location}: holds no {kind.replace('_', ' ')}")
    if other is None:
        return chosen, ()
    return chosen, (f"of waveform and heart rates in the file, {chosen.name} is the prediction",)


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


def prediction_or_reason(
    build: Callable[[], PredictedSignal],
) -> tuple[PredictedSignal | None, str]:
    """A prediction, or why it cannot be used: the reference of its recording stays usable.

    Args:
        build: makes the prediction.

    Returns:
        The prediction and "", or None and the reason in one line.
    """
    try:
        return build(), ""
    except MachineError:
        raise
    except RecordingError as error:
        return None, one_line(error)
