"""Labels are cleaned in the open: each thing that was wrong is one warning."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.recording import GroundTruth
from rppgbench.core.waveform import Signal
from rppgbench.datasets.ground_truth import clean_labels, plausible_ground_truth, regular_signal
from rppgbench.system.errors import RecordingError

FILE = Path("p1/gt_HR.csv")


def test_clean_labels_pass_unchanged_and_without_a_warning() -> None:
    pulse = regular_signal(np.sin(np.arange(600) / 10), 60.0)
    rate = regular_signal(np.full(10, 70.0), 1.0)
    truth = clean_labels(FILE, pulse=pulse, heart_rate=rate)
    assert truth.warnings == ()
    assert truth.pulse is not None
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.pulse.values, pulse.values)
    np.testing.assert_array_equal(truth.heart_rate.times_s, np.arange(10.0))


def test_a_heart_rate_of_0_is_no_ground_truth() -> None:
    truth = clean_labels(FILE, heart_rate=regular_signal(np.array([70.0, 0.0, 0.0, 72.0]), 1.0))
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.heart_rate.values, [70, np.nan, np.nan, 72])
    assert truth.warnings == ("gt_HR.csv: 2 of 4 heart rates are 0: no truth there",)


def test_rates_that_are_all_0_are_dropped_or_refused_without_a_pulse() -> None:
    nothing = regular_signal(np.zeros(4), 1.0)
    truth = clean_labels(FILE, pulse=regular_signal(np.arange(9.0), 2.0), heart_rate=nothing)
    assert truth.heart_rate is None
    assert truth.pulse is not None
    with pytest.raises(RecordingError, match=r"gt_HR\.csv: holds no heart rate of 30 to 240 bpm; "):
        clean_labels(FILE, heart_rate=nothing)


def test_nan_in_a_pulse_is_a_gap_from_two_samples_on_and_counted() -> None:
    truth = clean_labels(FILE, pulse=regular_signal(np.array([0.0, np.nan, 2.0, 3.0]), 10.0))
    assert truth.pulse_at(np.array([0.1]))[0] == pytest.approx(1.0)
    more = np.array([0.0, 1.0, 2.0, np.nan, np.nan, 5.0, 6.0, 7.0])
    assert np.isnan(
        clean_labels(FILE, pulse=regular_signal(more, 10.0)).pulse_at(np.array([0.3, 0.4]))
    ).all()
    assert truth.warnings == ("gt_HR.csv: 1 of 4 pulse samples are not numbers: left out",)


def test_repeated_and_backward_times_are_left_out_and_counted() -> None:
    pulse = Signal(np.array([1.0, 2, 3, 4, 5]), np.array([0.0, 1, 1, 0.5, 2]))
    truth = clean_labels(FILE, pulse=pulse)
    assert truth.pulse is not None
    np.testing.assert_array_equal(truth.pulse.values, [1, 2, 5])
    assert truth.warnings == (
        "gt_HR.csv: pulse: 2 timestamps are repeated or go backward: left out",
    )


def test_implausible_rates_are_counted_and_are_no_ground_truth() -> None:
    truth = clean_labels(FILE, heart_rate=regular_signal(np.array([29.0, 30.0, 240.0, 241.0]), 1.0))
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.heart_rate.values, [np.nan, 30, 240, np.nan])
    assert truth.warnings == (
        "gt_HR.csv: 2 of 4 heart rates are outside 30 to 240 bpm: no truth there",
    )


def test_rates_in_hz_are_refused_with_a_hint() -> None:
    with pytest.raises(RecordingError, match=r"are they in Hz\? multiply by 60"):
        clean_labels(FILE, heart_rate=regular_signal(np.array([0.9, np.nan, 1.3]), 1.0))
    beside = clean_labels(
        FILE,
        pulse=regular_signal(np.arange(9.0), 2.0),
        heart_rate=regular_signal(np.array([0.9, 1.3]), 1.0),
    )
    assert beside.heart_rate is None
    assert "are they in Hz?" in beside.warnings[0]


def test_a_plugin_reader_gets_the_same_bounds() -> None:
    """A plug-in's reader need not go through `clean_labels`."""
    times_s = np.arange(3.0)
    given = GroundTruth(
        heart_rate=Signal(np.array([72.0, 1e9, np.inf]), times_s), warnings=("one",)
    )
    truth = plausible_ground_truth(given)
    assert truth.heart_rate is not None
    np.testing.assert_array_equal(truth.heart_rate.values, [72, np.nan, np.nan])
    assert truth.warnings == (
        "one",
        "2 of 3 heart rates are outside 30 to 240 bpm: no truth there",
    )
    in_hz = GroundTruth(heart_rate=Signal(np.full(3, 1.2), times_s))
    with pytest.raises(RecordingError, match=r"hold no truth: 3 of 3 .* are they in Hz"):
        plausible_ground_truth(in_hz)
    for nothing in (np.full(3, np.nan), np.array([np.nan, np.nan, 1.0])):
        with pytest.raises(
            RecordingError, match=r"hold no truth: .* pulse samples are not numbers"
        ):
            plausible_ground_truth(GroundTruth(pulse=Signal(nothing, times_s)))
    fine = GroundTruth(heart_rate=Signal(np.array([72.0, np.nan, 71.0]), times_s))
    assert plausible_ground_truth(fine) is fine


def test_beats_that_are_no_times_or_go_backward_are_left_out_and_counted() -> None:
    truth = plausible_ground_truth(GroundTruth(beats_s=np.array([0.5, np.nan, 1.4, 1.4, 0.9, 2.3])))
    assert truth.beats_s is not None
    assert truth.beats_s.tolist() == [0.5, 1.4, 2.3]
    assert truth.warnings == ("3 of 6 beats are no times or go backward: left out",)
    fine = GroundTruth(beats_s=np.array([0.5, 1.4]))
    assert plausible_ground_truth(fine) is fine
    with pytest.raises(RecordingError, match="hold no truth: 2 of 2 beats"):
        plausible_ground_truth(GroundTruth(beats_s=np.full(2, np.nan)))
