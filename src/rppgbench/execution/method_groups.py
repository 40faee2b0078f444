"""Names that stand for several methods: all of them, the classical ones, those that learn."""

from collections.abc import Callable, Iterable

from rppgbench.core.method import Method
from rppgbench.core.registry import load_methods


def _is_classical(method: Method) -> bool:
    is_combination = bool(method.members)
    is_of_others = method.versions is not None
    return method.fit is None and not is_combination and not is_of_others


def _is_learned(method: Method) -> bool:
    return method.fit is not None and not method.baseline


METHOD_GROUPS: dict[str, Callable[[Method], bool]] = {
    "all": lambda method: True,
    "classical": _is_classical,
    "learned": _is_learned,
}
"""Which of the available methods a name stands for.

"classical" are formulas of this suite, "learned" its networks. "all" are these, the baseline,
combinations, and the methods of other people; of the last, those that are not installed too.
"""


def expand_groups(names: Iterable[str]) -> list[str]:
    """Names of methods with the names of groups replaced by those of their methods.

    Args:
        names: names of methods and of `METHOD_GROUPS`.

    Returns:
        Each name once, in the given order; the methods of a group are sorted.
    """
    registry = load_methods()
    expanded: list[str] = []
    for name in names:
        if name not in METHOD_GROUPS:
            expanded.append(name)
            continue
        belongs = METHOD_GROUPS[name]
        members = [m.name for m in registry.available.values() if belongs(m) and not m.variant_of]
        expanded += sorted(members + (list(registry.unavailable) if name == "all" else []))
    return list(dict.fromkeys(expanded))
