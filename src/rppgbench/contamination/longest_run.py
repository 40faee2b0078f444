"""The longest run of usable samples or frames."""

import numpy as np
from numpy.typing import NDArray


def longest_run(usable: NDArray[np.bool_]) -> tuple[int, int]:
    """First element of the longest run of True (N,), and the one after its last.

    >>> longest_run(np.array([True, False, True, True, False]))
    (2, 4)
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], usable, [False]])))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int((stops - starts).argmax())
    return int(starts[longest]), int(stops[longest])
