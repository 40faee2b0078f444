"""Heart-rate variability against NeuroKit2, its stored outputs, and closed forms."""

import warnings

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.signals.heart_rate_variability import (
    HF_HZ,
    LF_HZ,
    band_power_ms2,
    interval_spectrum,
    normal_intervals,
    rmssd_ms,
    sdnn_ms,
)

from ..oracles.oracle import load


def varying_intervals(seconds: float, seed: int = 0) -> Array:
    """Intervals (B,) in ms with waves at 0.1 and 0.25 Hz and noise, over some seconds."""
    random = np.random.default_rng(seed)
    time_s, out = 0.0, []
    while time_s < seconds:
        slow, breath = np.sin(2 * np.pi * 0.1 * time_s), np.sin(2 * np.pi * 0.25 * time_s)
        out.append(900 + 30 * slow + 40 * breath + random.normal(0, 8))
        time_s += out[-1] / 1000
    return np.array(out)


def test_time_measures_are_those_of_the_stored_outputs_of_neurokit2() -> None:
    try:
        arrays, _ = load("beats_hrv")
    except FileNotFoundError:
        pytest.skip("needs the oracle beats_hrv (RPPGBENCH_ORACLES)")
    names = arrays["names_nk_time"].tolist()
    cases = [key.removeprefix("nk_time_elgendi_cleaned__") for key in arrays if "nk_time_el" in key]
    assert cases
    for case in cases:
        peaks = arrays[f"nk_peaks_elgendi_cleaned__{case}"]
        fs = float(arrays[f"fs__{case.rsplit('_', 1)[0]}"])
        intervals_ms = 1000 * np.diff(peaks) / fs
        expected = dict(zip(names, arrays[f"nk_time_elgendi_cleaned__{case}"], strict=True))
        assert sdnn_ms(intervals_ms) == pytest.approx(expected["HRV_SDNN"], rel=1e-9)
        assert rmssd_ms(np.diff(intervals_ms)) == pytest.approx(expected["HRV_RMSSD"], rel=1e-9)


@pytest.mark.parametrize("seconds", [60.0, 150.0, 301.0])
def test_measures_are_those_of_neurokit2(seconds: float) -> None:
    """The same density to rounding; the power to the bins at the limits of the bands."""
    neurokit = pytest.importorskip("neurokit2")
    intervals_ms = varying_intervals(seconds)
    ends_s = np.cumsum(intervals_ms) / 1000
    hz, density = interval_spectrum(ends_s, intervals_ms)
    peaks_ms = np.concatenate([[0.0], np.cumsum(intervals_ms)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time = neurokit.hrv_time(peaks_ms, sampling_rate=1000).iloc[0]
        grid_s = np.arange(0, ends_s[-1] - ends_s[0] + 0.01, 0.01)
        even = neurokit.signal_interpolate(ends_s - ends_s[0], intervals_ms, x_new=grid_s)
        own = neurokit.signal_psd(even, sampling_rate=100, normalize=False, max_frequency=50)
        power = neurokit.hrv_frequency(
            peaks_ms, sampling_rate=1000, normalize=False, silent=True
        ).iloc[0]
    assert sdnn_ms(intervals_ms) == pytest.approx(time["HRV_SDNN"], rel=1e-12)
    assert rmssd_ms(np.diff(intervals_ms)) == pytest.approx(time["HRV_RMSSD"], rel=1e-12)
    np.testing.assert_allclose(hz, own["Frequency"], rtol=1e-9)
    np.testing.assert_allclose(density, own["Power"], rtol=1e-6, atol=1e-6 * density.max())
    for name, band_hz in (("HRV_LF", LF_HZ), ("HRV_HF", HF_HZ)):
        if hz[0] > band_hz[0]:
            assert np.isnan(band_power_ms2(hz, density, band_hz))
            continue
        at_limits = np.interp(band_hz, hz, density).sum() * (hz[1] - hz[0])
        assert abs(band_power_ms2(hz, density, band_hz) - power[name]) <= at_limits


def test_a_sine_of_intervals_has_half_its_squared_amplitude_as_power() -> None:
    """In the band of its frequency, and nearly nothing in the other."""
    times_s = np.arange(0, 300, 0.8)
    for frequency_hz, own_hz, other_hz in ((0.1, LF_HZ, HF_HZ), (0.25, HF_HZ, LF_HZ)):
        intervals_ms = 800 + 50 * np.sin(2 * np.pi * frequency_hz * times_s)
        hz, density = interval_spectrum(times_s, intervals_ms)
        assert band_power_ms2(hz, density, own_hz) == pytest.approx(1250, rel=0.05)
        assert band_power_ms2(hz, density, other_hz) < 5


@pytest.mark.parametrize("step_hz", [0.0083, 0.0167, 0.021, 0.05])
def test_a_band_is_integrated_to_its_very_limits(step_hz: float) -> None:
    """Of a level density: the density times the width, wherever bins lie."""
    hz = np.arange(0.03, 0.6, step_hz)
    for band_hz in (LF_HZ, HF_HZ):
        power = band_power_ms2(hz, np.full(len(hz), 100.0), band_hz)
        assert power == pytest.approx(100 * (band_hz[1] - band_hz[0]))


def test_ten_milliseconds_more_do_not_move_the_power_of_a_band() -> None:
    """Bins within a band, added up, jump where one crosses a limit."""
    times_s = np.arange(0, 119.2, 0.8)
    intervals_ms = 800 + 50 * np.sin(2 * np.pi * 0.15 * times_s)
    powers = []
    for more_s in (0.0, 0.01, 0.02, 0.03):
        longer_s = times_s * (1 + more_s / times_s[-1])
        powers.append(band_power_ms2(*interval_spectrum(longer_s, intervals_ms), HF_HZ))
    assert np.ptp(powers) < 0.01 * np.mean(powers)


@pytest.mark.parametrize("place", [0, 1, 7, 29, 30])
def test_a_lost_or_false_beat_makes_intervals_that_are_not_normal(place: int) -> None:
    beats_s = np.cumsum(varying_intervals(60.0)[:32]) / 1000
    lost = np.delete(beats_s, place + 1) if place < 30 else np.delete(beats_s, 30)
    intervals_ms = 1000 * np.diff(lost)
    normal = normal_intervals(intervals_ms, np.ones(len(intervals_ms), np.bool_), 0.3)
    assert np.flatnonzero(~normal).tolist() == [min(place, 29)]
    false = np.sort(np.append(beats_s, beats_s[place] + 0.4))
    intervals_ms = 1000 * np.diff(false)
    normal = normal_intervals(intervals_ms, np.ones(len(intervals_ms), np.bool_), 0.3)
    assert np.flatnonzero(~normal).tolist() == [place, place + 1]


def test_intervals_across_a_gap_are_not_normal_and_say_nothing_of_others() -> None:
    intervals_ms = np.array([800.0, 810, 1500, 805, 795, 800])
    counted = np.array([True, True, False, True, True, True])
    normal = normal_intervals(intervals_ms, counted, 0.3)
    assert normal.tolist() == counted.tolist()
    assert not normal_intervals(intervals_ms, np.zeros(6, np.bool_), 0.3).any()


def test_too_few_intervals_have_no_measure() -> None:
    assert np.isnan(sdnn_ms(np.array([800.0])))
    assert np.isnan(rmssd_ms(np.empty(0)))
    assert np.isnan(band_power_ms2(np.empty(0), np.empty(0), LF_HZ))
