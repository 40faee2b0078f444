"""Clips of equal length, cut from recordings, to learn from."""

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.neural.segments import Segment, interpolate_rows
from rppgbench.system.errors import RecordingError

ClipStart = tuple[int, int]
"""Index of a segment, and the sample of that segment at which a clip starts."""

MAX_MISSING_SHARE = 0.25
"""Greatest share of a clip without readings of the device, as `gap_share` of the evaluators."""


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
