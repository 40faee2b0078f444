"""What a method needs to make its pulse while the frames arrive."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_RATE_ERROR = 1e-3
"""Share by which a frame rate may miss the rate of a network, as in a run: such frames are not
interpolated."""


@dataclass(frozen=True, kw_only=True)
class Streaming:
    """The frames from which a method makes `hop` further samples of its pulse.

    Hop k are the samples of frames k `hop` to before (k + 1) `hop`. They are made by a call of the
    method on these frames, up to `past` frames before them, and `ahead` frames after them, and are
    the samples that the method gives for the whole recording. So frames after these cannot change
    them. At the end of a recording the samples that still wait for frames are not made; there, a
    network may place a further window for the whole recording, which no stream has.

    Attributes:
        hop: frames from one call to the next.
        past: frames before the hop that change its samples.
        ahead: frames after the hop that change its samples.
    """

    hop: int
    past: int
    ahead: int

    def __post_init__(self) -> None:
        if self.hop < 1 or self.past < 0 or self.ahead < 0:
            raise ValueError(f"no stream: {self}")

    def look_ahead_s(self, fs: float) -> float:
        """Time from the first frame of a hop to the last frame that its samples wait for.

        That is the longest time that a sample waits; the last sample of a hop waits for `ahead`
        frames only.

        Args:
            fs: frames a second.

        >>> Streaming(hop=24, past=24, ahead=24).look_ahead_s(30.0)
        1.5666666666666667
        """
        return (self.hop - 1 + self.ahead) / fs


StreamingRule = Callable[[Mapping[str, Any], float], Streaming | None]
"""Gives the frames that a method needs, by all of its parameters and the frame rate in Hz; None
where a sample needs the whole recording."""


def overlapping_windows(length: int, step: int) -> Streaming:
    """The frames of a method that joins windows of one length, each made from its own frames.

    Args:
        length: frames of a window.
        step: frames from one window to the next, at most `length`.

    >>> overlapping_windows(300, 300), overlapping_windows(300, 150)
    (Streaming(hop=300, past=0, ahead=0), Streaming(hop=150, past=150, ahead=150))
    """
    overlap = math.ceil((length - step) / step) * step
    return Streaming(hop=step, past=overlap, ahead=length - step)


def half_overlapping_windows(window_s: float, fs: float) -> Streaming | None:
    """The frames of a method whose windows begin every half window; None for windows of 0 s.

    Args:
        window_s: length of a window.
        fs: frames a second.

    >>> half_overlapping_windows(1.6, 30.0)
    Streaming(hop=24, past=24, ahead=24)
    """
    half = math.ceil(window_s * fs / 2)
    return overlapping_windows(2 * half, half) if half else None


def network_windows(length_s: str, step_s: str = "") -> StreamingRule:
    """The rule of a network that reads windows at the rate of its parameter `fs`.

    Args:
        length_s: the parameter that has the length of a window in seconds.
        step_s: the parameter that has the time from one window to the next; by default windows
            adjoin.

    Returns:
        A rule that gives None for other frame rates: there, frames are interpolated first.

    >>> rule = network_windows("clip_s")
    >>> rule({"clip_s": 10.0, "fs": 30.0}, 30.0)
    Streaming(hop=300, past=0, ahead=0)
    >>> rule({"clip_s": 10.0, "fs": 30.0}, 25.0)
    """

    def rule(params: Mapping[str, Any], fs: float) -> Streaming | None:
        own_fs = float(params["fs"])
        if abs(fs / own_fs - 1) >= MAX_RATE_ERROR:
            return None
        length = round(params[length_s] * own_fs)
        return overlapping_windows(length, round(params[step_s] * own_fs) if step_s else length)

    return rule
