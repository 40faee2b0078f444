"""Shapley values: the shares of several changes in a difference.

Changing the groups of settings one after the other walks from one rule to another. What a group
changes depends on what was changed before it, so there are k! walks with different shares. The
Shapley value of a group is the mean over all walks; equivalently, with v(S) the error after
the groups S,

    share(g) = sum over S without g of |S|! (k - |S| - 1)! / k! (v(S and g) - v(S)),

because so many walks change exactly S before g. It is the only rule by which shares add up to the
difference, are equal for groups that act alike, are 0 for a group that changes nothing, and add
over sums of differences. Source: Shapley, A value for n-person games, 1953,
10.1515/9781400881970-018.

The mean is taken over walks and not by the formula, because a walk through a rule that cannot be
read is left out; the shares still add up, as they do on every single walk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

Group = frozenset[str]


@dataclass(frozen=True)
class Share:
    """The share of one group in a difference, in bpm.

    Attributes:
        value: The mean over the orders.
        low: The least of any order.
        high: The largest of any order.
    """

    value: float
    low: float
    high: float


def shapley(
    values: Mapping[Group, float], groups: Sequence[str]
) -> tuple[dict[str, Share], int, int]:
    """Shares of the difference between all groups changed and none.

    Args:
        values: A number for each subset of the groups; NaN, or no entry, where there is none. An
            order that passes such a subset is left out.
        groups: The groups.

    Returns:
        The share of every group (none where no order is left), the number of orders used, and the
        number of all orders.

    >>> none, a, b = frozenset(), frozenset("a"), frozenset("b")
    >>> shares, used, orders = shapley({none: 0.0, a: 1.0, b: 2.0, a | b: 5.0}, ["a", "b"])
    >>> shares["a"], used, orders  # 1 as the first change, 3 as the second
    (Share(value=2.0, low=1.0, high=3.0), 2, 2)
    """
    changes: dict[str, list[float]] = {group: [] for group in groups}
    orders = 0
    for order in permutations(groups):
        orders += 1
        walk = [frozenset(order[:count]) for count in range(len(order) + 1)]
        scores = [values.get(changed, float("nan")) for changed in walk]
        if np.isfinite(scores).all():
            for group, before, after in zip(order, scores, scores[1:], strict=False):
                changes[group].append(after - before)
    read_orders = len(changes[groups[0]]) if groups else orders
    if not read_orders:
        return {}, 0, orders
    shares = {g: Share(float(np.mean(c)), min(c), max(c)) for g, c in changes.items()}
    return shares, read_orders, orders
