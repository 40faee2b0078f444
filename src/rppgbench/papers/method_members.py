"""The methods behind the row of a table: a method itself, or the members of an ensemble."""

from rppgbench.core.registry import load_methods


def ensemble_members(method: str) -> tuple[str, ...]:
    """The members of an ensemble; none of another method, or of one whose package is missing."""
    available = load_methods().available
    return available[method].members if method in available else ()


def learning_members(method: str) -> list[str]:
    """Those of a method and its members that learn; a baseline has no epochs."""
    available = load_methods().available
    return [
        name
        for name in (method, *ensemble_members(method))
        if name in available and available[name].fit is not None and not available[name].baseline
    ]
