"""How many times faster one piece of code is than another, in one run on a busy machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

measured = [pytest.mark.speed, pytest.mark.benchmark(timer=time.process_time)]
"""What a module of such tests is marked with: pytest-benchmark tells processor time too."""


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
    benchmark: BenchmarkFixture,
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
    each round, so that a slow minute slows both. Processor time, of all threads. `--benchmark-json`
    keeps the ratio with its name among the extra information of the program's own timing.
    """
    best = Paired(float("inf"), float("inf"), share)
    for done in range(1, rounds + 1):
        best = Paired(min(best.loop_s, _seconds(loop)), min(best.fast_s, _seconds(fast)), share)
        if done >= 3 and best.ratio >= enough:
            break
    benchmark.extra_info.update(what=name, ratio=round(best.ratio, 2))
    benchmark.pedantic(fast, rounds=3)
    return best


def _seconds(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before
