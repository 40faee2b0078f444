"""Skill: how much lower the error of a method is than that of the best control."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rppgbench.evaluation.paired_differences import (
    MIN_PEOPLE,
    error_difference,
    mean_absolute_error,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Skill:
    """A method beside the best of its controls.

    Attributes:
        control: The name of the control with the lowest mean absolute error.
        control_mae_bpm: That error.
        value_bpm: The control's error less the method's: positive where the method is better.
        low_bpm: The lower 95 % limit over subjects; NaN with fewer than two.
        high_bpm: The upper limit.
        people: How many subjects the interval is over.
    """

    control: str
    control_mae_bpm: float
    value_bpm: float
    low_bpm: float
    high_bpm: float
    people: int

    @property
    def has_too_few_people(self) -> bool:
        """Whether the subjects are too few to show skill, whatever the interval."""
        return self.people < MIN_PEOPLE

    @property
    def is_shown(self) -> bool:
        """Whether the interval, over enough people, lies above zero: the method knows more.

        The control is the best of several, which makes the comparison strict: by chance alone the
        best of them has a lower error than each has in the mean.
        """
        return self.low_bpm > 0 and not self.has_too_few_people


def skill_above(method: pd.DataFrame, controls: Mapping[str, pd.DataFrame]) -> Skill | None:
    """Compare a method with the control that has the lowest error on the same recordings.

    Args:
        method: The rows of `score_windows` of the method.
        controls: Those of each control, by name.

    Returns:
        The comparison; None where the method or every control is without a scored row.
    """
    errors = {name: mean_absolute_error(windows) for name, windows in controls.items()}
    errors = {name: error for name, error in errors.items() if math.isfinite(error)}
    if not errors or not math.isfinite(mean_absolute_error(method)):
        return None
    best = min(errors, key=lambda name: (errors[name], name))
    difference = error_difference(controls[best], method)
    return Skill(
        control=best,
        control_mae_bpm=errors[best],
        value_bpm=difference.value_bpm,
        low_bpm=difference.low_bpm,
        high_bpm=difference.high_bpm,
        people=difference.people,
    )
