"""Assign times to the frames of a video."""

from collections.abc import Iterator

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.system.errors import RecordingError
from rppgbench.system.plural import pluralise

RIGHT_RATE = "write the video again at its true rate (ffmpeg -r RATE -i FILE OUT.mkv)"
"""Advice for a file whose frame rate is unknown or wrong."""

FALLBACK_FPS = 25.0
"""The rate of a stream without timestamps and rate; a warning states it."""

MIN_FPS, MAX_FPS = 5.0, 250.0
"""The plausible frame rates of a recording.

Below 5 frames a second a pulse of 150 bpm has fewer than two samples a beat. The fastest public
recordings have 120 frames a second; rates above 250 (600 and 1000 are common) are time bases that
were read as rates.
"""


def implausible_rate(fps: float) -> str:
    """A warning for a frame rate that no camera uses to record a pulse, else "".

    >>> implausible_rate(30.0)
    ''
    >>> implausible_rate(600.0).split(";")[0]
    '600 frames a second: no camera records a face at this rate, so the times are wrong'
    """
    if MIN_FPS <= fps <= MAX_FPS:
        return ""
    reason = "no camera records a face at this rate, so the times are wrong"
    if fps < MIN_FPS:
        reason = "too few for a pulse, or the times are wrong"
    return f"{fps:.4g} frames a second: {reason}; {RIGHT_RATE}"


class FrameTimes:
    """Assigns each frame the time of the data set, else of the source, else of the nominal rate.

    Assigned times are strictly increasing; a frame whose time does not advance has none and is
    counted.

    Attributes:
        supplied: times (T,) in seconds that the data set supplies, or None.
        rate_fps: nominal frame rate, or None.
        location: the video, for messages.
        compare_clocks: whether the supplied times are compared with the times of the source.
        position_count: number of positions so far.
        timed_count: number of frames with a time.
    """

    def __init__(self, supplied: Array | None, rate_fps: float | None, location: str) -> None:
        self.supplied = supplied
        self.rate_fps = rate_fps
        self.location = location
        self.compare_clocks = True
        self.position_count = 0
        self.timed_count = 0
        self._first_s = 0.0
        self._last_s = -np.inf
        self._source_s: tuple[float, float] | None = None  # first and last time of the source
        self._assigned_s = (0.0, 0.0)  # the assigned times of these two frames
        self._placed = 0
        self._repeated = 0
        self._first_repeated = -1
        self._gaps = 0
        self._longest_s = 0.0
        self._cut = ""

    def time(self, position: int, stamp_s: float | None) -> float | None:
        """Assign the time of the next frame.

        Args:
            position: number of the frame, counting frames that do not decode.
            stamp_s: time of the frame on the clock of the source, or None.

        Returns:
            The time in seconds; None for a frame that is left out.

        >>> clock = FrameTimes(None, 10.0, "a.avi")
        >>> [clock.time(i, stamp) for i, stamp in enumerate([0.0, None, 0.1, 0.3])]
        [0.0, 0.1, None, 0.3]
        >>> list(clock.notes())[1].split(":")[0]
        '1 frame left out'
        """
        self.position_count = position + 1
        if self.supplied is None:
            time_s = stamp_s if stamp_s is not None else self._next_nominal_s()
        elif position < len(self.supplied):
            time_s = float(self.supplied[position])
        else:
            self._check(self.position_count, None)
            return None
        if not self._last_s < time_s < np.inf:
            self._first_repeated = self._first_repeated if self._repeated else position
            self._repeated += 1
            return None
        if not self.timed_count:
            self._first_s = time_s
        elif time_s - self._last_s > 5 / (self.supplied_fps or self.rate_fps or FALLBACK_FPS):
            self._gaps += 1
            self._longest_s = max(self._longest_s, time_s - self._last_s)
        self._last_s = time_s
        self.timed_count += 1
        if stamp_s is not None:
            first = self._source_s is None
            self._source_s = (stamp_s if self._source_s is None else self._source_s[0], stamp_s)
            self._assigned_s = (time_s if first else self._assigned_s[0], time_s)
        return time_s

    def end(self, positions: int, expected: int | None) -> None:
        """Compare the numbers of times and frames; called after the last frame.

        Args:
            positions: number of frames, counting frames that do not decode.
            expected: number of frames that the container states, or None.

        Raises:
            RecordingError: the supplied times do not fit the frames.
        """
        if self.supplied is None or len(self.supplied) == positions:
            return
        self._check(positions, expected)
        side = "times" if len(self.supplied) > positions else "frames"
        extra = abs(len(self.supplied) - positions)
        self._cut = (
            f"{len(self.supplied)} times for {positions} frames: the last {extra} {side} cut"
        )

    @property
    def fps(self) -> float | None:
        """The mean rate of the frames with a time."""
        return (
            (self.timed_count - 1) / (self._last_s - self._first_s)
            if self.timed_count > 1
            else None
        )

    @property
    def supplied_fps(self) -> float | None:
        """The mean rate of the supplied times."""
        if (
            self.supplied is None
            or len(self.supplied) < 2
            or not self.supplied[-1] > self.supplied[0]
        ):
            return None
        return float((len(self.supplied) - 1) / (self.supplied[-1] - self.supplied[0]))

    @property
    def duration_s(self) -> float:
        """Time from the first frame to the last, plus one mean interval."""
        if not self.timed_count:
            return 0.0
        return self._last_s - self._first_s + 1 / (self.fps or self.rate_fps or FALLBACK_FPS)

    @property
    def source_end_s(self) -> float | None:
        """The last time on the clock of the source, plus one nominal interval."""
        return self._source_s[1] + 1 / (self.rate_fps or FALLBACK_FPS) if self._source_s else None

    def notes(self) -> Iterator[str]:
        """Faults of the times, one line each."""
        if self._placed:
            rate = f"{self.rate_fps:.2f}" if self.rate_fps else f"{FALLBACK_FPS:.2f} (assumed)"
            yield f"{pluralise(self._placed, 'frame')} without a time: placed at {rate} fps"
        if self._repeated:
            yield (
                f"{pluralise(self._repeated, 'frame')} left out: time repeated, going back or "
                f"missing (first: frame {self._first_repeated})"
            )
        if self._gaps:
            yield f"{pluralise(self._gaps, 'gap')} in time (longest: {self._longest_s:.2f} s)"
        if self._cut:
            yield self._cut
        if self.compare_clocks and self.supplied is not None and self._source_s is not None:
            source_s = self._source_s[1] - self._source_s[0]
            assigned_s = self._assigned_s[1] - self._assigned_s[0]
            interval_s = source_s / max(self.timed_count - 1, 1)
            if source_s > 0 and abs(assigned_s - source_s) > max(0.01 * source_s, interval_s):
                ratio = assigned_s / source_s
                yield f"the given times run {ratio:.3f} x as long as the container's own"

    def _next_nominal_s(self) -> float:
        self._placed += 1
        return self._last_s + 1 / (self.rate_fps or FALLBACK_FPS) if self.timed_count else 0.0

    def _check(self, frames: int, expected: int | None) -> None:
        """Raise if times and frames differ by more than may be cut."""
        times = len(self.supplied) if self.supplied is not None else frames
        slack = max(3, round(0.01 * max(times, frames)))
        truncated = expected is not None and frames < expected and abs(times - expected) <= slack
        if abs(times - frames) > slack and not truncated:
            more = "" if expected is not None or times > frames else " or more"
            raise RecordingError(
                f"{self.location}: {times} frame times for {frames} frames{more};"
                " check that the times are those of this video"
            )
