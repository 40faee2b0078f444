"""Rows on their way into the store, some at a time."""

from types import TracebackType
from typing import Self

from rppgbench.core.estimate import Estimate
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store

MOST_ROWS, MOST_SAMPLES = 500, 1 << 22
"""Rows and samples that are collected before they are written; they bound the memory."""


class RowBatches:
    """Rows on their way into the store, some at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._estimates: list[Estimate] = []
        self._observed: list[RecordingInfo] = []
        self._samples = 0

    def add(self, estimate: Estimate) -> None:
        """Take an estimate."""
        self._estimates.append(estimate)
        wave, rates = estimate.waveform, estimate.heart_rate
        self._count(wave.samples.size if wave else 0, rates.values.size if rates else 0)

    def add_observed(self, info: RecordingInfo) -> None:
        """Take what was seen of a recording."""
        self._observed.append(info)
        truth = info.ground_truth
        self._count(*(s.values.size for s in (truth.pulse, truth.heart_rate) if s is not None))

    def _count(self, *samples: int) -> None:
        self._samples += sum(samples)
        full = len(self._estimates) + len(self._observed) >= MOST_ROWS
        if full or self._samples >= MOST_SAMPLES:
            self.write()

    def write(self) -> None:
        """Store what was collected, recordings before their estimates."""
        if self._observed:
            self._store.add_observed(self._observed)
        if self._estimates:
            self._store.add(self._estimates)
        self._estimates, self._observed, self._samples = [], [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.write()
