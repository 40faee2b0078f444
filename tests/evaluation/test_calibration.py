"""Stated probabilities of a correct heart rate beside the share that is correct."""

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.waveform import Array
from rppgbench.evaluation.calibration import Calibration, calibration, fitted_probability


def windows(correct: Array, people: int = 10, **columns: Array) -> pd.DataFrame:
    """Windows of people, with an error of 1 bpm where correct and of 20 bpm elsewhere."""
    count = len(correct)
    return pd.DataFrame(
        {
            "dataset": "set",
            "subject": [f"p{k % people}" for k in range(count)],
            "reference_bpm": 70.0,
            "error_bpm": np.where(correct, -1.0, 20.0),
            **columns,
        }
    )


def measured(table: pd.DataFrame, probability: Array) -> Calibration:
    result = calibration(table, probability)
    assert result is not None
    return result


def test_the_error_is_the_weighted_distance_of_the_bins() -> None:
    """Bins 0.1 to 0.2 and from 0.9 on: 2 windows, 1 correct, and 4 windows, 2 correct."""
    correct = np.array([1, 0, 1, 1, 0, 0])
    result = measured(windows(correct), np.array([0.1, 0.19, 0.9, 1.0, 1.0, 0.9]))
    assert result.error == pytest.approx((abs(0.29 - 1) + abs(3.8 - 2)) / 6)
    assert result.excess == pytest.approx((4.09 - 3) / 6)
    assert [part.windows for part in result.bins] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 4]
    assert (result.bins[1].stated, result.bins[1].correct) == pytest.approx((0.145, 0.5))
    assert np.isnan(result.bins[0].correct)


def test_an_error_of_5_bpm_is_correct_and_more_is_not() -> None:
    table = windows(np.ones(3)).assign(error_bpm=[5.0, -5.0, 5.001])
    assert measured(table, np.ones(3)).correct == pytest.approx(2 / 3)


def test_true_probabilities_have_a_small_error_and_overconfident_ones_a_large_one() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 1, 20_000)
    table = windows((rng.uniform(0, 1, 20_000) < probability).astype(float), people=40)
    true = measured(table, probability)
    assert true.error < 0.02
    assert true.excess_low < 0 < true.excess_high
    too_sure = measured(table, probability**0.2)
    assert too_sure.error > 0.25
    assert too_sure.error_low > 0.2
    assert too_sure.excess_low > 0.2


def test_the_interval_is_over_people() -> None:
    """Half of the people are always right: a window tells less than a person."""
    correct = np.repeat([1.0, 0.0] * 6, 100)
    table = windows(correct)
    table["subject"] = np.repeat([f"p{k}" for k in range(12)], 100)
    by_person = measured(table, np.full(1200, 0.5))
    by_window = measured(table.assign(subject=[f"w{k}" for k in range(1200)]), np.full(1200, 0.5))
    wide = by_person.excess_high - by_person.excess_low
    assert wide > 5 * (by_window.excess_high - by_window.excess_low)
    single = measured(table.assign(subject="a"), np.full(1200, 0.5))
    assert np.isnan([single.excess_low, single.error_high]).all()


def test_windows_without_reference_or_probability_do_not_count() -> None:
    table = windows(np.array([1.0, 1.0, 0.0]))
    table.loc[0, "reference_bpm"] = np.nan
    result = measured(table, np.array([0.7, 0.7, np.nan]))
    assert (result.windows, result.correct) == (1, 1.0)
    assert calibration(table, np.full(3, np.nan)) is None


def test_the_order_of_windows_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    table = windows((rng.uniform(0, 1, 300) < 0.6).astype(float), p=rng.uniform(0, 1, 300))
    mixed = table.sample(frac=1.0, random_state=1)
    first, second = (measured(t, t["p"].to_numpy()) for t in (table, mixed))
    assert first.error == pytest.approx(second.error, abs=1e-12)
    assert first.error_high == pytest.approx(second.error_high, abs=1e-9)


def test_a_fit_turns_decibels_into_true_probabilities() -> None:
    rng = np.random.default_rng(1)
    level_db = rng.normal(2, 4, 8000)
    truth = 1 / (1 + np.exp(-(level_db - 1) / 2))
    table = windows((rng.uniform(0, 1, 8000) < truth).astype(float), confidence_db=level_db)
    fitted = fitted_probability(table, "confidence_db")
    np.testing.assert_allclose(fitted, truth, atol=0.03)
    assert measured(table, fitted).error < 0.03


def test_a_person_s_own_windows_are_not_fitted_on() -> None:
    """One person is right where the others are wrong: the fit is that of the others."""
    level_db = np.tile([-5.0, 5.0], 60)
    subject = np.repeat([f"p{k}" for k in range(6)], 20)
    correct = np.where(subject == "p0", level_db < 0, level_db > 0).astype(float)
    table = windows(correct, confidence_db=level_db).assign(subject=subject)
    fitted = fitted_probability(table, "confidence_db")
    of_first = subject == "p0"
    assert (fitted[of_first & (level_db > 0)] > 0.95).all()
    assert (fitted[of_first & (level_db < 0)] < 0.05).all()
    of_others = ~of_first & (level_db > 0)
    assert (fitted[of_others] < 0.9).all()


def test_outcomes_and_confidences_of_one_kind_can_be_fitted() -> None:
    right = windows(np.ones(40), confidence_db=np.linspace(-3, 9, 40))
    fitted = fitted_probability(right, "confidence_db")
    assert ((fitted > 0.9) & (fitted < 1)).all()
    constant = windows(np.tile([1.0, 0.0, 1.0, 1.0], 10), confidence=np.ones(40))
    np.testing.assert_allclose(fitted_probability(constant, "confidence"), 0.75, atol=0.06)


def test_without_other_people_there_is_no_fit() -> None:
    table = windows(np.ones(10), people=1, confidence=np.linspace(0, 1, 10))
    assert np.isnan(fitted_probability(table, "confidence")).all()
    empty = windows(np.ones(10), confidence=np.full(10, np.nan))
    assert np.isnan(fitted_probability(empty, "confidence")).all()
