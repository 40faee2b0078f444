"""Median and circle clustering of patches of which only some show a pulse."""

from typing import Any

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.system.errors import BenchError, TooShortError
from rppgbench.testing.method_contract import check_method

NAMES = ("multi_patch_median", "multi_patch_clustering")
FS, BPM = 30.0, 72.0


def patches(
    good: int, *, seconds: float = 30.0, bpm: float = BPM, flicker_hz: float = 0.0
) -> Array:
    """Colours (T, 25, 3): `good` patches show the pulse, the others noise or a flicker."""
    rng = np.random.default_rng(1)
    times = np.arange(round(seconds * FS)) / FS
    pulse = np.sin(2 * np.pi * bpm / 60 * times)[:, None, None] * np.array([0.33, 0.77, 0.53])
    has_pulse = (np.arange(25) < good)[:, None]
    flicker = np.sin(2 * np.pi * flicker_hz * times)[:, None, None] * np.array([0.6, 0.3, 0.9])
    change = -0.004 * pulse * has_pulse + 0.02 * flicker * ~has_pulse
    samples: Array = np.array([160.0, 112.0, 88.0]) * (1 + change)
    return samples + rng.normal(0, 0.3, samples.shape) * np.where(has_pulse, 0.3, 3.0)


def run(name: str, samples: Array, **params: Any) -> Array:
    declared = load_methods().available[name]
    return declared.estimate(Waveform(samples, FS, 1.5), **declared.parameters(params)).samples


def peak_bpm(pulse: Array) -> float:
    lines = np.abs(np.fft.rfft((pulse - pulse.mean()) * np.hanning(len(pulse)), 1 << 15))
    bpm = 60 * np.fft.rfftfreq(1 << 15, 1 / FS)
    band = (bpm > 40) & (bpm < 240)
    return float(bpm[band][lines[band].argmax()])


@pytest.mark.parametrize("preset", ["paper", "pyvhr"])
@pytest.mark.parametrize("name", NAMES)
def test_patches_of_noise_do_not_spoil_the_pulse(name: str, preset: str) -> None:
    samples = patches(good=16)
    pulse = run(name, samples, preset=preset)
    assert pulse.shape == (len(samples),)
    assert peak_bpm(pulse) == pytest.approx(BPM, abs=1.5)


@pytest.mark.parametrize("name", NAMES)
def test_the_pulse_is_brightness_on_the_clock_of_the_patches(name: str) -> None:
    samples = patches(good=16)
    brightness = -np.sin(2 * np.pi * BPM / 60 * np.arange(len(samples)) / FS)
    inner = slice(60, -60)
    assert np.corrcoef(run(name, samples)[inner], brightness[inner])[0, 1] > 0.9


def test_the_median_follows_most_patches_whatever_the_others_show() -> None:
    assert peak_bpm(run("multi_patch_median", patches(15, flicker_hz=2.1))) == pytest.approx(
        72, abs=1
    )
    assert peak_bpm(run("multi_patch_median", patches(9, flicker_hz=2.1))) == pytest.approx(
        126, abs=1
    )


def test_the_start_of_the_clustering_is_a_parameter() -> None:
    samples = patches(good=8)
    first, again = (run("multi_patch_clustering", samples, start_seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    others = [run("multi_patch_clustering", samples, start_seed=seed) for seed in range(4, 9)]
    assert any(not np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_gives_the_pulse_of_each_recording(name: str) -> None:
    samples = np.stack([patches(16), patches(16, bpm=95.0)])
    batch = run(name, samples)
    for row, single in zip(batch, samples, strict=True):
        np.testing.assert_allclose(row, run(name, single), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_short_recordings_have_one_window_and_pyvhr_refuses_them(name: str) -> None:
    samples = patches(20, seconds=5.0)
    assert peak_bpm(run(name, samples)) == pytest.approx(BPM, abs=3)
    with pytest.raises(TooShortError, match="no window of 8 s"):
        run(name, samples, preset="pyvhr")


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_the_contract_of_methods(name: str) -> None:
    findings = check_method(load_methods().available[name])
    assert not [finding for finding in findings if finding.kept is False]
    with pytest.raises(BenchError, match="form"):
        run(name, patches(16), form="windows")


@pytest.mark.parametrize("preset", ["paper", "pyvhr"])
def test_the_confidence_of_the_median_is_high_where_patches_agree(preset: str) -> None:
    declared = load_methods().available["multi_patch_median"]
    params = declared.parameters({"preset": preset})
    median = {}
    for good in (25, 3):
        confidence = declared.estimate(Waveform(patches(good), FS, 1.5), **params).confidence
        assert confidence is not None
        assert len(confidence.times_s) >= 20
        assert (confidence.times_s[0], confidence.times_s[-1]) == pytest.approx(
            (1.5 + 4.0, 1.5 + 26.0), abs=0.05
        )  # the centres of windows of 8 s
        median[good] = np.median(confidence.values)
    assert median[25] > 0.99
    assert median[3] < 0.3


def test_one_patch_and_a_batch_have_no_confidence() -> None:
    declared = load_methods().available["multi_patch_median"]
    params, samples = declared.parameters({}), patches(25)
    alone = declared.estimate(Waveform(samples[:, :1], FS), **params).confidence
    assert alone is not None
    assert np.isnan(alone.values).all()
    batch = declared.estimate(Waveform(np.stack([samples, samples]), FS), **params)
    assert batch.confidence is None


def test_the_clustering_has_none_as_its_source_has_none() -> None:
    declared = load_methods().available["multi_patch_clustering"]
    assert (
        declared.estimate(Waveform(patches(25), FS), **declared.parameters({})).confidence is None
    )
