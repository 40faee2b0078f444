"""Checked signals of sources: waveforms and heart rates in bpm, at times in seconds."""

from typing import Any

import numpy as np

from rppgbench.core.return_checks import SMALLEST_SCALE
from rppgbench.core.waveform import Array, Signal
from rppgbench.predictions.checking import as_vector
from rppgbench.predictions.record import Kind, PredictedSignal
from rppgbench.system.errors import RecordingError

PLAUSIBLE_BPM = (30.0, 240.0)
HZ_LIMIT = 4.5
"""Heart rates that are all below this are rates in Hz: no heart beats 4.5 times a minute."""

HIGHEST_BPM = 300.0
"""No heart beats faster. Intervals between beats in ms are longer than this below 200 bpm."""

FEWEST_INTERVALS = 10
"""Fewer rates above `HIGHEST_BPM` may be wrong estimates: a tool may give 450 bpm once."""

WAVEFORM_FS = (0.5, 10_000.0)
"""Samples per second of a pulse: 0.5 show no rate above 15 bpm, and no sensor gives 10,000."""

NON_POSITIVE = "heart rates of 0 bpm or less are read as no estimate"


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
    *,
    confidence: Any = None,
) -> PredictedSignal:
    """A checked signal.

    Args:
        name: what the source calls it.
        kind: "waveform" or "heart_rate", in bpm.
        values: (T,).
        times_s: (T,), seconds from the first frame.
        location: the file and recording, for messages.
        span_s: see `PredictedSignal`.
        confidence: one number from 0 to 1 for each value (T,), NaN for none; None without any.

    Raises:
        RecordingError: no value at all, infinite values, values beyond 64 bits, rates that are not
            in bpm, or times that are not numbers, do not increase, are of another number, or are
            in another unit than seconds; a confidence that is not from 0 to 1.
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
    return PredictedSignal(
        name=name,
        kind=kind,
        values=vector,
        times_s=times,
        span_s=span_s,
        confidence=_checked_confidence(confidence, times, f"{location}: confidence of {name}"),
    )


def _checked_confidence(values: Any, times_s: Array, location: str) -> Signal | None:
    """A confidence from 0 to 1 at the times (T,) of its signal; None where it has no number."""
    if values is None:
        return None
    confidence = as_vector(values, location, "values")
    if len(confidence) != len(times_s):
        raise RecordingError(f"{location} has {len(confidence):,} values for {len(times_s):,}")
    known = confidence[~np.isnan(confidence)]
    if not len(known):
        return None
    if known.min() < 0 or known.max() > 1:
        raise RecordingError(
            f"{location} goes from {known.min():.3g} to {known.max():.3g}, where 0 to 1 belongs; "
            "give shares, not percent, or leave the field out"
        )
    return Signal(confidence, times_s)


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
    return _unit_fault(known) if kind == "heart_rate" else ""


def _unit_fault(rates: Array) -> str:
    """Why heart rates above 0 are not in bpm; empty where they can be.

    >>> _unit_fault(np.array([1.1, 1.3]))
    'has rates of up to 1.3: in Hz, not in bpm; give bpm'
    >>> _unit_fault(np.array([72.0, 840.0])), _unit_fault(np.array([450.0]))
    ('', '')
    """
    lowest, highest = float(rates.min()), float(rates.max())
    if highest < HZ_LIMIT:
        return f"has rates of up to {highest:.3g}: in Hz, not in bpm; give bpm"
    if len(rates) >= FEWEST_INTERVALS and lowest > HIGHEST_BPM:
        return (
            f"has {len(rates):,} values, all above {HIGHEST_BPM:g}: no heart rates in bpm; as "
            f"intervals between beats in ms they are {60_000 / highest:.0f} to "
            f"{60_000 / lowest:.0f} bpm; for "
            "intervals give 60000 / interval, else repair the rates"
        )
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
    name: str,
    bpm: object,
    location: str,
    span_s: tuple[float, float] = (0.0, float("inf")),
    *,
    confidence: object = None,
) -> PredictedSignal:
    """One heart rate of a whole recording.

    Args:
        name: what the source calls it.
        bpm: the rate.
        location: the file and recording, for messages.
        span_s: the first and last second; the end is infinite where it is not known.
        confidence: a number from 0 to 1; None without one.

    Raises:
        RecordingError: it is no number above 0, or its confidence is not from 0 to 1.
    """
    if isinstance(bpm, bool) or not isinstance(bpm, int | float | np.integer | np.floating):
        raise RecordingError(f"{location}: {name} is no number, but {type(bpm).__name__}")
    first_s, last_s = span_s
    middle_s = (first_s + last_s) / 2 if np.isfinite(last_s) else first_s
    return make_signal(
        name, "heart_rate", [float(bpm)], [middle_s], location, span_s, confidence=confidence
    )


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
    wanted = kind or ("heart_rate" if waveform is None else "waveform")
    chosen, other = (heart_rate, waveform) if wanted == "heart_rate" else (waveform, heart_rate)
    if chosen is None and other is None:
        raise RecordingError(f"{location}: holds neither a waveform nor heart rates")
    if chosen is None:
        raise RecordingError(
            f"{location}: holds no {wanted.replace('_', ' ')}; leave --kind {wanted} out"
        )
    if other is None:
        return chosen, ()
    return chosen, (f"of waveform and heart rates in the file, {chosen.name} is the prediction",)
