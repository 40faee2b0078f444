"""The multi-view triplet loss."""

import torch
from torch import Tensor
from torch.nn import functional

from rppgbench.neural.deterministic_layers import interpolate_last
from rppgbench.neural.losses.agreement import max_cross_correlation
from rppgbench.neural.losses.power_spectra import HIGH_HZ, LOW_HZ, norm_psd


def slower_size(frames: int, factor: float) -> int:
    """Number of frames of a clip that is played faster.

    Args:
        frames: frames of the clip.
        factor: factor of the speed.

    >>> slower_size(150, 1.4)
    107
    """
    return int(frames / factor)


def faster(clip: Tensor, factor: float) -> Tensor:
    """Shorten a clip in time by trilinear interpolation, which makes its pulse faster.

    Args:
        clip: (B, C, T, H, W).
        factor: factor of the speed.

    Returns:
        The clip with int(T / factor) frames.
    """
    size = (slower_size(clip.shape[2], factor), *clip.shape[3:])
    return functional.interpolate(clip, size=size, mode="trilinear", align_corners=False)


def resized(pulse: Tensor, frames: int) -> Tensor:
    """Resize a pulse by linear interpolation.

    Args:
        pulse: (B, T).
        frames: samples of the result.

    Returns:
        The pulse (B, frames).
    """
    return interpolate_last(pulse, frames)


def views(pulse: Tensor, starts: Tensor, length: int) -> Tensor:
    """Cut views out of every pulse.

    Args:
        pulse: (B, T); a pulse shorter than `length` is padded with 0.
        starts: first sample of each view (V,).
        length: samples in a view.

    Returns:
        The views (V, B, length).
    """
    short = max(0, length - pulse.shape[1])
    padded = functional.pad(pulse, (0, short))
    at = (starts[:, None] + torch.arange(length)).to(pulse.device, non_blocking=True)
    return padded[:, at].transpose(0, 1)


def draw_starts(count: int, frames: int, length: int) -> Tensor:
    """Draw the starts of views.

    Args:
        count: number of views.
        frames: samples of the pulse.
        length: samples in a view.

    Returns:
        The starts (count,).
    """
    return torch.randint(0, max(1, frames - length + 1), (count,))


def triplet(
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor,
    fs: float,
    *,
    distance: str = "psd_mse",
    low_hz: float = LOW_HZ,
    high_hz: float = HIGH_HZ,
) -> Tensor:
    """Multi-view triplet loss: sums of distances over all V x V pairs of views.

    The sums are not divided by the number of pairs, as in the public code, where this follows from
    an operator's precedence.

    Args:
        anchors: views of the clip's pulse (V, B, L).
        positives: views that are to be near (V, B, L).
        negatives: views that are to be far (V, B, L).
        fs: sampling rate in Hz.
        distance: "psd_mse" or "psd_l1" on spectra, or "correlation", the negative maximum of the
            cross-correlation.
        low_hz: lower limit of the band.
        high_hz: upper limit.

    Returns:
        One value for each bin (B, F) on spectra, or for each clip (B,) with "correlation".

    Source: J. Gideon, S. Stent, ICCV 2021, section 3.3, Eq 1, and its public code.
    """
    if distance == "correlation":
        return _correlations(anchors, positives, fs, low_hz, high_hz) - _correlations(
            anchors, negatives, fs, low_hz, high_hz
        )
    spectra = [
        norm_psd(part, fs, low_hz=low_hz, high_hz=high_hz, common_mean=True)
        for part in (anchors, positives, negatives)
    ]
    measure = {"psd_mse": torch.square, "psd_l1": torch.abs}[distance]
    near, far = (measure(spectra[0][:, None] - spectra[k]).sum(dim=(0, 1)) for k in (1, 2))
    return near - far


def _correlations(a: Tensor, b: Tensor, fs: float, low_hz: float, high_hz: float) -> Tensor:
    count, batch, length = a.shape
    first = a[:, None].expand(-1, count, -1, -1).reshape(-1, length)
    second = b[None].expand(count, -1, -1, -1).reshape(-1, length)
    best = max_cross_correlation(first, second, fs, low_hz=low_hz, high_hz=high_hz)
    return -best.reshape(count * count, batch).sum(dim=0)
