"""How many times faster one piece of code is than another, in one run on a busy machine."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LEDGER = os.environ.get("RPPGBENCH_SPEED", "")


@dataclass(frozen=True)
class Paired:
    """Seconds of processor time of a loop over some of the work and of a program over all of it."""

    loop_s: float
    fast_s: float
    share: float  # of the work that the loop did

    @property
    def ratio(self) -> float:
        """How many times longer the loop takes for the same work."""
        return self.loop_s / self.share / self.fast_s


def paired(
    name: str,
    loop: Callable[[], object],
    fast: Callable[[], object],
    *,
    share: float = 1.0,
    enough: float,
    rounds: int = 12,
) -> Paired:
    """Time both in turn and keep the least of each, until the ratio is `enough` or all is tried.

    Whatever else runs only adds time, so the least is nearest to the truth; both are timed in
    each round, so that a slow minute slows both. Processor time, of all threads. Where the
    environment names a file by `RPPGBENCH_SPEED`, `name` and ratio become a line of it.
    """
    best = Paired(float("inf"), float("inf"), share)
    for done in range(1, rounds + 1):
        best = Paired(min(best.loop_s, _seconds(loop)), min(best.fast_s, _seconds(fast)), share)
        if done >= 3 and best.ratio >= enough:
            break
    if LEDGER:
        with Path(LEDGER).open("a", encoding="utf-8") as file:
            file.write(f"{name}\t{best.ratio:.1f}\n")
    return best


def _seconds(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before
