"""The evaluators that the project ships, for tests."""

from functools import cache
from pathlib import Path

from rppgbench.evaluator import Evaluator, read_evaluator

FOLDER = Path(__file__).resolve().parents[1] / "protocols" / "evaluators"
NAMES = sorted(file.stem for file in FOLDER.glob("*.toml"))


@cache
def evaluator(name: str) -> Evaluator:
    """One of them, read once."""
    return read_evaluator(FOLDER / f"{name}.toml")
