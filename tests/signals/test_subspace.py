"""2SR: signs, scale, light, and what it refuses."""

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.signals.subspace import principal_axes, rotation_pulse, subspace_rotation

FS = 25.0


def skin(bpm: float, seed: int, seconds: float = 12.0) -> tuple[Array, Array]:
    """Second moments (T, 3, 3) of 200 noisy skin pixels under changing light, and their pulse."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * FS)) / FS
    pulse = np.sin(2 * np.pi * bpm / 60 * times)
    tones = np.array([165.0, 115.0, 95.0]) * rng.uniform(0.8, 1.1, (200, 1))
    tones = tones * rng.uniform(0.95, 1.05, (200, 3))
    light = 1 + 0.03 * np.sin(2 * np.pi * 0.2 * times)
    colour = 1 - 0.01 * pulse[:, None] * np.array([0.33, 0.77, 0.53])
    pixels = tones * light[:, None, None] * colour[:, None, :]
    pixels = pixels + rng.normal(0, 1.0, pixels.shape)
    moments: Array = np.swapaxes(pixels, 1, 2) @ pixels / pixels.shape[1]
    return moments, pulse


@pytest.mark.parametrize("bpm", [50, 72, 120])
def test_the_pulse_of_noisy_skin_under_changing_light_is_found(bpm: int) -> None:
    moments, pulse = skin(bpm, seed=bpm)
    result = subspace_rotation(moments, FS)
    middle = slice(25, -25)
    assert np.corrcoef(result[middle], pulse[middle])[0, 1] > 0.8  # more blood, less light
    assert result[-1] == 0.0


def test_unit_of_the_pixels_and_brightness_do_not_matter() -> None:
    moments, _ = skin(72, seed=1)
    expected = subspace_rotation(moments, FS)
    result = subspace_rotation(moments / 255.0**2, FS)
    np.testing.assert_allclose(result, expected, atol=1e-9 * np.abs(expected).max())


def test_signs_of_minor_axes_do_not_matter_and_those_of_the_first_do() -> None:
    values, vectors = principal_axes(skin(72, seed=2)[0])
    expected = rotation_pulse(values, vectors, 25)
    signs = np.where(np.random.default_rng(0).uniform(size=(len(values), 3)) < 0.5, -1.0, 1.0)
    minor = vectors.copy()
    minor[:, :, :2] *= signs[:, None, :2]
    np.testing.assert_allclose(rotation_pulse(values, minor, 25), expected, atol=1e-9)
    first = vectors.copy()
    first[:, :, 2] *= signs[:, 2:]
    assert np.abs(np.corrcoef(rotation_pulse(values, first, 25), expected)[0, 1]) < 0.9


def test_first_axes_are_turned_to_positive_sums() -> None:
    _, vectors = principal_axes(skin(72, seed=3)[0])
    assert (vectors[:, :, 2] > 0).all()
    values, raw = principal_axes(skin(72, seed=3)[0], turned=False)
    assert (np.diff(values, axis=1) >= 0).all()
    np.testing.assert_allclose(np.abs(raw[:, :, 2]), vectors[:, :, 2], atol=1e-9)


def test_a_batch_is_its_recordings() -> None:
    batch = np.stack([skin(60 + k, seed=k)[0] for k in range(3)])
    together = subspace_rotation(batch, FS)
    for k in range(3):
        alone = subspace_rotation(batch[k], FS)
        np.testing.assert_allclose(together[k], alone, atol=1e-12 * np.abs(alone).max())


def test_black_and_unchanging_skin_gives_zeros_and_black_frames_no_nan() -> None:
    moments, _ = skin(72, seed=4)
    still = np.broadcast_to(moments[0], moments.shape)
    assert not subspace_rotation(still, FS).any()
    assert not subspace_rotation(np.zeros_like(moments), FS).any()
    moments[100:103] = 0.0
    assert np.isfinite(subspace_rotation(moments, FS)).all()


def test_pixels_without_noise_still_have_a_pulse() -> None:
    times = np.arange(300) / FS
    pulse = np.sin(2 * np.pi * 1.2 * times)
    colour = np.array([165.0, 115.0, 95.0]) * (1 - 0.01 * pulse[:, None] * [0.33, 0.77, 0.53])
    moments = np.einsum("ti,tj->tij", colour, colour)  # rank 1: both minor eigenvalues are 0
    result = subspace_rotation(moments, FS)
    assert np.isfinite(result).all()
    assert np.corrcoef(result[25:-25], pulse[25:-25])[0, 1] > 0.95


@pytest.mark.parametrize(("frames", "stride_s"), [(25, 1.0), (100, 5.0), (100, 0.04)])
def test_windows_longer_than_the_trace_are_refused(frames: int, stride_s: float) -> None:
    with pytest.raises(ValueError, match="2SR needs more than"):
        subspace_rotation(skin(72, seed=5)[0][:frames], FS, stride_s=stride_s)
