"""Oracle `pyvhr_patches`: rates of many patches by median and by circle clustering of pyVHR 2."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.circle_clustering import (
    cosine_distances,
    settle_on_circle,
    split_circle,
    without_outliers,
)
from rppgbench.signals.filters import butterworth
from rppgbench.signals.patch_groups import choose_patches, describe_group
from rppgbench.signals.patch_windows import (
    PatchRates,
    pyvhr_patch_rates,
    pyvhr_windows,
    wave_of_rates,
)
from rppgbench.signals.rate_confidence import confidence_of_deviation

from .oracle import cases, far, load

EXPECTED, FACTS = load("pyvhr_patches")
CASES = cases(EXPECTED, "in_patches")
METHODS = {"POS": {"preset": "pyvhr"}, "CHROM": {"preset": "pyvhr"}, "OMIT": {}}
LOW_HZ, HIGH_HZ = FACTS["params"]["band_hz"]
TOLERANCE = FACTS["params"]["opt_factor"]
EXACT_BPM = 1e-3

each_run = pytest.mark.parametrize(
    ("method", "case"), [(method, case) for method in METHODS for case in CASES]
)


def of(key: str, method: str, case: str) -> Array:
    return EXPECTED[f"{key}__{method}__{case}"]


def pulses_of(method: str, case: str) -> list[Array]:
    """The filtered pulses of the patches (P, n) in each window."""
    fs = float(EXPECTED[f"fs__{case}"])
    patches = np.asarray(EXPECTED[f"in_patches__{case}"], np.float64)
    declared = load_methods().available[method.lower()]
    params = declared.parameters(METHODS[method])
    band: Callable[..., Array] = lambda x, axis: butterworth(x, fs, LOW_HZ, HIGH_HZ, 6, axis=axis)  # noqa: E731
    windows = []
    starts, lengths = pyvhr_windows(len(patches), fs, float(EXPECTED[f"window_s__{case}"]))
    for start, length in zip(starts, lengths, strict=True):
        rgb = np.swapaxes(patches[start : start + length], 0, 1)
        if EXPECTED[f"prefilter__{case}"]:
            rgb = band(rgb, 1)
        windows.append(band(declared.estimate(Waveform(rgb, fs), **params).samples, -1))
    return windows


@cache
def rates_of(method: str, case: str) -> PatchRates:
    fs = float(EXPECTED[f"fs__{case}"])
    parts = [pyvhr_patch_rates(w[None], fs, LOW_HZ, HIGH_HZ) for w in pulses_of(method, case)]
    return PatchRates(
        bpm=parts[0].bpm,
        power=np.concatenate([part.power for part in parts]),
        rates_bpm=np.concatenate([part.rates_bpm for part in parts]),
    )


@pytest.mark.parametrize("case", CASES)
def test_windows_have_the_same_samples(case: str) -> None:
    patches, fs = EXPECTED[f"in_patches__{case}"], float(EXPECTED[f"fs__{case}"])
    starts, lengths = pyvhr_windows(len(patches), fs, float(EXPECTED[f"window_s__{case}"]))
    np.testing.assert_array_equal(starts, EXPECTED[f"window_first__{case}"])
    np.testing.assert_array_equal(starts + lengths - 1, EXPECTED[f"window_last__{case}"])


@each_run
def test_pulses_spectra_and_rates_of_the_patches_are_the_same(method: str, case: str) -> None:
    assert far(pulses_of(method, case)[0], of("bvp_first", method, case)) < 5e-5
    rates = rates_of(method, case)
    power, expected = rates.power[0], of("psd_first", method, case).astype(np.float64)
    unit = [values / values.max() for values in (power, expected)]
    assert np.abs(unit[0] - unit[1]).max() < 5e-5
    assert np.abs(rates.bpm - of("freqs_bpm", method, case)).max() < EXACT_BPM
    assert np.abs(rates.rates_bpm - of("bpm_patches", method, case)).max() < EXACT_BPM
    assert np.abs(cosine_distances(rates.power)[0] - of("cosine_first", method, case)).max() < 1e-4


@each_run
def test_median_and_deviation_are_the_same(method: str, case: str) -> None:
    rates = rates_of(method, case)
    assert np.abs(rates.median_bpm() - of("bpm_median", method, case)).max() < EXACT_BPM
    assert np.abs(rates.deviation_bpm() - of("mad", method, case)).max() < EXACT_BPM


@each_run
def test_angles_groups_and_their_shapes_are_the_same(method: str, case: str) -> None:
    rates = rates_of(method, case)
    theta = settle_on_circle(cosine_distances(rates.power), of("cluster_theta0", method, case))
    assert np.abs(theta - of("cluster_theta", method, case)).max() < 2e-4
    labels = of("cluster_label", method, case)
    for number, members in enumerate(split_circle(theta, reassigned=False)):
        group = describe_group(rates.power, rates.bpm, without_outliers(members, theta, TOLERANCE))
        np.testing.assert_array_equal(group.members, labels == number)
        for key, result, within in (
            ("F", group.peak_bpm, EXACT_BPM),
            ("sigma", group.sigma_bpm, 0.02),
            ("chi", group.misfit, 1e-2),
            ("aic", group.information, 0.2),
            ("snr", group.snr, 1e-3),
        ):
            expected = of(f"cluster_{key}{number}", method, case)
            assert np.abs(result - expected).max() < within, key


@each_run
def test_the_chosen_rates_are_the_same(method: str, case: str) -> None:
    reach = int(EXPECTED[f"window_s__{case}"])
    start_rad = of("cluster_theta0", method, case)
    _, rates_bpm = choose_patches(
        rates_of(method, case), start_rad, tolerance=TOLERANCE, reach=reach, mended=False
    )
    assert np.abs(rates_bpm - of("bpm_clustering", method, case)).max() < EXACT_BPM


@each_run
def test_the_seed_of_the_start_changes_the_rates_as_much_as_there(method: str, case: str) -> None:
    rates, reach = rates_of(method, case), int(EXPECTED[f"window_s__{case}"])
    expected = of("bpm_clustering_30seeds", method, case)
    for seed in range(3):
        drawn = np.random.RandomState(10000 + seed).rand(*rates.rates_bpm.shape)
        _, rates_bpm = choose_patches(
            rates, 2 * np.pi * drawn, tolerance=TOLERANCE, reach=reach, mended=False
        )
        assert np.abs(rates_bpm - expected[seed]).max() < EXACT_BPM


@pytest.mark.parametrize("case", [c for c in CASES if not EXPECTED[f"prefilter__{c}"]])
def test_the_preset_carries_the_medians_and_their_deviations(case: str) -> None:
    fs, window_s = float(EXPECTED[f"fs__{case}"]), float(EXPECTED[f"window_s__{case}"])
    patches = Waveform(np.asarray(EXPECTED[f"in_patches__{case}"], np.float64), fs)
    declared = load_methods().available["multi_patch_median"]
    params = declared.parameters({"preset": "pyvhr", "window_s": window_s})
    estimate = declared.estimate(patches, **params)
    wave = estimate.samples
    carried = wave_of_rates(
        of("bpm_median", "POS", case), EXPECTED[f"time_s__{case}"], fs, len(wave)
    )
    assert np.abs(wave - carried).max() < 1e-3
    assert estimate.confidence is not None
    np.testing.assert_allclose(estimate.confidence.times_s, EXPECTED[f"time_s__{case}"], atol=1e-5)
    expected = confidence_of_deviation(of("mad", "POS", case))
    np.testing.assert_allclose(estimate.confidence.values, expected, atol=1e-4)
