"""The clock of the frames of a video."""

from dataclasses import dataclass

import numpy as np

from rppgbench.core.waveform import Array, Signal


@dataclass(frozen=True)
class FrameClock:
    """The clock of the frames of a video, by their decoded times or by the container.

    `start_s` is the time of the first frame and `end_s` the end of the last one's interval, in
    seconds on the clock of the recording; `frames` is their number.
    """

    start_s: float
    end_s: float
    frames: int

    @classmethod
    def from_times(cls, times_s: Array) -> "FrameClock | None":
        """The clock of frames at `times_s` (T,), in seconds; None with fewer than two frames.

        Times that are not numbers, repeat or go backward do not count.

        >>> FrameClock.from_times(np.array([0.0, 0.5, 0.5, 1.0]))
        FrameClock(start_s=0.0, end_s=1.5, frames=3)
        """
        finite_s = np.asarray(times_s, dtype=np.float64)
        finite_s = finite_s[np.isfinite(finite_s)]
        finite_s = Signal(finite_s, finite_s).in_order().times_s
        if len(finite_s) < 2:
            return None
        first, last = float(finite_s[0]), float(finite_s[-1])
        return cls(first, last + (last - first) / (len(finite_s) - 1), len(finite_s))

    @property
    def lasts_s(self) -> float:
        """The duration from the first frame to the end of the last one, in seconds."""
        return self.end_s - self.start_s

    @property
    def interval_s(self) -> float:
        """The mean time from one frame to the next, in seconds."""
        return self.lasts_s / self.frames
