"""Estimates that are heart rates without a waveform."""

import numpy as np
import pytest
from tests.factories.evaluators import OF_HEART_RATES, evaluator
from tests.factories.records import make_estimate, make_ground_truth, make_pulse

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.evaluation.rule_notes import GIVEN_RATES, mark_rule_notes
from rppgbench.evaluation.scores import score_windows, summarise

LI2023, PYVHR = evaluator("li2023"), evaluator("pyvhr")
WHOLE_VIDEO = Signal(np.full(2, 75.0), np.array([0.0, 1e6]))


def each_second(*bpm: float, start_s: float = 0.5) -> Signal:
    return Signal(np.array(bpm), start_s + np.arange(len(bpm), dtype=float))


def test_a_window_takes_the_mean_of_the_rates_in_it() -> None:
    rates = each_second(*[70.0] * 10, *[80.0] * 5, *[90.0] * 5)
    estimate = make_estimate(heart_rate=rates)
    rows = score_windows(LI2023, [estimate], {("set", "a1"): make_ground_truth(72.0, seconds=21.0)})
    assert rows["estimate_bpm"].tolist() == [70.0, 85.0]
    np.testing.assert_allclose(rows["error_bpm"], [-2.0, 13.0], atol=0.05)
    assert rows["snr_db"].isna().all()
    assert rows["fs"].isna().all()


def test_the_windows_are_those_of_other_methods() -> None:
    truths = {("set", "a1"): make_ground_truth(72.0)}
    wave = make_estimate(make_pulse(72.0, seconds=35.0), method="pos")
    rates = make_estimate(heart_rate=each_second(*[75.0] * 60), method="net")
    rows = score_windows(LI2023, [wave, rates], truths)
    starts = {name: part["start_s"].tolist() for name, part in rows.groupby("method")}
    assert starts["net"] == starts["pos"] == [0.0, 10.0, 20.0]


@pytest.mark.parametrize("name", OF_HEART_RATES)
def test_one_rate_of_a_recording_is_scored_under_every_rule(name: str) -> None:
    rows = score_windows(
        evaluator(name),
        [make_estimate(heart_rate=WHOLE_VIDEO)],
        {("set", "a1"): make_ground_truth(72.0)},
    )
    assert not rows["missing"].any()
    np.testing.assert_allclose(rows["estimate_bpm"], 75.0)
    assert rows["reference_bpm"].notna().any()
    np.testing.assert_allclose(rows["error_bpm"], 75.0 - rows["reference_bpm"])


def test_windows_with_too_few_rates_are_missing_and_cost_the_worst_error() -> None:
    rates = each_second(*[72.0] * 10, *[np.nan] * 4, *[72.0] * 6)
    estimate = make_estimate(heart_rate=rates)
    rows = score_windows(LI2023, [estimate], {("set", "a1"): make_ground_truth(72.0, seconds=21.0)})
    assert rows["missing"].tolist() == [False, True]
    assert rows["reason"].tolist()[1] == "estimate: no heart rate in the window"
    assert rows["error_bpm"].iloc[1] > 100


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_no_rate_at_all_is_a_row_with_its_reason(values: list[float]) -> None:
    rates = Signal(np.array(values), np.arange(len(values), dtype=float))
    estimate = make_estimate(heart_rate=rates)
    rows = score_windows(LI2023, [estimate], {("set", "a1"): make_ground_truth(72.0, seconds=21.0)})
    assert rows["missing"].all()
    assert set(rows["reason"]) == {"no value among the heart rates"}


def test_without_a_reference_the_windows_lie_over_the_rates() -> None:
    rows = score_windows(LI2023, [make_estimate(heart_rate=each_second(*[72.0] * 30))], {})
    assert rows["estimate_bpm"].tolist() == [72.0, 72.0, 72.0]
    assert rows["error_bpm"].isna().all()


def test_pyvhr_sets_each_rate_beside_the_nearest_of_the_reference() -> None:
    truth = GroundTruth(heart_rate=Signal(np.array([60.0, 70.0, 80.0]), np.array([0.9, 2.0, 3.2])))
    estimate = make_estimate(heart_rate=each_second(61.0, 75.0, np.nan, start_s=1.0))
    rows = score_windows(PYVHR, [estimate], {("set", "a1"): truth})
    assert rows["start_s"].tolist() == [1.0, 2.0, 3.0]
    assert rows["reference_bpm"].tolist() == [60.0, 70.0, 80.0]
    assert rows["error_bpm"].tolist()[:2] == [1.0, 5.0]
    assert rows["missing"].tolist() == [False, False, True]
    table = summarise(rows[~rows["missing"]], resamples=0)
    assert table["mae"].tolist() == [3.0]


def test_rows_of_rates_say_what_does_not_apply() -> None:
    truths = {("set", "a1"): make_ground_truth(72.0)}
    wave = make_estimate(make_pulse(72.0), method="pos")
    rates = make_estimate(heart_rate=WHOLE_VIDEO, method="net")
    rows = score_windows(LI2023, [wave, rates], truths)
    mark_rule_notes(rows, LI2023)
    notes = {name: set(part["rule_note"]) for name, part in rows.groupby("method")}
    assert notes == {"net": {GIVEN_RATES}, "pos": {""}}


def test_windows_of_the_reference_without_a_rate_are_missing() -> None:
    estimate = make_estimate(heart_rate=each_second(*[72.0] * 20))
    rows = score_windows(LI2023, [estimate], {("set", "a1"): make_ground_truth(72.0, seconds=61.0)})
    assert rows["missing"].tolist() == [False, False, True, True, True, True]


def test_a_reading_for_each_window_is_the_rate_of_that_window() -> None:
    rates = Signal(np.array([70.0, 80.0, 90.0]), np.array([5.0, 15.0, 25.0]))
    estimate = make_estimate(heart_rate=rates)
    rows = score_windows(LI2023, [estimate], {("set", "a1"): make_ground_truth(72.0, seconds=31.0)})
    assert rows["estimate_bpm"].tolist() == [70.0, 80.0, 90.0]
