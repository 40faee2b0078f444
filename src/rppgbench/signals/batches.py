"""Batches of recordings in blocks that fit the cache."""

from collections.abc import Callable, Iterator

import numpy as np

from rppgbench.core.waveform import Array

BLOCK = 1 << 14
"""Samples of one channel that are processed at once: 128 KiB of each array in use."""


def blocks(recordings: int, samples: int) -> Iterator[slice]:
    """Slices of recordings that have at most `BLOCK` samples together, or are one recording.

    Args:
        recordings: Number of recordings.
        samples: Samples of each.

    >>> [(b.start, b.stop) for b in blocks(20, 1800)]
    [(0, 9), (9, 18), (18, 20)]
    """
    step = max(1, BLOCK // max(1, samples))
    for start in range(0, recordings, step):
        yield slice(start, min(start + step, recordings))


def in_blocks(estimate: Callable[..., Array], *batches: Array, inner: int) -> Array:
    """Apply a function to blocks of recordings, so that its working memory is that of a block.

    Args:
        estimate: Takes and returns any number of recordings along the first axis. The result for a
            recording may not depend on the others.
        *batches: Arrays (..., T, ...), one or several.
        inner: How many of the last axes belong to one recording.

    Returns:
        The results (..., T'), equal to those of one call.

    Raises:
        ValueError: There is no recording.

    >>> in_blocks(lambda x: x.sum(axis=2), np.ones((2, 5, 900, 3)), inner=2).shape
    (2, 5, 900)
    """
    lead = batches[0].shape[: batches[0].ndim - inner]
    flat = [batch.reshape(-1, *batch.shape[batch.ndim - inner :]) for batch in batches]
    count = len(flat[0])
    if not count:
        raise ValueError("a batch of no recordings")
    result = None
    for block in blocks(count, max(flat[0].shape[1:])):
        part = estimate(*(batch[block] for batch in flat))
        if result is None:
            if len(part) == count:
                return part.reshape(*lead, *part.shape[1:])
            result = np.empty((count, *part.shape[1:]))
        result[block] = part
    assert result is not None
    return result.reshape(*lead, *result.shape[1:])
