"""Gaps between groups, and when a method is not worse for one."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rppgbench.evaluation.group_gaps import group_gaps


def windows(groups: dict[str, list[float]], column: str = "skin_tone") -> pd.DataFrame:
    """One window for each person of each group."""
    rows = [
        {
            "dataset": "set",
            "subject": f"{group}{person}",
            "recording": f"{group}{person}",
            "seed": 0,
            "method": "pos",
            column: group,
            "reference_bpm": 70.0,
            "error_bpm": error,
        }
        for group, errors in groups.items()
        for person, error in enumerate(errors)
    ]
    return pd.DataFrame(rows)


LIGHT, DARK = [1.0, 2.0, 1.5, 2.5, 1.0, 2.0], [9.0, 11.0, -10.0, 12.0, 8.0, 10.0]


def test_the_gap_of_two_groups_is_the_difference_of_their_errors() -> None:
    light, dark = sorted(
        group_gaps(windows({"II": LIGHT, "VI": DARK}), "skin_tone", margin_bpm=5.0),
        key=lambda gap: gap.group,
    )
    expected = np.mean(np.abs(DARK)) - np.mean(LIGHT)
    assert dark.gap_bpm == pytest.approx(expected)
    assert light.gap_bpm == pytest.approx(-expected)
    assert (light.people, dark.people) == (6, 6)
    assert dark.mae_bpm == pytest.approx(10.0)
    assert (light.verdict, dark.verdict) == ("not worse", "worse")
    # Near Welch's interval: the degrees of freedom are those of all people.
    welch = stats.ttest_ind(np.abs(DARK), LIGHT, equal_var=False).confidence_interval(0.95)
    assert (dark.low_bpm, dark.high_bpm) == pytest.approx((welch.low, welch.high), abs=0.3)


@pytest.mark.parametrize(
    ("margin_bpm", "verdict"), [(5.0, "worse"), (8.0, "undecided"), (20.0, "not worse")]
)
def test_the_margin_decides(margin_bpm: float, verdict: str) -> None:
    gaps = group_gaps(windows({"II": LIGHT, "VI": DARK}), "skin_tone", margin_bpm=margin_bpm)
    assert next(gap.verdict for gap in gaps if gap.group == "VI") == verdict


def test_few_people_and_single_groups_have_no_verdict() -> None:
    few = group_gaps(windows({"II": LIGHT, "VI": DARK[:4]}), "skin_tone", margin_bpm=5.0)
    assert {gap.verdict for gap in few} == {"undecided"}
    assert all(np.isnan(gap.low_bpm) for gap in few)
    assert group_gaps(windows({"II": LIGHT}), "skin_tone", margin_bpm=5.0) == []
    unnamed = windows({"II": LIGHT, "": DARK})
    assert group_gaps(unnamed, "skin_tone", margin_bpm=5.0) == []


def test_a_person_in_both_lights_is_compared_with_themselves() -> None:
    """Each person has 3 bpm more in the dark: the gap is sure, however much people differ."""
    base = [1.0, 5.0, 9.0, 13.0, 17.0, 21.0]
    table = windows({"bright": base, "dark": [e + 3 for e in base]}, "light")
    table["subject"] = [f"p{k}" for k in range(6)] * 2
    dark = next(gap for gap in group_gaps(table, "light", margin_bpm=2.0) if gap.group == "dark")
    assert (dark.gap_bpm, dark.low_bpm, dark.high_bpm) == pytest.approx((3.0, 3.0, 3.0))
    assert dark.verdict == "worse"


def test_the_error_of_a_group_is_pooled_as_its_gap() -> None:
    """An evaluator of recordings: the ten windows of one person count as one."""
    table = windows({"II": LIGHT, "VI": [10.0] * 10 + [1.0] * 5})
    table.loc[table["subject"].isin([f"VI{k}" for k in range(10)]), ["subject", "recording"]] = "VI"
    for pooling, expected in (("windows", 105 / 15), ("recordings", 15 / 6)):
        table.attrs["pooling"] = pooling
        gap = {gap.group: gap for gap in group_gaps(table, "skin_tone", margin_bpm=5.0)}["VI"]
        assert gap.mae_bpm == pytest.approx(expected)
        assert gap.mae_bpm - gap.gap_bpm == pytest.approx(np.mean(LIGHT))
