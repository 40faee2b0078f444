"""Writes the results of tasks into the store, many at a time."""

import time
from types import TracebackType
from typing import Self

from rppgbench.core.estimate import Estimate
from rppgbench.execution.recording_task import TaskResult
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError, MachineError
from rppgbench.system.fault_kinds import Fault

EVERY_S = 2.0
SHARE = 0.01
MOST = 1000
HOPELESS = 3
"""After so many tasks in a row that the machine kept from giving anything, the run ends."""


class EstimateWriter:
    """Stores the results of tasks in batches, and the last batch at the end of its context.

    A hundred thousand estimates in files of their own would take minutes to look through, so they
    are gathered: for a hundredth of the time that the run has taken, at least `EVERY_S` and at most
    `MOST` estimates. That is what a kill costs; a run of 12 h writes about 500 files.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._estimates: list[Estimate] = []
        self._observed: list[RecordingInfo] = []
        self._seen: dict[tuple[str, str, str], str] = {}
        self._missed: list[str] = []
        self._refused: list[str] = []
        self._in_a_row = 0
        self._began = self._wrote = time.monotonic()

    def keep(self, outcome: TaskResult) -> None:
        """Take what was done; MachineError where the machine keeps everything from being done."""
        self._estimates += outcome.estimates
        for recording in outcome.observed:
            key = (recording.dataset, recording.recording, recording.condition)
            if (
                self._seen.get(key) != recording.reason
            ):  # once a run, whatever many models estimate it
                self._seen[key] = recording.reason
                self._observed.append(recording)
        for fault in outcome.faults:
            self.note(fault, f"{outcome.task.dataset}/{outcome.task.recording}")
        if outcome.observed or not outcome.faults:
            self._in_a_row = 0
        if self._in_a_row >= HOPELESS:
            self.raise_missed()
        now_s = time.monotonic()
        if now_s - self._wrote >= max(EVERY_S, SHARE * (now_s - self._began)) or self._full():
            self.write()

    def note(self, fault: Fault, name: str) -> None:
        """Take a fault; the trace of a bug goes to the log of errors.

        Args:
            fault: the fault.
            name: the recording or model that the fault belongs to.
        """
        if fault.trace:
            self._store.log(f"{name}\n{fault.trace}\n")
        if fault.kind == "machine":
            self._missed.append(fault.reason)
            self._in_a_row += 1

    def refuse(self, reason: str) -> None:
        """Take the reason of a training that a mistake of the user's prevented: it has no row."""
        self._refused.append(reason)

    def raise_missed(self) -> None:
        """Raise where something has no row.

        Raises:
            MachineError: the machine prevented it.
            BenchError: a mistake of the user's prevented it.
        """
        reasons = self._missed or self._refused
        if not reasons:
            return
        self.write()
        more = len(reasons) - 1
        similar = f"; {more} more like it" if more else ""
        error = MachineError if self._missed else BenchError
        raise error(
            f"{reasons[0]}{similar}; {self._store.missing()} estimates are not made, the "
            "others are stored: put it right and run the same command again"
        )

    def write(self) -> None:
        """Store what was gathered: what was seen of a recording before its estimates."""
        self._store.add_batch(self._observed, self._estimates)
        self._estimates, self._observed = [], []
        self._wrote = time.monotonic()

    def _full(self) -> bool:
        return len(self._estimates) + len(self._observed) >= MOST

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.write()
