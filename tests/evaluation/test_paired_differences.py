"""Differences of two mean absolute errors, with intervals over subjects."""

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.waveform import Array
from rppgbench.evaluation.paired_differences import error_difference, paired_interval
from rppgbench.evaluation.summary import summarise


def windows(errors: Array) -> pd.DataFrame:
    """Windows of subjects (S, W) with these errors in bpm."""
    subjects, count = errors.shape
    return pd.DataFrame(
        {
            "dataset": "d",
            "subject": np.repeat([f"s{number}" for number in range(subjects)], count),
            "reference_bpm": 60.0,
            "error_bpm": errors.ravel(),
        }
    )


def test_what_is_hard_for_both_does_not_widen_the_interval() -> None:
    """Subjects differ by tens of bpm, the two methods by one: the pairs show it."""
    rng = np.random.default_rng(0)
    hard = rng.uniform(2, 40, (20, 1)) + rng.normal(0, 0.1, (20, 5))
    found = error_difference(windows(hard + 1.0), windows(-hard))
    assert found.value_bpm == pytest.approx(1.0)
    assert 0.99 < found.low_bpm <= found.high_bpm < 1.01
    apart = error_difference(windows(hard + 1.0), windows(rng.permutation(hard)))
    assert apart.high_bpm - apart.low_bpm > 2


def test_windows_without_a_reference_are_not_scored() -> None:
    first, second = windows(np.ones((3, 2))), windows(np.full((3, 2), 4.0))
    second.loc[0, ["reference_bpm", "error_bpm"]] = [np.nan, 1000.0]
    assert error_difference(first, second).value_bpm == pytest.approx(-3.0)


def test_one_subject_has_no_interval() -> None:
    found = error_difference(windows(np.ones((1, 3))), windows(np.zeros((1, 3))))
    assert found.value_bpm == 1.0
    assert np.isnan([found.low_bpm, found.high_bpm]).all()


def test_one_name_in_two_data_sets_is_two_people() -> None:
    first = pd.concat([windows(np.ones((1, 2))), windows(np.full((1, 2), 5.0)).assign(dataset="e")])
    found = error_difference(first, first.assign(error_bpm=0.0))
    assert found.value_bpm == pytest.approx(3.0)
    assert found.low_bpm < 3.0 < found.high_bpm


def test_equal_counts_give_the_t_interval_of_the_subjects() -> None:
    errors = np.random.default_rng(4).normal(0, 3, (6, 5))
    difference = error_difference(windows(errors), windows(np.zeros((6, 5))))
    expected = paired_interval(np.abs(errors).mean(axis=1))
    assert (difference.low_bpm, difference.high_bpm) == pytest.approx(expected)


def test_unequal_counts_agree_with_leaving_one_subject_out() -> None:
    rng = np.random.default_rng(8)
    first, second = (windows(rng.normal(0, 3, (40, 6))) for _ in range(2))
    first = first[rng.random(len(first)) < 0.6]
    difference = error_difference(first, second)
    left_out = np.array(
        [
            error_difference(
                first[first["subject"] != name], second[second["subject"] != name]
            ).value_bpm
            for name in second["subject"].unique()
        ]
    )
    jackknife = np.sqrt(39 / 40 * ((left_out - left_out.mean()) ** 2).sum())
    half = (difference.high_bpm - difference.low_bpm) / 2
    assert half / 2.0227 == pytest.approx(jackknife, rel=0.05)  # t with 39 degrees of freedom


@pytest.mark.parametrize(("pooling", "value"), [("rows", 3.0), ("recordings", 11 / 3)])
def test_the_difference_is_that_of_the_means_of_the_table(pooling: str, value: float) -> None:
    """One subject has a recording of three windows and one of one window."""
    table = pd.DataFrame(
        {
            "dataset": "d",
            "subject": ["a", "a", "a", "a", "b", "b"],
            "recording": ["a1", "a1", "a1", "a2", "b1", "b1"],
            "method": "first",
            "seed": 0,
            "reference_bpm": 60.0,
            "estimate_bpm": 60.0,
            "missing": False,
            "error_bpm": [2.0, -1.0, 3.0, 6.0, 7.0, -5.0],
        }
    )
    first, second = table, table.assign(error_bpm=1.0, method="second")
    first.attrs["pooling"] = second.attrs["pooling"] = pooling
    difference = error_difference(first, second)
    means = [summarise(rows, by=["method"], resamples=0)["mae"].item() for rows in (first, second)]
    assert difference.value_bpm == pytest.approx(value)
    assert difference.value_bpm == pytest.approx(means[0] - means[1])
    assert difference.low_bpm < value < difference.high_bpm
