"""Confidence without a reference, and errors by level of it."""

import numpy as np
import pandas as pd
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Waveform
from rppgbench.evaluation.scores import score_windows
from rppgbench.evaluation.selective import add_confidence, confidence_levels

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
