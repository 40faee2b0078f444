"""Where the windows of a recording lie."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.evaluation.evaluator import FixedWindow, PartsWindow, WholeWindow

Starts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Block:
    """Windows of `samples` samples from each of `starts` on, numbered from `first` on."""

    first: int
    starts: Starts
    samples: int

    def cut(self, signals: Array) -> Array:
        """The windows of signals (n, T): (n, W, samples), a view where they are evenly spaced."""
        view = np.lib.stride_tricks.sliding_window_view(signals, self.samples, axis=-1)
        hops = np.unique(np.diff(self.starts))
        if len(hops) == 1:
            return view[:, self.starts[0] : self.starts[-1] + 1 : hops[0]]
        return view[:, self.starts]


def min_samples(fs: float, window: WholeWindow | FixedWindow | PartsWindow) -> int:
    """How many samples a recording needs at least to hold a window."""
    shortest = max(math.ceil(window.shortest_s * fs - 1e-9), 2)
    if isinstance(window, FixedWindow):
        return max(min(shortest, round(window.length_s * fs)), 2)
    return max(shortest, 2 * window.parts) if isinstance(window, PartsWindow) else shortest


def layout_windows(
    samples: int, fs: float, window: WholeWindow | FixedWindow | PartsWindow
) -> list[Block]:
    """The windows of a recording of `samples` samples, in order of time; none where it is short.

    The k-th of fixed length starts at the sample nearest to k strides, so that rounding does not
    add up over a recording. What is left at the end is a shorter window from `shortest_s` on.

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
    left = np.minimum(samples - starts, length)
    starts = starts[left >= shortest]
    left = np.minimum(samples - starts, length)
    blocks = []
    for size in sorted(set(left.tolist()), reverse=True):  # later windows are never longer
        at = np.flatnonzero(left == size)
        blocks.append(Block(int(at[0]), starts[at], size))
    return blocks


def nearest_window(blocks: list[Block], samples: int) -> Starts:
    """For every sample the number of the window whose centre is nearest: (samples,)."""
    centres = np.concatenate([b.starts + (b.samples - 1) / 2 for b in blocks])
    between = (centres[1:] + centres[:-1]) / 2
    return np.searchsorted(between, np.arange(samples), side="right").astype(np.int64)
