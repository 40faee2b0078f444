"""Losses on the power of a pulse at every heart rate."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rppgbench.neural.clips import Clips, Cut
from rppgbench.neural.losses.power_spectra import full_precision, peak_bpm

LOWEST_BPM, END_BPM = 40, 180
"""Whole beats a minute from 40 to 179, as X. Niu et al. and Z. Yu et al. take them."""


def rate_spectrum(
    pulse: Tensor, fs: float, *, lowest_bpm: int = LOWEST_BPM, end_bpm: int = END_BPM
) -> Tensor:
    """Share of the power at each whole heart rate: (B, T) becomes (B, end - lowest), sum 1.

    A Hann window, then the Fourier sum at exactly that rate: no grid of bins. A constant pulse has
    no power: zeros.

    Source: X. Niu et al., "Video-based Remote Physiological Measurement via Cross-verified Feature
    Disentangling", ECCV 2020, Eq 8 and its code; used by Z. Yu et al., "PhysFormer", CVPR 2022.

    >>> t = torch.arange(300) / 30
    >>> share = rate_spectrum(torch.sin(2 * torch.pi * 1.2 * t)[None], 30.0)
    >>> int(share.argmax()) + 40, round(float(share.sum()), 6)
    (72, 1.0)
    """
    x = full_precision(pulse)
    frames = x.shape[-1]
    at = torch.arange(frames, dtype=torch.float64, device=x.device)
    bpm = torch.arange(lowest_bpm, end_bpm, dtype=torch.float64, device=x.device)
    angle = 2 * torch.pi / (60 * fs) * bpm[:, None] * at
    x = x * torch.hann_window(frames, periodic=False, dtype=x.dtype, device=x.device)
    power = (x @ angle.cos().to(x.dtype).T).square() + (x @ angle.sin().to(x.dtype).T).square()
    total = power.sum(dim=-1, keepdim=True)
    return power / torch.where(total > 0, total, torch.ones_like(total))


def rate_bins(bpm: Tensor, *, lowest_bpm: int = LOWEST_BPM, end_bpm: int = END_BPM) -> Tensor:
    """The bin of each heart rate (B,), cut to a whole number; those outside go to the edge.

    >>> rate_bins(torch.tensor([72.9, 20.0, 300.0]))
    tensor([ 32,   0, 139])
    """
    return (bpm.long() - lowest_bpm).clamp(0, end_bpm - lowest_bpm - 1)


def rate_cross_entropy(spectrum: Tensor, bins: Tensor) -> Tensor:
    """Cross-entropy of the softmax of the shares with the true bin: (B, F), (B,) to (B,).

    The shares are logits as they are, so the loss lies between ln F - 1 and ln F and its gradient
    is small; that is how both papers' code has it.
    """
    loss: Tensor = functional.cross_entropy(spectrum, bins, reduction="none")
    return loss


def rate_divergence(spectrum: Tensor, bins: Tensor, deviation_bpm: float = 1.0) -> Tensor:
    """Kullback-Leibler divergence from a bell around the true rate: (B, F), (B,) to (B,).

    Z. Yu et al., "PhysFormer", CVPR 2022, Eq 8: label distribution learning with a Gaussian of
    `deviation_bpm`.
    """
    at = torch.arange(spectrum.shape[1], dtype=spectrum.dtype, device=spectrum.device)
    offset = (at - bins[:, None]) / deviation_bpm
    bell = torch.exp(-offset.square() / 2) / (deviation_bpm * (2 * torch.pi) ** 0.5)
    bell = bell.clamp_min(1e-15)
    divergence: Tensor = (bell * (bell.log() - spectrum.log_softmax(dim=1))).sum(dim=1)
    return divergence


def power_elsewhere(spectrum: Tensor, bins: Tensor, beside: int = 3) -> Tensor:
    """The share of the power that is not around the true rate: (B, F), (B,) to (B,).

    The `beside` bins before the true one, itself, and one less after it count as around, as the
    public code of X. Niu et al., ECCV 2020, has it.
    """
    at = torch.arange(spectrum.shape[1], device=spectrum.device)
    offset = at - bins[:, None]
    return 1 - (spectrum * ((offset >= -beside) & (offset < beside))).sum(dim=1)


def clip_rates(
    clips: Clips, cuts: list[Cut], fs: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The true heart rate of clips in bpm (B,), and 1 where there is one (B,).

    The mean of the device's own readings over the clip; where the set has none, the highest peak
    of the sensor's pulse in the clip (40 to 180 bpm, zero-padded).
    """
    bpm, known = clips.device_rates(cuts)
    pulse, whole = clips.pulses(cuts)
    peaks = peak_bpm(torch.from_numpy(pulse), fs).numpy().astype(np.float32)
    use = (known == 0) & (whole == 1)
    return np.where(use, peaks, bpm), np.maximum(known, whole)
