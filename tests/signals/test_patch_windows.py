"""Windows of many patches: their rates, and one pulse or rate of them all."""

import numpy as np
import pytest

from rppgbench.signals.patch_windows import (
    PatchRates,
    even_windows,
    merge_windows,
    patch_rates,
    pyvhr_patch_rates,
    pyvhr_windows,
    wave_of_rates,
)
from rppgbench.system.errors import TooShortError

FS = 30.0


@pytest.mark.parametrize("read", [patch_rates, pyvhr_patch_rates])
def test_rates_are_those_of_the_waves(read: object) -> None:
    times = np.arange(240) / FS
    bpm = np.array([[55.0, 72.3, 140.0], [60.0, 90.0, 200.0]])
    rates = read(np.sin(2 * np.pi * bpm[..., None] / 60 * times), FS, 0.65, 4.0)  # type: ignore[operator]
    within = 0.3 if read is patch_rates else 1.0  # the bins of pyVHR are 0.88 bpm apart
    np.testing.assert_allclose(rates.rates_bpm, bpm, atol=within)
    assert rates.power.shape == (2, 3, len(rates.bpm))


def test_a_patch_without_power_has_no_rate_and_does_not_count() -> None:
    times = np.arange(240) / FS
    rates = patch_rates(np.stack([np.zeros(240), np.sin(7.0 * times)])[None], FS, 0.65, 4.0)
    assert np.isnan(rates.rates_bpm[0, 0])
    np.testing.assert_allclose(rates.median_bpm(), rates.rates_bpm[0, 1])


def test_median_and_deviation_of_an_even_number_of_patches() -> None:
    rates = np.array([[60.0, 70.0, 80.0, 120.0]])
    found = PatchRates(bpm=np.zeros(1), power=np.zeros((1, 4, 1)), rates_bpm=rates)
    assert (found.median_bpm()[0], found.deviation_bpm()[0]) == (75.0, 10.0)


def test_windows_of_pyvhr_are_those_of_its_loop() -> None:
    fs, window_s, samples = 29.97, 100.0, 6000
    starts, lengths = pyvhr_windows(samples, fs, window_s)
    start = 0.0
    for first, length in zip(starts, lengths, strict=True):
        inside = np.arange(start, start + window_s * fs).astype(int)
        assert (first, length) == (inside[0], len(inside))
        start += fs
    assert len(set(lengths.tolist())) == 2
    with pytest.raises(TooShortError, match=r"no window of 5\.3 s"):
        pyvhr_windows(158, 29.9, 5.3)


def test_even_windows_reach_both_ends() -> None:
    starts = even_windows(1000, 240, 29.97)
    assert (starts[0], starts[-1]) == (0, 760)
    assert np.diff(starts).max() <= 30


def test_merged_windows_of_one_wave_are_this_wave() -> None:
    wave = np.sin(np.arange(1000) / 5)
    starts = even_windows(1000, 200, 50)
    windows = np.stack([wave[start : start + 200] for start in starts])
    both = np.stack([3 * windows, np.random.default_rng(0).normal(size=windows.shape)], axis=1)
    merged = merge_windows(both, np.array([[1.0, 0.0]]).repeat(len(starts), 0), starts, 1000)
    assert np.corrcoef(merged, wave)[0, 1] > 0.999


def test_a_window_without_patches_leaves_its_place_to_its_neighbours() -> None:
    starts, windows = np.array([0, 50, 100]), np.ones((3, 1, 100)) * np.sin(np.arange(100))
    weights = np.array([[1.0], [0.0], [1.0]])
    assert np.isfinite(merge_windows(windows, weights, starts, 200)).all()
    gap = merge_windows(windows, np.array([[1.0], [0.0], [0.0]]), starts, 200)
    assert np.isfinite(gap[:100]).all()
    assert np.isnan(gap[100:]).all()


def test_a_wave_of_rates_has_these_rates() -> None:
    centres = np.arange(4.0, 56.0)
    wave = wave_of_rates(60 + centres / 2, centres, 50.0, 3000)
    rises = np.flatnonzero((wave[:-1] < 0) & (wave[1:] >= 0)) / 50.0
    middle = (rises[1:] + rises[:-1]) / 2
    inner = (middle > 5) & (middle < 54)
    np.testing.assert_allclose(60 / np.diff(rises)[inner], (60 + middle / 2)[inner], atol=2.5)
    assert not wave_of_rates(np.full(3, np.nan), np.arange(3.0), 30.0, 10).any()
