"""Evaluators by their names."""

from rppgbench.core.registry import find_toml
from rppgbench.evaluation.evaluator import Evaluator, read_evaluator


def find_evaluator(name: str, location: str) -> Evaluator:
    """Look an evaluator up by its name, and read its file.

    Args:
        name: The name, as `bench list evaluators` shows it.
        location: Who asks, for messages: a file or an option.

    Raises:
        BenchError: There is none of that name, or its file has a fault.

    >>> find_evaluator("beats_tukey", "--evaluator").quantity
    'heart rate'
    """
    return read_evaluator(find_toml("protocols/evaluators", "evaluator", name, location))
