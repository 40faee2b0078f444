"""What the tests of faults share: people, and what an undisturbed run gives."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from .runs import Waves, bench, waveforms
from .training import Learned, learned_undisturbed

METHODS = "pos,two_sr,constant"


@dataclass(frozen=True)
class Undisturbed:
    """A run to its end without a fault: its cache, its waveforms, and how long it took."""

    cache: Path
    out: Path
    waves: Waves
    seconds: float


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four simulated people."""
    folder = tmp_path_factory.mktemp("people") / "tree"
    arguments = ("--subjects", "4", "--seconds", "11", "--seed", "1")
    code, _, errors = bench("simulate", "simulated", "--out", folder, *arguments)
    assert code == 0, errors
    return folder


@pytest.fixture(scope="session")
def undisturbed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """What every disturbed run has to come to."""
    base = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    code, _, errors = bench(*run_words(tree, base / "cache", base / "out"))
    assert code == 0, errors
    took = time.monotonic() - began
    return Undisturbed(base / "cache", base / "out", waveforms(base / "out"), took)


@pytest.fixture(scope="session")
def trained(
    tree: Path, undisturbed: Undisturbed, tmp_path_factory: pytest.TempPathFactory
) -> Learned:
    """What every disturbed training has to come to."""
    pytest.importorskip("torch")
    return learned_undisturbed(tree, undisturbed.cache, tmp_path_factory.mktemp("learned"))


def run_words(tree: Path, cache: Path, out: Path, *more: str) -> tuple[str | Path, ...]:
    """The run that is disturbed: two workers over four people, three folds."""
    return (
        *("run", "--protocol", "quickstart", "--methods", METHODS, "--jobs", "2"),
        *("--data", f"simulated={tree}", "--cache", cache, "--out", out),
        *more,
    )
