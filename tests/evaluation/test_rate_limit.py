"""The bound of a heart rate, and an estimator that attains it."""

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.evaluation.rate_limit import has_noise, noise_covariance, rate_limit

FS = 30.0
SIGNATURE = np.array([0.33, 0.77, 0.53])
COVARIANCE = 1e-6 * np.array([[4.0, 2.0, 0.8], [2.0, 4.0, 1.6], [0.8, 1.6, 4.0]])
"""Noise of 2 thousandths in each channel, alike in part."""


def phase_of(times_s: Array, rate_hz: float = 1.2) -> Array:
    phase: Array = 2 * np.pi * rate_hz * times_s
    return phase


def trace(
    strength: float, *, seconds: float = 10.0, second: float = 0.0, fs: float = FS, seed: int = 0
) -> tuple[Array, Array]:
    """Mean colours of a pulse under noise, and their times."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(round(seconds * fs)) / fs
    phase = phase_of(times_s)
    pulse = strength * (np.cos(phase) + second * np.cos(2 * phase + 0.5))
    noise = rng.normal(size=(len(times_s), 3)) @ np.linalg.cholesky(COVARIANCE).T
    drift = 0.02 * (times_s - times_s.mean()) / seconds
    colours = np.array([150.0, 110.0, 90.0]) * (1 + pulse[:, None] * SIGNATURE + noise)
    return colours * (1 + drift[:, None]), times_s


@pytest.mark.parametrize("fs", [20.0, 30.0, 60.0])
def test_the_noise_is_measured_beside_a_pulse_and_a_drift(fs: float) -> None:
    colours, _ = trace(0.01, seconds=120.0, second=0.4, fs=fs)
    covariance = noise_covariance(colours, fs)
    assert covariance == pytest.approx(COVARIANCE, abs=6e-7)


def test_the_bound_of_one_sine_is_that_of_rife_and_boorstyn() -> None:
    """var(f) = 12 / (4 pi^2 snr N (N^2 - 1)) fs^2, snr = amplitude^2 / (2 noise^2)."""
    colours, times_s = trace(0.05)
    count = len(times_s)
    snr = 0.05**2 * SIGNATURE @ np.linalg.solve(COVARIANCE, SIGNATURE) / 2
    expected = 60 * FS * np.sqrt(12 / (4 * np.pi**2 * snr * count * (count**2 - 1)))
    limit = rate_limit(colours, times_s, phase_of(times_s), COVARIANCE)
    assert limit.limit_bpm == pytest.approx(expected, rel=0.03)
    assert limit.strength == pytest.approx(np.sqrt(snr), rel=0.03)


def test_a_second_harmonic_and_more_time_lower_the_bound() -> None:
    """A harmonic of half the amplitude adds (2 x 0.5)^2: half of the variance."""
    single, double, long = (
        rate_limit(colours, times_s, phase_of(times_s), COVARIANCE).limit_bpm
        for colours, times_s in (
            trace(0.05),
            trace(0.05, second=0.5),
            trace(0.05, seconds=20.0),
        )
    )
    assert double == pytest.approx(single / np.sqrt(2), rel=0.03)
    assert long == pytest.approx(single / 2**1.5, rel=0.05)


@pytest.mark.parametrize("strength", [0.02, 0.006])
def test_the_most_likely_rate_attains_the_bound(strength: float) -> None:
    limits = []
    for seed in range(120):
        colours, times_s = trace(strength, second=0.3, seed=seed)
        limits.append(rate_limit(colours, times_s, phase_of(times_s), COVARIANCE))
    error = np.sqrt(np.mean([limit.efficient_bpm**2 for limit in limits]))
    bound = np.sqrt(np.mean([limit.limit_bpm**2 for limit in limits]))
    assert 0.85 < error / bound < 1.2  # a standard deviation of 120 errors is known to 6 %


def test_a_rate_beside_the_reference_is_an_error() -> None:
    colours, times_s = trace(0.02)
    limit = rate_limit(colours, times_s, phase_of(times_s, 1.15), COVARIANCE)
    assert limit.efficient_bpm == pytest.approx(3.0, abs=0.2)


def test_without_a_pulse_there_is_mostly_no_bound_and_never_a_small_one() -> None:
    limits = []
    for seed in range(40):
        colours, times_s = trace(0.0, seed=seed)
        limits.append(rate_limit(colours, times_s, phase_of(times_s), COVARIANCE).limit_bpm)
    known = [limit for limit in limits if np.isfinite(limit)]
    assert len(known) < 35
    assert min(known) > 0.5


def test_a_grey_or_black_video_has_no_noise_of_its_own() -> None:
    colours, _ = trace(0.01)
    assert has_noise(noise_covariance(colours, FS))
    grey = np.repeat(colours[:, :1], 3, axis=1)
    assert not has_noise(noise_covariance(grey, FS))
    assert not has_noise(noise_covariance(colours * np.array([1.0, 0.0, 1.0]), FS))
