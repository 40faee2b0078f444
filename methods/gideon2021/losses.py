"""Views of a pulse and the triplet of them."""

import torch
from torch import Tensor
from torch.nn import functional

from rppgbench.neural.losses.agreement import max_cross_correlation
from rppgbench.neural.losses.power_spectra import HIGH_HZ, LOW_HZ, norm_psd


def slower_size(frames: int, factor: float) -> int:
    """How many frames are left of a clip that is played `factor` times faster.

    >>> slower_size(150, 1.4)
    107
    """
    return int(frames / factor)


def faster(clip: Tensor, factor: float) -> Tensor:
    """A clip (B, C, T, H, W) with its pulse `factor` times faster: int(T / factor) frames."""
    size = (slower_size(clip.shape[2], factor), *clip.shape[3:])
    return functional.interpolate(clip, size=size, mode="trilinear", align_corners=False)


def resized(pulse: Tensor, frames: int) -> Tensor:
    """A pulse (B, T) stretched to `frames` samples by linear interpolation."""
    out = functional.interpolate(pulse[:, None], size=frames, mode="linear", align_corners=False)
    return out[:, 0]


def views(pulse: Tensor, starts: Tensor, length: int) -> Tensor:
    """Stretches of every pulse: (B, T) and starts (V,) become (V, B, length).

    What a pulse shorter than `length` lacks is 0.
    """
    short = max(0, length - pulse.shape[1])
    padded = functional.pad(pulse, (0, short))
    at = starts.to(pulse.device)[:, None] + torch.arange(length, device=pulse.device)
    return padded[:, at].transpose(0, 1)


def draw_starts(count: int, frames: int, length: int) -> Tensor:
    """Where `count` views of `length` out of `frames` start: (count,)."""
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
    """Multi-view triplet loss of views (V, B, L): sums over all V x V pairs.

    For the spectral distances "psd_mse" and "psd_l1" it is (B, F), one value a bin; for
    "correlation", the negative maximum of the cross-correlation, it is (B,). The sums are not
    divided by the number of pairs, as an operator's precedence has it in the public code.

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
