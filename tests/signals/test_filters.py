"""Detrending and band-passes against their definitions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from rppgbench.core.waveform import Array
from rppgbench.signals.filters import (
    band_coefficients,
    butterworth,
    butterworth_causal,
    butterworth_matrix,
    min_filter_samples,
    smoothness_priors,
)


def detrended(x: Array, lam: float) -> list[float]:
    """`x - (I + lam^2 D2' D2)^-1 x` by elimination in fractions: without any rounding."""
    total, weight = len(x), Fraction(lam) ** 2
    rows = [[Fraction(int(i == j)) for j in range(total)] for i in range(total)]
    for k in range(total - 2):
        for i, first in enumerate((1, -2, 1)):
            for j, second in enumerate((1, -2, 1)):
                rows[k + i][k + j] += weight * first * second
    trend = [Fraction(float(value)) for value in x]
    for k in range(total):
        for i in range(k + 1, min(k + 3, total)):
            share = rows[i][k] / rows[k][k]
            trend[i] -= share * trend[k]
            for j in range(k, min(k + 3, total)):
                rows[i][j] -= share * rows[k][j]
    for i in reversed(range(total)):
        after = range(i + 1, min(i + 3, total))
        trend[i] = (trend[i] - sum(rows[i][j] * trend[j] for j in after)) / rows[i][i]
    return [float(Fraction(float(value)) - slow) for value, slow in zip(x, trend, strict=True)]


@settings(max_examples=15, deadline=None)
@given(total=st.integers(3, 30), lam=st.floats(0.0, 500.0), seed=st.integers(0, 99))
def test_detrending_is_the_exact_solution(total: int, lam: float, seed: int) -> None:
    x = np.random.default_rng(seed).normal(100, 5, total)
    np.testing.assert_allclose(smoothness_priors(x, lam), detrended(x, lam), atol=1e-8)


def test_detrending_takes_a_batch_along_any_axis() -> None:
    x = np.random.default_rng(1).normal(size=(2, 50, 3))
    result = smoothness_priors(x, 20.0, axis=1)
    for recording in range(2):
        for colour in range(3):
            alone = smoothness_priors(x[recording, :, colour], 20.0)
            np.testing.assert_array_equal(result[recording, :, colour], alone)


def test_detrending_has_the_gain_that_the_formula_gives() -> None:
    """A sine of w rad a sample passes with l^2 D / (1 + l^2 D), D = (2 sin(w / 2))^4."""
    samples, lam = np.arange(3000), 100.0
    for hz in (0.2, 0.35, 1.0):
        omega = 2 * np.pi * hz / 30
        strength = lam**2 * (2 * np.sin(omega / 2)) ** 4
        result = smoothness_priors(np.sin(omega * samples), lam)[1000:2000]
        expected = strength / (1 + strength) * np.sin(omega * samples)[1000:2000]
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_a_straight_line_is_all_trend() -> None:
    line = 7.0 - 0.25 * np.arange(100.0)
    assert np.abs(smoothness_priors(line, 300.0)).max() < 1e-7
    assert np.array_equal(smoothness_priors([5.0, 9.0], 10.0), [0.0, 0.0])
    assert smoothness_priors(np.zeros((0, 5)), 10.0).shape == (0, 5)


def test_detrending_refuses_infinite_samples_and_a_negative_lambda() -> None:
    with pytest.raises(ValueError, match="negative"):
        smoothness_priors(np.ones(9), -1.0)
    with pytest.raises(ValueError, match="NaN"):
        smoothness_priors([1.0, np.nan, 2.0, 3.0], 10.0)


@pytest.mark.parametrize(("order", "low", "high"), [(1, 0.75, 2.5), (2, 0.6, 4.0), (3, 0.7, 2.5)])
def test_the_band_pass_equals_filtfilt_of_scipy(order: int, low: float, high: float) -> None:
    x = np.random.default_rng(order).normal(size=(4, 200))
    b, a = signal.butter(order, [low, high], "bandpass", fs=30.0)
    expected = signal.filtfilt(b, a, x, axis=1)
    np.testing.assert_allclose(butterworth(x, 30.0, low, high, order), expected, atol=1e-9)
    np.testing.assert_allclose(
        butterworth(x.T, 30.0, low, high, order, axis=0).T, expected, atol=1e-9
    )


def amplitude(x: Array, omega: float) -> complex:
    """The complex amplitude of a sine of `omega` rad a sample over whole periods."""
    return complex(2 * np.mean(x * np.exp(-1j * omega * np.arange(len(x)))))


def test_gain_and_delay_at_the_edges_are_butterworth_s() -> None:
    """-3 dB at each edge a pass: half the amplitude forward and backward, and no delay."""
    omega = 2 * np.pi * 0.75 / 30
    sine = np.sin(omega * np.arange(9000))
    middle = slice(4000, 8000)  # 100 periods
    before = amplitude(sine[middle], omega)
    both = amplitude(butterworth(sine, 30.0, 0.75, 3.0, 2)[middle], omega) / before
    once = amplitude(butterworth_causal(sine, 30.0, 0.75, 3.0, 2)[middle], omega) / before
    assert abs(both - 0.5) < 1e-3
    assert abs(abs(once) - np.sqrt(0.5)) < 1e-3
    assert abs(once.imag) > 0.1


def test_the_causal_filter_looks_at_the_past_only() -> None:
    x = np.random.default_rng(5).normal(size=100)
    changed = x.copy()
    changed[60:] += 10.0
    first, second = (butterworth_causal(v, 30.0, 0.7, 2.5, 2) for v in (x, changed))
    np.testing.assert_array_equal(first[:60], second[:60])
    assert first[60] != second[60]
    assert butterworth_causal(np.ones((3, 1)), 30.0, 0.7, 2.5, 2).shape == (3, 1)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_the_shortest_signal_is_filtered_and_a_shorter_one_refused(order: int) -> None:
    needed = min_filter_samples(order)
    assert butterworth(np.ones(needed), 30.0, 0.7, 2.5, order).shape == (needed,)
    with pytest.raises(ValueError, match=f"{needed - 1} samples .* at least {needed}"):
        butterworth(np.ones(needed - 1), 30.0, 0.7, 2.5, order)


@pytest.mark.parametrize("band", [(0.0, 2.5), (2.5, 0.7), (0.7, 4.0), (-1.0, 2.0)])
def test_a_band_beyond_half_the_sampling_rate_is_refused(band: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no band from"):
        butterworth(np.ones(100), 8.0, *band, 2)


def test_one_matrix_filters_all_windows() -> None:
    windows = np.random.default_rng(2).normal(size=(5, 7, 48))
    matrix = butterworth_matrix(48, 30.0, 0.7, 2.5, 3)
    np.testing.assert_allclose(windows @ matrix.T, butterworth(windows, 30, 0.7, 2.5, 3), atol=1e-8)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1.0


def test_nothing_remembered_or_given_is_changed() -> None:
    x = np.random.default_rng(3).normal(size=60)
    before = x.copy()
    smoothness_priors(x, 10.0)
    butterworth(x, 30.0, 0.7, 2.5, 2)
    np.testing.assert_array_equal(x, before)
    with pytest.raises(ValueError, match="read-only"):
        band_coefficients(30.0, 0.7, 2.5, 2)[0][0] = 1.0
