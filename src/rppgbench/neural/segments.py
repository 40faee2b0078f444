"""Parts of recordings without a gap, at the rate of a network, with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.method import Example
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform, lasts
from rppgbench.evaluation.heart_rate import straight_segments
from rppgbench.system.errors import RecordingError

CHUNK = 256
"""Number of frames that are interpolated at once: pictures as float32 take memory."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Segment:
    """Samples of a recording without a gap, at the sampling rate that the network expects.

    Attributes:
        recording: name of the recording.
        subject: name of the subject.
        samples: (T, ...), possibly memory-mapped.
        start_s: time of the first sample.
        pulse: the contact sensor's pulse (T,), NaN where there is none; None without a label.
        rate_bpm: the device's heart rate (T,), NaN where there is none; None without a reading.
    """

    recording: str
    subject: str
    samples: NDArray[Any]
    start_s: float
    pulse: NDArray[np.float32] | None
    rate_bpm: NDArray[np.float32] | None = None


def resample_to_rate(waveform: Waveform, fs: float) -> Waveform:
    """Resample a waveform by linear interpolation in time; pictures stay uint8.

    Args:
        waveform: samples (T, ...).
        fs: sampling rate of the result in Hz.

    Returns:
        The waveform at `fs`. A waveform whose rate is within a thousandth of `fs` is returned as it
        is, with its own rate.

    >>> resample_to_rate(Waveform(np.array([0.0, 1, 2]), 1.0), 2.0).samples
    array([0. , 0.5, 1. , 1.5, 2. ])
    """
    if abs(waveform.fs / fs - 1) < 1e-3:
        return waveform
    old = len(waveform.samples)
    count = int((old - 1) * fs / waveform.fs + 1e-9) + 1
    at: Array = np.arange(count, dtype=np.float64) * (waveform.fs / fs)
    samples: NDArray[Any] = waveform.samples
    out: NDArray[Any] = np.empty((count, *samples.shape[1:]), samples.dtype)
    for first in range(0, count, CHUNK):
        part = interpolate_rows(samples, at[first : first + CHUNK])
        out[first : first + CHUNK] = np.round(part) if samples.dtype == np.uint8 else part
    return Waveform(out, fs, waveform.start_s)


def interpolate_rows(samples: NDArray[Any], at: Array) -> NDArray[Any]:
    """Interpolate linearly along the first axis.

    Args:
        samples: (T, ...).
        at: positions (K,) between 0 and T - 1.

    Returns:
        The interpolated samples (K, ...), float32.

    >>> interpolate_rows(np.array([0, 10, 20], dtype=np.uint8), np.array([0.5, 2.0]))
    array([ 5., 20.], dtype=float32)
    """
    below = np.minimum(at.astype(int), len(samples) - 1)
    above = np.minimum(below + 1, len(samples) - 1)
    share = (at - below).astype(np.float32).reshape(-1, *[1] * (samples.ndim - 1))
    low = np.asarray(samples[below], dtype=np.float32)
    mixed: NDArray[Any] = low + share * (np.asarray(samples[above], dtype=np.float32) - low)
    return mixed


def cut_segments(
    examples: Sequence[Example], fs: float, shortest_s: float, method: str
) -> list[Segment]:
    """Every input of at least `shortest_s` without a gap, resampled, sorted by recording.

    One sample less counts too: see `core.waveform.lasts`.

    Args:
        examples: recordings with their inputs.
        fs: sampling rate of the segments in Hz.
        shortest_s: least duration of a segment.
        method: name of the method, for messages.

    Raises:
        RecordingError: no input is long enough.
    """
    long_enough = [
        _to_segment(example, resample_to_rate(part, fs))
        for example in sorted(examples, key=lambda example: example.recording)
        for part in example.inputs
        if lasts(part, shortest_s)
    ]
    if not long_enough:
        raise RecordingError(
            f"{method}: none of {len(examples)} recordings has {shortest_s:g} s without a gap; "
            "choose a shorter clip_s or other recordings"
        )
    return long_enough


def cut_labelled_segments(
    examples: Sequence[Example], fs: float, shortest_s: float, method: str, *, rate: bool = False
) -> list[Segment]:
    """Segments with a label to learn from.

    Args:
        examples: recordings with their inputs and labels.
        fs: sampling rate of the segments in Hz.
        shortest_s: least duration of the contact sensor's pulse without a gap.
        method: name of the method, for messages.
        rate: count a segment with a heart rate of the device as labelled too.

    Raises:
        RecordingError: no segment has a label.
    """
    labelled = [
        part
        for part in cut_segments(examples, fs, shortest_s, method)
        if _longest_run(part.pulse) >= round(shortest_s * fs) - 1
        or (rate and part.rate_bpm is not None)
    ]
    if not labelled:
        kind = "heart rate" if rate else "pulse"
        raise RecordingError(
            f"{method}: no recording has a {kind} to learn from for {shortest_s:g} s without a "
            "gap; choose a shorter clip_s, other recordings, or copy the labels again"
        )
    return labelled


def _to_segment(example: Example, part: Waveform) -> Segment:
    truth = example.ground_truth or GroundTruth()
    times = part.times_s()
    return Segment(
        recording=example.recording,
        subject=example.subject,
        samples=part.samples,
        start_s=part.start_s,
        pulse=pulse_at(truth, times),
        rate_bpm=_none_if_unknown(truth.heart_rate_at(times)),
    )


def pulse_at(truth: GroundTruth, times_s: Array) -> NDArray[np.float32] | None:
    """The contact sensor's pulse at given times.

    Args:
        truth: the labels of the recording.
        times_s: evenly spaced times (T,).

    Returns:
        The pulse (T,), NaN in gaps and where a straight line shows that the sensor hung
        (`evaluation.heart_rate.straight_segments`); None without a pulse.
    """
    pulse = truth.pulse_at(times_s)
    if len(times_s) > 1:
        fs = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
        pulse[straight_segments(pulse[None], fs)[0]] = np.nan
    return _none_if_unknown(pulse)


def _longest_run(label: NDArray[np.float32] | None) -> int:
    """Length of the longest run of samples that have a value.

    >>> _longest_run(np.array([1, np.nan, 2, 3], dtype=np.float32)), _longest_run(None)
    (2, 0)
    """
    if label is None:
        return 0
    breaks = np.flatnonzero(~np.isfinite(label))
    return int(np.diff(np.concatenate([[-1], breaks, [len(label)]])).max()) - 1


def _none_if_unknown(label: Array) -> NDArray[np.float32] | None:
    """The label, or None where no sample of it has a value."""
    return label.astype(np.float32) if np.isfinite(label).any() else None


def keep_label_share(
    segments: Sequence[Segment], share: float, rng: np.random.Generator
) -> list[Segment]:
    """Remove the labels of all but a random share of the labelled recordings.

    The first int(n * share) recordings of a random permutation keep their labels, as in the public
    code of Z. Sun and X. Li, IEEE TPAMI 2024, DOI 10.1109/TPAMI.2024.3367910.

    Args:
        segments: segments of the recordings.
        share: share of the labelled recordings that keep their labels, 0 to 1.
        rng: random source.
    """
    names = sorted({segment.recording for segment in segments if segment.pulse is not None})
    order = rng.permutation(len(names))
    labelled = {names[k] for k in order[: int(len(names) * share)]}
    return [
        segment if segment.recording in labelled else replace(segment, pulse=None, rate_bpm=None)
        for segment in segments
    ]
