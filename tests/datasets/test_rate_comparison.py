"""A pulse of another rate than its device states gives a warning."""

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array
from rppgbench.datasets.ground_truth import regular_signal
from rppgbench.datasets.rate_comparison import compare_rates


def truth(bpm: float, stated_bpm: float, seconds: float = 35.0) -> GroundTruth:
    times_s: Array = np.arange(0, seconds, 1 / 60)
    pulse = np.sin(2 * np.pi * bpm / 60 * times_s) + 3 * times_s / seconds
    return GroundTruth(
        pulse=regular_signal(pulse, 60.0),
        heart_rate=regular_signal(np.array([np.nan, stated_bpm, stated_bpm]), 1.0),
    )


@pytest.mark.parametrize(
    ("bpm", "stated_bpm", "told"),
    [(72, 72, False), (72, 78, False), (72, 66, False), (72, 62, True), (50, 60, True)],
)
def test_rates_that_differ_by_more_than_a_tenth_are_told(
    bpm: float, stated_bpm: float, told: bool
) -> None:
    assert bool(compare_rates(truth(bpm, stated_bpm)).warnings) == told


def test_what_has_no_rate_is_not_compared() -> None:
    assert compare_rates(truth(72, 144, seconds=9.0)).warnings == ()
    flat = GroundTruth(
        pulse=regular_signal(np.ones(1800), 60.0), heart_rate=regular_signal(np.full(9, 72.0), 1.0)
    )
    for labels in (flat, GroundTruth(pulse=flat.pulse), GroundTruth(heart_rate=flat.heart_rate)):
        assert compare_rates(labels).warnings == ()


def test_a_window_with_a_gap_does_not_count() -> None:
    labels = truth(72, 72)
    assert labels.pulse is not None
    times_s = labels.pulse.times_s
    values = np.where(times_s < 10, labels.pulse.values, np.sin(2 * np.pi * 2.5 * times_s))
    whole = (times_s < 11) | (times_s > 12)
    whole &= (times_s < 21) | (times_s > 22)
    whole &= times_s < 30
    labels.pulse.values[:] = values
    assert len(compare_rates(labels).warnings) == 1  # two windows of 150 bpm, one of 72
    pulse = type(labels.pulse)(values[whole], times_s[whole])
    assert compare_rates(GroundTruth(pulse=pulse, heart_rate=labels.heart_rate)).warnings == ()
