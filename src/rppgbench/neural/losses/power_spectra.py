"""Power spectra of pulses, in torch."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

LOW_HZ, HIGH_HZ = 40 / 60, 250 / 60
"""The band of the contrastive losses: 40 to 250 beats a minute."""

SLACK_HZ = 1e-6
"""How far beyond a limit a frequency still counts as at the limit: more than rounding in float32,
far less than a bin."""


def full_precision(values: Tensor) -> Tensor:
    """Values of at least float32: torch has no Fourier transform of half precision on a CPU."""
    return values.float() if values.dtype in {torch.float16, torch.bfloat16} else values


def divisor(values: Tensor) -> Tensor:
    """Values to divide by: 1 in place of those that are not positive.

    >>> divisor(torch.tensor([2.0, 0.0]))
    tensor([2., 1.])
    """
    return torch.where(values > 0, values, torch.ones_like(values))


def wide_type(device: torch.device) -> torch.dtype:
    """The type of frequencies on a device: float64, or float32 on MPS, which has no wider one."""
    return torch.float32 if device.type == "mps" else torch.float64


def frequencies(samples: int, fs: float, device: torch.device | None = None) -> Tensor:
    """The frequencies of an `rfft`.

    Args:
        samples: length of the signal.
        fs: sampling rate in Hz.
        device: device of the result.

    Returns:
        Frequencies in Hz (samples // 2 + 1,), of `wide_type`.

    >>> frequencies(4, 30.0)
    tensor([ 0.0000,  7.5000, 15.0000], dtype=torch.float64)
    """
    device = device or torch.device("cpu")
    bins = torch.arange(samples // 2 + 1, dtype=wide_type(device), device=device)
    return bins * (fs / samples)


@lru_cache(maxsize=256)
def band_bins(samples: int, fs: float, low_hz: float, high_hz: float) -> slice:
    """The bins of an `rfft` that lie in a band; known without asking the device.

    Args:
        samples: length of the signal.
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.

    >>> band_bins(150, 30.0, 40 / 60, 250 / 60)
    slice(4, 21, None)
    """
    hz = np.arange(samples // 2 + 1) * (fs / samples)
    low, end = np.searchsorted(hz, [low_hz - SLACK_HZ, high_hz + SLACK_HZ])
    return slice(int(low), int(end))


def in_band(freqs: Tensor, low_hz: float, high_hz: float) -> Tensor:
    """Which frequencies lie in a band, with its limits in spite of rounding.

    Args:
        freqs: frequencies in Hz, of any shape.
        low_hz: lower limit.
        high_hz: upper limit.

    Returns:
        A mask of the same shape.
    """
    return (freqs >= low_hz - SLACK_HZ) & (freqs <= high_hz + SLACK_HZ)


def norm_psd(
    pulse: Tensor,
    fs: float,
    *,
    low_hz: float = LOW_HZ,
    high_hz: float = HIGH_HZ,
    zero_pad: float = 0.0,
    common_mean: bool = False,
) -> Tensor:
    """Power in the bins of a band, with unit sum and without a window.

    Args:
        pulse: (..., T).
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.
        zero_pad: number of zeros that are appended, as a multiple of T.
        common_mean: subtract one mean of all pulses, as Gideon and Stent do, in place of the mean
            of each.

    Returns:
        The spectra (..., bins); zeros for a constant signal.

    Source: Z. Sun, X. Li, "Contrast-Phys", ECCV 2022, section 3.4, and its public code; with the
    true frequencies for odd lengths too.

    >>> t = torch.arange(150) / 30
    >>> psd = norm_psd(torch.sin(2 * torch.pi * 1.2 * t), 30.0)
    >>> len(psd), int(psd.argmax()), round(float(psd.max()), 4)
    (17, 2, 1.0)
    """
    pulse = full_precision(pulse)
    mean = pulse.mean() if common_mean else pulse.mean(dim=-1, keepdim=True)
    samples = pulse.shape[-1] + round(zero_pad * pulse.shape[-1])
    spectrum = torch.fft.rfft(pulse - mean, n=samples, norm="forward")
    power = spectrum.real.square() + spectrum.imag.square()
    band = power[..., band_bins(samples, fs, low_hz, high_hz)]
    total = band.sum(dim=-1, keepdim=True)
    unit: Tensor = band / divisor(total)
    return unit


def irrelevant_power_ratio(
    pulse: Tensor, fs: float, *, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ
) -> Tensor:
    """Share of the spectrum's amplitude outside the band.

    Amplitude, not power; the constant part counts as irrelevant, as in the public code.

    Args:
        pulse: (..., T).
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.

    Returns:
        The share (...), 0 to 1.

    Source: J. Gideon, S. Stent, "The Way to My Heart Is Through Contrastive Learning", ICCV 2021,
    section 3.4.

    >>> t = torch.arange(150) / 30
    >>> round(float(irrelevant_power_ratio(torch.sin(2 * torch.pi * 1.2 * t), 30.0)), 4)
    0.0
    """
    pulse = full_precision(pulse)
    amplitude = torch.fft.rfft(pulse).abs()
    band = band_bins(pulse.shape[-1], fs, low_hz, high_hz)
    outside = amplitude[..., : band.start].sum(dim=-1) + amplitude[..., band.stop :].sum(dim=-1)
    ratio: Tensor = outside / amplitude.sum(dim=-1)
    return ratio


def peak_bpm(
    pulse: Tensor, fs: float, *, low_hz: float = LOW_HZ, high_hz: float = 3.0, bins: int = 5400
) -> Tensor:
    """Heart rate at the highest peak of the spectrum in the band.

    Args:
        pulse: (..., T).
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.
        bins: number of samples to which a shorter pulse is zero-padded.

    Returns:
        The rate (...) in bpm.

    >>> t = torch.arange(300) / 30
    >>> peak_bpm(torch.sin(2 * torch.pi * 1.2 * t), 30.0).round(decimals=6)
    tensor(72., dtype=torch.float64)
    """
    pulse = full_precision(pulse)
    samples = max(bins, pulse.shape[-1])
    spectrum = torch.fft.rfft(pulse - pulse.mean(dim=-1, keepdim=True), n=samples).abs()
    band = band_bins(samples, fs, low_hz, high_hz)
    peak = band.start + spectrum[..., band].argmax(dim=-1)
    rate_bpm: Tensor = 60 * (peak.to(wide_type(pulse.device)) * (fs / samples))
    return rate_bpm
