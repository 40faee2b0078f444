"""Oracle `sinc`: bandwidth, sparsity, variance, with speeds."""

import re

import numpy as np
import pytest
import torch

from rppgbench.neural.losses.agreement import negative_pearson
from rppgbench.neural.losses.spectral import bandwidth, power_spectra, sparsity, variance

from .oracle import load

ARRAYS, FACTS = load("sinc")
FS = float(re.search(r"fps (\d+)", FACTS["params"])[1])  # type: ignore[index]
HIGH_HZ = 3.0
CASES = sorted(
    m.groups()
    for key in ARRAYS
    if (m := re.fullmatch(r"losses__T(\d+)_nfft(\d+)_(none|speed)_lo([\d.]+)", key))
)
LENGTHS = sorted({frames for frames, *_ in CASES})


def test_both_lengths_limits_and_speeds_are_compared() -> None:
    assert len(CASES) >= 16
    assert {case[2] for case in CASES} == {"none", "speed"}


@pytest.mark.parametrize(("frames", "samples", "mode", "low"), CASES)
def test_losses_are_those_of_the_reference(frames: str, samples: str, mode: str, low: str) -> None:
    spectra = power_spectra(
        torch.from_numpy(ARRAYS[f"x_T{frames}"]),
        FS,
        samples=int(samples),
        speed=torch.from_numpy(ARRAYS["speed"]) if mode == "speed" else None,
        published_frequencies=True,
    )
    low_hz = 2 / 3 if low.startswith("0.666") else float(low)
    values = [float(loss(spectra, low_hz, HIGH_HZ)) for loss in (bandwidth, sparsity, variance)]
    expected = ARRAYS[f"losses__T{frames}_nfft{samples}_{mode}_lo{low}"][:3]
    np.testing.assert_allclose(values, expected, atol=1e-5)


@pytest.mark.parametrize("frames", LENGTHS)
def test_spectrum_and_frequencies(frames: str) -> None:
    pulse = torch.from_numpy(ARRAYS[f"x_T{frames}"])
    spectra = power_spectra(pulse, FS, samples=int(frames), published_frequencies=True)
    expected = ARRAYS[f"psd_T{frames}_nfft{frames}"]
    np.testing.assert_allclose(spectra.power.numpy(), expected, atol=1e-6 * expected.max())
    np.testing.assert_allclose(
        spectra.freqs.numpy(), ARRAYS[f"freqs_T{frames}_nfft{frames}"], atol=1e-5
    )


@pytest.mark.parametrize("frames", LENGTHS)
def test_sparsity_falls_as_more_around_the_peak_is_signal(frames: str) -> None:
    widths = [float(w) for w in re.search(r"sweep ([\d.,]+) Hz", FACTS["params"])[1].split(",")]  # type: ignore[index]
    spectra = power_spectra(
        torch.from_numpy(ARRAYS[f"x_T{frames}"]), FS, published_frequencies=True
    )
    values = [float(sparsity(spectra, 2 / 3, HIGH_HZ, beside_hz=width)) for width in widths]
    np.testing.assert_allclose(values, ARRAYS[f"sparsity_T{frames}_delta_sweep"], atol=1e-5)
    assert values == sorted(values, reverse=True)


def test_negative_pearson_of_the_supervised_losses() -> None:
    arrays, facts = load("supervised_losses")
    value = negative_pearson(
        torch.from_numpy(arrays["pred160"]), torch.from_numpy(arrays["label160"])
    ).mean()
    named = next(v for k, v in facts["values"].items() if k.startswith("toolbox_Neg_Pearson"))
    assert float(value) == pytest.approx(named, abs=1e-5)
