"""The losses of RS-rPPG: spectra of maps that agree, that differ, that are sharp and in the band.

Source: M. Savic, G. Zhao, "RS-rPPG: Robust Self-supervised Learning for rPPG", FG 2024, and github
marukosan93/RS-rPPG @31cd3b7. Every row and channel of a map (B, 3, rows, T) is a pulse. Means are
not subtracted before a spectrum, as in the public code.
"""

import torch
from torch import Tensor

from rppgbench.neural.losses.power_spectra import band_bins, divisor, full_precision

LOW_HZ, HIGH_HZ = 0.5, 3.0
SAMPLES = 2048
"""Length to which pulses are padded for the spectra that are contrasted."""

TINY = 1e-6
"""Added to each difference of two spectra, as torch's triplet loss does."""


def powers(maps: Tensor, samples: int) -> Tensor:
    """The power of each pulse.

    Args:
        maps: (B, 3, rows, T).
        samples: length to which pulses are padded.

    Returns:
        (B, 3, rows, samples // 2 + 1).
    """
    spectrum = torch.fft.rfft(full_precision(maps), n=samples)
    power: Tensor = spectrum.real.square() + spectrum.imag.square()
    return power


def unit_spectra(maps: Tensor, fs: float, samples: int) -> Tensor:
    """Power in the band with unit sum.

    Args:
        maps: (B, 3, rows, T).
        fs: sampling rate in Hz.
        samples: length to which pulses are padded.

    Returns:
        (B, 3, rows, bins); zeros for a pulse without power.
    """
    band = powers(maps, samples)[..., band_bins(samples, fs, LOW_HZ, HIGH_HZ)]
    total = band.sum(dim=-1, keepdim=True)
    return band / divisor(total)


def agreement(maps: Tensor, traces: Tensor, fs: float) -> Tensor:
    """Mean distance of the spectra of two maps, bin by bin.

    Args:
        maps: the network's map (B, 3, rows, T).
        traces: the map of traces (B, 3, rows, T).
        fs: sampling rate in Hz.
    """
    spectra = [unit_spectra(part, fs, part.shape[-1]) for part in (maps, traces)]
    return (spectra[0] - spectra[1]).abs().mean()


def contrast(
    anchor: Tensor, positive: Tensor, order: Tensor, other: Tensor, fs: float, margin: float
) -> Tensor:
    """How much nearer an anchor's spectra should be to its positive's than to another clip's.

    The rows of the positive are taken in another order and its channels are turned round, so that
    no pulse is compared with that of its own region.

    Args:
        anchor: the network's map of colours (B, 3, rows, T).
        positive: the network's map of traces (B, 3, rows, T).
        order: the row that takes the place of each row (rows,).
        other: the clip whose positive is a clip's negative (B,).
        fs: sampling rate in Hz.
        margin: by how much the distances should differ.
    """
    anchors, positives = (unit_spectra(part, fs, SAMPLES) for part in (anchor, positive))
    same = positives.roll(1, dims=1).index_select(2, order)
    near = (anchors - same + TINY).abs().sum(dim=-1)
    far = (anchors - positives.index_select(0, other) + TINY).abs().sum(dim=-1)
    return (near - far + margin).clamp_min(0.0).mean()


def _scaled(values: Tensor) -> Tensor:
    """Values (..., F) from 0 to 1; equal values become 0."""
    low = values.amin(dim=-1, keepdim=True)
    span = values.amax(dim=-1, keepdim=True) - low
    return (values - low) / divisor(span)


def bandwidth_and_sparsity(maps: Tensor, fs: float) -> tuple[Tensor, Tensor]:
    """How much power lies outside the band, and how many bins within the band have power.

    Args:
        maps: (B, 3, rows, T).
        fs: sampling rate in Hz.

    Returns:
        The mean share of the power out of the band, of power scaled to 0..1 over all bins; and the
        root mean square of the band's power, scaled to 0..1 again.
    """
    power = _scaled(powers(maps, maps.shape[-1]))
    band = power[..., band_bins(maps.shape[-1], fs, LOW_HZ, HIGH_HZ)]
    total = power.sum(dim=-1)
    outside = (total - band.sum(dim=-1)) / divisor(total)
    squares = _scaled(band).square().mean()
    return outside.mean(), torch.where(squares > 0, squares, torch.ones_like(squares)).sqrt()


def draw_cycle(count: int) -> Tensor:
    """Another place for each of `count` places, from torch's random source: one random cycle.

    >>> torch.manual_seed(0) and sorted(draw_cycle(4).tolist())
    [0, 1, 2, 3]
    >>> bool((draw_cycle(64) == torch.arange(64)).any())
    False
    """
    order = torch.randperm(count)
    cycle = torch.empty_like(order)
    cycle[order] = order.roll(1)
    return cycle
