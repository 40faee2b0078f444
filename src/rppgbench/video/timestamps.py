"""The times of the frames of a video."""

from collections.abc import Iterator

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.system.errors import RecordingError

RIGHT_RATE = "write the video again at its true rate (ffmpeg -r RATE -i FILE OUT.mkv)"
"""The way out where the frame rate of a file is unknown or wrong."""

FALLBACK_FPS = 25.0
"""The rate of a stream that has neither timestamps nor a rate; it is named in a warning."""

LOWEST_FPS, HIGHEST_FPS = 5.0, 250.0
"""The frame rates at which people film a pulse.

Below 5 a second a pulse of 150 bpm is no longer sampled twice a beat. The fastest public recordings
have 120; what is above 250 (600 and 1000 are common) is a time base that was taken for a rate.
"""


def implausible_rate(fps: float) -> str:
    """A line if no camera that films a pulse runs at `fps` frames a second, else "".

    >>> implausible_rate(30.0)
    ''
    >>> implausible_rate(600.0).split(";")[0]
    '600 frames a second: no camera films a face at this rate, so the times are wrong'
    """
    if LOWEST_FPS <= fps <= HIGHEST_FPS:
        return ""
    what = "no camera films a face at this rate, so the times are wrong"
    if fps < LOWEST_FPS:
        what = "too few for a pulse, or the times are wrong"
    return f"{fps:.4g} frames a second: {what}; {RIGHT_RATE}"


class FrameTimes:
    """Gives every frame its time: a given one, else the source's own, else by the nominal rate.

    Times that it gives out are strictly increasing; a frame whose time does not advance is counted
    and gets none.
    """

    def __init__(self, given: Array | None, rate_fps: float | None, where: str) -> None:
        self.given = given
        self.rate_fps = rate_fps
        self.where = where
        self.compared = True  # given times with the source's own
        self.seen = 0  # position after the last frame that was asked about
        self.used = 0
        self._first_s = 0.0
        self._last_s = -np.inf
        self._own_s: tuple[float, float] | None = None  # the source's clock, first and last
        self._own_frames_s = (0.0, 0.0)  # the times given out for these two frames
        self._guessed = 0
        self._still = 0
        self._first_still = -1
        self._gaps = 0
        self._longest_s = 0.0
        self._cut = ""

    def time(self, position: int, stamp_s: float | None) -> float | None:
        """The time in seconds of the frame at `position`, None where it is to be left out.

        >>> clock = FrameTimes(None, 10.0, "a.avi")
        >>> [clock.time(i, stamp) for i, stamp in enumerate([0.0, None, 0.1, 0.3])]
        [0.0, 0.1, None, 0.3]
        >>> list(clock.notes())[1].split(":")[0]
        '1 frame left out'
        """
        self.seen = position + 1
        if self.given is None:
            time_s = stamp_s if stamp_s is not None else self._guess()
        elif position < len(self.given):
            time_s = float(self.given[position])
        else:
            self._check(self.seen, None)
            return None
        if not self._last_s < time_s < np.inf:
            self._first_still = self._first_still if self._still else position
            self._still += 1
            return None
        if not self.used:
            self._first_s = time_s
        elif time_s - self._last_s > 5 / (self.given_fps or self.rate_fps or FALLBACK_FPS):
            self._gaps += 1
            self._longest_s = max(self._longest_s, time_s - self._last_s)
        self._last_s = time_s
        self.used += 1
        if stamp_s is not None:
            first = self._own_s is None
            self._own_s = (stamp_s if self._own_s is None else self._own_s[0], stamp_s)
            self._own_frames_s = (time_s if first else self._own_frames_s[0], time_s)
        return time_s

    def end(self, positions: int, expected: int | None) -> None:
        """All is read: `RecordingError` where the given times do not fit the frames.

        `positions` counts the frames that were read, those too that do not decode; `expected` is
        what the container announces.
        """
        if self.given is None or len(self.given) == positions:
            return
        self._check(positions, expected)
        side = "times" if len(self.given) > positions else "frames"
        extra = abs(len(self.given) - positions)
        self._cut = f"{len(self.given)} times for {positions} frames: the last {extra} {side} cut"

    @property
    def fps(self) -> float | None:
        """The mean rate of the frames that have a time."""
        return (self.used - 1) / (self._last_s - self._first_s) if self.used > 1 else None

    @property
    def given_fps(self) -> float | None:
        """The mean rate of the given times."""
        if self.given is None or len(self.given) < 2 or not self.given[-1] > self.given[0]:
            return None
        return float((len(self.given) - 1) / (self.given[-1] - self.given[0]))

    @property
    def duration_s(self) -> float:
        """From the first frame to the last, and one mean interval for the last itself."""
        if not self.used:
            return 0.0
        return self._last_s - self._first_s + 1 / (self.fps or self.rate_fps or FALLBACK_FPS)

    @property
    def own_end_s(self) -> float | None:
        """The last time on the source's own clock, and one nominal interval."""
        return self._own_s[1] + 1 / (self.rate_fps or FALLBACK_FPS) if self._own_s else None

    def notes(self) -> Iterator[str]:
        """What did not fit, in words."""
        if self._guessed:
            rate = f"{self.rate_fps:.2f}" if self.rate_fps else f"{FALLBACK_FPS:.2f} (assumed)"
            yield f"{pluralise(self._guessed, 'frame')} without a time: placed at {rate} fps"
        if self._still:
            yield (
                f"{pluralise(self._still, 'frame')} left out: time repeated, going back or missing"
                f" (first: frame {self._first_still})"
            )
        if self._gaps:
            yield f"{pluralise(self._gaps, 'gap')} in time (longest: {self._longest_s:.2f} s)"
        if self._cut:
            yield self._cut
        if self.compared and self.given is not None and self._own_s is not None:
            own = self._own_s[1] - self._own_s[0]
            here = self._own_frames_s[1] - self._own_frames_s[0]
            interval = own / max(self.used - 1, 1)
            if own > 0 and abs(here - own) > max(0.01 * own, interval):
                yield f"the given times run {here / own:.3f} x as long as the container's own"

    def _guess(self) -> float:
        self._guessed += 1
        return self._last_s + 1 / (self.rate_fps or FALLBACK_FPS) if self.used else 0.0

    def _check(self, frames: int, expected: int | None) -> None:
        """Raise where times and frames are further apart than a cut may mend."""
        times = len(self.given) if self.given is not None else frames
        slack = max(3, round(0.01 * max(times, frames)))
        truncated = expected is not None and frames < expected and abs(times - expected) <= slack
        if abs(times - frames) > slack and not truncated:
            more = "" if expected is not None or times > frames else " or more"
            raise RecordingError(
                f"{self.where}: {times} frame times for {frames} frames{more};"
                " check that the times are those of this video"
            )


def pluralise(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one.

    >>> pluralise(1, "frame"), pluralise(2, "frame")
    ('1 frame', '2 frames')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
