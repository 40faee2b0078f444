"""What becomes of registered hypotheses: intervals over people, and their verdicts."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rppgbench.core.registration import read_hypothesis
from rppgbench.evaluation.hypotheses import judge

FIRST, SECOND = [1.0, 1.5, 0.5, 2.0], [4.0, 5.5, 3.0, 5.0]
"""Errors of four people; differences -3, -4, -2.5, -3: mean -3.125."""


def windows(condition: str = "none", region: str = "skin", **errors: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "dataset": "set",
                "subject": f"p{person}",
                "recording": f"p{person}",
                "seed": 0,
                "method": method,
                "condition": condition,
                "region": region,
                "reference_bpm": 70.0,
                "error_bpm": error,
            }
            for method, values in errors.items()
            for person, error in enumerate(values)
        ]
    )


def test_the_interval_is_that_of_the_paired_t_at_bonferronis_level() -> None:
    rows = windows(a=FIRST, b=SECOND)
    first, second = judge([read_hypothesis("a < b"), read_hypothesis("b < a")], rows, region="skin")
    differences = np.array(FIRST) - np.array(SECOND)
    test = stats.ttest_1samp(differences, 0).confidence_interval(0.975)
    assert (first.people, first.confidence) == (4, 0.975)
    assert first.difference_bpm == pytest.approx(-3.125)
    assert (first.low_bpm, first.high_bpm) == pytest.approx((test.low, test.high))
    assert (first.verdict, second.verdict) == ("supported", "contradicted")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("a < b", "supported"),
        ("a < b - 2", "supported"),
        ("a < b - 3", "undecided"),
        ("a < b - 4.5", "contradicted"),
        ("b < a", "contradicted"),
        ("a < c", "no value"),
    ],
)
def test_a_margin_moves_the_verdict(text: str, verdict: str) -> None:
    """The limits of a less b are -4.13 and -2.12 bpm."""
    (outcome,) = judge([read_hypothesis(text)], windows(a=FIRST, b=SECOND), region="skin")
    assert outcome.verdict == verdict
    assert math.isnan(outcome.difference_bpm) == (verdict == "no value")


def test_one_person_decides_nothing() -> None:
    (outcome,) = judge([read_hypothesis("a < b")], windows(a=[1.0], b=[9.0]), region="skin")
    assert (outcome.verdict, outcome.people) == ("undecided", 1)


def test_condition_and_region_of_the_hypothesis_count_alone() -> None:
    rows = pd.concat(
        [
            windows("raw", a=FIRST, b=SECOND),
            windows("crf", a=SECOND, b=FIRST),
            windows("raw", region="cheeks", a=SECOND, b=FIRST),
        ]
    )
    hypotheses = [read_hypothesis("a < b @ raw"), read_hypothesis("a < b @ crf")]
    verdicts = [outcome.verdict for outcome in judge(hypotheses, rows, region="skin")]
    assert verdicts == ["supported", "contradicted"]


@pytest.mark.parametrize("method", ["a", "b"])
def test_weights_that_saw_the_tested_data_decide_nothing(method: str) -> None:
    rows = windows(a=FIRST, b=SECOND)
    rows["leaked"] = ["PURE" if name == method else "" for name in rows["method"]]
    (outcome,) = judge([read_hypothesis("a < b")], rows, region="skin")
    assert outcome.verdict == "leaked"
    rows["leaked"] = ""
    (outcome,) = judge([read_hypothesis("a < b")], rows, region="skin")
    assert outcome.verdict == "supported"
