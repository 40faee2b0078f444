"""Losses on the power of a pulse at whole heart rates."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.clips import Clips, ClipStart
from rppgbench.neural.losses.power_spectra import divisor, full_precision, peak_bpm

LOWEST_BPM, END_BPM = 40, 180
"""Whole beats a minute from 40 to 179, as X. Niu et al. and Z. Yu et al. take them."""

LEAST_SHARE = 1e-15
"""Under a logarithm no share is less."""


def rate_spectrum(
    pulse: Tensor, fs: float, *, lowest_bpm: int = LOWEST_BPM, end_bpm: int = END_BPM
) -> Tensor:
    """Share of the power at each whole heart rate: a Hann window, then a Fourier sum.

    Args:
        pulse: (B, T).
        fs: sampling rate in Hz.
        lowest_bpm: lowest heart rate.
        end_bpm: one more than the highest.

    Returns:
        The shares (B, end_bpm - lowest_bpm), with sum 1; zeros for a constant pulse.

    Source: X. Niu et al., "Video-based Remote Physiological Measurement via Cross-verified Feature
    Disentangling", ECCV 2020, Eq 8 and its code; used by Z. Yu et al., "PhysFormer", CVPR 2022.

    >>> t = torch.arange(300) / 30
    >>> share = rate_spectrum(torch.sin(2 * torch.pi * 1.2 * t)[None], 30.0)
    >>> int(share.argmax()) + 40, round(float(share.sum()), 6)
    (72, 1.0)
    """
    x = full_precision(pulse)
    frames = x.shape[-1]
    waves = _windowed_waves(frames, fs, lowest_bpm, end_bpm).to(x.dtype)
    cosine, sine = waves.to(x.device, non_blocking=True)
    power = (x @ cosine).square() + (x @ sine).square()
    total = power.sum(dim=-1, keepdim=True)
    share: Tensor = power / divisor(total)
    return share


@lru_cache(maxsize=16)
def _windowed_waves(frames: int, fs: float, lowest_bpm: int, end_bpm: int) -> Tensor:
    """Cosines and sines (2, T, rates) under a Hann window, float64 on the CPU."""
    with torch.inference_mode(False):
        at = torch.arange(frames, dtype=torch.float64)
        bpm = torch.arange(lowest_bpm, end_bpm, dtype=torch.float64)
        angle = 2 * torch.pi / (60 * fs) * at[:, None] * bpm
        window = torch.hann_window(frames, periodic=False, dtype=torch.float64)
        return torch.stack([angle.cos(), angle.sin()]) * window[:, None]


def rate_bins(bpm: Tensor, *, lowest_bpm: int = LOWEST_BPM, end_bpm: int = END_BPM) -> Tensor:
    """The bin of each heart rate, rounded down; a rate outside the range is in the nearest bin.

    Args:
        bpm: heart rates (B,).
        lowest_bpm: lowest heart rate.
        end_bpm: one more than the highest.

    >>> rate_bins(torch.tensor([72.9, 20.0, 300.0]))
    tensor([ 32,   0, 139])
    """
    return (bpm.long() - lowest_bpm).clamp(0, end_bpm - lowest_bpm - 1)


def rate_cross_entropy(spectrum: Tensor, bins: Tensor) -> Tensor:
    """Cross-entropy of the softmax of the shares with the true bin.

    The shares themselves are the logits, as in the code of both papers: the loss lies between
    ln F - 1 and ln F and its gradient is small.

    Args:
        spectrum: shares (B, F) of `rate_spectrum`.
        bins: true bins (B,).

    Returns:
        A loss for each clip (B,).
    """
    log_share: Tensor = spectrum.log_softmax(dim=1).gather(1, bins[:, None])[:, 0]
    return -log_share


def rate_divergence(spectrum: Tensor, bins: Tensor, deviation_bpm: float = 1.0) -> Tensor:
    """Kullback-Leibler divergence of the shares from a Gaussian around the true rate.

    Source: Z. Yu et al., "PhysFormer", CVPR 2022, DOI 10.1109/CVPR52688.2022.00415, Eq 8.

    Args:
        spectrum: shares (B, F) of `rate_spectrum`.
        bins: true bins (B,).
        deviation_bpm: standard deviation of the Gaussian.

    Returns:
        A loss for each clip (B,).
    """
    bell = unit_bell(bins, spectrum.shape[1], deviation_bpm, spectrum.dtype)
    divergence: Tensor = (bell * (bell.log() - spectrum.log_softmax(dim=1))).sum(dim=1)
    return divergence


def share_divergence(spectrum: Tensor, bins: Tensor, deviation_bpm: float) -> Tensor:
    """Kullback-Leibler divergence of a Gaussian around the true rate from the shares themselves.

    Unlike `rate_divergence` it takes no softmax, so its gradient is not small.

    Args:
        spectrum: shares (B, F) of `rate_spectrum`.
        bins: true bins (B,).
        deviation_bpm: standard deviation of the Gaussian.

    Returns:
        A loss for each clip (B,).
    """
    bell = unit_bell(bins, spectrum.shape[1], deviation_bpm, spectrum.dtype)
    divergence: Tensor = (bell * (bell.log() - spectrum.clamp_min(LEAST_SHARE).log())).sum(dim=1)
    return divergence


def unit_bell(bins: Tensor, count: int, deviation: float, dtype: torch.dtype) -> Tensor:
    """Gaussians of unit area around bins, at least 1e-15 everywhere.

    Args:
        bins: centres (B,).
        count: number of bins.
        deviation: standard deviation in bins.
        dtype: type of the values.

    Returns:
        The values (B, count).
    """
    at = torch.arange(count, dtype=dtype, device=bins.device)
    offset = (at - bins[:, None]) / deviation
    bell: Tensor = torch.exp(-offset.square() / 2) / (deviation * (2 * torch.pi) ** 0.5)
    return bell.clamp_min(LEAST_SHARE)


def clip_rates(
    clips: Clips, starts: Sequence[ClipStart], fs: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The true heart rates of clips: the device's, or the highest peak of the sensor's pulse.

    Args:
        clips: clips of the training set.
        starts: B clips.
        fs: sampling rate in Hz.

    Returns:
        Rates in bpm (B,), and flags (B,), 1 for a known rate.
    """
    bpm, has_rate = clips.device_rates(starts)
    pulse, has_pulse = clips.pulses(starts)
    peaks = peak_bpm(torch.from_numpy(pulse), fs).numpy().astype(np.float32)
    use = (has_rate == 0) & (has_pulse == 1)
    return np.where(use, peaks, bpm), np.maximum(has_rate, has_pulse)
