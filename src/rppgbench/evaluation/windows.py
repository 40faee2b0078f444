"""Positions of the windows of a recording."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.evaluation.evaluator import FixedWindow, PartsWindow, WholeWindow

Starts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Block:
    """Windows of one length.

    Attributes:
        first: Number of the first of them; the others follow.
        starts: First sample of each (W,).
        samples: Samples of a window.
    """

    first: int
    starts: Starts
    samples: int

    def slice(self, signals: Array) -> Array:
        """The windows of signals (n, T): (n, W, samples), a view where they are evenly spaced."""
        view = np.lib.stride_tricks.sliding_window_view(signals, self.samples, axis=-1)
        strides = np.unique(np.diff(self.starts))
        if len(strides) == 1:
            return view[:, self.starts[0] : self.starts[-1] + 1 : strides[0]]
        return view[:, self.starts]


class RateWindow(NamedTuple):
    """A window of one recording with its heart rate, and that of the reference.

    Attributes:
        start_s: Start in seconds.
        duration_s: Duration in seconds.
        heart_rate_bpm: Heart rate in bpm; NaN where there is none.
        snr_db: Signal-to-noise ratio in dB; NaN where there is none.
        reference_bpm: Heart rate of the reference in bpm; NaN where there is none.
    """

    start_s: float
    duration_s: float
    heart_rate_bpm: float
    snr_db: float
    reference_bpm: float = float("nan")


def min_samples(fs: float, window: WholeWindow | FixedWindow | PartsWindow) -> int:
    """The samples that a recording needs for one window.

    Args:
        fs: Samples per second.
        window: The declared window.
    """
    shortest = max(math.ceil(window.shortest_s * fs - 1e-9), 2)
    if isinstance(window, FixedWindow):
        return max(min(shortest, round(window.length_s * fs)), 2)
    return max(shortest, 2 * window.parts) if isinstance(window, PartsWindow) else shortest


def layout_windows(
    samples: int, fs: float, window: WholeWindow | FixedWindow | PartsWindow
) -> list[Block]:
    """The windows of a recording, in order of time.

    The k-th window of fixed length starts at the sample nearest to k strides, so that rounding does
    not add up over a recording. The rest at the end is a shorter window from `shortest_s` on.

    Args:
        samples: Samples of the recording.
        fs: Samples per second.
        window: The declared window.

    Returns:
        Blocks of windows of one length, longest first; none where the recording is too short.

    >>> from rppgbench.evaluation.evaluator import FixedWindow
    >>> ten = FixedWindow(kind="fixed", length_s=10.0, stride_s=10.0, shortest_s=9.0)
    >>> [(b.first, b.starts.tolist(), b.samples) for b in layout_windows(890, 30.0, ten)]
    [(0, [0, 300], 300), (2, [600], 290)]
    """
    shortest = min_samples(fs, window)
    if samples < shortest:
        return []
    if isinstance(window, WholeWindow):
        return [Block(0, np.zeros(1, np.int64), samples)]
    if isinstance(window, PartsWindow):
        part = samples // window.parts
        return [Block(0, part * np.arange(window.parts), part)]
    length = round(window.length_s * fs)
    if window.stride_s == "frame":
        starts = np.arange(samples)
    else:
        count = int(samples / fs / window.stride_s) + 1
        starts = np.round(np.arange(count) * window.stride_s * fs).astype(np.int64)
    remaining = np.minimum(samples - starts, length)
    starts, remaining = starts[remaining >= shortest], remaining[remaining >= shortest]
    blocks = []
    for size in sorted(set(remaining.tolist()), reverse=True):  # later windows are never longer
        at = np.flatnonzero(remaining == size)
        blocks.append(Block(int(at[0]), starts[at], size))
    return blocks


def nearest_window(blocks: list[Block], samples: int) -> Starts:
    """The window whose centre is nearest to each sample.

    Args:
        blocks: The windows, as `layout_windows` returns them.
        samples: Samples of the recording.

    Returns:
        Numbers of windows (samples,).
    """
    centres = np.concatenate([b.starts + (b.samples - 1) / 2 for b in blocks])
    between = (centres[1:] + centres[:-1]) / 2
    return np.searchsorted(between, np.arange(samples), side="right").astype(np.int64)
