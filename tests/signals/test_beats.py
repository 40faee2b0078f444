"""Detectors of beats against pulses whose beats are known."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rppgbench.core.waveform import Array
from rppgbench.signals.beats import (
    DETECTORS,
    Places,
    between_samples,
    elgendi_beats,
    scalogram_beats,
    spline_to,
)
from rppgbench.signals.filters import butterworth

from ..factories.heart_beats import beats_of_rate, pulse_of_beats, varying_rate

FS = 250.0
Detect = Callable[[Array, float], Places]


def prepared(samples: Array, fs: float) -> Array:
    return spline_to(butterworth(samples, fs, 0.5, 8.0, 2), fs, FS)


@pytest.mark.parametrize("detect", DETECTORS.values(), ids=DETECTORS)
@pytest.mark.parametrize("bpm", [45.0, 70.0, 110.0, 170.0])
@pytest.mark.parametrize("fs", [20.0, 30.0, 64.0, 250.0])
def test_every_beat_of_a_varying_rate_is_found(detect: Detect, bpm: float, fs: float) -> None:
    beats_s = beats_of_rate(varying_rate(bpm, 60.0), 0.002)
    wave = prepared(pulse_of_beats(beats_s, fs, stop_s=60.0).values, fs)
    found_s = between_samples(wave, detect(wave, FS)) / FS
    inner = found_s[(found_s > 1.5) & (found_s < 58)]
    true_s = beats_s[(beats_s > 1.4) & (beats_s < 58.1)]
    apart = np.abs(inner[:, None] - true_s).min(axis=1)
    assert len(inner) in range(len(true_s) - 2, len(true_s) + 1)
    assert apart.max() < 0.06
    assert np.diff(inner).min() > 0.5 * 60 / bpm


@pytest.mark.parametrize("detect", DETECTORS.values(), ids=DETECTORS)
def test_noise_neither_adds_nor_hides_beats(detect: Detect) -> None:
    """White noise of sd 0.2 beside a pulse of amplitude 1.35, at 30 Hz."""
    beats_s = beats_of_rate(varying_rate(72.0, 120.0), 0.002)
    pulse = pulse_of_beats(beats_s, 30.0, stop_s=120.0).values
    noisy = pulse + 0.2 * np.random.default_rng(3).normal(size=len(pulse))
    wave = prepared(noisy, 30.0)
    found_s = between_samples(wave, detect(wave, FS)) / FS
    inner = found_s[(found_s > 1.5) & (found_s < 118)]
    true_s = beats_s[(beats_s > 1.4) & (beats_s < 118.1)]
    assert abs(len(inner) - len(true_s)) <= 2
    assert np.abs(inner[:, None] - true_s).min(axis=1).max() < 0.1


@given(scale=st.floats(1e-3, 1e6), bpm=st.floats(45, 180), shift=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_the_scale_of_a_pulse_moves_no_beat(scale: float, bpm: float, shift: float) -> None:
    t = np.arange(2500) / FS
    wave = np.cos(2 * np.pi * (bpm / 60 * t + shift))
    for detect in DETECTORS.values():
        np.testing.assert_array_equal(detect(scale * wave, FS), detect(wave, FS))


def test_a_small_ripple_on_the_wave_is_no_beat() -> None:
    """The dicrotic wave of a slow pulse, a third as high as the systole."""
    t = np.arange(5000) / FS
    wave = np.exp(-(((t + 0.5) % 1.2 - 0.5) ** 2) / 0.005)
    wave += 0.33 * np.exp(-(((t + 0.5) % 1.2 - 0.85) ** 2) / 0.008)
    clean = butterworth(wave, FS, 0.5, 8.0, 2)
    for detect in DETECTORS.values():
        assert np.median(np.diff(detect(clean, FS))) == pytest.approx(300, abs=2)
        assert np.diff(detect(clean, FS)).min() > 250


def test_two_beats_within_the_refractory_time_are_one() -> None:
    wave = np.cos(2 * np.pi * 4.0 * np.arange(2500) / FS)  # 240 bpm
    for detect in (elgendi_beats, scalogram_beats):
        assert (np.diff(detect(wave, FS)) > 0.3 * FS).all()


def test_a_wave_without_beats_has_none() -> None:
    for detect in DETECTORS.values():
        assert len(detect(np.zeros(2500), FS)) == 0
        assert len(detect(np.zeros(3), FS)) == 0


def test_the_parabola_is_exact_for_parabolas_and_far_finer_than_the_grid_for_waves() -> None:
    vertices = np.arange(20.0) * 30 + np.linspace(-0.45, 0.45, 20) + 15
    t = np.arange(600.0)
    wave = -((t - vertices[(t // 30).astype(int)]) ** 2)
    places = np.round(vertices).astype(np.int64)
    np.testing.assert_allclose(between_samples(wave, places), vertices, atol=1e-9)
    cosine = np.cos(2 * np.pi * (t - 10.3) / 25)
    assert between_samples(cosine, np.array([10, 35])) == pytest.approx([10.3, 35.3], abs=0.01)


def test_the_ends_of_a_wave_and_plateaus_stay_where_they_are() -> None:
    wave = np.array([3.0, 2.0, 1.0, 1.0, 1.0, 2.0])
    assert between_samples(wave, np.array([0, 3, 5])).tolist() == [0.0, 3.0, 5.0]


@pytest.mark.parametrize(("fs", "to_fs"), [(30.0, 250.0), (29.87, 250.0), (1000.0, 250.0)])
def test_the_spline_keeps_the_times(fs: float, to_fs: float) -> None:
    t = np.arange(int(10 * fs)) / fs
    fine = spline_to(np.sin(2 * np.pi * 1.5 * t), fs, to_fs)
    at = np.arange(len(fine)) / to_fs
    assert at[-1] <= t[-1] + 1e-9 < at[-1] + 1 / to_fs
    assert np.abs(fine - np.sin(2 * np.pi * 1.5 * at)).max() < 2e-3
