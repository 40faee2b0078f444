"""How small a difference the people behind scored windows can show, pair by pair of methods."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.canonical_order import ordered_rows
from rppgbench.core.waveform import Array
from rppgbench.evaluation.paired_differences import paired_interval
from rppgbench.evaluation.power import detectable_difference, people_needed, power
from rppgbench.evaluation.summary import block_scores

if TYPE_CHECKING:
    import pandas as pd

CONDITION_KEYS = ("condition", "region")

WANTED_BPM = 1.0
"""The difference to find where nobody asks for another."""


@dataclass(frozen=True, kw_only=True)
class PairPower:
    """What the people of some results can tell of two methods; errors in bpm.

    Attributes:
        first: Name of a method.
        second: Name of another.
        condition: The condition and region, or "".
        people: People with an error of both.
        difference: Mean over people of first less second.
        low: Lower limit of its 95 % interval.
        high: Upper limit.
        sd: Standard deviation of the differences between people.
        correlation: Correlation of both errors over people; NaN with fewer than three.
        detectable: The difference that these people find with a chance of 80 %.
        detectable_with: The same with the number of people asked for; NaN where none was.
        needed: People that find the wanted difference; None where a million do not.
        chance: Power of these people for the wanted difference.
    """

    first: str
    second: str
    condition: str
    people: int
    difference: float
    low: float
    high: float
    sd: float
    correlation: float
    detectable: float
    detectable_with: float
    needed: int | None
    chance: float


def pair_powers(
    windows: pd.DataFrame,
    *,
    wanted_bpm: float = WANTED_BPM,
    people: int | None = None,
    beside: str = "",
) -> list[PairPower]:
    """What the people behind scored windows can tell of each pair of methods.

    The error of a person is the mean absolute error over the person's windows, then over seeds.
    Methods without a region of skin, and imported ones without a condition, stand beside those of
    every region and condition.

    Args:
        windows: The rows of `score_windows`.
        wanted_bpm: The difference to find, above 0.
        people: A number of people to plan for, or None.
        beside: Only the pairs of this method; "" for all pairs.

    Returns:
        One record for each pair under each condition and region of the two, in canonical order.
    """
    windows = ordered_rows(windows)
    records: dict[tuple[str, ...], PairPower] = {}
    for setting in product(*(_values(windows, key) for key in CONDITION_KEYS)):
        inside = np.ones(len(windows), np.bool_)
        for key, value in zip(CONDITION_KEYS, setting, strict=True):
            inside &= windows[key].isin([value, ""]).to_numpy()
        part = windows[inside]
        errors = block_scores(part, block=("dataset", "subject"))
        for first, second in combinations(errors, 2):
            if beside and beside not in (first, second):
                continue
            of_pair = part[part["method"].isin([first, second])]
            name = ", ".join(
                value
                for key, value in zip(CONDITION_KEYS, setting, strict=True)
                if value and (of_pair[key] == value).any()
            )
            if (first, second, name) not in records:
                records[first, second, name] = _pair(
                    first, second, name, errors[first], errors[second], wanted_bpm, people
                )
    return list(records.values())


def _values(windows: pd.DataFrame, key: str) -> list[str]:
    """The values of a column of settings; "" is that of methods that have no such setting."""
    return sorted({*map(str, windows[key])} - {""}) or [""]


def _pair(
    first: str,
    second: str,
    condition: str,
    first_errors: Array,
    second_errors: Array,
    wanted_bpm: float,
    people: int | None,
) -> PairPower:
    both = np.isfinite(first_errors) & np.isfinite(second_errors)
    differences = (first_errors - second_errors)[both]
    count = len(differences)
    sd = float(differences.std(ddof=1)) if count > 1 else float("nan")
    spread = count > 2 and min(first_errors[both].std(), second_errors[both].std()) > 0
    low, high = paired_interval(differences)
    return PairPower(
        first=first,
        second=second,
        condition=condition,
        people=count,
        difference=float(differences.mean()) if count else float("nan"),
        low=low,
        high=high,
        sd=sd,
        correlation=float(np.corrcoef(first_errors[both], second_errors[both])[0, 1])
        if spread
        else float("nan"),
        detectable=detectable_difference(sd, count),
        detectable_with=float("nan") if people is None else detectable_difference(sd, people),
        needed=people_needed(wanted_bpm, sd),
        chance=power(wanted_bpm, sd, count),
    )
