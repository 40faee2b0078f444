"""Comparison of methods: paired tests with Holm's correction, and ranks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.system.errors import BenchError


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """Two methods over the same blocks (recordings).

    Attributes:
        first: Name of a method.
        second: Name of another.
        n: Blocks in which both have a score.
        difference: Mean of first less second.
        p: Of the Wilcoxon signed-rank test; NaN where there is nothing to test.
        p_holm: The same after Holm's correction over all pairs.
    """

    first: str
    second: str
    n: int
    difference: float
    p: float
    p_holm: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranks:
    """Methods over blocks (data sets, recordings): the data of a critical-difference diagram.

    Attributes:
        methods: The k methods.
        n: Blocks in which all of them have a score.
        mean_rank: Mean ranks (k,); 1 is the best score.
        p: Friedman's, for "all methods are alike"; NaN where there is nothing to test.
        critical_difference: Two methods differ at the level `alpha` where their mean ranks differ
            by more (Nemenyi).
        p_nemenyi: Of every pair (k, k); NaN where there is nothing to test.
        cliques: The longest runs of methods, by rank, that do not differ.
        alpha: The level.
    """

    methods: tuple[str, ...]
    n: int
    mean_rank: Array
    p: float
    critical_difference: float
    p_nemenyi: Array
    cliques: tuple[tuple[str, ...], ...]
    alpha: float


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction; NaN stays NaN and does not count as a test.

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979, jstor 4615733.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    out = [float("nan")] * len(p)
    order = sorted((k for k in range(len(p)) if not np.isnan(p[k])), key=lambda k: p[k])
    largest = 0.0
    for rank, k in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p[k]))
        out[k] = largest
    return out


def paired_tests(scores: Mapping[str, Array]) -> list[PairedTest]:
    """Wilcoxon's signed-rank test of every pair of methods, with Holm's correction.

    Differences of 0 keep their ranks, split evenly between the signs; where all are 0, p is 1.
    Source: Wilcoxon, 1945, 10.2307/3001968.

    Args:
        scores: For each method one score a block (B,) in the same order, such as the mean absolute
            error of every recording; NaN where it has none. A pair is tested over the blocks that
            both have.

    Raises:
        ValueError: The arrays differ in length.
    """
    from scipy.stats import wilcoxon

    _same_length(scores)
    tests = []
    for first, second in combinations(scores, 2):
        differences = scores[first] - scores[second]
        differences = differences[np.isfinite(differences)]
        n, p, mean = len(differences), float("nan"), float("nan")
        if n:
            p = 1.0
            if np.any(differences != 0):
                p = float(wilcoxon(differences, zero_method="zsplit").pvalue)
            mean = math.fsum(differences) / n  # fsum does not depend on the order of the blocks
        tests.append(
            PairedTest(first=first, second=second, n=n, difference=mean, p=p, p_holm=float("nan"))
        )
    corrected = holm([test.p for test in tests])
    return [replace(test, p_holm=p_holm) for test, p_holm in zip(tests, corrected, strict=True)]


def ranks(
    scores: Mapping[str, Array], *, lower_is_better: bool = True, alpha: float = 0.05
) -> Ranks:
    """Friedman's test and Nemenyi's comparison of all methods.

    Ties share the mean of their ranks. With fewer than three methods or two blocks there is no
    test: NaN. Source: Demšar, Statistical comparisons of classifiers over multiple data sets, JMLR
    2006, section 3.2.

    Args:
        scores: As in `paired_tests`; a block that lacks a method is left out.
        lower_is_better: Whether the lowest score has rank 1.
        alpha: Level of the comparison.

    Raises:
        BenchError: No block has a score of all methods.
        ValueError: The arrays differ in length.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    _same_length(scores)
    methods = tuple(scores)
    table = np.stack([scores[name] for name in methods])
    table = table[:, np.isfinite(table).all(axis=0)]
    k, n = table.shape
    if not n:
        raise BenchError(f"ranks: no block has a score of all of {', '.join(methods)}")
    block_ranks = rankdata(table if lower_is_better else -table, axis=0)
    mean_rank: Array = block_ranks.mean(axis=1)
    differences = np.abs(mean_rank[:, None] - mean_rank[None])
    p, p_nemenyi = float("nan"), np.full((k, k), np.nan)
    limit = float("nan")
    if k >= 3 and n >= 2:
        spread = np.any(block_ranks != block_ranks[:1])
        p = float(friedmanchisquare(*table).pvalue) if spread else 1.0
        unit = np.sqrt(k * (k + 1) / (6 * n))
        limit = float(studentized_range.ppf(1 - alpha, k, np.inf) / np.sqrt(2) * unit)
        p_nemenyi = studentized_range.sf(differences / unit * np.sqrt(2), k, np.inf)
        np.fill_diagonal(p_nemenyi, 1.0)
    return Ranks(
        methods=methods,
        n=n,
        mean_rank=mean_rank,
        p=p,
        critical_difference=limit,
        p_nemenyi=p_nemenyi,
        cliques=_cliques(methods, mean_rank, limit),
        alpha=alpha,
    )


def _cliques(methods: Sequence[str], mean_rank: Array, limit: float) -> tuple[tuple[str, ...], ...]:
    """The longest runs, by rank, of at least two methods within the limit."""
    order = np.argsort(mean_rank, kind="stable")
    runs: list[tuple[int, int]] = []
    for start in range(len(order)):
        stop = start
        while (
            stop + 1 < len(order) and mean_rank[order[stop + 1]] - mean_rank[order[start]] <= limit
        ):
            stop += 1
        if stop > start and (not runs or stop > runs[-1][1]):
            runs.append((start, stop))
    return tuple(tuple(methods[k] for k in order[a : b + 1]) for a, b in runs)


def _same_length(scores: Mapping[str, Array]) -> None:
    if len({len(values) for values in scores.values()}) > 1:
        raise ValueError("every method needs one value a block, in the same order")
