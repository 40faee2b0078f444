"""Filters by blocks and tapers, against scipy's."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.signal import butter, filtfilt, get_window

from rppgbench.signals.recursive_filter import (
    BLOCK,
    MOST_ORDER,
    butterworth_band,
    filter_forward_backward,
)
from rppgbench.signals.spectrum import taper

BANDS = [(0.66, 3.0, 30.0), (0.7, 2.5, 20.0), (0.65, 4.0, 50.0), (0.5, 8.0, 250.0)]


@pytest.mark.parametrize(("low_hz", "high_hz", "fs"), BANDS)
@pytest.mark.parametrize("samples", [10, BLOCK - 18, BLOCK, 3 * BLOCK - 18, 300])
def test_values_are_those_of_scipy(low_hz: float, high_hz: float, fs: float, samples: int) -> None:
    """For lengths of part of a block, whole blocks with both ends, and more."""
    edges = 2 * low_hz / fs, 2 * high_hz / fs
    signals = 50 + np.random.default_rng(samples).normal(size=(2, 3, samples)).cumsum(axis=-1)
    b, a = butterworth_band(MOST_ORDER, *edges)
    expected_b, expected_a = butter(MOST_ORDER, edges, btype="bandpass")
    np.testing.assert_allclose(b, expected_b, atol=1e-14)
    np.testing.assert_allclose(a, expected_a, rtol=1e-14)
    expected = filtfilt(expected_b, expected_a, signals)
    out = filter_forward_backward(b, a, signals)
    assert np.abs(out - expected).max() < 1e-12 * np.abs(signals).max()


def test_each_signal_is_filtered_by_itself() -> None:
    signals = np.random.default_rng(0).normal(size=(7, 200))
    b, a = butterworth_band(1, 0.05, 0.2)
    together = filter_forward_backward(b, a, signals)
    alone = np.stack([filter_forward_backward(b, a, signal) for signal in signals])
    np.testing.assert_allclose(together, alone, atol=1e-14)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("samples", [1, 2, 9, 300])
@pytest.mark.parametrize(
    "name", ["boxcar", "hann", "hamming", ("tukey", 0.25), ("tukey", 1.0), ("tukey", 0.0)]
)
def test_tapers_are_those_of_scipy(
    name: str | tuple[str, float], samples: int, symmetric: bool
) -> None:
    expected = get_window(name, samples, fftbins=not symmetric)
    np.testing.assert_allclose(taper(name, samples, symmetric=symmetric), expected, atol=1e-15)


def test_the_default_reading_of_a_pulse_needs_no_scipy() -> None:
    """Importing `scipy.signal` takes half of the time of a prediction for a video of 10 s."""
    code = (
        "import sys, numpy as np\n"
        "from rppgbench.api.heart_rate import load_evaluator, read_rates\n"
        "from rppgbench.api.videos import Waveform, predict\n"
        "pulse = Waveform(np.sin(2 * np.pi * 1.2 * np.arange(600) / 30), 30.0)\n"
        "rates = read_rates(pulse, load_evaluator('beats_tukey'))\n"
        "assert np.abs(rates.bpm[0] - 72).max() < 0.5, rates.bpm\n"
        "loaded = {'scipy', 'pyarrow', 'pandas', 'matplotlib', 'torch', 'numba'} & {*sys.modules}\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
