"""Decomposition of the difference between two evaluation rules into groups of settings."""

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
"""Scores the stored waveforms by a rule: the rows of `score_windows`."""

REGION = "region"

RULE_GROUPS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "filter": ((), ("steps_on", "detrend", "filter")),
    "window": (("window", "rates", "border_frames", "gap_share"), ()),
    "grid": ((), ("spectrum", "band", "peak")),
    "truth": (("truth", "heart_rate", "reference"), ()),
    "pooling": (("unit", "pooling", "missing"), ()),
}
"""Which settings of an evaluator, and of its chain for the estimate, change together."""

GROUPS = (REGION, *RULE_GROUPS)
"""All groups of a difference, in the order of tables."""

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

    def __post_init__(self) -> None:
        self.rule.require_heart_rates(self.name)

    @property
    def label(self) -> str:
        """The evaluator's name, with the region where one is chosen."""
        return f"{self.name} on {self.region}" if self.region else self.name


@dataclass(frozen=True, eq=False, kw_only=True)
class Decomposition:
    """The difference of a method's mean absolute error between two endpoints, in shares.

    Attributes:
        row: The method (and data set, condition, where they vary).
        first_bpm: The error at the first endpoint.
        second_bpm: The error at the second.
        shares: The share of every group that differs; they add up to the difference. Empty where
            they cannot be computed.
        orders: Orders of the groups in which every rule could be read.
        all_orders: All orders of the groups.
        notes: Why orders or shares are missing, and where fewer windows have an estimate.
    """

    row: tuple[str, ...]
    first_bpm: float
    second_bpm: float
    shares: Mapping[str, Share]
    orders: int
    all_orders: int
    notes: tuple[str, ...] = ()

    @property
    def difference_bpm(self) -> float:
        """Second less first."""
        return self.second_bpm - self.first_bpm


@dataclass(frozen=True)
class MixedScore:
    """A method's score under one mixed rule.

    Attributes:
        mae: Mean absolute error in bpm; NaN where nothing is scored.
        window_coverage: Share of scored windows with an estimate.
        reason: Why nothing is scored, or no window has an estimate.
    """

    mae: float
    window_coverage: float
    reason: str


def differing(first: Endpoint, second: Endpoint) -> tuple[str, ...]:
    """The groups in which two endpoints differ, in the order of `GROUPS`.

    Args:
        first: One endpoint.
        second: The other.
    """
    groups = [REGION] if first.region != second.region else []
    for group in RULE_GROUPS:
        if mixed_evaluator(first.rule, second.rule, frozenset({group})) != first.rule:
            groups.append(group)
    return tuple(groups)


def mixed_evaluator(first: Evaluator, second: Evaluator, changed: Group) -> Evaluator:
    """The first evaluator with some groups of settings from the second, validated again.

    Settings that no error depends on (texts, SNR, correlation) stay those of the first, and so
    does how beats of estimates are read where the mixed rule can read them. Where
    `reference` is "same", the reference follows the estimate's steps in the mixed rule too.

    Args:
        first: The evaluator that is changed.
        second: The evaluator that the groups are taken from.
        changed: The groups.
    """
    settings = first.model_dump()
    second_settings = second.model_dump()
    for group in changed - {REGION}:
        of_rule, of_chain = RULE_GROUPS[group]
        settings |= {key: second_settings[key] for key in of_rule}
        settings["estimate"] |= {key: second_settings["estimate"][key] for key in of_chain}
    if settings["unit"] != "window" or not _is_read_by_beats(settings["reference"]):
        settings["variability"] = None
    return Evaluator.model_validate(settings)


def _is_read_by_beats(reference: object) -> bool:
    return isinstance(reference, dict) and reference.get("kind") == "beats"


def decompose(
    first: Endpoint,
    second: Endpoint,
    score: Score,
    *,
    by: Sequence[str] = ("method",),
    step: Callable[[], None] = lambda: None,
) -> list[Decomposition]:
    """Decompose the difference of every row between two endpoints into the groups that differ.

    One group of settings after the other is changed from the first endpoint's to the second's. The
    share of a group is its Shapley value: the mean of its change over all orders of the groups
    (`rppgbench.evaluation.shapley`). An order through a mixed rule that cannot be read (a filter on
    windows that are too short) is left out, with a note; over the other orders the shares still
    add up. All 2^k mixed rules are scored, each once.

    Args:
        first: The endpoint that the difference starts from.
        second: The endpoint that it leads to.
        score: Scores the stored waveforms by a rule.
        by: The columns that name a row.
        step: Called after each mixed rule.

    Returns:
        One decomposition a row.

    Raises:
        BenchError: No method was run on the regions.
    """
    groups = differing(first, second)
    scores: dict[tuple[str, ...], dict[Group, MixedScore]] = {}
    for changed, rule in _mixed_evaluators(first.rule, second.rule, groups):
        windows = score(rule)
        for region in ([frozenset[str](), frozenset({REGION})]) if REGION in groups else [Group()]:
            endpoint = second if region else first
            for row, mixed in _scores_by_row(windows, rule, endpoint.region, by).items():
                scores.setdefault(row, {})[changed | region] = mixed
        step()
    if not scores:
        raise BenchError(f"decompose: no method was run on {first.region} or {second.region}")
    return [_decompose_row(row, of_row, groups) for row, of_row in scores.items()]


def _mixed_evaluators(
    first: Evaluator, second: Evaluator, groups: Sequence[str]
) -> Iterator[tuple[Group, Evaluator]]:
    names = [group for group in groups if group != REGION]
    for count in range(len(names) + 1):
        for changed in combinations(names, count):
            rule = mixed_evaluator(first, second, frozenset(changed))
            yield frozenset(changed), rule.model_copy(update={"correlation": "none"})


def scores_of_region(windows: pd.DataFrame, region: str) -> pd.DataFrame:
    """The windows of one region, and of the methods that do not use the protocol's regions.

    Args:
        windows: The rows of `score_windows`.
        region: Name of the region; "" for all windows.

    Raises:
        BenchError: No waveform of the region is stored.
    """
    if not region:
        return windows
    if not (windows["region"] == region).any():
        stored = ", ".join(sorted(set(windows["region"]) - {""})) or "none"
        raise BenchError(f"decompose: no waveform of region {region!r} is stored; known: {stored}")
    return windows[windows["region"].isin([region, ""])]


def _scores_by_row(
    windows: pd.DataFrame, rule: Evaluator, region: str, by: Sequence[str]
) -> dict[tuple[str, ...], MixedScore]:
    of_region = scores_of_region(windows, region)
    summary = summarise(of_region, by=by, resamples=0, pooling=rule.pooling)
    scores = {}
    for record in summary[[*by, "mae", "window_coverage"]].to_dict("records"):
        row = tuple(str(record[key]) for key in by)
        mae, coverage = float(record["mae"]), float(record["window_coverage"])
        reason = ""
        if not np.isfinite(mae) or not coverage:
            is_row = [of_region[key].astype(str) == str(record[key]) for key in by]
            reasons = of_region.loc[np.logical_and.reduce(is_row), "reason"]
            reasons = reasons[reasons != ""]
            reason = str(reasons.mode().iloc[0]) if len(reasons) else "nothing is scored"
        scores[row] = MixedScore(mae, coverage, reason)
    return scores


def _decompose_row(
    row: tuple[str, ...], scores: Mapping[Group, MixedScore], groups: Sequence[str]
) -> Decomposition:
    first, second = scores.get(Group()), scores.get(frozenset(groups))
    fault = _fault_of_endpoints(first, second)
    if fault or first is None or second is None:
        return Decomposition(
            row=row,
            first_bpm=first.mae if first else float("nan"),
            second_bpm=second.mae if second else float("nan"),
            shares={},
            orders=0,
            all_orders=0,
            notes=(fault,),
        )
    coverage = min(first.window_coverage, second.window_coverage)
    values = {
        changed: mixed.mae if _readable(mixed, coverage) else float("nan")
        for changed, mixed in scores.items()
    }
    notes = _notes(scores, groups, coverage)
    shares, orders, all_orders = shapley(values, groups)
    if not orders:
        notes.append("no order of the changes can be read throughout: no shares")
    return Decomposition(
        row=row,
        first_bpm=first.mae,
        second_bpm=second.mae,
        shares=shares,
        orders=orders,
        all_orders=all_orders,
        notes=tuple(notes),
    )


def _fault_of_endpoints(first: MixedScore | None, second: MixedScore | None) -> str:
    """Why there is no difference to decompose; "" where there is one."""
    if first is None or second is None:
        return "not run on both regions"
    for name, endpoint in (("first", first), ("second", second)):
        if not np.isfinite(endpoint.mae):
            return f"nothing is scored under the {name}: {endpoint.reason}"
    return ""


def _readable(mixed: MixedScore, coverage: float) -> bool:
    """Whether a mixed rule reads anything, where the endpoints cover a share of the windows.

    A rule without any estimate has an error too, that of missing estimates; it says nothing of the
    groups where the endpoints have estimates.
    """
    return bool(np.isfinite(mixed.mae)) and (mixed.window_coverage > 0 or not coverage)


def _notes(scores: Mapping[Group, MixedScore], groups: Sequence[str], coverage: float) -> list[str]:
    """Which mixed rules cannot be read, and which have fewer estimates than the endpoints."""
    unreadable: dict[str, list[str]] = {}
    sparse: list[tuple[float, str]] = []
    for changed, mixed in sorted(scores.items(), key=lambda item: (len(item[0]), sorted(item[0]))):
        name = _enumerate([group for group in groups if group in changed])
        if not _readable(mixed, coverage):
            unreadable.setdefault(mixed.reason, []).append(name)
        elif mixed.window_coverage < coverage - 1e-9:
            sparse.append((mixed.window_coverage, name))
    notes = [
        f"what comes with {_first_three(names)} changed cannot be read: {reason}"
        for reason, names in unreadable.items()
    ]
    if sparse:
        lowest, lowest_name = min(sparse)
        notes.append(
            f"with {_first_three([name for _, name in sparse])} changed, fewer windows have an "
            f"estimate than at the ends (down to {lowest:.0%} with {lowest_name}, {coverage:.0%} "
            "there); the missing ones count as errors"
        )
    return notes


def declared_choices(endpoint: Endpoint, group: str) -> str:
    """The settings of one group as text: keys and values of the declaration.

    Args:
        endpoint: The evaluator and the region.
        group: A group of `GROUPS`.
    """
    if group == REGION:
        return endpoint.region or "the method's own"
    of_rule, of_chain = RULE_GROUPS[group]
    rule, chain = endpoint.rule.model_dump(), endpoint.rule.estimate.model_dump()
    settings = [(key, rule[key]) for key in of_rule] + [(key, chain[key]) for key in of_chain]
    return "; ".join(f"{key}: {_setting_text(value)}" for key, value in settings).replace("_", " ")


def _setting_text(value: Any) -> str:
    if isinstance(value, Mapping):
        parts = [str(value["kind"])] if "kind" in value else []
        for key, part in value.items():
            if key != "kind":
                nested = _setting_text(part)
                parts.append(
                    f"{key} ({nested})" if isinstance(part, Mapping) else f"{key} {nested}"
                )
        return ", ".join(parts)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " or else ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _first_three(names: Sequence[str]) -> str:
    """Up to three names, and how many more there are.

    >>> _first_three(["a", "b", "c", "d"])
    'a; b; c (and 1 more)'
    """
    return "; ".join(names[:3]) + (f" (and {len(names) - 3} more)" if len(names) > 3 else "")


def _enumerate(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> _enumerate(["filter", "grid", "truth"])
    'filter, grid and truth'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
