"""Checks of what methods, readers and trainings return."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.method import Model
from rppgbench.core.recording import (
    SIGNALS,
    BayerMosaic,
    GroundTruth,
    Source,
    TraceSource,
    VideoSource,
)
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.system.errors import NoPulseError, RecordingError

LEAST_SHARE = 0.6
"""Least share of its input's duration that a pulse lasts: methods may drop a window's rest at an
end, half a window of 1.6 s of a segment of 3 s at most; less is a lost or a wrong clock."""

SMALLEST_SCALE = 1e-100
"""Samples all below this in size, or any above its inverse, cannot be squared and summed."""

SLACK = 0.01
"""A pulse may begin before its input or end after it by two samples, or by this share of it."""


class ReturnError(RecordingError):
    """Code returned something that is not what its declaration says: a row with the reason."""


def check_pulse(returned: object, waveform: Waveform, name: str) -> Waveform:
    """Check what a method returned for one segment, and convert it to a pulse of float64.

    Args:
        returned: what the method gave back.
        waveform: its input: (T, ...) at `given.fs` samples a second from `given.start_s` on.
        name: the method's, for the reason.

    Returns:
        A `Waveform` (T',) of float64 on the input's clock, with NaN where there is no pulse.

    Raises:
        ReturnError: no `Waveform`; samples that are not (T',) real numbers; infinite samples; a
            rate that is not above 0; a time that lies outside the input's (by more than `SLACK`),
            or that is shorter than `LEAST_SHARE` of it; a confidence that is no `Signal` of values
            from 0 to 1 at increasing times within the input's.
        NoPulseError: every sample is NaN.
    """
    for fault in _pulse_faults(returned, waveform):
        raise ReturnError(f"{name} returned {fault}")
    assert isinstance(returned, Waveform)
    samples = np.asarray(returned.samples, dtype=np.float64)
    if not np.isfinite(samples).any():
        raise NoPulseError(f"{name} returned no number: all {len(samples)} samples are NaN")
    confidence = None if returned.confidence is None else _as_float(returned.confidence)
    return Waveform(samples, float(returned.fs), float(returned.start_s), confidence=confidence)


def _pulse_faults(returned: object, waveform: Waveform) -> Iterator[str]:
    if not isinstance(returned, Waveform):
        yield f"{describe_type(returned)}, not a Waveform"
        return
    samples = returned.samples
    yield from _array_faults(samples, "samples", "(T,)")
    if not len(samples):
        yield "a Waveform without a sample"
    if np.isinf(samples).any():
        yield f"{int(np.isinf(samples).sum())} infinite samples of {len(samples)}"
    yield from _scale_faults(samples, "samples")
    fs, start_s = returned.fs, returned.start_s
    if not _is_real(fs) or not 0 < fs < np.inf:
        yield f"a rate of {fs!r} samples a second, not one above 0"
    if not _is_real(start_s) or not np.isfinite(start_s):
        yield f"a start at {start_s!r} s, not a time"
    length_s, input_s = len(samples) / fs, len(waveform.samples) / waveform.fs
    slack_s = max(2 / fs, 2 / waveform.fs, SLACK * input_s)
    begins_s, ends_s = start_s - waveform.start_s, start_s + length_s - waveform.start_s
    extent = f"{len(samples)} samples at {fs:.6g} a second, from {begins_s:.2f} to {ends_s:.2f} s"
    if begins_s < -slack_s or ends_s > input_s + slack_s:
        yield f"{extent} of its input, which lasts {input_s:.2f} s: the clock is another"
    if length_s < LEAST_SHARE * input_s - slack_s:
        yield f"{extent} of its input, which lasts {input_s:.2f} s: most of it has no pulse"
    if returned.confidence is not None:
        yield from confidence_faults(returned.confidence, waveform)


def confidence_faults(confidence: object, waveform: Waveform) -> Iterator[str]:
    """Why an object is not the confidence of a method in its own pulse.

    Args:
        confidence: what the method gave back beside the pulse.
        waveform: the input of the method: (T, ...).

    Yields:
        Each fault: no `Signal`, values that are not from 0 to 1, or times that do not increase or
        lie outside the input's by more than two samples and `SLACK` of it.
    """
    if not isinstance(confidence, Signal):
        yield f"a confidence that is {describe_type(confidence)}, not a Signal"
        return
    yield from _array_faults(confidence.values, "values of confidence", "(N,)")
    yield from _times_faults(confidence, "confidence")
    values, times_s = confidence.values, confidence.times_s
    if ((values < 0) | (values > 1)).any():
        known = values[~np.isnan(values)]
        yield f"a confidence from {known.min():.3g} to {known.max():.3g}, not from 0 to 1"
    length_s = len(waveform.samples) / waveform.fs
    slack_s = max(2 / waveform.fs, SLACK * length_s)
    begins_s, ends_s = times_s[0] - waveform.start_s, times_s[-1] - waveform.start_s
    if begins_s < -slack_s or ends_s > length_s + slack_s:
        yield (
            f"a confidence from {begins_s:.2f} to {ends_s:.2f} s of its input, which lasts "
            f"{length_s:.2f} s: the clock is another"
        )


def check_ground_truth(returned: object) -> GroundTruth:
    """What a reader's `truth` returned, with float64 arrays.

    Raises:
        ReturnError: no `GroundTruth`; a signal of it that is not a `Signal` of (N,) real values
            and (N,) finite, strictly increasing times, N > 0; warnings that are not texts.
    """
    if not isinstance(returned, GroundTruth):
        raise ReturnError(f"the reader returned {describe_type(returned)}, not a GroundTruth")
    checked: dict[str, Signal | None] = {}
    for name in SIGNALS:
        signal = getattr(returned, name)
        for fault in _signal_faults(signal, name):
            raise ReturnError(f"the reader returned {fault}")
        checked[name] = None if signal is None else _as_float(signal)
    warnings = returned.warnings
    if not isinstance(warnings, tuple | list) or not all(isinstance(w, str) for w in warnings):
        raise ReturnError(
            f"the reader returned warnings that are {describe_type(warnings)}, not texts"
        )
    return replace(
        returned,
        **checked,  # type: ignore[arg-type]
        warnings=tuple(warnings),
    )


def _signal_faults(signal: object, name: str) -> Iterator[str]:
    if signal is None:
        return
    if not isinstance(signal, Signal):
        yield f"a {name} that is {describe_type(signal)}, not a Signal"
        return
    yield from _array_faults(signal.values, f"values of {name}", "(N,)")
    yield from _scale_faults(signal.values, f"values of {name}")
    yield from _times_faults(signal, name)


def _times_faults(signal: Signal, name: str) -> Iterator[str]:
    """Why the times of a signal are not one finite, increasing time for each value."""
    yield from _array_faults(signal.times_s, f"times of {name}", "(N,)")
    times = np.asarray(signal.times_s)
    if len(times) != len(signal.values):
        yield f"{len(times)} times for {len(signal.values)} values of {name}"
    if not len(times):
        yield f"a {name} without a value; None says that there is none"
    unknown = int(np.count_nonzero(~np.isfinite(times)))
    if unknown:
        yield f"{unknown} of {len(times)} times of {name} that are not numbers"
    backward = int(np.count_nonzero(np.diff(times) <= 0))
    if backward:
        yield f"{backward} of {len(times)} times of {name} that do not increase"


def _as_float(signal: Signal) -> Signal:
    values, times = (np.asarray(a, np.float64) for a in (signal.values, signal.times_s))
    return signal if values is signal.values and times is signal.times_s else Signal(values, times)


def check_video(returned: object) -> Source:
    """What a reader's `video` returned, with float64 times.

    Raises:
        ReturnError: no `VideoSource` and no `TraceSource`, or one whose parts are of another kind
            than it declares.
    """
    if isinstance(returned, TraceSource):
        for fault in _trace_faults(returned):
            raise ReturnError(f"the reader returned a TraceSource with {fault}")
        return returned
    if not isinstance(returned, VideoSource):
        raise ReturnError(f"the reader returned {describe_type(returned)}, not a VideoSource")
    for fault in _video_faults(returned):
        raise ReturnError(f"the reader returned a VideoSource with {fault}")
    if returned.times_s is None:
        return returned
    return replace(returned, times_s=np.asarray(returned.times_s, np.float64))


def _video_faults(source: VideoSource) -> Iterator[str]:
    if not isinstance(source.path, Path):
        yield f"a path that is {describe_type(source.path)}, not a Path"
    images = source.images
    if not isinstance(images, tuple) or not all(isinstance(image, Path) for image in images):
        yield f"images that are {describe_type(images)}, not a tuple of Paths"
    if source.archive is not None and not isinstance(source.archive, Path):
        yield f"an archive that is {describe_type(source.archive)}, not a Path"
    if source.mosaic is not None and not isinstance(source.mosaic, BayerMosaic):
        yield f"a mosaic that is {describe_type(source.mosaic)}, not a BayerMosaic"
    if not images and (source.archive is not None or source.mosaic is not None):
        yield "an archive or a mosaic without images"
    if source.times_s is not None:
        yield from _array_faults(source.times_s, "times", "(T,)")
    if source.frames is not None and not callable(source.frames):
        yield f"frames that are {describe_type(source.frames)}, not a function"
    if source.frames is not None and source.times_s is None:
        yield "frames without times"


def _trace_faults(source: TraceSource) -> Iterator[str]:
    yield from _array_faults(source.times_s, "times", "(T,)")
    rgb = source.rgb
    if not isinstance(rgb, np.ndarray) or rgb.dtype.kind not in "iuf" or rgb.ndim != 2:
        yield f"colours that are {describe_type(rgb)}, not numbers (T, 3)"
    elif rgb.shape != (len(source.times_s), 3):
        yield f"colours of shape {rgb.shape} for {len(source.times_s)} times"
    if not (np.diff(source.times_s) > 0).all() or not np.isfinite(source.times_s).all():
        yield "times that do not increase"


def check_model(returned: object, name: str) -> Model:
    """Check what a method's `fit` returned.

    Args:
        returned: what it returned.
        name: the method's name, for messages.

    Returns:
        The model.

    Raises:
        ReturnError: no `Model`; arrays that are not numpy arrays of numbers by name; metadata
            that JSON does not hold.
    """
    if not isinstance(returned, Model):
        raise ReturnError(f"{name}: fit returned {describe_type(returned)}, not a Model")
    for key, array in _items(returned.arrays, f"{name}: fit returned arrays"):
        if not isinstance(key, str) or not isinstance(array, np.ndarray | np.generic):
            raise ReturnError(
                f"{name}: fit returned {describe_type(array)} under {key!r}, not an array"
            )
        if array.dtype.kind not in "biuf":
            raise ReturnError(f"{name}: fit returned {key!r} of type {array.dtype}, not numbers")
    try:
        json.dumps(dict(_items(returned.metadata, f"{name}: fit returned facts")))
    except (TypeError, ValueError) as error:
        raise ReturnError(f"{name}: fit returned facts that JSON does not hold: {error}") from error
    return returned


def _items(mapping: Any, subject: str) -> list[tuple[Any, Any]]:
    if not isinstance(mapping, Mapping):
        raise ReturnError(f"{subject} that are {describe_type(mapping)}, not a mapping by name")
    return list(mapping.items())


def _array_faults(array: object, subject: str, shape: str) -> Iterator[str]:
    """Why an object is not a one-dimensional array of real numbers."""
    if not isinstance(array, np.ndarray):
        yield f"{subject} that are {describe_type(array)}, not an array"
    elif array.ndim != 1:
        yield f"{subject} of shape {array.shape}, not {shape}"
    elif array.dtype.kind not in "iuf":
        yield f"{subject} of type {array.dtype}, not real numbers"


def _scale_faults(samples: Array, subject: str) -> Iterator[str]:
    """Why the squares of samples (T,) would be infinite, or 0 although the samples are not."""
    finite = np.abs(samples[np.isfinite(samples)])
    largest = float(finite.max()) if len(finite) else 0.0
    if largest > 1 / SMALLEST_SCALE or 0 < largest < SMALLEST_SCALE:
        yield f"{subject} of up to {largest:.3g}, whose squares no number of 64 bits holds"


def _is_real(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating)


def describe_type(value: object) -> str:
    """What a value is, for messages.

    >>> describe_type(None), describe_type(1.5)
    ('None', 'a value of type float')
    """
    return "None" if value is None else f"a value of type {type(value).__name__}"
