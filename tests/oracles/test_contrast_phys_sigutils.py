"""Oracle `contrast_phys_sigutils`: filter, spectrum, heart rate and SNR of Contrast-Phys."""

import re

import numpy as np
import pytest

from rppgbench.evaluation.heart_rate import band_spectrum, heart_rates, prepare
from rppgbench.evaluation.rate_chain import LocalMaximumPeak
from rppgbench.evaluation.signal_quality import snr_get

from ..factories.evaluators import evaluator
from .oracle import cases, load

ARRAYS, FACTS = load("contrast_phys_sigutils")
NAMES = cases(ARRAYS, "sig")
CHAIN = evaluator("contrast_phys").estimate
GIVEN_BPM = [float(x) for x in re.findall(r"[\d.]+", FACTS["order_vals"][3].split("gt")[1])]
"""The heart rates that the SNRs were taken at, as the oracle says: otherwise, then for `harm`."""


def rate_of(name: str) -> float:
    return float(name.rsplit("fs", 1)[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_band_pass_is_that_of_contrast_phys(name: str) -> None:
    out = prepare(ARRAYS[f"sig__{name}"], rate_of(name), CHAIN)
    np.testing.assert_allclose(out, ARRAYS[f"bp__{name}"], atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_spectrum_is_that_of_contrast_phys(name: str) -> None:
    wave, fs = ARRAYS[f"bp__{name}"], rate_of(name)
    spectrum = band_spectrum(wave, fs, CHAIN)
    bins = np.round(spectrum.freqs_hz * len(wave) / fs).astype(int)
    magnitude = ARRAYS[f"psd__{name}"]
    np.testing.assert_allclose(
        np.sqrt(spectrum.power), magnitude[bins], atol=1e-9 * magnitude.max()
    )


@pytest.mark.parametrize("name", NAMES)
def test_heart_rate_with_and_without_the_harmonic_rule(name: str) -> None:
    wave, fs = ARRAYS[f"bp__{name}"], rate_of(name)
    with_rule, without, batch, _ = ARRAYS[f"vals__{name}"]
    plain = CHAIN.model_copy(
        update={"peak": LocalMaximumPeak(kind="local_maximum", harmonic_within_bpm=0.0)}
    )
    assert heart_rates(wave, fs, CHAIN) == pytest.approx(with_rule, rel=1e-9)
    assert heart_rates(wave, fs, plain) == pytest.approx(without, rel=1e-9)
    assert heart_rates(np.stack([wave, wave]), fs, CHAIN) == pytest.approx(batch, rel=1e-9)


def test_the_harmonic_rule_matters_in_one_case() -> None:
    assert any(values[0] != values[1] for key, values in ARRAYS.items() if key.startswith("vals__"))


@pytest.mark.parametrize("name", NAMES)
def test_the_snr_is_that_of_contrast_phys(name: str) -> None:
    bpm = np.array(GIVEN_BPM["harm" in name])
    wave, fs = ARRAYS[f"bp__{name}"], rate_of(name)
    result = snr_get(wave, bpm, fs, 0.6, 4.0)
    assert result == pytest.approx(ARRAYS[f"vals__{name}"][3], rel=1e-9, abs=1e-9)
