"""Why one method has many numbers: rules taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.evaluation.shapley import Group, Share, shapley
from rppgbench.evaluation.summary import summarise
from rppgbench.system.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

Score = Callable[[Evaluator], "pd.DataFrame"]
"""Scores the stored waveforms by a rule: the windows of `scores.score_windows`."""

REGION = "region"

RULE_GROUPS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "filter": ((), ("steps_on", "detrend", "filter")),
    "window": (("window", "border_frames", "gap_share"), ()),
    "grid": ((), ("spectrum", "band", "peak")),
    "truth": (("truth", "heart_rate", "reference"), ()),
    "pooling": (("unit", "pooling", "missing"), ()),
}
"""Which settings of an evaluator, and of its chain for the estimate, change together."""

GROUPS = (REGION, *RULE_GROUPS)
"""All parts of a difference, in the order in which they are told."""

GROUP_DESCRIPTIONS: Mapping[str, str] = {
    REGION: "the part of the face whose pixels are averaged",
    "filter": "detrending and band-pass filter of the estimated pulse",
    "window": "how long the pieces are that one heart rate is read from, and how they are spaced",
    "grid": "the spectrum, the band in which a peak may lie, and how finely the peak is told",
    "truth": "what the estimate is compared with, and how the reference is read",
    "pooling": "what a row is (a window, a video) and whether rows or videos are averaged",
}


@dataclass(frozen=True)
class Endpoint:
    """One end of a difference: an evaluator by name, and the face region ("" for any)."""

    name: str
    rule: Evaluator
    region: str = ""

    @property
    def label(self) -> str:
        """The evaluator's name, with the region where one is chosen."""
        return f"{self.name} on {self.region}" if self.region else self.name


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The difference of one method's mean absolute error between two sides, in parts.

    `row` names the method (and data set, condition, where they vary). `shares` add up to
    `second_bpm - first_bpm`; they are empty where there is no way to make them, and `notes` say
    why. `orders` of `of` orders of the groups could be read throughout.
    """

    row: tuple[str, ...]
    first_bpm: float
    second_bpm: float
    shares: Mapping[str, Share]
    orders: int
    of: int
    notes: tuple[str, ...] = ()

    @property
    def difference_bpm(self) -> float:
        """Second less first."""
        return self.second_bpm - self.first_bpm


@dataclass(frozen=True)
class MixedScore:
    """A method's error under one hybrid: NaN where it cannot be read; `why` says why not."""

    mae: float
    window_coverage: float
    why: str


def differing(first: Endpoint, second: Endpoint) -> tuple[str, ...]:
    """The groups in which two sides differ, in the order of `GROUPS`."""
    found = [REGION] if first.region != second.region else []
    for group in RULE_GROUPS:
        if mixed_evaluator(first.rule, second.rule, frozenset({group})) != first.rule:
            found.append(group)
    return tuple(found)


def mixed_evaluator(first: Evaluator, second: Evaluator, taken: Group) -> Evaluator:
    """The first evaluator with the settings of the groups `taken` from the second; checked anew.

    What an error does not depend on (words, SNR, correlation) stays the first's. Where `reference`
    is declared "same", the reference follows the estimate's steps in the hybrid too.
    """
    fields = first.model_dump()
    other = second.model_dump()
    for group in taken - {REGION}:
        whole, chain = RULE_GROUPS[group]
        fields |= {key: other[key] for key in whole}
        fields["estimate"] |= {key: other["estimate"][key] for key in chain}
    return Evaluator.model_validate(fields)


def decompose(
    first: Endpoint,
    second: Endpoint,
    score: Score,
    *,
    by: Sequence[str] = ("method",),
    step: Callable[[], None] = lambda: None,
) -> list[Decomposition]:
    """Split every row's difference between two sides into the groups that differ.

    One group of settings after the other is changed from the first side's to the second's. What a
    group does depends on what was changed before it, so its share is the mean over all orders of
    the groups: the Shapley value (Shapley 1953, A value for n-person games,
    10.1515/9781400881970-018), the only rule by which shares add up, do not depend on an order, and
    are 0 for a group that does nothing. An order through a hybrid that cannot be read (a filter on
    windows that are too short) is left out and the note says so; over the orders that remain the
    shares still add up. All 2^k hybrids are scored, each once; `step` is called after each.
    """
    groups = differing(first, second)
    points: dict[tuple[str, ...], dict[Group, MixedScore]] = {}
    for taken, rule in _hybrids(first.rule, second.rule, groups):
        windows = score(rule)
        for region in ([frozenset[str](), frozenset({REGION})]) if REGION in groups else [Group()]:
            side = second if region else first
            for row, point in _points(windows, rule, side.region, by).items():
                points.setdefault(row, {})[taken | region] = point
        step()
    if not points:
        raise BenchError(f"decompose: no method was run on {first.region} or {second.region}")
    return [_split(row, held, groups) for row, held in points.items()]


def _hybrids(
    first: Evaluator, second: Evaluator, groups: Sequence[str]
) -> Iterator[tuple[Group, Evaluator]]:
    names = [group for group in groups if group != REGION]
    for count in range(len(names) + 1):
        for taken in combinations(names, count):
            rule = mixed_evaluator(first, second, frozenset(taken))
            yield frozenset(taken), rule.model_copy(update={"correlation": "none"})


def scores_of_region(windows: pd.DataFrame, region: str) -> pd.DataFrame:
    """The windows of one region, and of the methods that have regions of their own.

    BenchError where nothing was run on it.
    """
    if not region:
        return windows
    if not (windows["region"] == region).any():
        known = ", ".join(sorted(set(windows["region"]) - {""})) or "none"
        raise BenchError(f"decompose: no waveform of region {region!r} is stored; known: {known}")
    return windows[windows["region"].isin([region, ""])]


def _points(
    windows: pd.DataFrame, rule: Evaluator, region: str, by: Sequence[str]
) -> dict[tuple[str, ...], MixedScore]:
    part = scores_of_region(windows, region)
    summary = summarise(part, by=by, resamples=0, pooling=rule.pooling)
    found = {}
    for record in summary[[*by, "mae", "window_coverage"]].to_dict("records"):
        row = tuple(str(record[key]) for key in by)
        mae, covered = float(record["mae"]), float(record["window_coverage"])
        why = ""
        if not np.isfinite(mae) or not covered:
            own = part[np.logical_and.reduce([part[k].astype(str) == str(record[k]) for k in by])]
            reasons = own.loc[own["reason"] != "", "reason"]
            why = str(reasons.mode().iloc[0]) if len(reasons) else "nothing is scored"
        found[row] = MixedScore(mae, covered, why)
    return found


def _split(
    row: tuple[str, ...], points: Mapping[Group, MixedScore], groups: Sequence[str]
) -> Decomposition:
    first, second = points.get(Group()), points.get(frozenset(groups))
    if first is None or second is None:
        return Decomposition(row, _mae(first), _mae(second), {}, 0, 0, ("not run on both regions",))
    for named, point in (("first", first), ("second", second)):
        if not np.isfinite(point.mae):
            note = f"nothing is scored under the {named}: {point.why}"
            return Decomposition(row, first.mae, second.mae, {}, 0, 0, (note,))
    ends = min(first.window_coverage, second.window_coverage)
    values: dict[Group, float] = {}
    unread: dict[str, list[str]] = {}
    thin: list[tuple[float, str]] = []
    for taken, point in sorted(points.items(), key=lambda item: (len(item[0]), sorted(item[0]))):
        readable = np.isfinite(point.mae) and (point.window_coverage > 0 or not ends)
        values[taken] = point.mae if readable else float("nan")
        named = _and([group for group in groups if group in taken])
        if not readable:
            unread.setdefault(point.why, []).append(named)
        elif point.window_coverage < ends - 1e-9:
            thin.append((point.window_coverage, named))
    notes = [
        f"what comes with {_some(named)} changed cannot be read: {why}"
        for why, named in unread.items()
    ]
    if thin:
        least, named = min(thin)
        notes.append(
            f"with {_some([name for _, name in thin])} changed, fewer windows have an estimate "
            f"than at the ends (down to {least:.0%} with {named}, {ends:.0%} there); the missing "
            "ones count as errors"
        )
    shares, orders, of = shapley(values, groups)
    if not orders:
        notes.append("no order of the changes can be read throughout: no shares")
    return Decomposition(row, first.mae, second.mae, shares, orders, of, tuple(notes))


def declared_choices(side: Endpoint, group: str) -> str:
    """The settings of one group in words: what the declaration says, keys and values."""
    if group == REGION:
        return side.region or "the method's own"
    whole, chain = RULE_GROUPS[group]
    rule, steps = side.rule.model_dump(), side.rule.estimate.model_dump()
    parts = [(key, rule[key]) for key in whole] + [(key, steps[key]) for key in chain]
    return "; ".join(f"{key}: {_words(value)}" for key, value in parts).replace("_", " ")


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        parts = [str(value["kind"])] if "kind" in value else []
        for key, part in value.items():
            if key != "kind":
                nested = f"({_words(part)})" if isinstance(part, Mapping) else _words(part)
                parts.append(f"{key} {nested}")
        return ", ".join(parts)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " or else ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _some(names: Sequence[str]) -> str:
    """Up to three of them, and how many more.

    >>> _some(["a", "b", "c", "d"])
    'a; b; c (and 1 more)'
    """
    return "; ".join(names[:3]) + (f" (and {len(names) - 3} more)" if len(names) > 3 else "")


def _mae(point: MixedScore | None) -> float:
    return float("nan") if point is None else point.mae


def _and(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> _and(["filter", "grid", "truth"])
    'filter, grid and truth'
    """
    return (
        ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + (names[-1] if names else "")
    )
