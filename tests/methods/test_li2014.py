"""Li et al. 2014 on faces whose light, motion and pulse are known."""

from typing import Any

import numpy as np
import pytest

from rppgbench.core.registry import load_methods
from rppgbench.core.waveform import Array, Waveform
from rppgbench.system.errors import BenchError, NoPulseError
from rppgbench.testing.method_contract import check_method


def scene(
    fs: float, *, flicker_hz: float = 0.0, motion: bool = False, seconds: float = 40.0
) -> tuple[Array, Array]:
    """Face and background (T, 2, 3) with a pulse at 78 bpm, and the times (T,)."""
    rng = np.random.default_rng(0)
    times = np.arange(round(seconds * fs)) / fs
    light = 0.03 * np.sin(2 * np.pi * flicker_hz * times)
    face = 120 * (1 + light - 0.004 * np.sin(2 * np.pi * 1.3 * times))
    if motion:
        shaken = (times >= 20) & (times < 21)
        face = face + shaken * 15 * np.sin(2 * np.pi * 2.2 * times)
    both = np.stack([face, 100 * (1 + light)], axis=1)[..., None] * np.ones(3)
    return both + rng.normal(0, 0.05, both.shape), times


def run(samples: Array, fs: float, **params: Any) -> Waveform:
    declared = load_methods().available["li2014"]
    return declared.estimate(Waveform(samples, fs, 2.0), **declared.parameters(params))


def peak_bpm(pulse: Array, fs: float) -> float:
    lines = np.abs(np.fft.rfft(pulse * np.hanning(len(pulse)), 1 << 15))
    return float(60 * np.fft.rfftfreq(1 << 15, 1 / fs)[lines.argmax()])


@pytest.mark.parametrize("fs", [20.0, 29.97, 30.0, 61.0])
def test_the_pulse_is_found_at_every_frame_rate(fs: float) -> None:
    samples, times = scene(fs)
    pulse = run(samples, fs)
    assert peak_bpm(pulse.samples, fs) == pytest.approx(78, abs=1)
    assert (pulse.start_s, pulse.fs, len(pulse.samples)) == (2.0, fs, len(times))
    inner = slice(round(5 * fs), -round(5 * fs))
    brightness = -np.sin(2 * np.pi * 1.3 * times)[inner]
    assert np.corrcoef(pulse.samples[inner], brightness)[0, 1] > 0.95


def test_counts_that_are_not_scaled_lose_the_pulse_at_30_frames() -> None:
    """A moving average of 23 samples has its first zero at 1.3 Hz there."""
    samples, _ = scene(30.0)
    sizes = [run(samples, 30.0, scaled=scaled).samples[300:-300].std() for scaled in (True, False)]
    assert sizes[0] > 20 * sizes[1]


def test_the_detrending_leaves_the_same_at_every_frame_rate() -> None:
    sizes = []
    for fs in (30.0, 61.0):
        times = np.arange(round(60 * fs)) / fs
        face = 120 + np.sin(2 * np.pi * 0.45 * times)
        both = np.stack([face, np.full_like(face, 90)], axis=1)[..., None] * np.ones(3)
        sizes.append(run(both, fs, rectified=False, motion="kept", low_hz=0.1).samples.std())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_light_on_face_and_background_is_taken_off() -> None:
    samples, _ = scene(30.0, flicker_hz=2.0)
    assert peak_bpm(run(samples, 30.0).samples, 30.0) == pytest.approx(78, abs=1)
    alone = run(samples, 30.0, preset="face_alone").samples
    assert peak_bpm(alone, 30.0) == pytest.approx(120, abs=1)


def test_a_second_of_motion_is_bridged_on_the_clock() -> None:
    samples, times = scene(30.0, motion=True)
    clean, _ = scene(30.0)
    pulse = run(samples, 30.0, share=0.0).samples
    kept = run(samples, 30.0, motion="kept").samples
    reference = run(clean, 30.0, motion="kept").samples
    later = slice(660, 1100)
    assert np.corrcoef(pulse[later], reference[later])[0, 1] > 0.99
    assert np.abs(pulse[600:630]).max() < 0.2 * np.abs(kept[600:630]).max()
    assert len(pulse) == len(times)


def test_joined_segments_shorten_the_time() -> None:
    samples, times = scene(61.0, motion=True)
    assert len(run(samples, 61.0, preset="bob").samples) < len(times) - 61


@pytest.mark.parametrize("preset", ["bob", "bob_guide", "authors", "face_alone", "paper"])
def test_a_batch_gives_the_pulse_of_each_recording(preset: str) -> None:
    scenes = np.stack([scene(61.0, motion=m)[0] for m in (False, True)])
    batch = run(scenes, 61.0, preset=preset).samples
    for row, samples in zip(batch, scenes, strict=True):
        np.testing.assert_allclose(row, run(samples, 61.0, preset=preset).samples, atol=1e-12)


def test_a_face_without_background_is_refused_with_the_way_out() -> None:
    samples, _ = scene(30.0)
    samples[5, 1] = np.nan
    with pytest.raises(NoPulseError, match="rectified=false takes the face alone"):
        run(samples, 30.0)
    assert np.isfinite(run(samples, 30.0, rectified=False).samples).all()


def test_an_unknown_treatment_of_motion_is_refused() -> None:
    with pytest.raises(BenchError, match="did you mean 'joined'"):
        run(scene(30.0)[0], 30.0, motion="join")


def test_it_keeps_the_contract_of_methods() -> None:
    findings = check_method(load_methods().available["li2014"])
    assert not [finding for finding in findings if finding.kept is False]
