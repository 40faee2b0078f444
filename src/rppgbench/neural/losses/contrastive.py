"""Contrastive losses on the spectra of pulses of two videos."""

import torch
from torch import Tensor

from rppgbench.neural.losses.power_spectra import HIGH_HZ, LOW_HZ, divisor, norm_psd


def draw_offsets(shape: tuple[int, ...], frames: int, length: int) -> Tensor:
    """Draw the starts of samples from torch's random source.

    Args:
        shape: shape of the result.
        frames: length of a pulse.
        length: length of a sample.
    """
    return torch.randint(0, frames - length + 1, shape)


def samples_at(block: Tensor, offsets: Tensor, length: int) -> Tensor:
    """Cut samples out of every row of a block of pulses.

    Args:
        block: pulses (B, M, T).
        offsets: starts (B, M, K) of K samples of each row.
        length: length of a sample.

    Returns:
        The samples (B, M * K, length), row by row.

    >>> block = torch.arange(12.0).reshape(1, 2, 6)
    >>> samples_at(block, torch.tensor([[[0, 3], [1, 1]]]), 2)
    tensor([[[0., 1.],
             [3., 4.],
             [7., 8.],
             [7., 8.]]])
    """
    within = torch.arange(length, device=block.device)
    at = offsets.to(block.device, non_blocking=True)[..., None] + within  # (B, M, K, length)
    rows = block[:, :, None].expand(-1, -1, at.shape[2], -1)
    return rows.gather(3, at).flatten(1, 2)


def mean_pairwise_distance(spectra: Tensor) -> Tensor:
    """Mean over all ordered pairs i != j of the mean squared difference: (B, N, F) to (B,).

    Written as sums over all pairs at once: the mean of |f_i - f_j|^2 over i != j is 2 N / (N - 1)
    times the mean of |f_i - mean f|^2, which loses no digits where spectra are nearly equal.

    >>> mean_pairwise_distance(torch.tensor([[[0.0, 0.0], [2.0, 0.0], [0.0, 4.0]]]))  # 20 / 3
    tensor([6.6667])
    """
    count = spectra.shape[1]
    centred = spectra - spectra.mean(dim=1, keepdim=True)
    return centred.square().mean(dim=2).mean(dim=1) * (2 * count / (count - 1))


def mean_cross_distance(first: Tensor, second: Tensor) -> Tensor:
    """Mean over all pairs i, j of the mean squared difference of f_i and g_j.

    The mean of |f_i - g_j|^2 is the variance of f, plus the variance of g, plus the squared
    difference of their means.

    Args:
        first: spectra f (B, N, F).
        second: spectra g (B, M, F).

    Returns:
        The mean of each video (B,).

    >>> one = torch.tensor([[[0.0, 0.0], [2.0, 0.0]]])
    >>> mean_cross_distance(one, torch.tensor([[[0.0, 4.0]]]))  # (16 + 20) / 2 pairs / 2 bins
    tensor([9.])
    """
    centres = first.mean(dim=1), second.mean(dim=1)
    around = [
        (spectra - centre[:, None]).square().mean(dim=(1, 2))
        for spectra, centre in zip((first, second), centres, strict=True)
    ]
    return around[0] + around[1] + (centres[0] - centres[1]).square().mean(dim=1)


def contrast(spectra: Tensor) -> dict[str, Tensor]:
    """Pull the pulses of one video together, push those of two videos apart.

    `spectra` is (B, N, F): N samples of each video, B even; videos 2 k and 2 k + 1 are opposed.
    The terms "attract" (to fall) and "repel" (negative, to fall) are means over the pairs.

    Source: Z. Sun, X. Li, "Contrast-Phys", ECCV 2022, Eq 2 and 3; the mean over the bins stands in
    place of the paper's sum, as in the public code.
    """
    return {
        "attract": mean_pairwise_distance(spectra).mean(),
        "repel": -mean_cross_distance(spectra[0::2], spectra[1::2]).mean(),
    }


def reference_contrast(spectra: Tensor, reference: Tensor, labelled: Tensor) -> dict[str, Tensor]:
    """Contrast with the contact sensor's pulses, for the videos that have one.

    Args:
        spectra: spectra of the network's pulses (B, N, F), B even.
        reference: spectra of the sensor's pulses (B, N, F).
        labelled: flags (B,), 1 where the sensor's pulse counts.

    Returns:
        "attract_reference" and "repel_reference", means over all pairs i, j (i = j too); 0 without
        a label.

    Source: Z. Sun, X. Li, "Contrast-Phys+", IEEE TPAMI 2024, DOI 10.1109/TPAMI.2024.3367910, and
    its public code.
    """
    flags = labelled.to(spectra.dtype).reshape(-1, 2)
    clean = torch.where(labelled.bool()[:, None, None], reference, torch.zeros_like(reference))
    swapped = spectra.reshape(-1, 2, *spectra.shape[1:]).flip(1).reshape(spectra.shape)
    same = mean_cross_distance(spectra, clean).reshape(-1, 2)
    crossed = mean_cross_distance(swapped, clean).reshape(-1, 2)
    count = flags.sum(dim=1)
    weight = flags / divisor(count)[:, None]
    return {
        "attract_reference": (weight * same).sum(dim=1).mean(),
        "repel_reference": -(weight * crossed).sum(dim=1).mean(),
    }


def sampled_spectra(
    block: Tensor,
    offsets: Tensor,
    length: int,
    fs: float,
    *,
    low_hz: float = LOW_HZ,
    high_hz: float = HIGH_HZ,
) -> Tensor:
    """Unit-sum spectra of the samples of a block of pulses.

    Args:
        block: pulses (B, M, T).
        offsets: starts (B, M, K) of K samples of each row.
        length: length of a sample.
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.

    Returns:
        The spectra (B, M * K, F).
    """
    return norm_psd(samples_at(block, offsets, length), fs, low_hz=low_hz, high_hz=high_hz)
