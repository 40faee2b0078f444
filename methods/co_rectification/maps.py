"""Maps and pseudo labels of co-rectification."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rppgbench.filters import butterworth
from rppgbench.spatial_maps import normalise_stmap
from rppgbench.subspace import subspace_rotation
from rppgbench.waveform import Array


def one_map(samples: NDArray[Any], rows: int) -> Tensor:
    """A window (T, 25, 3) as the network takes it: (1, 3, rows, T), every row 0 to 1."""
    scaled = torch.from_numpy((normalise_stmap(samples) / 255).astype(np.float32))
    image = scaled.permute(2, 1, 0)[None]
    return functional.interpolate(
        image, size=(rows, image.shape[3]), mode="bilinear", align_corners=False
    )


def pseudo_pulse(samples: NDArray[Any], fs: float, low_hz: float, high_hz: float) -> Array:
    """2SR of the block means of every frame, band-passed: (T, 25, 3) to (T,).

    The mean over the blocks of v vT stands in for that over the skin's pixels: a map holds no
    more. The pulse is turned so that it agrees with green light taken as a pulse, less green being
    more blood, because the losses that follow know its sign.
    """
    blocks = np.asarray(samples, dtype=np.float64)
    moments = np.swapaxes(blocks, 1, 2) @ blocks / blocks.shape[1]
    rotated = subspace_rotation(moments, fs)
    rotated[-1] = rotated[-2]  # in no window; a step would ring through the filter
    pulse = butterworth(-rotated, fs, low_hz, high_hz, 2)
    green = butterworth(-blocks[:, :, 1].mean(axis=1), fs, low_hz, high_hz, 2)
    return pulse if float(pulse @ green) >= 0 else -pulse


def unit_range(pulse: Tensor) -> Tensor:
    """Every pulse stretched to 0..1 over its clip; a constant one becomes 0: (B, T)."""
    low = pulse.amin(dim=1, keepdim=True)
    span = pulse.amax(dim=1, keepdim=True) - low
    return (pulse - low) / torch.where(span > 0, span, torch.ones_like(span))
