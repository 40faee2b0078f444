"""Clips of equal length, cut from recordings, to learn from."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.method import Example
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform, lasts
from rppgbench.evaluation.heart_rate import straight_segments
from rppgbench.system.errors import RecordingError

ClipStart = tuple[int, int]
"""Index of a segment, and the sample of that segment at which a clip starts."""

MAX_MISSING_SHARE = 0.25
"""Greatest share of a clip without readings of the device, as `gap_share` of the evaluators."""

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


class Clips:
    """Clips of `length` samples out of segments that are as long or longer, but for one sample.

    A segment that lacks one sample of a clip gives that clip with its last sample twice.
    """

    def __init__(self, segments: Sequence[Segment], length: int) -> None:
        self.segments = segments
        self.length = length
        self.by_recording: dict[str, list[int]] = {}
        for index, segment in enumerate(segments):
            self.by_recording.setdefault(segment.recording, []).append(index)

    def one_per_recording(
        self, rng: np.random.Generator, batch: int, passes: int
    ) -> Iterator[list[ClipStart]]:
        """Batches of clips at random places, each of another recording.

        Args:
            rng: random source.
            batch: clips in a batch. With fewer recordings a batch is smaller, and even.
            passes: passes over all recordings; a last batch that is not full is dropped.

        Raises:
            RecordingError: a batch needs two recordings and there is one.
        """
        names = list(self.by_recording)
        size = min(batch, len(names) - len(names) % 2) if batch > 1 else 1
        if size < 1:
            raise RecordingError("this method contrasts recordings and needs two to learn from")
        for _ in range(passes):
            order = rng.permutation(len(names))
            for first in range(0, len(order) - size + 1, size):
                yield [self._draw(rng, names[k]) for k in order[first : first + size]]

    def consecutive_pairs(self, rng: np.random.Generator, batch: int) -> Iterator[list[ClipStart]]:
        """Batches of pairs of clips of two recordings: all clips without overlap, each once.

        A pair takes a clip of each of the two recordings with the most clips left, at random among
        equals, so that as many clips as possible find a partner. What is left of a single recording
        is left out. The pairs come in random order.

        Args:
            rng: random source.
            batch: clips in a batch; an odd number counts as the even number below it.

        Raises:
            RecordingError: there is one recording.
        """
        if len(self.by_recording) < 2:
            raise RecordingError("this method contrasts recordings and needs two to learn from")
        left: dict[str, list[ClipStart]] = {name: [] for name in self.by_recording}
        for start in self.all_starts(self.length):
            left[self.segments[start[0]].recording].append(start)
        for starts in left.values():
            rng.shuffle(starts)
        queue = [(-len(starts), float(rng.random()), name) for name, starts in left.items()]
        heapq.heapify(queue)
        pairs: list[list[ClipStart]] = []
        while len(queue) > 1:
            names = [heapq.heappop(queue)[2] for _ in range(2)]
            pairs.append([left[name].pop() for name in names])
            for name in names:
                if left[name]:
                    heapq.heappush(queue, (-len(left[name]), float(rng.random()), name))
        rng.shuffle(pairs)
        size = max(1, batch // 2)
        for first in range(0, len(pairs), size):
            yield [start for pair in pairs[first : first + size] for start in pair]

    def _draw(self, rng: np.random.Generator, recording: str) -> ClipStart:
        indices = self.by_recording[recording]
        weights = np.array([max(1, self._last_start(index) + 1) for index in indices])
        index = indices[int(rng.choice(len(indices), p=weights / weights.sum()))]
        return index, int(rng.integers(0, max(0, self._last_start(index)) + 1))

    def sliding(self, rng: np.random.Generator, batch: int, step: int) -> Iterator[list[ClipStart]]:
        """Batches of all clips that start every `step` samples, in random order.

        A last batch of one clip is joined to the batch before: batch norm needs two clips.

        Args:
            rng: random source.
            batch: clips in a batch.
            step: samples from one clip to the next.
        """
        starts = self.all_starts(step)
        order = rng.permutation(len(starts))
        groups = [order[k : k + batch] for k in range(0, len(order), batch)]
        if len(groups) > 1 and len(groups[-1]) == 1:
            groups[-2:] = [np.concatenate(groups[-2:])]
        for group in groups:
            yield [starts[k] for k in group]

    def batches(self, batch: int, step: int) -> int:
        """Number of batches that `sliding` gives.

        Args:
            batch: clips in a batch.
            step: samples from one clip to the next.
        """
        clips = len(self.all_starts(step))
        return max(1, clips // batch + (clips % batch > 1))

    def all_starts(self, step: int) -> list[ClipStart]:
        """The clips that start every `step` samples, segment by segment."""
        return [
            (index, start)
            for index in range(len(self.segments))
            for start in range(0, max(0, self._last_start(index)) + 1, step)
        ]

    def _last_start(self, index: int) -> int:
        return len(self.segments[index].samples) - self.length

    def read(self, start: ClipStart, speed: float = 1.0) -> NDArray[Any]:
        """Read the samples of a clip.

        Args:
            start: segment and first sample.
            speed: factor by which the clip is played faster. A faster clip reads past its end, and
                before its start where the segment ends; a segment that is too short is repeated
                (`docs/background/decisions/0007-learned-methods.md`).

        Returns:
            The samples (length, ...).
        """
        return self._play(self.segments[start[0]].samples, start[1], speed)

    def _play(self, samples: NDArray[Any], start: int, speed: float) -> NDArray[Any]:
        if speed == 1.0 and start + self.length <= len(samples):
            return samples[start : start + self.length]
        if speed == 1.0 and start + self.length == len(samples) + 1:
            return np.concatenate([samples[start:], samples[-1:]])
        return interpolate_rows(samples, self._positions(len(samples), start, speed))

    def _positions(self, total: int, start: int, speed: float) -> Array:
        """The positions (length,) of the samples of a clip in a segment of `total` samples."""
        if speed == 1.0 and start + self.length <= total + 1:
            return np.minimum(start + np.arange(self.length, dtype=np.float64), total - 1)
        span = (self.length - 1) * speed
        begin = max(0.0, min(float(start), total - 1 - span))
        at: Array = np.mod(begin + np.arange(self.length) * speed, max(1, total - 1 + 1e-9))
        return at

    def stack(self, starts: Sequence[ClipStart]) -> NDArray[Any]:
        """Read the samples of clips, played as they are.

        Args:
            starts: B clips.

        Returns:
            The samples (B, length, ...).
        """
        return np.stack([self.read(start) for start in starts])

    def windows(
        self, starts: Sequence[ClipStart], speeds: Sequence[float] | Array
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Read what is needed to play clips at speeds: `played_clips.play` interpolates.

        The samples stay of the type that they have, and are interpolated on the device.

        Args:
            starts: B clips.
            speeds: factor for each clip, as in `read`.

        Returns:
            Samples (B, S, ...), the last of a clip repeated until all are equally long; and the
            positions (B, length) among them of the samples of each clip.
        """
        positions = np.stack(
            [
                self._positions(len(self.segments[index].samples), start, speed)
                for (index, start), speed in zip(starts, speeds, strict=True)
            ]
        )
        first = np.floor(positions.min(axis=1)).astype(int)
        end = np.floor(positions.max(axis=1)).astype(int) + 2
        row = self.segments[starts[0][0]].samples
        out = np.empty((len(starts), int((end - first).max()), *row.shape[1:]), row.dtype)
        for number, (index, _) in enumerate(starts):
            part = self.segments[index].samples[first[number] : end[number]]
            out[number, : len(part)] = part
            out[number, len(part) :] = part[-1]
        return out, (positions - first[:, None]).astype(np.float32)

    def pulses(
        self, starts: Sequence[ClipStart], speeds: Sequence[float] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read the contact sensor's pulses of clips.

        Args:
            starts: B clips.
            speeds: factor for each clip, as in `read`; None plays clips as they are.

        Returns:
            The pulses (B, length), 0 for a pulse with a gap; and flags (B,), 1 for a whole pulse.
        """
        out = np.zeros((len(starts), self.length), dtype=np.float32)
        is_complete = np.zeros(len(starts), dtype=np.float32)
        for row, (index, start) in enumerate(starts):
            pulse = self.segments[index].pulse
            if pulse is None or (speeds is None and start + self.length > len(pulse) + 1):
                continue
            piece = self._play(pulse, start, 1.0 if speeds is None else speeds[row])
            if np.isfinite(piece).all():
                out[row], is_complete[row] = piece, 1.0
        return out, is_complete

    def device_rates(
        self, starts: Sequence[ClipStart]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The device's mean heart rate over clips in bpm (B,), and flags (B,), 1 for a known rate.

        A clip of which more than `MAX_MISSING_SHARE` has no reading has no rate.
        """
        out = np.zeros(len(starts), dtype=np.float32)
        is_present = np.zeros(len(starts), dtype=np.float32)
        for row, (index, start) in enumerate(starts):
            rate = self.segments[index].rate_bpm
            piece = np.zeros(0) if rate is None else rate[start : start + self.length]
            samples = len(piece)
            piece = piece[np.isfinite(piece)]
            if len(piece) and len(piece) >= (1 - MAX_MISSING_SHARE) * samples:
                out[row], is_present[row] = piece.mean(), 1.0
        return out, is_present


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
