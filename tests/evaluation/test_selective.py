"""Risk against coverage, and confidence without a reference."""

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation import selective
from rppgbench.evaluation.scores import score_windows
from rppgbench.evaluation.selective import (
    add_confidence,
    confidence_levels,
    risk_coverage,
)

from ..factories.evaluators import evaluator
from ..factories.records import make_estimate, make_ground_truth, make_sine


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
    monkeypatch.setattr(selective, "MAX_WEIGHTS", 37)  # 7 of the 500 resamples at once
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


def test_levels_count_windows_and_correct_rates() -> None:
    levels = confidence_levels(
        windows([30.0, 5.0, 6.0, 1.0, 2.0, 9.0], [-1.0, 0.0, 2.9, 3.0, 100.0, np.nan])
    )
    assert [(level.windows, level.share) for level in levels] == [
        (1, 0.2), (2, 0.4), (1, 0.2), (1, 0.2),
    ]  # fmt: skip
    assert [level.mae_bpm for level in levels] == pytest.approx([30.0, 5.5, 1.0, 2.0])
    assert [level.correct for level in levels] == [0.0, 0.5, 1.0, 1.0]


def test_the_confidence_of_a_window_needs_no_reference() -> None:
    """A pulse at 100 bpm is as sure of itself whatever the reference; its SNR at 72 bpm is low."""
    rule = evaluator("li2023")
    wave = Waveform(make_sine(100, 30.0, 30.0), 30.0)
    wave.samples[:] += np.random.default_rng(0).normal(0, 0.2, len(wave.samples))
    wrong, none = (
        score_windows(rule, [make_estimate(wave)], {("set", "a1"): truth})
        for truth in (make_ground_truth(72.0), GroundTruth())
    )
    for rows in (wrong, none):
        add_confidence(rows)
    assert wrong["confidence_db"].to_numpy() == pytest.approx(none["confidence_db"].to_numpy())
    assert wrong["confidence_db"].min() > 3
    assert wrong["snr_db"].max() < -3


def test_a_rate_at_the_edge_of_the_band_is_a_drift_until_shown_otherwise() -> None:
    rows = pd.DataFrame(
        {
            "method": "pos",
            "region": "",
            "estimate_bpm": [41.0, 46.0, 174.0, 179.0],
            "own_snr_db": 9.0,
            "missing": False,
        }
    )
    rows.attrs["band_bpm"] = (40.0, 180.0)
    add_confidence(rows)
    assert rows["confidence_db"].tolist() == [-11.0, 9.0, 9.0, -11.0]


def test_regions_that_disagree_lower_the_confidence() -> None:
    rows = pd.DataFrame(
        {
            "dataset": "set",
            "recording": "a",
            "method": ["pos", "pos", "pos", "net"],
            "fold": "",
            "seed": 0,
            "condition": "none",
            "window": 0,
            "region": ["skin", "cheeks", "forehead", ""],
            "estimate_bpm": [70.0, 72.0, 170.0, 90.0],
            "own_snr_db": [5.0, 5.0, 5.0, 5.0],
            "missing": False,
        }
    )
    add_confidence(rows)
    assert rows["confidence_db"].tolist() == [3.0, 5.0, -15.0, 5.0]
