"""Maps and pseudo labels of co-rectification."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rppgbench.core.waveform import Array
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.networks.map_unet import map_image as rgb_image
from rppgbench.signals.filters import butterworth
from rppgbench.signals.subspace import subspace_rotation
from rppgbench.system.errors import BenchError

BLOCKS = 25
"""Number of face regions in a map; three rows of the skin's second moments follow."""

CHANNELS = {"colours": 3, "differences": 9}
"""Kinds of maps, and their numbers of channels."""


def channel_count(map_kind: str) -> int:
    """Channels of a kind of map; BenchError, with the known kinds, for an unknown kind."""
    if map_kind not in CHANNELS:
        raise BenchError(
            f"co_rectification: no map_kind {map_kind!r}. Known: {', '.join(CHANNELS)}."
        )
    return CHANNELS[map_kind]


def derive_rows(
    samples: NDArray[Any], fs: float, map_kind: str, low_hz: float, high_hz: float
) -> NDArray[Any]:
    """Derive the rows of a kind of map from a segment.

    "differences" are this project's, for moving people in bad light: a row of the map that is
    scaled to 0..1 is mostly light, and a region has pixels that are not skin. The first 25 rows are
    the logarithms of green to red, green to blue and red to blue of each region. The next row is
    the same of the second moments of the skin's pixels, which 2SR reads. The last row is the
    logarithms of the mixed second moments RG, GB and RB, each relative to the two pure ones. All
    rows are band-passed.

    Args:
        samples: RGB of 25 regions above 3 x 3 second moments (T, 28, 3).
        fs: sampling rate in Hz.
        map_kind: "colours" or "differences".
        low_hz: lower limit of the band.
        high_hz: upper limit.

    Returns:
        The samples (T, 28, 3) for "colours", the derived rows (T, 27, 3) for "differences".
    """
    if map_kind == "colours":
        return samples
    values = np.maximum(np.asarray(samples, dtype=np.float64), 1e-6)
    moments = values[:, BLOCKS:]
    blocks = np.log(values[:, :BLOCKS])
    pure = np.log(moments.diagonal(axis1=1, axis2=2))
    mixed = np.log(moments[:, [0, 1, 0], [1, 2, 2]])
    mixed = mixed - (pure[:, [0, 1, 0]] + pure[:, [1, 2, 2]]) / 2
    rows = np.concatenate([blocks, pure[:, None] / 2], axis=1)
    changes = rows[..., [1, 1, 0]] - rows[..., [0, 2, 2]]
    rows = np.concatenate([changes, mixed[:, None]], axis=1)
    return butterworth(rows, fs, low_hz, high_hz, 2, axis=0).astype(np.float32)


def map_image(window: NDArray[Any], rows: int, map_kind: str = "colours") -> Tensor:
    """Make the network's input from a window of `derive_rows`.

    "colours": the regions, every row scaled to 0..1. "differences": the regions, and in six more
    channels, equal in all rows, the rows of the second moments; 0.5 is no difference, 0 and 1 are
    four times the root mean square of the kind of row.

    Args:
        window: (T, 28, 3) for "colours", (T, 27, 3) for "differences".
        rows: height of the image.
        map_kind: "colours" or "differences".

    Returns:
        The image (1, channels, rows, T), 0 to 1.
    """
    if map_kind == "colours":
        return rgb_image(window[:, :BLOCKS], rows)
    changes = torch.from_numpy(np.asarray(window, dtype=np.float32)).permute(2, 1, 0)
    kinds = changes[:, :BLOCKS], changes[:, BLOCKS : BLOCKS + 1], changes[:, BLOCKS + 1 :]
    scaled = [part / part.square().mean().sqrt().clamp_min(1e-12) for part in kinds]
    image = torch.cat([part.expand(3, BLOCKS, -1) for part in scaled])[None]
    return functional.interpolate(
        0.5 + image.clamp(-4, 4) / 8, size=(rows, image.shape[3]), mode="bilinear"
    )


def pseudo_pulse(samples: NDArray[Any], fs: float, low_hz: float, high_hz: float) -> Array:
    """Make a pseudo label: the band-passed 2SR pulse of the skin's pixels.

    The losses depend on the sign of a pulse. The label has the sign of the contact sensor's pulse:
    blood absorbs more green than red. The sign of green alone is unreliable where light or head
    move, since both colours change: it inverted every tenth clip of such people.

    Args:
        samples: RGB of 25 regions above 3 x 3 second moments (T, 28, 3).
        fs: sampling rate in Hz.
        low_hz: lower limit of the band.
        high_hz: upper limit.

    Returns:
        The pseudo label (T,).
    """
    blocks = np.asarray(samples[:, :BLOCKS], dtype=np.float64)
    rotated = subspace_rotation(np.asarray(samples[:, BLOCKS:], dtype=np.float64), fs)
    rotated[-1] = rotated[-2]  # outside of all windows; a step would ring in the filter
    pulse = butterworth(rotated, fs, low_hz, high_hz, 2)
    red, green, _ = np.maximum(blocks.mean(axis=1), 1e-6).T
    blood = butterworth(np.log(red / green), fs, low_hz, high_hz, 2)
    return pulse if float(pulse @ blood) >= 0 else -pulse


def select_peak(
    pulses: Tensor, fs: float, bandwidth_hz: float, low_hz: float, high_hz: float
) -> Tensor:
    """Keep the part of each pulse around its highest peak: the spectrum times a Gaussian.

    A label's pulse is in few bins; light and movement add power in all bins. A network that sees
    light and movement learns them with the pulse, even from labels with the right rate.

    Args:
        pulses: (B, T).
        fs: sampling rate in Hz.
        bandwidth_hz: standard deviation of the Gaussian.
        low_hz: lower limit of the band of the peak.
        high_hz: upper limit.

    Returns:
        The narrow pulses (B, T).

    >>> t = torch.arange(256) / 25.6
    >>> pulse, noise = torch.sin(2 * torch.pi * 1.2 * t), 0.6 * torch.sin(2 * torch.pi * 2.4 * t)
    >>> kept = select_peak((pulse + noise)[None], 25.6, 0.1, 0.66, 3.0)[0]
    >>> round(float(torch.corrcoef(torch.stack([kept, pulse]))[0, 1]), 2)
    0.99
    """
    count = pulses.shape[1]
    padded = 3 * count  # so that the end does not wrap around to the start
    centred = pulses - pulses.mean(dim=1, keepdim=True)
    spectrum = torch.fft.rfft(centred, n=padded)
    at = torch.fft.rfftfreq(padded, 1 / fs, dtype=pulses.dtype)
    peak = peak_bpm(centred, fs, low_hz=low_hz, high_hz=high_hz)[:, None].to(pulses.dtype) / 60
    near = torch.exp(-0.5 * ((at - peak) / bandwidth_hz).square())
    kept: Tensor = torch.fft.irfft(spectrum * near, n=padded)[:, :count]
    return kept
