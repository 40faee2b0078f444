"""Samples in time: waveforms at a steady rate, signals with timestamps."""

from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING_S = 1e-9
"""Times that differ by less are the same: a nanosecond, the rounding of sums of intervals."""


@dataclass(frozen=True, eq=False)
class Waveform:
    """Samples taken `fs` times a second from `start_s` on, on the clock of the recording.

    `samples` is (T,) for a pulse, (T, 3) for an RGB trace, (T, 3, 3) for the pixels' second
    moments. The classical methods also take a batch of equally long recordings: (..., T, 3).
    Samples without an estimate are NaN.

    `confidence` is that of a method in its own pulse, by its own definition: values from 0, no
    trust, to 1, certain, each at its time on the clock of the recording. The times are those of the
    samples or of windows; NaN is no value. None where the method gives no confidence.
    """

    samples: Array
    fs: float
    start_s: float = 0.0
    _: KW_ONLY
    confidence: "Signal | None" = None

    def times_s(self, axis: int = 0) -> Array:
        """The time of every sample along `axis`, in seconds: (T,)."""
        times: Array = self.start_s + np.arange(self.samples.shape[axis]) / self.fs
        return times


def lasts(waveform: Waveform, seconds: float) -> bool:
    """Whether a waveform is long enough for a clip, but for one sample.

    A video of exactly 10 s spans 10 s less one frame. Interpolated from 20, 24 or 25 to 30 samples
    a second it therefore has 299 samples, not 300.

    Args:
        waveform: samples (T, ...).
        seconds: length of the clip.

    Examples:
        >>> [lasts(Waveform(np.zeros(count), 30.0), 10.0) for count in (300, 299, 298)]
        [True, True, False]
    """
    return len(waveform.samples) >= round(seconds * waveform.fs) - 1


@dataclass(frozen=True, eq=False)
class Signal:
    """Values with a timestamp each, as a label file or an uneven video has them.

    `values` is (N,) or (N, C); `times_s` is (N,), in seconds on the clock of the recording,
    strictly increasing (`in_order` makes it so).
    """

    values: Array
    times_s: Array

    def __post_init__(self) -> None:
        if self.times_s.ndim != 1 or len(self.times_s) != len(self.values):
            raise ValueError(
                f"one time a value: {self.times_s.shape} times for {self.values.shape} values"
            )

    @property
    def duration_s(self) -> float:
        """From the first value to the last, in seconds."""
        return float(self.times_s[-1] - self.times_s[0]) if len(self.times_s) else 0.0

    @property
    def fs(self) -> float:
        """The mean rate, in values per second.

        Examples:
            >>> Signal(np.zeros(3), np.array([0.0, 0.4, 1.0])).fs
            2.0
        """
        return (len(self.times_s) - 1) / self.duration_s if self.duration_s > 0 else 0.0

    def in_order(self) -> "Signal":
        """The same values without those whose time is repeated or goes backward.

        Examples:
            >>> Signal(np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 1, 2])).in_order().values
            array([1., 2., 4.])
        """
        if not len(self.times_s):
            return self
        latest = np.maximum.accumulate(self.times_s)
        keep = np.concatenate([[True], self.times_s[1:] > latest[:-1]])
        return Signal(self.values[keep], self.times_s[keep])

    @property
    def interval_s(self) -> float:
        """The median time from one value to the next, in seconds; 0 with fewer than two values.

        Examples:
            >>> Signal(np.zeros(4), np.array([0.0, 1.0, 2.0, 9.0])).interval_s
            1.0
        """
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0

    def broken(self, gap_s: float) -> "Signal":
        """The same values with a NaN in the middle of every gap: a line that is drawn stops there.

        Examples:
            >>> Signal(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 5.0])).broken(2.0).values
            array([ 1.,  2., nan,  3.])
        """
        wide = np.flatnonzero(np.diff(self.times_s) > gap_s + ROUNDING_S)
        middle = (self.times_s[wide] + self.times_s[wide + 1]) / 2
        values = np.insert(self.values.astype(np.float64), wide + 1, np.nan, axis=0)
        return Signal(values, np.insert(self.times_s, wide + 1, middle))

    def at(self, times_s: Array, gap_s: float) -> Array:
        """Linear interpolation in time, never across a gap: (T,) to (T,) or (T, C).

        Args:
            times_s: (T,), in seconds on the clock of the recording.
            gap_s: between two values further apart than this many seconds there is no value;
                infinite interpolates across everything. `GroundTruth.pulse_at` and
                `GroundTruth.heart_rate_at` know the limits of references.

        Returns:
            NaN before the first value, after the last, and within a gap. At the time of a value
            it is that value, on the edge of a gap too.

        Examples:
            >>> rate = Signal(np.array([60.0, 80.0, 80.0]), np.array([0.0, 1.0, 9.0]))
            >>> rate.at(np.array([0.25, 5.0, 9.0, 10.0]), gap_s=2.0)
            array([65., nan, 80., nan])
        """
        columns = self.values.reshape(len(self.values), -1)
        parts = [
            np.interp(times_s, self.times_s, column, left=np.nan, right=np.nan)
            for column in columns.T
        ]
        out: Array = np.stack(parts, axis=-1).reshape(len(times_s), *self.values.shape[1:])
        wide = np.diff(self.times_s) > gap_s + ROUNDING_S
        if wide.any():
            after = np.searchsorted(self.times_s, times_s)
            within = (after > 0) & (after < len(self.times_s))
            after = np.where(within, after, 1)
            out[within & wide[after - 1] & (self.times_s[after] != times_s)] = np.nan
        return out
