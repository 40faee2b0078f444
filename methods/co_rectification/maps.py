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
