"""Beats are matched one to one, after the lag that most of them share."""

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.signals.beat_matching import (
    BeatMatch,
    match_beats,
    match_f1,
    matched_intervals,
)

RULE = {"within_s": 0.15, "largest_lag_s": 0.3}


def beats(bpm: float, count: int = 60, seed: int = 0) -> Array:
    """Beats (B,) with varying intervals."""
    random = np.random.default_rng(seed)
    return 1 + np.cumsum(60 / bpm + random.normal(0, 0.03, count))


@pytest.mark.parametrize("bpm", [50.0, 75.0, 110.0, 150.0])
@pytest.mark.parametrize("lag_s", [-0.25, -0.08, 0.0, 0.12, 0.28])
def test_a_constant_lag_is_found_and_taken_off(bpm: float, lag_s: float) -> None:
    reference_s = beats(bpm)
    noise_s = np.random.default_rng(1).normal(0, 0.02, len(reference_s))
    match = match_beats(reference_s + lag_s + noise_s, reference_s, **RULE)
    assert match.lag_s == pytest.approx(lag_s, abs=0.015)
    np.testing.assert_array_equal(match.estimate, match.reference)
    assert len(match.estimate) == len(reference_s)


def test_a_lag_beyond_the_limit_is_not_taken_off_but_near_the_expected_one_it_is() -> None:
    reference_s = beats(60.0)
    late_s = reference_s + 0.45
    assert len(match_beats(late_s, reference_s, **RULE).estimate) < 10
    match = match_beats(late_s, reference_s, **RULE, expected_lag_s=0.3)
    assert match.lag_s == pytest.approx(0.45)
    assert len(match.estimate) == len(reference_s)


def test_lost_and_false_beats_are_in_no_pair() -> None:
    reference_s = beats(75.0)
    estimate_s = np.sort(np.append(np.delete(reference_s, [7, 20]), reference_s[40] + 0.4))
    match = match_beats(estimate_s, reference_s, **RULE)
    assert sorted(set(range(60)) - set(match.reference.tolist())) == [7, 20]
    (false,) = set(range(len(estimate_s))) - set(match.estimate.tolist())
    assert estimate_s[false] == reference_s[40] + 0.4
    f1 = match_f1(len(match.estimate), len(estimate_s), len(reference_s))
    assert f1 == pytest.approx(2 * 58 / (59 + 60))


def test_a_beat_belongs_to_one_pair_only() -> None:
    match = match_beats(np.array([0.95, 1.05, 2.0]), np.array([1.02, 2.0]), **RULE)
    assert match.estimate.tolist() == [1, 2]
    assert match.reference.tolist() == [0, 1]


def test_no_beats_are_no_pairs() -> None:
    for estimate_s, reference_s in ((np.empty(0), beats(60)), (beats(60), np.empty(0))):
        assert len(match_beats(estimate_s, reference_s, **RULE).estimate) == 0
    far = match_beats(beats(60) + 1000, beats(60), **RULE)
    assert len(far.estimate) == 0
    assert match_beats(np.array([1.0]), np.array([1.1]), **RULE).estimate.tolist() == [0]


def test_only_intervals_of_neighbours_in_both_series_are_compared() -> None:
    match = BeatMatch(estimate=np.array([0, 1, 2, 4]), reference=np.array([0, 1, 3, 4]), lag_s=0.0)
    counted = np.array([False, True, True, True, True])
    assert matched_intervals(match, counted).tolist() == [1]
    counted[1] = False
    assert matched_intervals(match, counted).tolist() == []


def test_beats_at_random_times_match_too() -> None:
    """So F1 is to be read beside a baseline, as the metric's definition says."""
    random = np.random.default_rng(5)
    scores = []
    for seed in range(20):
        reference_s = beats(75.0, seed=seed)
        estimate_s = np.sort(random.uniform(reference_s[0], reference_s[-1], 60))
        match = match_beats(estimate_s, reference_s, **RULE)
        scores.append(match_f1(len(match.estimate), 60, 60))
    assert 0.3 < np.mean(scores) < 0.5
