"""Heart rates of filtered pulses, in torch: without a gradient, and without asking the device.

Detrending and filtering are linear, so both are one product with a matrix. The forms are those of
the public codes that learn from such rates.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rppgbench.neural.losses.power_spectra import wide_type
from rppgbench.signals.filters import butterworth_matrix, smoothness_priors

DETREND = 100.0
"""Smoothness of the trend that is taken off."""

WELCH_HZ, PERIODOGRAM_HZ = (0.75, 2.5), (0.6, 3.3)
"""The bands of both filters."""

LOWEST_BPM, END_BPM = 45, 150
"""Limits of the rates that Welch's method gives; both are left out."""

SEGMENT = 256
"""Samples in a segment of Welch's method, at most."""

GRID = 1e5
"""Samples to which Welch's segments are zero-padded, times the sampling rate."""


@lru_cache(maxsize=32)
def _filter(frames: int, fs: float, low_hz: float, high_hz: float) -> Tensor:
    """The matrix (T, T) that takes off the trend and filters, first order, forward and backward."""
    band = butterworth_matrix(frames, fs, low_hz, high_hz, 1)
    detrended = smoothness_priors(np.eye(frames), DETREND, axis=0)
    return torch.from_numpy(np.ascontiguousarray((band @ detrended).T))


def _filtered(pulse: Tensor, fs: float, band_hz: tuple[float, float]) -> Tensor:
    x = pulse.detach().to(wide_type(pulse.device))
    matrix = _filter(x.shape[-1], fs, *band_hz).to(x.dtype)
    with torch.autocast(x.device.type, enabled=False):
        filtered: Tensor = x @ matrix.to(x.device, non_blocking=True)
    return filtered


def welch_peaks(pulse: Tensor, fs: float) -> Tensor:
    """The bin of the highest peak between 45 and 150 bpm, from the first bin of that band.

    Hann windows of T - 1 samples, at most 256, that overlap by half; a grid of 100,000 / fs
    samples: bins of 0.54 bpm at 30 samples a second, 194 of them. Source: the evaluation and the
    losses in github zizheng-guo/RhythmMamba @1533ad2 and RhythmFormer @033d487.

    Args:
        pulse: (B, T), T at least 10.
        fs: sampling rate in Hz.

    Returns:
        The bins (B,).
    """
    x = _filtered(pulse, fs, WELCH_HZ)
    size = min(x.shape[-1] - 1, SEGMENT)
    segments = x.unfold(-1, size, size - size // 2)
    window = torch.hann_window(size, dtype=x.dtype, device=x.device)
    tapered = (segments - segments.mean(dim=-1, keepdim=True)) * window
    power = torch.fft.rfft(tapered, n=int(GRID / fs)).abs().square().mean(dim=1)
    first, end = welch_band(fs)
    peaks: Tensor = power[:, first:end].argmax(dim=1)
    return peaks


def welch_band(fs: float) -> tuple[int, int]:
    """The first bin and the end of the band of `welch_peaks`.

    >>> welch_band(30.0)
    (84, 278)
    """
    bpm = 60 * fs / int(GRID / fs) * np.arange(int(GRID / fs) // 2 + 1)
    within = np.flatnonzero((bpm > LOWEST_BPM) & (bpm < END_BPM))
    return int(within[0]), int(within[-1]) + 1


def welch_bpm(pulse: Tensor, fs: float) -> Tensor:
    """Heart rates by `welch_peaks`.

    Args:
        pulse: (B, T).
        fs: sampling rate in Hz.

    Returns:
        Rates in bpm (B,).

    >>> t = torch.arange(300) / 30
    >>> welch_bpm(torch.sin(2 * torch.pi * 1.2 * t)[None], 30.0).round(decimals=1)
    tensor([71.8000], dtype=torch.float64)
    """
    peaks = welch_peaks(pulse, fs) + welch_band(fs)[0]
    return peaks.to(wide_type(pulse.device)) * (60 * fs / int(GRID / fs))


def periodogram_bpm(pulse: Tensor, fs: float) -> Tensor:
    """Heart rates at the highest peak of a periodogram on as many bins as the next power of two.

    Bins are 7 bpm wide for 160 samples. Source: github rppg-toolbox @d807b01.

    Args:
        pulse: (B, T), T at least 10.
        fs: sampling rate in Hz.

    Returns:
        Rates in bpm (B,), from 36 to 198.
    """
    x = _filtered(pulse, fs, PERIODOGRAM_HZ)
    samples = 2 ** int(np.ceil(np.log2(x.shape[-1])))
    hz = np.arange(samples // 2 + 1) * (fs / samples)
    within = np.flatnonzero((hz >= PERIODOGRAM_HZ[0]) & (hz <= PERIODOGRAM_HZ[1]))
    power = torch.fft.rfft(x, n=samples).abs()[:, within[0] : within[-1] + 1]
    bpm: Tensor = (power.argmax(dim=1) + int(within[0])).to(x.dtype) * (60 * fs / samples)
    return bpm
