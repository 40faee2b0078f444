"""What the command costs before it does anything, against what Python and numpy cost alone."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.speed

BENCH = "import sys; from rppgbench.cli import main; sys.exit(main(sys.argv[1:]))"
ROUNDS = 7


def least_s(environment: dict[str, str], *arguments: str) -> float:
    """Processor seconds of a Python process: the least of several, modules compiled."""
    taken = []
    for _ in range(ROUNDS):
        before = _children_s()
        subprocess.run(
            [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True
        )
        taken.append(_children_s() - before)
    return min(taken[1:])


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_list_and_help_cost_little_more_than_what_they_load(tmp_path: Path) -> None:
    """`bench list` imports every method and data set, so numpy; `bench --help` neither.

    Some 70 modules of content and 200 of the library cost three times what numpy costs.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    bare = least_s(environment, "-c", "pass")
    numpy = least_s(environment, "-c", "import numpy")
    listed = least_s(environment, "-c", BENCH, "list")
    told = least_s(environment, "-c", BENCH, "--help")
    print(f"python {bare:.3f} s, numpy {numpy:.3f} s, list {listed:.3f} s, help {told:.3f} s")
    assert listed <= 4 * numpy
    assert told <= 0.7 * numpy
