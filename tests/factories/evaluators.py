"""The evaluators that the project ships, for tests."""

from functools import cache
from pathlib import Path

from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator

FOLDER = Path(__file__).resolve().parents[2] / "protocols" / "evaluators"
NAMES = sorted(file.stem for file in FOLDER.glob("*.toml"))


@cache
def evaluator(name: str) -> Evaluator:
    """One of them, read once."""
    return read_evaluator(FOLDER / f"{name}.toml")


OF_HEART_RATES = [name for name in NAMES if evaluator(name).respiration is None]
"""Those whose rows are heart rates."""


def beat_rule() -> BeatReading:
    """How `beats_tukey` finds the beats of a reference."""
    rule = evaluator("beats_tukey").reference
    assert isinstance(rule, BeatReading)
    return rule
