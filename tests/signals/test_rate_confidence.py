"""A spread of rates as a confidence."""

import numpy as np
import pytest

from rppgbench.signals.patch_windows import PatchRates
from rppgbench.signals.rate_confidence import CORRECT_BPM, confidence_of_deviation


@pytest.mark.parametrize("deviation_bpm", [0.5, 2.0, 4.0, 12.0])
def test_it_is_the_share_of_normal_rates_within_5_bpm(deviation_bpm: float) -> None:
    rates = np.random.default_rng(0).normal(70, 1.4826 * deviation_bpm, 200_000)
    measured = np.median(np.abs(rates - np.median(rates)))
    share = (np.abs(rates - 70) <= CORRECT_BPM).mean()
    assert measured == pytest.approx(deviation_bpm, rel=0.02)
    assert confidence_of_deviation(np.array([deviation_bpm]))[0] == pytest.approx(share, abs=0.005)


def test_it_falls_with_the_deviation_and_stays_from_0_to_1() -> None:
    confidence = confidence_of_deviation(np.array([0.0, 1.0, 3.0, 10.0, 1e6]))
    assert (np.diff(confidence) < 0).all()
    assert confidence[0] == 1.0
    assert confidence[-1] > 0.0


def test_fewer_than_three_rates_have_no_spread() -> None:
    bpm = np.array([[70.0, 70.0, np.nan], [70.0, 71.0, 72.0], [np.nan, np.nan, np.nan]])
    rates = PatchRates(bpm=np.zeros(1), power=np.zeros((3, 3, 1)), rates_bpm=bpm)
    confidence = rates.confidence()
    assert np.isnan(confidence[[0, 2]]).all()
    assert confidence[1] == confidence_of_deviation(np.array([1.0]))[0]
