"""Risk against coverage: the windows of the highest confidence come first."""

import numpy as np
import pandas as pd
import pytest

from rppgbench.evaluation import risk_coverage as module
from rppgbench.evaluation.bootstrap import bootstrap
from rppgbench.evaluation.risk_coverage import RiskCoverage, area_difference, risk_coverage


def windows(errors: list[float], confidence: list[float], people: int = 4) -> pd.DataFrame:
    """One method; the windows go round the people."""
    count = len(errors)
    return pd.DataFrame(
        {
            "dataset": "set",
            "subject": [f"p{number % people}" for number in range(count)],
            "reference_bpm": 70.0,
            "error_bpm": errors,
            "confidence_db": confidence,
        }
    )


def test_the_surest_windows_come_first() -> None:
    """Risks of 1, 2, 3 and 4 windows: 1, 1.5, 2, 4; their mean is 2.125."""
    curve = risk_coverage(windows([-10.0, 1.0, 3.0, -2.0], [0.0, 9.0, 3.0, 6.0]))
    assert curve is not None
    assert curve.risk_bpm == pytest.approx([1.0, 1.5, 2.0, 4.0])
    assert curve.coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert curve.area_bpm == pytest.approx(2.125)
    assert [curve.best_bpm, curve.skill] == pytest.approx([2.125, 1.0])
    assert [curve.risk_at(0.5), curve.risk_at(1.0)] == pytest.approx([1.5, 4.0])
    assert curve.low_bpm < curve.area_bpm < curve.high_bpm


def test_weights_in_parts_give_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    table = windows([-10.0, 1.0, 3.0, -2.0, 7.0], [0.0, 9.0, 3.0, 6.0, 1.0])
    whole = risk_coverage(table)
    monkeypatch.setattr(module, "MAX_WEIGHTS", 37)  # 7 of the 500 resamples at once
    in_parts = risk_coverage(table)
    assert whole is not None
    assert in_parts is not None
    assert (in_parts.low_bpm, in_parts.high_bpm) == (whole.low_bpm, whole.high_bpm)


def test_an_order_against_the_errors_has_a_skill_below_nothing() -> None:
    """Risks: 10, 6.5, 5, 4; area 6.375; (4 - 6.375) / (4 - 2.125)."""
    curve = risk_coverage(windows([-10.0, 1.0, 3.0, -2.0], [9.0, 0.0, 6.0, 3.0]))
    assert curve is not None
    assert curve.skill == pytest.approx((4 - 6.375) / (4 - 2.125))


def test_windows_of_one_confidence_enter_with_their_mean_in_any_order() -> None:
    errors, confidence = [1.0, 9.0, 2.0, 4.0], [5.0, 5.0, 1.0, 1.0]
    for order in ([0, 1, 2, 3], [1, 0, 3, 2]):
        curve = risk_coverage(windows([errors[k] for k in order], [confidence[k] for k in order]))
        assert curve is not None
        assert curve.risk_bpm == pytest.approx([5.0, 5.0, 13 / 3, 4.0])
    level = risk_coverage(windows(errors, [2.0] * 4))
    assert level is not None
    assert level.skill == pytest.approx(0.0)


def test_windows_without_an_estimate_come_last_and_cost_what_they_cost() -> None:
    curve = risk_coverage(windows([100.0, 1.0, 3.0], [np.nan, -20.0, -30.0]))
    assert curve is not None
    assert curve.risk_bpm == pytest.approx([1.0, 2.0, 104 / 3])
    assert risk_coverage(windows([1.0, 2.0], [np.nan, np.nan])) is None


def test_the_interval_is_over_people_not_over_windows() -> None:
    rng = np.random.default_rng(4)
    errors = np.repeat(rng.exponential(3, 6), 50) + rng.exponential(0.1, 300)
    table = windows(errors.tolist(), rng.normal(0, 1, 300).tolist())
    table["subject"] = np.repeat([f"p{k}" for k in range(6)], 50)
    by_person = risk_coverage(table)
    table["subject"] = [f"w{k}" for k in range(300)]
    by_window = risk_coverage(table)
    assert by_person is not None
    assert by_window is not None
    wide = by_person.high_bpm - by_person.low_bpm
    assert wide > 3 * (by_window.high_bpm - by_window.low_bpm)
    table["subject"] = "one"
    single = risk_coverage(table)
    assert single is not None
    assert np.isnan(single.low_bpm)


def curve_of(table: pd.DataFrame, column: str = "confidence_db") -> RiskCoverage:
    curve = risk_coverage(table, column)
    assert curve is not None
    return curve


@pytest.mark.parametrize("seed", range(5))
def test_a_confidence_that_knows_the_errors_gives_the_best_curve(seed: int) -> None:
    """Also on a scale from 0 to 1, and with errors that are equal."""
    errors = np.random.default_rng(seed).exponential(5, 60).round()
    table = windows(errors.tolist(), (-errors).tolist())
    table["confidence"] = np.exp(-errors)
    for column in ("confidence_db", "confidence"):
        curve = curve_of(table, column)
        assert curve.area_bpm == curve.best_bpm
        assert curve.skill == pytest.approx(1.0)
        np.testing.assert_allclose(
            curve.risk_bpm, np.cumsum(np.sort(errors)) / np.arange(1, 61), rtol=1e-12
        )
    difference = area_difference(table, "confidence", "confidence_db")
    assert difference is not None
    assert (difference.value_bpm, difference.low_bpm, difference.high_bpm) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0])
def test_a_constant_confidence_gives_a_flat_curve(value: float) -> None:
    """The curve is the mean error throughout, and its interval is that of the mean error."""
    rng = np.random.default_rng(3)
    errors = rng.exponential(5, 60) * np.repeat([1.0, 1.0, 1.0, 4.0], 15)
    table = windows(errors.tolist(), [value] * 60)
    table["subject"] = np.repeat(["a", "b", "c", "d"], 15)
    curve = curve_of(table)
    np.testing.assert_allclose(curve.risk_bpm, errors.mean(), rtol=1e-12)
    assert curve.area_bpm == pytest.approx(errors.mean())
    assert curve.skill == pytest.approx(0.0, abs=1e-12)
    by_person = errors.reshape(4, 15).mean(axis=1)
    assert by_person.min() < curve.low_bpm < errors.mean() < curve.high_bpm < by_person.max() + 1e-9
    assert curve.high_bpm - curve.low_bpm > 5


def test_the_interval_of_a_flat_curve_is_that_of_the_mean_error() -> None:
    """People with 5, 10, 15, ... windows: within a resample too, windows share their mean."""
    people = np.repeat([f"p{k}" for k in range(8)], 5 * np.arange(1, 9))
    errors = np.random.default_rng(6).exponential(5, len(people))
    table = windows(errors.tolist(), [0.5] * len(people)).assign(subject=people)
    by_person = [[errors[people == p].sum(), (people == p).sum()] for p in np.unique(people)]
    low, high = bootstrap(
        np.array(by_person), lambda s: s[..., :1] / s[..., 1:], resamples=module.RESAMPLES, seed=0
    )
    curve = curve_of(table)
    assert (curve.low_bpm, curve.high_bpm) == pytest.approx((low[0], high[0]), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_windows_changes_no_digit(seed: int) -> None:
    """Neither of the curve nor of the interval: windows of one confidence are in no order."""
    rng = np.random.default_rng(seed)
    errors, confidence = rng.exponential(5, 80), rng.integers(0, 4, 80).astype(float)
    confidence[::9] = np.nan
    table = windows(errors.tolist(), confidence.tolist(), people=6)
    first, mixed = curve_of(table), curve_of(table.sample(frac=1.0, random_state=seed))
    np.testing.assert_array_equal(first.risk_bpm, mixed.risk_bpm)
    limits = [(c.area_bpm, c.low_bpm, c.high_bpm, c.skill) for c in (first, mixed)]
    assert limits[0] == limits[1]


def test_any_increasing_scale_of_a_confidence_gives_one_curve() -> None:
    rng = np.random.default_rng(8)
    errors, confidence = rng.exponential(5, 50), rng.normal(0, 3, 50)
    table = windows(errors.tolist(), confidence.tolist())
    table["confidence"] = 1 / (1 + np.exp(-confidence))
    assert curve_of(table, "confidence").area_bpm == curve_of(table).area_bpm


def test_the_difference_of_two_confidences_is_over_the_same_windows() -> None:
    """One knows the errors; the other knows nothing and has no value in some windows."""
    rng = np.random.default_rng(2)
    errors = rng.exponential(5, 200)
    table = windows(errors.tolist(), rng.normal(0, 1, 200).tolist(), people=10)
    table["confidence"] = np.where(np.arange(200) % 7 == 0, np.nan, np.exp(-errors))
    difference = area_difference(table, "confidence", "confidence_db")
    assert difference is not None
    own, snr = curve_of(table, "confidence"), curve_of(table)
    assert difference.value_bpm == pytest.approx(own.area_bpm - snr.area_bpm)
    assert difference.low_bpm < difference.value_bpm < difference.high_bpm < 0
    assert area_difference(table.assign(confidence=np.nan), "confidence", "confidence_db") is None
    one_person = area_difference(table.assign(subject="a"), "confidence", "confidence_db")
    assert one_person is not None
    assert np.isnan(one_person.low_bpm)
