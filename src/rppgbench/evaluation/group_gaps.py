"""Whether a method is worse for a group of people or recordings than for the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rppgbench.evaluation.paired_differences import (
    MIN_PEOPLE,
    error_difference,
    mean_absolute_error,
)

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("skin_tone", "light", "scenario")
"""Columns of windows that name groups."""

Verdict = Literal["not worse", "worse", "undecided"]


@dataclass(frozen=True, kw_only=True)
class GroupGap:
    """The error of one method in one group, less its error in all other groups.

    Attributes:
        method: Name of the method.
        column: What the groups differ in.
        group: Name of the group.
        people: People of the group with a scored window.
        mae_bpm: Mean absolute error in the group, over windows or recordings as of the gap.
        gap_bpm: The same less the mean absolute error in all other groups.
        low_bpm: Lower 95 % limit of the gap over people.
        high_bpm: Upper limit.
        verdict: "not worse" where the whole interval lies below the margin, "worse" where it lies
            above, else "undecided"; also with fewer than five people on a side, which have no
            interval.
    """

    method: str
    column: str
    group: str
    people: int
    mae_bpm: float
    gap_bpm: float
    low_bpm: float
    high_bpm: float
    verdict: Verdict


def group_gaps(windows: pd.DataFrame, column: str, *, margin_bpm: float) -> list[GroupGap]:
    """The gap of every method and group, with a verdict of non-inferiority.

    The interval is that of `error_difference`: people in one group alone are independent, and a
    person in several groups (lights, scenarios) is compared with themselves. Each interval has the
    level 95 % by itself. Source of the verdict: Piaggio et al., Reporting of noninferiority and
    equivalence randomized trials, JAMA 2012, 10.1001/jama.2012.87802.

    Args:
        windows: The rows of `score_windows` with the column.
        column: The column that names the groups; rows with "" are in none.
        margin_bpm: The largest gap that does not matter, above 0.

    Returns:
        One record for each method and group; none where there is one group.
    """
    named = windows[(windows[column] != "") & windows["reference_bpm"].notna()]
    gaps = []
    for method, rows in named.groupby("method", sort=True):
        groups = sorted(map(str, rows[column].unique()))
        if len(groups) < 2:
            continue
        for group in groups:
            inside = rows[rows[column] == group]
            inside.attrs = rows.attrs = windows.attrs
            outside = rows[rows[column] != group]
            gaps.append(_gap(str(method), column, group, inside, outside, margin_bpm))
    return gaps


def _gap(
    method: str,
    column: str,
    group: str,
    inside: pd.DataFrame,
    outside: pd.DataFrame,
    margin_bpm: float,
) -> GroupGap:
    difference = error_difference(inside, outside)
    people = [len(part[["dataset", "subject"]].drop_duplicates()) for part in (inside, outside)]
    low, high = difference.low_bpm, difference.high_bpm
    if min(people) < MIN_PEOPLE:
        low = high = math.nan
    verdict: Verdict = "undecided"
    if high < margin_bpm:
        verdict = "not worse"
    elif low > margin_bpm:
        verdict = "worse"
    return GroupGap(
        method=method,
        column=column,
        group=group,
        people=people[0],
        mae_bpm=mean_absolute_error(inside),
        gap_bpm=difference.value_bpm,
        low_bpm=low,
        high_bpm=high,
        verdict=verdict,
    )
