"""Batches of made-up arrays, for trainings that read no clips."""

from collections.abc import Callable

import numpy as np

from rppgbench.neural.batches import Batch, BatchSource


def make_batches(count: int, read: Callable[[int, np.random.Generator], Batch]) -> BatchSource:
    """Make batches from their numbers in the epoch.

    Args:
        count: batches in an epoch.
        read: makes the arrays of a batch from its number and its random source.
    """
    return BatchSource(
        lambda rng: [[(number, 0)] for number in range(count)],
        lambda starts, rng: read(starts[0][0], rng),
    )
