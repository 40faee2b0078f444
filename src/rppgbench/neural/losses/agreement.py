"""Losses of the agreement of a pulse with the contact sensor's pulse."""

from collections.abc import Callable

import torch
from torch import Tensor

from rppgbench.neural.losses.power_spectra import (
    HIGH_HZ,
    LOW_HZ,
    divisor,
    frequencies,
    full_precision,
    in_band,
)
from rppgbench.system.errors import unknown_name


def correlation(pulse: Tensor, reference: Tensor) -> Tensor:
    """Pearson's r along the last axis.

    Args:
        pulse: (..., T).
        reference: (..., T).

    Returns:
        r (...); 0 for a constant signal.

    >>> correlation(torch.tensor([0.0, 1, 2]), torch.tensor([1.0, 3, 5]))
    tensor(1.)
    """
    x = full_precision(pulse)
    y = full_precision(reference)
    x = x - x.mean(dim=-1, keepdim=True)
    y = y - y.mean(dim=-1, keepdim=True)
    scale = x.square().sum(dim=-1) * y.square().sum(dim=-1)
    safe = divisor(scale).sqrt()
    return (x * y).sum(dim=-1) / safe


def negative_pearson(pulse: Tensor, reference: Tensor) -> Tensor:
    """1 - r of every clip: 0 for the same shape, 2 for the opposite shape.

    Source: Z. Yu, X. Li, G. Zhao, "Remote Photoplethysmograph Signal Measurement from Facial Videos
    Using Spatio-Temporal Networks", BMVC 2019, Eq 1.

    Args:
        pulse: (B, T).
        reference: (B, T).

    Returns:
        A loss for each clip (B,).
    """
    return 1 - correlation(pulse, reference)


def negative_pearson_over_batch(pulse: Tensor, reference: Tensor) -> Tensor:
    """1 - r across the clips of a batch at each time, in the mean over the times.

    The loss of the public code of iBVPNet and FactorizePhys, whose sums run over the batch in place
    of the time: a batch of one clip gives 1 and no gradient. `negative_pearson` is the mended form.
    Source: the trainers in github rppg-toolbox @d807b01.

    Args:
        pulse: (B, T).
        reference: (B, T).

    Returns:
        The same loss for each clip (B,).
    """
    loss = 1 - correlation(pulse.transpose(0, 1), reference.transpose(0, 1)).mean()
    return loss.expand(len(pulse))


def max_cross_correlation(
    pulse: Tensor,
    reference: Tensor,
    fs: float,
    *,
    low_hz: float = LOW_HZ,
    high_hz: float = HIGH_HZ,
    scaled: bool = True,
) -> Tensor:
    """The largest cross-correlation over all lags within a band.

    About 1 for equal signals at any lag; 0 for a constant signal. The correlation is divided by the
    share of the spectrum in the band, as in the public code (the paper writes a factor).

    Args:
        pulse: (B, T).
        reference: (B, T'); T' may differ from T.
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.
        scaled: divide by the standard deviations; without, the value is a covariance.

    Returns:
        The largest correlation of each clip (B,).

    Source: J. Gideon, S. Stent, "The Way to My Heart Is Through Contrastive Learning", ICCV 2021,
    Eq 2; W. Qian et al. 2024, Eq 11, prints it without conjugate, mean removal and zero-padding.

    >>> t = torch.arange(300) / 30
    >>> sine = torch.sin(2 * torch.pi * 1.5 * t)
    >>> max_cross_correlation(sine, sine, 30.0).round(decimals=2)
    tensor(1.)
    """
    x = full_precision(pulse)
    y = full_precision(reference)
    x = x - x.mean(dim=-1, keepdim=True)
    y = y - y.mean(dim=-1, keepdim=True)
    longest, shortest = max(x.shape[-1], y.shape[-1]), min(x.shape[-1], y.shape[-1])
    samples = 2 * longest
    cross = torch.fft.rfft(x, n=samples) * torch.fft.rfft(y, n=samples).conj()
    keep = in_band(frequencies(samples, fs, x.device), low_hz, high_hz)
    amplitude = cross.abs()
    share = (amplitude * keep).sum(dim=-1) / divisor(amplitude.sum(dim=-1))
    lags = torch.fft.irfft(cross * keep, n=samples) / (shortest - 1)
    best: Tensor = lags.max(dim=-1).values / divisor(share)
    if not scaled:
        return best
    scale = x.std(dim=-1) * y.std(dim=-1)
    return torch.where(scale > 0, best / divisor(scale), torch.zeros_like(best))


CORRELATION_LOSSES = {
    "pearson": negative_pearson,
    "pearson_over_batch": negative_pearson_over_batch,
}


def choose_correlation_loss(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of the parameter `loss`.

    Raises:
        BenchError: there is no loss of this name.
    """
    if name not in CORRELATION_LOSSES:
        raise unknown_name("loss", name, CORRELATION_LOSSES, "parameters")
    return CORRELATION_LOSSES[name]
