"""Spectra and peak rules against physics and direct formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from rppgbench.core.waveform import Array
from rppgbench.evaluation.heart_rate import band_spectrum, heart_rates, prepare
from rppgbench.evaluation.rate_chain import (
    AtLeast,
    FastFactor,
    OverRate,
    PeakIntervals,
    Welch,
    padded,
)
from rppgbench.signals.spectrum import (
    Spectrum,
    band_bins,
    bin_peak,
    local_maximum_peak,
    offset_peak,
    parabola_peak,
    peak_intervals,
    periodogram,
    taper,
    welch,
)

from ..factories.evaluators import NAMES, evaluator


def make_spectrum(freqs_hz: Array, power: Array, first: int, stop: int) -> Spectrum:
    return Spectrum(freqs_hz=freqs_hz, power=power, first=first, stop=stop)


def sines(bpm: Array, fs: float, seconds: float, phases: int = 8) -> Array:
    """(B, P, N): every rate in several phases."""
    time = np.arange(round(seconds * fs)) / fs
    phase = np.linspace(0, 2 * np.pi, phases, endpoint=False)
    wave: Array = np.sin(2 * np.pi * bpm[:, None, None] / 60 * time + phase[:, None])
    return wave


@pytest.mark.parametrize("fs", [20.0, 25.0, 29.87, 30.0, 60.0])
def test_the_default_tells_a_clean_sine_to_its_stated_resolution(fs: float) -> None:
    rule = evaluator("li2023")
    bpm = np.linspace(40, 180, 281)
    waves = prepare(sines(bpm, fs, rule.window_s), fs, rule.estimate)
    error = np.abs(heart_rates(waves, fs, rule.estimate) - bpm[:, None])
    assert rule.resolution_bpm <= 0.1
    assert error.max() < rule.resolution_bpm


@pytest.mark.parametrize(
    "name", [n for n in NAMES if evaluator(n).estimate.peak.kind != "parabola"]
)
def test_a_bin_rule_is_off_by_up_to_half_its_stated_resolution(name: str) -> None:
    """On whole windows of the stated length and rate; no grid is finer than it says."""
    rule, fs = evaluator(name), 30.0
    seconds = rule.window_s or {"parts": 20.0, "whole": 60.0}[rule.window.kind]
    bpm = np.linspace(60, 120, 241)
    waves = sines(bpm, fs, seconds, 4)
    chain = rule.estimate.model_copy(update={"filter": evaluator("sinc").estimate.filter})
    error = np.abs(heart_rates(waves, fs, chain) - bpm[:, None])
    assert error.max() > 0.3 * rule.resolution_bpm
    assert error.max() < 0.5 * rule.resolution_bpm + 0.6  # boxcar leakage of the other half


def test_v4v_and_vipl_hold_their_resolution_too() -> None:
    bpm = np.linspace(45, 175, 131)
    for name in ("vipl", "v4v"):
        rule = evaluator(name)
        waves = sines(bpm, 25.0, rule.window_s)
        error = np.abs(heart_rates(waves, 25.0, rule.estimate) - bpm[:, None])
        assert error.max() < rule.resolution_bpm


def test_periodogram_is_scipys_up_to_scale() -> None:
    wave = np.random.default_rng(1).normal(size=(3, 217))
    window = taper("hamming", 217, symmetric=False)
    measured = periodogram(wave, 30.0, window, 512, (0, 257))
    freqs, density = signal.periodogram(wave, 30.0, window="hamming", nfft=512, detrend=False)
    np.testing.assert_allclose(measured.freqs_hz, freqs)
    scale = 2 / (30.0 * (window**2).sum())
    np.testing.assert_allclose(measured.power[:, 1:-1] * scale, density[:, 1:-1], rtol=1e-10)


def test_the_zoomed_band_equals_the_whole_transform() -> None:
    wave = np.random.default_rng(2).normal(size=(2, 90))
    bins = band_bins(90 * 40, 30.0, 0.7, 4.0, "inclusive")
    zoomed = periodogram(wave, 30.0, np.ones(90), 90 * 40, bins)
    whole = np.abs(np.fft.rfft(wave, 90 * 40)) ** 2
    expected = whole[:, bins[0] - 1 : bins[1] + 1]
    np.testing.assert_allclose(zoomed.power, expected, atol=1e-9 * expected.max())


@pytest.mark.parametrize("samples", [200, 256, 300, 900])
def test_welch_is_scipys_up_to_scale(samples: int) -> None:
    wave = np.random.default_rng(3).normal(size=(2, samples)) + 5
    segment = min(256, samples)
    window = taper("hann", segment, symmetric=False)
    measured = welch(wave, 30.0, window, 2048, (20, 200), hop=56, centred=True)
    overlap = min(200, segment - 1)
    _, density = signal.welch(wave, 30.0, nperseg=segment, noverlap=overlap, nfft=2048)
    scale = 2 / (30.0 * (window**2).sum())
    np.testing.assert_allclose(measured.band * scale, density[:, 20:200], rtol=1e-9)


def test_matlab_like_segments_cover_the_window() -> None:
    """pwelch's default: 8 segments with half overlap, of floor(N / 4.5) samples."""
    chain = evaluator("physformer").estimate
    wave = np.random.default_rng(4).normal(size=450)
    assert isinstance(chain.spectrum, Welch)
    result = band_spectrum(wave, 30.0, chain)
    parts = [wave[k : k + 100] * np.hamming(100) for k in range(0, 351, 50)]
    power = np.mean([np.abs(np.fft.rfft(part, 8192)) ** 2 for part in parts], axis=0)
    at = np.round(result.freqs_hz * 8192 / 30).astype(int)
    np.testing.assert_allclose(result.power, power[at], rtol=1e-9)


def test_parabola_of_known_vertex() -> None:
    freqs = np.arange(1.0, 2.0, 0.1)
    power = np.exp(-((freqs - 1.437) ** 2) / 0.02)  # log power is a parabola
    assert parabola_peak(make_spectrum(freqs, power, 1, 9)) == pytest.approx(60 * 1.437, rel=1e-12)


def test_parabola_at_the_edge_of_the_band_stays_in_it() -> None:
    freqs = np.arange(0.5, 1.5, 0.1)
    rising = np.exp(freqs)
    assert parabola_peak(make_spectrum(freqs, rising, 2, 6)) <= 60 * (freqs[5] + 0.05) + 1e-9


def test_offset_rule_by_hand() -> None:
    """Peak 10 between 4 and 8: drops 6 and 2, moved up by (1 - 2/6) of a bin."""
    spectrum = make_spectrum(np.array([1.0, 1.1, 1.2, 1.3]), np.array([1.0, 4, 10, 8]), 0, 4)
    assert offset_peak(spectrum) == pytest.approx(60 * (1.2 + 0.1 * (1 - 2 / 6)))
    top = make_spectrum(np.array([1.0, 1.1, 1.2]), np.array([1.0, 2, 6]), 0, 3)
    assert offset_peak(top) == pytest.approx(60 * (1.1 + 0.1 * 6 / 8))


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        ([0.0, 5, 0, 0, 0, 9, 0], 61.0),  # 60 x 2 is 118 to 122: the half is taken
        ([0.0, 9, 0, 0, 0, 5, 0], 61.0),  # the lower one is the higher one anyway
        ([0.0, 0, 0, 5, 0, 9, 0], 121.0),  # no harmonic
        ([0.0, 1, 2, 3, 4, 5, 4], 121.0),  # one maximum: the reference code fails here
        ([0.0, 0, 0, 0, 0, 0, 0], np.nan),  # none: the estimate is missing
    ],
)
def test_the_harmonic_rule_and_its_stated_deviation(power: list[float], expected: float) -> None:
    freqs = np.array([46.0, 61, 76, 91, 106, 121, 136]) / 60
    spectrum = make_spectrum(freqs, np.array(power), 0, 7)
    assert local_maximum_peak(spectrum, 10.0) == pytest.approx(expected, nan_ok=True)


def test_maxima_at_both_edges_of_a_band_count() -> None:
    freqs = np.array([40.0, 60, 80]) / 60
    assert local_maximum_peak(
        make_spectrum(freqs, np.array([9.0, 1, 5]), 0, 3), 0
    ) == pytest.approx(40)


def test_peak_intervals_need_two_maxima() -> None:
    assert np.isnan(peak_intervals(np.array([0.0, 1, 0]), 30.0))


def test_noise_reads_as_hundreds_of_beats_by_peak_intervals() -> None:
    """The documented failure of the toolbox's peak mode without a filter."""
    rule = evaluator("toolbox_now").estimate
    chain = rule.model_copy(update={"spectrum": PeakIntervals(kind="peak_intervals")})
    noise = np.random.default_rng(5).normal(size=900)
    assert heart_rates(noise, 30.0, chain) > 300


def test_each_rule_of_padding_gives_its_length() -> None:
    assert padded(600, 30.0, AtLeast(at_least=512)) == 600
    assert padded(256, 30.0, OverRate(over_fs=1e5)) == 3333
    assert padded(256, 30.0, "next_pow2") == 256
    assert padded(257, 30.0, "next_pow2") == 512
    assert 8 * 307 <= padded(307, 30.7, FastFactor(fast_factor=8)) < 8 * 307 * 1.05


def test_an_empty_band_has_no_rate() -> None:
    spectrum = periodogram(
        np.ones(32), 30.0, np.ones(32), 32, band_bins(32, 30.0, 1, 1.1, "inclusive")
    )
    for rule in (bin_peak, parabola_peak, offset_peak):
        assert np.isnan(rule(spectrum))
    assert np.isnan(local_maximum_peak(spectrum, 10.0))


@given(
    st.sampled_from(["li2023", "toolbox_now", "contrast_phys", "pyvhr", "sinc", "physbench"]),
    st.floats(1e-3, 1e6),
    st.sampled_from([-1.0, 1.0]),
    st.integers(0, 10_000),
)
@settings(max_examples=25, deadline=None)
def test_a_rate_does_not_depend_on_gain_or_sign(
    name: str, gain: float, sign: float, seed: int
) -> None:
    wave = np.random.default_rng(seed).normal(size=900)
    chain = evaluator(name).estimate
    plain = heart_rates(prepare(wave, 30.0, chain), 30.0, chain)
    assert heart_rates(prepare(sign * gain * wave, 30.0, chain), 30.0, chain) == pytest.approx(
        plain, rel=1e-6
    )


@given(st.integers(0, 10_000), st.sampled_from([n for n in NAMES if n != "v4v"]))
@settings(max_examples=30, deadline=None)
def test_a_rate_lies_in_its_band(seed: int, name: str) -> None:
    chain = evaluator(name).estimate
    noise = np.random.default_rng(seed).normal(size=(2, 900)).cumsum(axis=1)
    result = heart_rates(prepare(noise, 30.0, chain), 30.0, chain)
    slack = 60 * 30 / 900  # a rounded edge is up to half a bin outside
    known = result[np.isfinite(result)]
    assert (known >= 60 * chain.band.low_hz - slack).all()
    assert (known <= 60 * chain.band.high_hz + slack).all()


def test_windows_read_together_have_the_rates_of_each_alone() -> None:
    noise = np.random.default_rng(6).normal(size=(5, 4, 300))
    for name in NAMES:
        chain = evaluator(name).estimate
        batch = heart_rates(prepare(noise, 30.0, chain), 30.0, chain)
        single = [[heart_rates(prepare(w, 30.0, chain), 30.0, chain) for w in row] for row in noise]
        np.testing.assert_allclose(batch, single, rtol=1e-9)
