"""Clips of equal length cut from recordings to learn from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.method import Example
from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Waveform
from rppgbench.evaluation.heart_rate import straight_segments
from rppgbench.system.errors import RecordingError

Cut = tuple[int, int]
"""Which stretch, and at which sample of it a clip starts."""

RATE_LACK = 0.25
"""The share of a clip that may lack the device's readings, as `gap_share` of the evaluators."""

CHUNK = 256
"""How many frames are interpolated at once: pictures as float32 take memory."""


@dataclass(frozen=True, eq=False)
class Segment:
    """A recording's samples without gaps, at the rate that the network expects.

    `samples` is (T, ...), memory-mapped perhaps; `pulse` (T,) is the contact sensor's and
    `rate_bpm` (T,) the device's own heart rate, NaN where there is none, or None.
    """

    recording: str
    subject: str
    samples: NDArray[Any]
    start_s: float
    pulse: NDArray[np.float32] | None
    rate_bpm: NDArray[np.float32] | None = None


def resample_to_rate(waveform: Waveform, fs: float) -> Waveform:
    """The waveform at `fs` samples a second, by linear interpolation in time.

    Pictures stay uint8. A waveform within a thousandth of the rate stays as it is, and then its own
    rate counts.

    >>> resample_to_rate(Waveform(np.array([0.0, 1, 2]), 1.0), 2.0).samples
    array([0. , 0.5, 1. , 1.5, 2. ])
    """
    if abs(waveform.fs / fs - 1) < 1e-3:
        return waveform
    old = len(waveform.samples)
    count = int((old - 1) * fs / waveform.fs + 1e-9) + 1
    at: Array = np.arange(count, dtype=np.float64) * (waveform.fs / fs)
    given: NDArray[Any] = waveform.samples
    out: NDArray[Any] = np.empty((count, *given.shape[1:]), given.dtype)
    for first in range(0, count, CHUNK):
        part = interpolate_rows(given, at[first : first + CHUNK])
        out[first : first + CHUNK] = np.round(part) if given.dtype == np.uint8 else part
    return Waveform(out, fs, waveform.start_s)


def interpolate_rows(samples: NDArray[Any], at: Array) -> NDArray[Any]:
    """Samples (T, ...) at fractional positions (K,) between 0 and T - 1: (K, ...) float32.

    >>> interpolate_rows(np.array([0, 10, 20], dtype=np.uint8), np.array([0.5, 2.0]))
    array([ 5., 20.], dtype=float32)
    """
    below = np.minimum(at.astype(int), len(samples) - 1)
    above = np.minimum(below + 1, len(samples) - 1)
    share = (at - below).astype(np.float32).reshape(-1, *[1] * (samples.ndim - 1))
    low = np.asarray(samples[below], dtype=np.float32)
    mixed: NDArray[Any] = low + share * (np.asarray(samples[above], dtype=np.float32) - low)
    return mixed


def segments(
    examples: Sequence[Example], fs: float, shortest_s: float, where: str
) -> list[Segment]:
    """Every stretch of at least `shortest_s` at `fs` samples a second, sorted by recording.

    RecordingError, naming `where`, if there is none.
    """
    found = [
        _stretch(example, resample_to_rate(part, fs))
        for example in sorted(examples, key=lambda example: example.recording)
        for part in example.inputs
        if len(part.samples) >= shortest_s * part.fs * (1 - 1e-3)
    ]
    if not found:
        raise RecordingError(
            f"{where}: none of {len(examples)} recordings has {shortest_s:g} s without a gap; "
            "choose a shorter clip_s or other recordings"
        )
    return found


def labelled_segments(
    examples: Sequence[Example], fs: float, shortest_s: float, where: str, *, rate: bool = False
) -> list[Segment]:
    """Those with `shortest_s` of the sensor's pulse at a stretch or, with `rate`, a heart rate.

    RecordingError, naming `where`, if there is none.
    """
    found = [
        part
        for part in segments(examples, fs, shortest_s, where)
        if _longest_run(part.pulse) >= shortest_s * fs * (1 - 1e-3)
        or (rate and part.rate_bpm is not None)
    ]
    if not found:
        kind = "heart rate" if rate else "pulse"
        raise RecordingError(
            f"{where}: no recording has a {kind} to learn from for {shortest_s:g} s without a gap; "
            "choose a shorter clip_s, other recordings, or copy the labels again"
        )
    return found


def _stretch(example: Example, part: Waveform) -> Segment:
    truth = example.ground_truth or GroundTruth()
    times = part.times_s()
    rate = _known(truth.heart_rate_at(times))
    return Segment(
        example.recording,
        example.subject,
        part.samples,
        part.start_s,
        pulse_at(truth, times),
        rate,
    )


def pulse_at(truth: GroundTruth, times_s: Array) -> NDArray[np.float32] | None:
    """The contact sensor's pulse at even `times_s`, or None if there is none.

    NaN in its gaps, and where it runs straight for so long that the sensor hung
    (`straight_segments`).
    """
    pulse = truth.pulse_at(times_s)
    if len(times_s) > 1:
        fs = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
        pulse[straight_segments(pulse[None], fs)[0]] = np.nan
    return _known(pulse)


def _longest_run(label: NDArray[np.float32] | None) -> int:
    """The longest run of samples that have a value.

    >>> _longest_run(np.array([1, np.nan, 2, 3], dtype=np.float32)), _longest_run(None)
    (2, 0)
    """
    if label is None:
        return 0
    breaks = np.flatnonzero(~np.isfinite(label))
    return int(np.diff(np.concatenate([[-1], breaks, [len(label)]])).max()) - 1


def _known(label: Array) -> NDArray[np.float32] | None:
    """The label, or None where no sample of it has a value."""
    return label.astype(np.float32) if np.isfinite(label).any() else None


class Clips:
    """Clips of `length` samples out of stretches that are at least about as long."""

    def __init__(self, parts: Sequence[Segment], length: int) -> None:
        self.parts = parts
        self.length = length
        self.by_recording: dict[str, list[int]] = {}
        for index, part in enumerate(parts):
            self.by_recording.setdefault(part.recording, []).append(index)

    def one_a_recording(
        self, rng: np.random.Generator, batch: int, passes: int
    ) -> Iterator[list[Cut]]:
        """Batches of clips at random places, all of different recordings; `passes` over the set.

        What is left of a pass when a batch no longer fills is dropped. With fewer recordings than
        a batch needs, it comes in multiples of two; RecordingError if there are fewer than two.
        """
        names = list(self.by_recording)
        size = min(batch, len(names) - len(names) % 2) if batch > 1 else 1
        if size < 1:
            raise RecordingError("this method contrasts recordings and needs two to learn from")
        for _ in range(passes):
            order = rng.permutation(len(names))
            for first in range(0, len(order) - size + 1, size):
                yield [self._anywhere(rng, names[k]) for k in order[first : first + size]]

    def _anywhere(self, rng: np.random.Generator, recording: str) -> Cut:
        indices = self.by_recording[recording]
        room = np.array([max(1, self._room(index) + 1) for index in indices])
        index = indices[int(rng.choice(len(indices), p=room / room.sum()))]
        return index, int(rng.integers(0, max(0, self._room(index)) + 1))

    def sliding(self, rng: np.random.Generator, batch: int, step: int) -> Iterator[list[Cut]]:
        """Batches of the clips that start every `step` samples, in random order; the rest too.

        A last batch of one clip is joined to the one before it: batch norm needs two.
        """
        cuts = self.all(step)
        order = rng.permutation(len(cuts))
        groups = [order[k : k + batch] for k in range(0, len(order), batch)]
        if len(groups) > 1 and len(groups[-1]) == 1:
            groups[-2:] = [np.concatenate(groups[-2:])]
        for group in groups:
            yield [cuts[k] for k in group]

    def batches(self, batch: int, step: int) -> int:
        """How many batches `sliding` gives."""
        clips = len(self.all(step))
        return max(1, clips // batch + (clips % batch > 1))

    def all(self, step: int) -> list[Cut]:
        """The clips that start every `step` samples, stretch by stretch."""
        return [
            (index, start)
            for index in range(len(self.parts))
            for start in range(0, max(0, self._room(index)) + 1, step)
        ]

    def _room(self, index: int) -> int:
        return len(self.parts[index].samples) - self.length

    def read(self, cut: Cut, speed: float = 1.0) -> NDArray[Any]:
        """The samples of a clip: (length, ...), played `speed` times faster than life.

        A faster clip reads on past its own end, and before its start where the stretch ends; a
        stretch that is too short is played again from its start (decision 5 of the fact sheet).
        """
        return self._played(self.parts[cut[0]].samples, cut[1], speed)

    def _played(self, samples: NDArray[Any], start: int, speed: float) -> NDArray[Any]:
        if speed == 1.0 and start + self.length <= len(samples):
            return samples[start : start + self.length]
        span = (self.length - 1) * speed
        begin = max(0.0, min(float(start), len(samples) - 1 - span))
        at = begin + np.arange(self.length) * speed
        return interpolate_rows(samples, np.mod(at, max(1, len(samples) - 1 + 1e-9)))

    def pulses(
        self, cuts: Sequence[Cut], speeds: Sequence[float] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The contact sensor's pulses of clips (B, length), and 1 where one is whole (B,).

        Played at `speeds` where given, as `read` does. A pulse with a gap counts as none, and is 0.
        """
        out = np.zeros((len(cuts), self.length), dtype=np.float32)
        known = np.zeros(len(cuts), dtype=np.float32)
        for row, (index, start) in enumerate(cuts):
            pulse = self.parts[index].pulse
            if pulse is None or (speeds is None and start + self.length > len(pulse)):
                continue
            piece = self._played(pulse, start, 1.0 if speeds is None else speeds[row])
            if np.isfinite(piece).all():
                out[row], known[row] = piece, 1.0
        return out, known

    def device_rates(self, cuts: Sequence[Cut]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The device's mean heart rate over clips in bpm (B,), and 1 where it is known (B,).

        A clip of which more than `RATE_LACK` has no reading has no rate.
        """
        out = np.zeros(len(cuts), dtype=np.float32)
        known = np.zeros(len(cuts), dtype=np.float32)
        for row, (index, start) in enumerate(cuts):
            rate = self.parts[index].rate_bpm
            piece = np.zeros(0) if rate is None else rate[start : start + self.length]
            given = len(piece)
            piece = piece[np.isfinite(piece)]
            if len(piece) and len(piece) >= (1 - RATE_LACK) * given:
                out[row], known[row] = piece.mean(), 1.0
        return out, known


def labelled_share(
    parts: Sequence[Segment], share: float, rng: np.random.Generator
) -> list[Segment]:
    """The same stretches with labels kept for a random `share` of those recordings that have one.

    The first int(n * share) of one random permutation, as in the public code of Z. Sun and X. Li,
    IEEE TPAMI 2024.
    """
    names = sorted({part.recording for part in parts if part.pulse is not None})
    order = rng.permutation(len(names))
    kept = {names[k] for k in order[: int(len(names) * share)]}
    return [
        part if part.recording in kept else replace(part, pulse=None, rate_bpm=None)
        for part in parts
    ]
