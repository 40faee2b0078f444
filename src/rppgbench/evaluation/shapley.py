"""A difference in shares, one for each thing that was changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

Group = frozenset[str]


@dataclass(frozen=True)
class Share:
    """One group's part of a difference in bpm, and the range of it over the orders."""

    value: float
    low: float
    high: float


def shapley(
    values: Mapping[Group, float], groups: Sequence[str]
) -> tuple[dict[str, Share], int, int]:
    """Shares of the difference values[all] - values[none], the orders used, and all orders.

    `values` holds a number for each subset of the groups, NaN (or nothing) where there is none; an
    order that passes such a subset is left out.

    >>> none, a, b = frozenset(), frozenset("a"), frozenset("b")
    >>> shares, used, of = shapley({none: 0.0, a: 1.0, b: 2.0, a | b: 5.0}, ["a", "b"])
    >>> shares["a"], used, of  # 1 as the first change, 3 as the second
    (Share(value=2.0, low=1.0, high=3.0), 2, 2)
    """
    steps: dict[str, list[float]] = {group: [] for group in groups}
    of = 0
    for order in permutations(groups):
        of += 1
        path = [frozenset(order[:count]) for count in range(len(order) + 1)]
        at = [values.get(taken, float("nan")) for taken in path]
        if np.isfinite(at).all():
            for group, before, after in zip(order, at, at[1:], strict=False):
                steps[group].append(after - before)
    used = len(steps[groups[0]]) if groups else of
    if not used:
        return {}, 0, of
    shares = {g: Share(float(np.mean(s)), min(s), max(s)) for g, s in steps.items()}
    return shares, used, of
