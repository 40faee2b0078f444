"""`bench` called within the process of the tests."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from rppgbench.cli import main


@dataclass(frozen=True)
class BenchResult:
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str


def run_bench(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> BenchResult:
    """Run `bench WORDS`; what was printed before is left out."""
    capsys.readouterr()
    code = main([str(word) for word in arguments])
    printed = capsys.readouterr()
    return BenchResult(code, printed.out, printed.err)
