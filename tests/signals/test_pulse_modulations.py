"""What respiration changes in a pulse is found in it, each change apart from the others."""

import numpy as np
import pytest

from rppgbench.signals.pulse_modulations import (
    amplitude_of_beats,
    baseline_of_beats,
    frequency_of_beats,
)

FS = 250.0
TIMES_S = np.arange(0, 60, 1 / FS)
BEATS_S = np.arange(0.5, 59.0, 0.83)
MIDDLES_S = (BEATS_S[1:] + BEATS_S[:-1]) / 2
BREATH = np.sin(2 * np.pi * 0.25 * TIMES_S)
PULSE = np.cos(2 * np.pi * (TIMES_S - 0.5) / 0.83)


def breath_at(times_s: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * 0.25 * times_s)


@pytest.mark.parametrize("fs", [25.0, 30.0, 250.0])
def test_the_mean_of_a_beat_is_the_baseline_and_holds_nothing_of_the_pulse(fs: float) -> None:
    times_s = np.arange(0, 60, 1 / fs)
    pulse = np.cos(2 * np.pi * (times_s - 0.5) / 0.83)
    assert np.abs(baseline_of_beats(pulse, fs, BEATS_S)).max() < 0.01
    moved = pulse + 0.3 * breath_at(times_s)
    means = baseline_of_beats(moved, fs, BEATS_S)
    assert np.corrcoef(means, breath_at(MIDDLES_S))[0, 1] > 0.999
    whole = (np.cos(np.pi / 2 * BEATS_S[:-1]) - np.cos(np.pi / 2 * BEATS_S[1:])) / (np.pi / 2)
    np.testing.assert_allclose(means, 0.3 * whole / 0.83, atol=0.01)


def test_the_height_of_a_beat_is_its_amplitude_and_knows_no_baseline() -> None:
    modulated = (1 + 0.2 * BREATH) * PULSE
    heights = amplitude_of_beats(modulated, FS, BEATS_S)
    assert len(heights) == len(BEATS_S) - 1
    assert np.corrcoef(heights, breath_at(MIDDLES_S))[0, 1] > 0.95
    np.testing.assert_allclose(amplitude_of_beats(PULSE + 7, FS, BEATS_S), 2, atol=1e-3)


def test_the_last_beat_ends_where_the_wave_is_cut() -> None:
    wave = np.concatenate([PULSE, np.full(50, 100.0)])
    heights = amplitude_of_beats(wave, FS, BEATS_S)
    np.testing.assert_allclose(heights, 2, atol=1e-3)


def test_the_heart_rate_from_beat_to_beat() -> None:
    np.testing.assert_allclose(frequency_of_beats(BEATS_S), 1 / 0.83)
