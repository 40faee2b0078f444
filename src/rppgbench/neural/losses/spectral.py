"""Losses on the spectrum of a pulse that need no labels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rppgbench.neural.deterministic_layers import running_sum
from rppgbench.neural.losses.power_spectra import (
    SLACK_HZ,
    divisor,
    frequencies,
    full_precision,
    in_band,
)


@dataclass(frozen=True)
class Spectra:
    """Power of a batch of pulses.

    Attributes:
        freqs: frequencies (F,) in Hz.
        power: power (B, F).
        speed: factor (B,) by which each clip was played faster; the band of a possible pulse moves
            with the speed. None: no clip was played faster.
    """

    freqs: Tensor
    power: Tensor
    speed: Tensor | None = None

    def band(self, low_hz: float, high_hz: float) -> Tensor:
        """Which bins of each pulse lie in the band of its clip.

        Args:
            low_hz: lower limit at speed 1.
            high_hz: upper limit at speed 1.

        Returns:
            A mask (B, F).
        """
        if self.speed is None:
            return in_band(self.freqs, low_hz, high_hz).expand_as(self.power)
        speed = self.speed.to(self.freqs)[:, None]
        return (self.freqs >= low_hz * speed - SLACK_HZ) & (
            self.freqs <= high_hz * speed + SLACK_HZ
        )


def power_spectra(
    pulse: Tensor,
    fs: float,
    *,
    samples: int = 5400,
    speed: Tensor | None = None,
    published_frequencies: bool = False,
) -> Spectra:
    """Power without window and scale.

    A constant pulse gives no gradient: white noise replaces it, as in the public code.

    Args:
        pulse: (B, T).
        fs: sampling rate in Hz.
        samples: number of samples to which pulses are zero-padded.
        speed: factor (B,) by which each clip was played faster, or None.
        published_frequencies: divide by samples + 1, as the public code does by mistake.

    Source: J. Speth et al., "Non-Contrastive Unsupervised Learning of Physiological Signals from
    Video", CVPR 2023, section 3.1.
    """
    pulse = full_precision(pulse)
    centred = pulse - pulse.mean(dim=-1, keepdim=True)
    constant = (pulse == pulse[..., :1]).all(dim=-1, keepdim=True)
    # Drawn for every batch: to ask whether a pulse is constant would wait for the device.
    centred = torch.where(constant, torch.rand_like(centred) - 0.5, centred)
    spectrum = torch.fft.rfft(centred, n=samples)
    freqs = frequencies(samples, fs, pulse.device)
    if published_frequencies:
        freqs = freqs * (samples / (samples + 1))
    return Spectra(freqs, spectrum.real.square() + spectrum.imag.square(), speed)


def bandwidth(spectra: Spectra, low_hz: float, high_hz: float) -> Tensor:
    """Share of the power outside the band, mean over the batch: 0 to 1.

    Args:
        spectra: power of the pulses.
        low_hz: lower limit of the band.
        high_hz: upper limit.

    Source: Speth et al. 2023, Eq 1; W. Qian et al. 2024, Eq 2.
    """
    outside = ~spectra.band(low_hz, high_hz)
    return _share(spectra.power, outside).mean()


def sparsity(spectra: Spectra, low_hz: float, high_hz: float, *, beside_hz: float = 0.1) -> Tensor:
    """Share of the band's power that is not beside its peak, mean over the batch: 0 to 1.

    Args:
        spectra: power of the pulses.
        low_hz: lower limit of the band.
        high_hz: upper limit.
        beside_hz: greatest distance from the peak that counts as beside it.

    Source: Speth et al. 2023, Eq 2; Qian et al. 2024, Eq 3 (their 6 is 6 beats a minute: 0.1 Hz).
    """
    power = spectra.power * spectra.band(low_hz, high_hz)
    peak = spectra.freqs[power.argmax(dim=1)]
    # With slack: 0.1 Hz is 18 bins of 1/180 Hz, and rounding must not move the limit.
    aside = (spectra.freqs - peak[:, None]).abs() > beside_hz + SLACK_HZ
    return _share(power, aside).mean()


def variance(spectra: Spectra, low_hz: float, high_hz: float) -> Tensor:
    """Squared distance of the cumulative mean spectrum of the batch from that of an even spectrum.

    With speeds, the even spectrum is the mean of even spectra over the band of each clip, and both
    are compared over the union of all bands.

    Args:
        spectra: power of the pulses.
        low_hz: lower limit of the band.
        high_hz: upper limit.

    Source: Speth et al. 2023, Eq 3; Qian et al. 2024, Eq 4.
    """
    bands = spectra.band(low_hz, high_hz).to(spectra.power.dtype)
    span = bands.amax(dim=0)
    power = spectra.power * span
    mean_share = (power / divisor(power.sum(dim=1, keepdim=True))).mean(dim=0)
    even = (bands / bands.sum(dim=1, keepdim=True)).mean(dim=0)
    distance = running_sum(mean_share - even).square() * span
    return distance.sum() / span.sum()


def periodicity(
    pulse: Tensor,
    fs: float,
    low_hz: float,
    high_hz: float,
    *,
    segments: int = 3,
    samples: int = 5400,
    speed: Tensor | None = None,
) -> Tensor:
    """Squared difference of the spectra of neighbouring segments, mean over the batch.

    Spectra have unit sum in the band. Differences are squared and summed over bins and neighbours,
    and the sum is multiplied by `samples` over the length of a segment. With df = fs / samples, a
    spectrum of unit sum is q(f) df for a density q of unit integral. So the sum is about

        df * integral of (q_j - q_j+1)^2 df,

    which falls as the grid becomes finer. The factor gives fs / length in place of df: the value
    that the segment's own bins, without padding, give in the limit of a smooth density. The grid
    is then a matter of accuracy only (the paper does not pad: 8 bins of 18 beats a minute).

    Args:
        pulse: (B, T).
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.
        segments: number of segments into which a pulse is split.
        samples: number of samples to which segments are zero-padded.
        speed: factor (B,) by which each clip was played faster, or None.

    Source: Qian et al. 2024, Eq 5.
    """
    length = pulse.shape[-1] // segments
    parts = pulse[..., : segments * length].reshape(-1, length)
    repeated = None if speed is None else speed.repeat_interleave(segments)
    spectra = power_spectra(parts, fs, samples=samples, speed=repeated)
    power = spectra.power * spectra.band(low_hz, high_hz)
    unit = (power / divisor(power.sum(dim=1, keepdim=True))).reshape(-1, segments, power.shape[1])
    return unit.diff(dim=1).square().sum(dim=(1, 2)).mean() * (samples / length)


def _share(power: Tensor, part: Tensor) -> Tensor:
    return (power * part).sum(dim=1) / (power.sum(dim=1) + 1e-10)
