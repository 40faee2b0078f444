"""Batches of recordings in blocks that fit the cache."""

from collections.abc import Callable, Iterator

import numpy as np

from rppgbench.core.waveform import Array

BLOCK = 1 << 14
"""How many samples of one channel are worked on at once: 128 KiB of each array in use."""


def blocks(recordings: int, samples: int) -> Iterator[slice]:
    """Cut `recordings` of so many samples into blocks of `BLOCK` samples or of one recording.

    >>> [(b.start, b.stop) for b in blocks(20, 1800)]
    [(0, 9), (9, 18), (18, 20)]
    """
    step = max(1, BLOCK // max(1, samples))
    for start in range(0, recordings, step):
        yield slice(start, min(start + step, recordings))


def in_blocks(estimate: Callable[..., Array], *batches: Array, inner: int) -> Array:
    """Apply `estimate` to blocks of batches (..., T, ...) and put its results (..., T') together.

    The last `inner` axes are one recording's, and `estimate` takes and gives any number of
    recordings along one axis in front of them. What it does to a recording may not depend on the
    others, so the result is that of one call; the working memory is that of a block. ValueError
    for a batch of no recordings.

    >>> in_blocks(lambda x: x.sum(axis=2), np.ones((2, 5, 900, 3)), inner=2).shape
    (2, 5, 900)
    """
    lead = batches[0].shape[: batches[0].ndim - inner]
    flat = [batch.reshape(-1, *batch.shape[batch.ndim - inner :]) for batch in batches]
    count = len(flat[0])
    if not count:
        raise ValueError("a batch of no recordings")
    whole = None
    for block in blocks(count, max(flat[0].shape[1:])):
        part = estimate(*(batch[block] for batch in flat))
        if whole is None:
            if len(part) == count:
                return part.reshape(*lead, *part.shape[1:])
            whole = np.empty((count, *part.shape[1:]))
        whole[block] = part
    assert whole is not None
    return whole.reshape(*lead, *whole.shape[1:])
