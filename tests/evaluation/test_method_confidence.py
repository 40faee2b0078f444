"""A method's own confidence is read in the windows of the evaluator."""

from dataclasses import replace

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.evaluation.ensembles import ensemble_rates
from rppgbench.evaluation.method_confidence import window_confidence
from rppgbench.evaluation.scores import score_windows

from ..factories.evaluators import evaluator
from ..factories.records import make_estimate, make_ground_truth, make_pulse

LI2023 = evaluator("li2023")  # windows of 10 s
TRUTH = {("set", "a1"): make_ground_truth(72.0)}


def at(values: list[float], times_s: list[float]) -> Signal:
    return Signal(np.array(values), np.array(times_s))


def test_values_of_a_window_are_averaged_and_its_end_belongs_to_the_next() -> None:
    stated = at([0.0, 0.5, 1.0], [0.0, 9.99, 10.0])
    means = window_confidence(stated, np.array([0.0, 10.0]), np.array([10.0, 10.0]))
    assert means == pytest.approx([0.25, 1.0])


def test_between_two_values_the_centre_counts_and_outside_of_them_there_is_none() -> None:
    stated = at([0.2, 0.8], [5.0, 35.0])
    means = window_confidence(stated, np.array([10.0, 20.0, 40.0]), np.full(3, 10.0))
    assert means[:2] == pytest.approx([0.4, 0.6])
    assert np.isnan(means[2])


def test_a_value_that_is_no_number_does_not_count() -> None:
    stated = at([0.2, np.nan, np.nan], [1.0, 2.0, 15.0])
    means = window_confidence(stated, np.array([0.0, 10.0]), np.array([10.0, 10.0]))
    assert means[0] == pytest.approx(0.2)
    assert np.isnan(means[1])
    nothing = at([np.nan, np.nan], [1.0, 2.0])
    assert np.isnan(window_confidence(nothing, np.array([0.0]), np.array([10.0]))).all()


def test_a_constant_is_the_same_in_every_window() -> None:
    """Sums of 0.1 differ in the last digit: windows would have an order that nobody gave."""
    stated = Signal(np.full(2000, 0.1), np.arange(2000) / 30.0)
    means = window_confidence(stated, np.arange(0.0, 60.0, 0.7), np.full(86, 5.3))
    assert set(means.tolist()) == {0.1}


def test_windows_carry_the_confidence_of_the_method() -> None:
    stated = at([0.9, 0.1], [4.0, 14.0])
    estimate = make_estimate(make_pulse(72.0, seconds=30.0), confidence=stated)
    rows = score_windows(LI2023, [estimate], TRUTH)
    assert rows["confidence"].tolist()[:2] == [0.9, 0.1]
    assert np.isnan(rows["confidence"][2])
    silent = score_windows(LI2023, [replace(estimate, confidence=None)], TRUTH)
    assert silent["confidence"].isna().all()


def test_a_missing_estimate_has_no_confidence() -> None:
    pulse = make_pulse(72.0, seconds=30.0)
    pulse.samples[:300] = np.nan
    stated = at([0.9, 0.8, 0.7], [5.0, 15.0, 25.0])
    rows = score_windows(LI2023, [make_estimate(pulse, confidence=stated)], TRUTH)
    assert rows["missing"].tolist() == [True, False, False]
    assert np.isnan(rows["confidence"][0])
    assert rows["confidence"].tolist()[1:] == [0.8, 0.7]


def test_heart_rates_without_a_waveform_have_a_confidence_too() -> None:
    rates = at([70.0, 80.0], [5.0, 15.0])
    truth = GroundTruth(heart_rate=at([70.0] * 20, [float(k) for k in range(20)]))
    estimate = make_estimate(None, heart_rate=rates, confidence=at([0.6, 0.2], [5.0, 15.0]))
    rows = score_windows(LI2023, [estimate], {("set", "a1"): truth})
    assert rows.loc[~rows["missing"], "confidence"].tolist()[:2] == [0.6, 0.2]


def test_a_reading_that_is_a_row_has_the_confidence_of_its_time() -> None:
    rule = evaluator("pyvhr")
    assert rule.rates == "as_given"
    times_s = np.arange(20.0)
    truth = GroundTruth(heart_rate=Signal(np.full(20, 70.0), times_s))
    rates, confidence = at([70.0, 80.0], [5.0, 15.0]), at([0.6, 0.2], [5.0, 15.0])
    estimate = make_estimate(None, heart_rate=rates, confidence=confidence)
    rows = score_windows(rule, [estimate], {("set", "a1"): truth})
    assert rows["confidence"].tolist() == [0.6, 0.2]


def test_a_mean_of_methods_has_no_confidence() -> None:
    stated = at([0.9], [15.0])
    estimates = [
        make_estimate(make_pulse(72.0, seconds=30.0), method=name, confidence=stated)
        for name in ("pos", "chrom")
    ]
    rows = ensemble_rates(score_windows(LI2023, estimates, TRUTH), "both", ("pos", "chrom"), LI2023)
    assert rows.loc[rows["method"] == "both", "confidence"].isna().all()
    assert rows["confidence"].notna().sum() == 2
