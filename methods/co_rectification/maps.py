"""Maps and pseudo labels of co-rectification."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rppgbench.core.waveform import Array
from rppgbench.neural.losses.power_spectra import peak_bpm
from rppgbench.neural.networks.map_unet import map_image
from rppgbench.signals.filters import butterworth
from rppgbench.signals.subspace import subspace_rotation
from rppgbench.system.errors import BenchError

BLOCKS = 25
"""Rows of the map; the three below are the skin's second moments."""

CHANNELS = {"colours": 3, "differences": 9}
"""What a network may be shown, and how many channels that has."""


def channels_of(maps_of: str) -> int:
    """The channels of a kind of map; BenchError names those that there are."""
    if maps_of not in CHANNELS:
        raise BenchError(f"co_rectification: no maps {maps_of!r}. Known: {', '.join(CHANNELS)}.")
    return CHANNELS[maps_of]


def prepared(
    samples: NDArray[Any], fs: float, maps_of: str, low_hz: float, high_hz: float
) -> NDArray[Any]:
    """A stretch of maps (T, 28, 3) as `one_map` takes windows of it: (T, 28, 3) or (T, 27, 3).

    The "differences" are this project's, for people who move in bad light: a row of the map that is
    stretched to 0..1 is mostly light, and its blocks hold more than skin. Of every block they are
    the logarithms of green to red, green to blue and red to blue; in the last two rows the same of
    the second moments of the skin's own pixels, which is what 2SR reads, and the logarithms of how
    its colours go together (RG, GB and RB, each against the two alone). All are band-passed.
    """
    if maps_of == "colours":
        return samples
    values = np.maximum(np.asarray(samples, dtype=np.float64), 1e-6)
    moments = values[:, BLOCKS:]
    blocks = np.log(values[:, :BLOCKS])
    alone = np.log(moments.diagonal(axis1=1, axis2=2))
    mixed = np.log(moments[:, [0, 1, 0], [1, 2, 2]])
    mixed = mixed - (alone[:, [0, 1, 0]] + alone[:, [1, 2, 2]]) / 2
    rows = np.concatenate([blocks, alone[:, None] / 2], axis=1)
    changes = rows[..., [1, 1, 0]] - rows[..., [0, 2, 2]]
    rows = np.concatenate([changes, mixed[:, None]], axis=1)
    return butterworth(rows, fs, low_hz, high_hz, 2, axis=0).astype(np.float32)


def one_map(window: NDArray[Any], rows: int, maps_of: str = "colours") -> Tensor:
    """A window of what `prepared` gave as the network takes it: (1, channels, rows, T), 0 to 1.

    Colours (T, 28, 3): the blocks, every row stretched to 0..1. Differences (T, 27, 3): the blocks,
    and as six more channels, alike in all rows, what the skin's moments say; 0.5 is no change, and
    four times the root mean square of its kind is 0.5 from it.
    """
    if maps_of == "colours":
        return map_image(window[:, :BLOCKS], rows)
    changes = torch.from_numpy(np.asarray(window, dtype=np.float32)).permute(2, 1, 0)
    kinds = changes[:, :BLOCKS], changes[:, BLOCKS : BLOCKS + 1], changes[:, BLOCKS + 1 :]
    scaled = [part / part.square().mean().sqrt().clamp_min(1e-12) for part in kinds]
    image = torch.cat([part.expand(3, BLOCKS, -1) for part in scaled])[None]
    return functional.interpolate(
        0.5 + image.clamp(-4, 4) / 8, size=(rows, image.shape[3]), mode="bilinear"
    )


def pseudo_pulse(samples: NDArray[Any], fs: float, low_hz: float, high_hz: float) -> Array:
    """2SR of the skin's pixels, band-passed: a stretch of maps (T, 28, 3) to (T,).

    The losses that follow know the sign of a pulse, so it is turned to that of the contact
    sensor's: more blood takes more green than red. Green alone is no guide where light or head
    move, which change both alike: it turned every tenth clip of such people over.
    """
    blocks = np.asarray(samples[:, :BLOCKS], dtype=np.float64)
    rotated = subspace_rotation(np.asarray(samples[:, BLOCKS:], dtype=np.float64), fs)
    rotated[-1] = rotated[-2]  # in no window; a step would ring through the filter
    pulse = butterworth(rotated, fs, low_hz, high_hz, 2)
    red, green, _ = np.maximum(blocks.mean(axis=1), 1e-6).T
    blood = butterworth(np.log(red / green), fs, low_hz, high_hz, 2)
    return pulse if float(pulse @ blood) >= 0 else -pulse


def around_peak(
    pulses: Tensor, fs: float, width_hz: float, low_hz: float, high_hz: float
) -> Tensor:
    """What pulses (B, T) hold around their own highest peak in the band: (B, T).

    A label's pulse is in few bins, and what light and movement add to it is in all of them. A
    network sees that too, and learns it along with the pulse, even from labels whose rate is right.
    The spectrum is weighted by a Gaussian of the standard deviation `width_hz`.

    >>> t = torch.arange(256) / 25.6
    >>> pulse, noise = torch.sin(2 * torch.pi * 1.2 * t), 0.6 * torch.sin(2 * torch.pi * 2.4 * t)
    >>> kept = around_peak((pulse + noise)[None], 25.6, 0.1, 0.66, 3.0)[0]
    >>> round(float(torch.corrcoef(torch.stack([kept, pulse]))[0, 1]), 2)
    0.99
    """
    count = pulses.shape[1]
    padded = 3 * count  # nothing of the end comes round to the start
    centred = pulses - pulses.mean(dim=1, keepdim=True)
    spectrum = torch.fft.rfft(centred, n=padded)
    at = torch.fft.rfftfreq(padded, 1 / fs, dtype=pulses.dtype)
    peak = peak_bpm(centred, fs, low_hz=low_hz, high_hz=high_hz)[:, None].to(pulses.dtype) / 60
    near = torch.exp(-0.5 * ((at - peak) / width_hz).square())
    kept: Tensor = torch.fft.irfft(spectrum * near, n=padded)[:, :count]
    return kept
