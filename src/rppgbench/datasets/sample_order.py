"""The samples of labels in the order of their times, and counts of samples for warnings."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Signal


def order_samples(signal: Signal, subject: str, warnings: list[str]) -> Signal:
    """A signal without samples whose time is no number, is repeated or goes backward.

    Args:
        signal: the samples (N,) as the label file has them.
        subject: what they are of, for the warning.
        warnings: takes a warning with the number of samples that are left out.

    >>> lines = []
    >>> order_samples(Signal(np.array([1.0, 2.0]), np.array([0.0, 0.0])), "pulse", lines).values
    array([1.])
    >>> lines
    ['pulse: 1 timestamps are repeated or go backward: left out']
    """
    timed = np.isfinite(signal.times_s)
    ordered = Signal(signal.values[timed], signal.times_s[timed]).in_order()
    left_out = len(signal.times_s) - len(ordered.times_s)
    if left_out:
        warnings.append(f"{subject}: {left_out} timestamps are repeated or go backward: left out")
    return ordered


def format_count(mask: NDArray[np.bool_]) -> str:
    """How many samples (N,) a mask holds, for a warning.

    >>> format_count(np.array([True, False]))
    '1 of 2'
    """
    return f"{int(np.count_nonzero(mask))} of {len(mask)}"
