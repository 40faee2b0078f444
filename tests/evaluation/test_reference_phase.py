"""The phase of references."""

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Array, Signal
from rppgbench.evaluation.beat_rule import BeatReading
from rppgbench.evaluation.reference_phase import ReferencePhase

from ..factories.evaluators import beat_rule
from ..factories.records import make_ground_truth

RULE = beat_rule()


def phase_of(truth: GroundTruth, rule: BeatReading, times_s: Array) -> Array | None:
    return ReferencePhase(truth, rule).at(times_s)


def test_the_phase_turns_once_a_beat() -> None:
    times_s = np.arange(5, 15, 1 / 30)
    phase = phase_of(make_ground_truth(72.0, seconds=30.0), RULE, times_s)
    assert phase is not None
    assert np.diff(phase) == pytest.approx(2 * np.pi * 1.2 / 30, rel=0.05)


def test_beats_of_the_device_and_its_rate_give_the_phase_too() -> None:
    times_s = np.array([1.25, 1.5, 2.25])
    beats = GroundTruth(beats_s=np.arange(0.0, 10.0))
    assert phase_of(beats, RULE, times_s) == pytest.approx(
        2 * np.pi * (times_s - 1.0) + 2 * np.pi, abs=1e-9
    )
    clock = np.arange(0.0, 10.0)
    rising = GroundTruth(heart_rate=Signal(60 + 6 * clock, clock))
    turned = phase_of(rising, RULE, np.linspace(1, 5, 401))
    assert turned is not None
    assert (turned[-1] - turned[0]) / (2 * np.pi) == pytest.approx(4 * (60 + 6 * 3) / 60)


def test_a_reference_that_ends_in_the_window_gives_none() -> None:
    truth = make_ground_truth(72.0, seconds=10.0)
    assert phase_of(truth, RULE, np.arange(5, 15, 1 / 30)) is None
    assert phase_of(GroundTruth(), RULE, np.arange(5, 15, 1 / 30)) is None


@pytest.mark.parametrize(
    ("first_s", "last_s", "covered"),
    [
        (0.25, 9.9, True),
        (-1.4, 9.9, True),
        (-1.6, 9.0, False),
        (0.0, 10.6, False),
    ],
)
def test_the_phase_goes_on_for_some_intervals_beside_the_beats(
    first_s: float, last_s: float, covered: bool
) -> None:
    """Beats at 0, 1, ..., 9 s: the phase is known from -1.5 to 10.5 s."""
    beats = GroundTruth(beats_s=np.arange(0.0, 10.0))
    times_s = np.linspace(first_s, last_s, 200)
    phase = phase_of(beats, RULE, times_s)
    assert (phase is not None) is covered
    if phase is not None:
        assert phase == pytest.approx(2 * np.pi * times_s)
