"""Oracle `unsup_pyvhr`: Welch's spectrum and its peak."""

import re

import numpy as np
import pytest

from rppgbench.evaluation.heart_rate import band_spectrum, heart_rates
from rppgbench.evaluation.rate_chain import Welch, taper_window

from ..factories.evaluators import evaluator
from .oracle import cases, load

ARRAYS, FACTS = load("unsup_pyvhr")
NAMES = cases(ARRAYS, "POS_bp")
CHAIN = evaluator("pyvhr").estimate


def rate_of(name: str) -> float:
    return float(re.findall(r"fs(\d+)", name)[0])


@pytest.mark.parametrize("name", NAMES)
def test_power_on_the_grid_of_the_reference(name: str) -> None:
    fs = rate_of(name)
    spectrum = band_spectrum(ARRAYS[f"POS_bp__{name}"], fs, CHAIN)
    bpm = 60 * spectrum.freqs_hz[spectrum.first : spectrum.stop]
    np.testing.assert_allclose(bpm, ARRAYS[f"Welch_freqs_bpm__fs{fs:g}"], rtol=1e-6)
    assert isinstance(CHAIN.spectrum, Welch)
    window = taper_window(CHAIN.spectrum.taper, 256, symmetric=CHAIN.spectrum.symmetric)
    density = spectrum.band * 2 / (fs * (window**2).sum())  # one-sided, per Hz
    expected = ARRAYS[f"Welch_power_POS__{name}"]
    np.testing.assert_allclose(density, expected, rtol=1e-5, atol=1e-6 * expected.max())


@pytest.mark.parametrize("name", NAMES)
def test_heart_rates_are_at_the_peaks_of_pyvhr(name: str) -> None:
    fs = rate_of(name)
    result = heart_rates(ARRAYS[f"POS_bp__{name}"], fs, CHAIN)
    grid, power = ARRAYS[f"Welch_freqs_bpm__fs{fs:g}"], ARRAYS[f"Welch_power_POS__{name}"]
    np.testing.assert_allclose(result, grid[power.argmax(axis=-1)], rtol=1e-6)
