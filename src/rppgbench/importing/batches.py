"""Writes the rows of an import into the store in batches."""

from rppgbench.core.estimate import Estimate
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store

MOST_ROWS, MOST_SAMPLES = 500, 1 << 22
"""Rows and samples that are collected before they are written; they bound the memory."""


class RowBatches:
    """Collects recordings and estimates, and stores them in batches of bounded size.

    The last batch is stored by `write`.
    """

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
        """Store what was collected."""
        self._store.add_batch(self._observed, self._estimates)
        self._estimates, self._observed, self._samples = [], [], 0
