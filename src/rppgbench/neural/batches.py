"""The batches of a training: which clips each holds, and how they are read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.neural.clips import ClipStart

Batch = Mapping[str, NDArray[Any]]
"""Arrays by name, all as long as the batch."""


@dataclass(frozen=True)
class BatchSource:
    """The batches of every epoch.

    The clips of an epoch are chosen in order, by one random source. A batch is read with a random
    source of its own, so that its content does not depend on which thread reads it, or when.

    Attributes:
        choose: the clips of each batch of an epoch, from the epoch's random source.
        read: the arrays of a batch, from its clips and its random source. Several threads call it
            at once, so it changes nothing.
    """

    choose: Callable[[np.random.Generator], Iterable[Sequence[ClipStart]]]
    read: Callable[[Sequence[ClipStart], np.random.Generator], Batch]


class BatchesTaken(Exception):
    """A training was left before its first step: within `take_batches`, with what it would read."""

    def __init__(self, source: BatchSource, stage: str) -> None:
        super().__init__(stage)
        self.source, self.stage = source, stage


_taking: ContextVar[bool] = ContextVar("taking", default=False)


@contextmanager
def take_batches() -> Iterator[None]:
    """Within this context a training ends with `BatchesTaken` before a stage with epochs."""
    token = _taking.set(True)
    try:
        yield
    finally:
        _taking.reset(token)


def offer_batches(source: BatchSource, stage: str) -> None:
    """Leave a training before its first step where only its batches are wanted.

    Args:
        source: the batches of the stage that begins.
        stage: name of the stage.

    Raises:
        BatchesTaken: within `take_batches`.
    """
    if _taking.get():
        raise BatchesTaken(source, stage)


def random_source(seed: int, number: int) -> np.random.Generator:
    """The random source of one batch of an epoch.

    Args:
        seed: the seed of the epoch.
        number: the number of the batch in the epoch.
    """
    return np.random.default_rng([seed, number])
