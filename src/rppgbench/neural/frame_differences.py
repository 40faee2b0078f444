"""Normalised differences of frames and of labels, as in rPPG-Toolbox."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.signals.filters import smoothness_priors

Frames = NDArray[np.float32]

CHUNK = 256
"""Number of pictures that become floats at once while a long video is measured."""

DETREND = 100.0
"""Smoothness of the trend that is removed from a pulse summed up from its differences."""


def frame_differences(frames: NDArray[Any]) -> Frames:
    """Difference of each picture and the next over their sum: (T, ...) to (T - 1, ...) float32.

    (c(t+1) - c(t)) / (c(t+1) + c(t)): factors of the skin's colour and of the light's strength
    cancel. Source: W. Chen, D. McDuff, "DeepPhys", ECCV 2018, DOI 10.1007/978-3-030-01216-8_22,
    Eq 8; the 1e-7 in the denominator is that of the public toolbox.

    >>> frame_differences(np.array([1, 3, 3], dtype=np.uint8))
    array([0.5, 0. ], dtype=float32)
    """
    # Sums and differences of bytes are exact in float32.
    values = frames if np.issubdtype(frames.dtype, np.floating) else frames.astype(np.float32)
    change = values[1:] - values[:-1]
    level = values[1:] + values[:-1]
    level += values.dtype.type(1e-7)
    change /= level
    out: Frames = change.astype(np.float32, copy=False)
    return out


def standardise(values: NDArray[Any]) -> Array:
    """Values of any shape with mean 0 and standard deviation 1; a constant becomes 0.

    Input and label type "Standardized" of rPPG-Toolbox: one mean and one deviation for a video.

    >>> standardise(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    centred: Array = np.asarray(values, dtype=np.float64) - np.mean(values, dtype=np.float64)
    spread = centred.std()
    return centred / spread if spread > 0 else centred


def pulse_differences(pulse: NDArray[Any]) -> Array:
    """Differences of a label with standard deviation 1, and 0 at the end: (T,) to (T,).

    Label type "DiffNormalized" of rPPG-Toolbox. Unknown samples (NaN) stay NaN, and are not in the
    standard deviation. `integrate` is the inverse.

    >>> pulse_differences(np.array([0.0, 2.0, 0.0])).tolist()
    [1.0, -1.0, 0.0]
    """
    step = np.diff(np.asarray(pulse, dtype=np.float64))
    spread = np.nanstd(step) if np.isfinite(step).any() else 0.0
    out: Array = np.append(step / spread if spread > 0 else step, 0.0)
    return out


def integrate(change: NDArray[Any]) -> Array:
    """A pulse from its differences: their running sum without its slow trend: (T,) to (T,).

    The sum of small errors drifts. The toolbox removes the trend by smoothness priors with lambda
    100 before it reads a heart rate: a high-pass filter at about 0.35 Hz at 30 samples a second.
    """
    before = np.concatenate([[0.0], np.asarray(change, dtype=np.float64)[:-1]])
    return smoothness_priors(np.cumsum(before), DETREND)


@dataclass(frozen=True)
class VideoScale:
    """Mean and standard deviation of a whole video, and the deviation of its differences."""

    mean: float
    deviation: float
    difference_deviation: float

    @classmethod
    def measure(cls, frames: NDArray[Any]) -> "VideoScale":
        """Measure pictures (T, ...) in one pass that converts `CHUNK` pictures at once."""
        count, total, squares = 0, 0.0, 0.0
        steps, step_total, step_squares = 0, 0.0, 0.0
        for first in range(0, len(frames), CHUNK):
            part = np.asarray(frames[first : first + CHUNK], dtype=np.float64)
            count, total = count + part.size, total + float(part.sum())
            squares += float(np.square(part).sum())
            step = frame_differences(np.asarray(frames[first : first + CHUNK + 1])).astype(
                np.float64
            )
            steps, step_total = steps + step.size, step_total + float(step.sum())
            step_squares += float(np.square(step).sum())
        return cls(
            total / max(1, count),
            _deviation(count, total, squares),
            _deviation(steps, step_total, step_squares),
        )


def _deviation(count: int, total: float, squares: float) -> float:
    mean = total / max(1, count)
    return float(np.sqrt(max(0.0, squares / max(1, count) - mean * mean)))
