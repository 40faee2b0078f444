"""Respiration and oxygen saturation are kept beside the pulse, and never cost the pulse."""

from pathlib import Path

import numpy as np

from rppgbench.core.recording import VITAL_SIGNS, GroundTruth
from rppgbench.core.return_checks import check_ground_truth
from rppgbench.core.waveform import Signal
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.ground_truth import clean_labels, plausible_ground_truth, regular_signal
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.system.errors import RecordingError

FRAMES = FrameClock(0.0, 60.0, 1800)
PULSE = regular_signal(np.sin(np.arange(3600) / 8), 60.0)


def breath(seconds: float = 60.0, fs: float = 50.0) -> Signal:
    times_s = np.arange(round(seconds * fs)) / fs
    return Signal(np.sin(2 * np.pi * 0.25 * times_s), times_s)


def test_usable_signs_pass_unchanged() -> None:
    signs = {
        "respiration": breath(),
        "respiration_rate": regular_signal(np.full(60, 15.0), 1.0),
        "oxygen_saturation": regular_signal(np.full(60, 98.0), 1.0),
    }
    assert set(signs) == set(VITAL_SIGNS)
    truth = clean_labels(Path("BVP.csv"), pulse=PULSE, signs=signs)
    assert plausible_ground_truth(check_ground_truth(truth)).warnings == ()
    compared = check_against_frames(truth, FRAMES)
    assert compared.warnings == ()  # a saturation may stay the same for a minute
    for name, sign in signs.items():
        np.testing.assert_array_equal(getattr(compared, name).values, sign.values)


def test_readings_that_cannot_be_are_no_truth_and_counted() -> None:
    rates = regular_signal(np.array([15.0, 0.0, 200.0, 16.0]), 1.0)
    waves = Signal(np.array([1.0, np.nan, 2.0, 3.0]), np.array([0.0, 0.5, 1.0, 1.0]))
    truth = clean_labels(
        Path("a.csv"), pulse=PULSE, signs={"respiration": waves, "respiration_rate": rates}
    )
    assert truth.respiration is not None
    assert truth.respiration_rate is not None
    np.testing.assert_array_equal(truth.respiration.values, [1, 2])
    np.testing.assert_array_equal(truth.respiration_rate.values, [15, np.nan, np.nan, 16])
    assert truth.warnings == (
        "a.csv: respiration: 1 timestamps are repeated or go backward: left out",
        "a.csv: respiration: 1 of 3 samples are not numbers: left out",
        "a.csv: respiration rate: 2 of 4 readings are 0 or outside 3 to 70 breaths a minute: "
        "no truth there",
    )


def test_a_sign_without_a_usable_reading_costs_nothing_else() -> None:
    nothing = regular_signal(np.zeros(5), 1.0)
    truth = plausible_ground_truth(GroundTruth(pulse=PULSE, oxygen_saturation=nothing))
    assert truth.oxygen_saturation is None
    assert truth.pulse is PULSE
    assert truth.warnings[-1] == "oxygen saturation: nothing usable"
    alone = plausible_ground_truth(GroundTruth(oxygen_saturation=nothing))
    assert alone.oxygen_saturation is None


def test_a_sign_on_another_clock_is_left_out_with_a_warning() -> None:
    late = Signal(breath().values, breath().times_s + 1.7e9)
    truth = GroundTruth(pulse=PULSE, respiration=late)
    compared = check_against_frames(truth, FRAMES)
    assert compared.respiration is None
    assert compared.pulse is PULSE
    (line,) = compared.warnings
    assert line.startswith("respiration: labels from 1,700,000,000.0 s")
    assert line.endswith("; not used")


def test_a_respiration_that_stands_still_is_reported() -> None:
    still = breath()
    still.values[500:2500] = 0.3
    compared = check_against_frames(GroundTruth(pulse=PULSE, respiration=still), FRAMES)
    (line,) = compared.warnings
    assert line.startswith("respiration: flat for 40.0 s of 60.0 s")


def test_a_respiration_has_no_value_across_a_gap() -> None:
    wave = Signal(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.4, 2.0, 2.4]))
    truth = GroundTruth(respiration=wave)
    np.testing.assert_allclose(truth.respiration_at(np.array([0.2, 1.0, 2.2])), [0.5, np.nan, 0.5])
    assert np.isnan(GroundTruth().respiration_at(np.array([0.2]))).all()


def test_a_file_that_cannot_be_read_is_a_warning() -> None:
    def damaged() -> Signal:
        raise RecordingError("RR.csv: line 3: 'x' is not a number")

    lines: list[str] = []
    assert read_vital_sign("respiration", damaged, lines) is None
    assert lines == ["no respiration: RR.csv: line 3: 'x' is not a number"]
