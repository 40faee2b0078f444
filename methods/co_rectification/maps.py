"""Maps and pseudo labels of co-rectification."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.neural.map_pulse import map_image
from rppgbench.signals.filters import butterworth
from rppgbench.signals.subspace import subspace_rotation
from rppgbench.waveform import Array

BLOCKS = 25
"""Rows of the map; the three below are the skin's second moments."""


def one_map(samples: NDArray[Any], rows: int) -> Tensor:
    """A window (T, 28, 3) as the network takes it: (1, 3, rows, T), every row 0 to 1."""
    return map_image(samples[:, :BLOCKS], rows)


def pseudo_pulse(samples: NDArray[Any], fs: float, low_hz: float, high_hz: float) -> Array:
    """2SR of the skin's pixels, band-passed: a stretch of maps (T, 28, 3) to (T,).

    The pulse is turned so that it agrees with green light taken as a pulse, less green being more
    blood, because the losses that follow know its sign.
    """
    blocks = np.asarray(samples[:, :BLOCKS], dtype=np.float64)
    rotated = subspace_rotation(np.asarray(samples[:, BLOCKS:], dtype=np.float64), fs)
    rotated[-1] = rotated[-2]  # in no window; a step would ring through the filter
    pulse = butterworth(-rotated, fs, low_hz, high_hz, 2)
    green = butterworth(-blocks[:, :, 1].mean(axis=1), fs, low_hz, high_hz, 2)
    return pulse if float(pulse @ green) >= 0 else -pulse
