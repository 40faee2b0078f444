"""Rectification of the light against a plain loop of the adaptive filter."""

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.signals.illumination import rectify_illumination
from rppgbench.system.errors import TooShortError


def plain_loop(face: Array, background: Array, taps: int, step: float) -> tuple[Array, Array]:
    weights = np.zeros(taps)
    inputs = [background[n - taps + 1 : n + 1][::-1] for n in range(taps - 1, len(face))]
    for x, wanted in zip(inputs, face[taps - 1 :], strict=True):
        weights = weights + step * (wanted - weights @ x) * x / (x @ x + 0.001)
    return face[taps - 1 :] - np.array(inputs) @ weights, weights


@pytest.mark.parametrize("samples", [1, 2, 257, 600])
@pytest.mark.parametrize(("taps", "step"), [(1, 0.05), (3, 0.5), (5, 1.0)])
def test_the_filter_equals_a_plain_loop(samples: int, taps: int, step: float) -> None:
    rng = np.random.default_rng(samples)
    total = samples + taps - 1
    background = 90 + rng.normal(0, 3, (2, total))
    face = 0.8 * background + 12 + rng.normal(0, 1, (2, total))
    signal, weights = rectify_illumination(face, background, taps=taps, step=step)
    for row in range(2):
        expected, last = plain_loop(face[row], background[row], taps, step)
        np.testing.assert_allclose(weights[row], last, rtol=1e-10)
        np.testing.assert_allclose(signal[row], expected, atol=1e-10 * np.abs(face).max())


def test_flicker_of_the_background_leaves_the_face_and_the_pulse_stays() -> None:
    times = np.arange(1800) / 30
    flicker, pulse = 4 * np.sin(2 * np.pi * 1.9 * times), 0.5 * np.sin(2 * np.pi * 1.2 * times)
    signal, _ = rectify_illumination(120 + flicker * 1.2 + pulse, 100 + flicker)
    lines = np.abs(np.fft.rfft(signal[600:] * np.hanning(1200)))
    at = np.fft.rfftfreq(1200, 1 / 30)
    height = {rate: lines[np.abs(at - rate) < 0.05].max() for rate in (1.2, 1.9)}
    assert height[1.2] > 10 * height[1.9]


def test_a_signal_shorter_than_the_filter_is_refused() -> None:
    with pytest.raises(TooShortError, match="2 samples for a filter of 3"):
        rectify_illumination(np.ones(2), np.ones(2), taps=3)
