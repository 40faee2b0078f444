"""Pictures as their normalised changes, and labels alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.signals.filters import smoothness_priors

Frames = NDArray[np.float32]

CHUNK = 256
"""How many pictures become floats at once while a long video is measured."""

DETREND = 100.0
"""Smoothness of the trend that is taken off a pulse summed up from its changes."""


def frame_differences(frames: NDArray[Any]) -> Frames:
    """Change from each picture to the next over their sum: (T, ...) becomes (T - 1, ...) float32.

    (c(t+1) - c(t)) / (c(t+1) + c(t)): what the skin's colour and the light's strength multiply
    cancels. W. Chen, D. McDuff, "DeepPhys", ECCV 2018, Eq 8; the 1e-7 under the line is that of
    the public toolbox.

    >>> frame_differences(np.array([1, 3, 3], dtype=np.uint8))
    array([0.5, 0. ], dtype=float32)
    """
    values = frames if np.issubdtype(frames.dtype, np.floating) else frames.astype(np.float64)
    out: Frames = ((values[1:] - values[:-1]) / (values[1:] + values[:-1] + 1e-7)).astype(
        np.float32
    )
    return out


def normalise_differences(frames: NDArray[Any], deviation: float | None = None) -> Frames:
    """Changes divided by their standard deviation, the last 0: (T, ...) float32.

    `deviation` is that of a longer video which these pictures are part of, else their own. A video
    that never changes stays 0. X. Liu et al., "rPPG-Toolbox", NeurIPS 2023, input type
    DiffNormalized.
    """
    out: Frames = np.zeros(frames.shape, dtype=np.float32)
    step = frame_differences(frames)
    spread = step.std() if deviation is None else np.float32(deviation)
    if len(step) and spread > 0:
        out[:-1] = step / spread
    return out


def standardise(values: NDArray[Any]) -> Array:
    """Mean 0 and deviation 1 over all that is given, whatever its shape; a constant becomes 0.

    Input and label type Standardized of rPPG-Toolbox: one mean and one deviation for a whole video.

    >>> standardise(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    centred: Array = np.asarray(values, dtype=np.float64) - np.mean(values, dtype=np.float64)
    spread = centred.std()
    return centred / spread if spread > 0 else centred


def pulse_differences(pulse: NDArray[Any]) -> Array:
    """A label's change from sample to sample with deviation 1, and 0 at the end: (T,) to (T,).

    Label type DiffNormalized of rPPG-Toolbox. Samples that are not known (NaN) stay so, and do not
    enter the deviation. `integrate` goes back.

    >>> pulse_differences(np.array([0.0, 2.0, 0.0])).tolist()
    [1.0, -1.0, 0.0]
    """
    step = np.diff(np.asarray(pulse, dtype=np.float64))
    spread = np.nanstd(step) if np.isfinite(step).any() else 0.0
    out: Array = np.append(step / spread if spread > 0 else step, 0.0)
    return out


def integrate(change: NDArray[Any]) -> Array:
    """A pulse from its changes: the sum of those before each sample, less its slow trend: (T,).

    The sum of small errors drifts; the toolbox takes the trend off by smoothness priors with
    lambda 100 before it reads a heart rate, which is about 0.35 Hz at 30 samples a second.
    """
    before = np.concatenate([[0.0], np.asarray(change, dtype=np.float64)[:-1]])
    return smoothness_priors(np.cumsum(before), DETREND)


@dataclass(frozen=True)
class VideoScale:
    """Mean and deviation of a whole video's values, and the deviation of its changes."""

    mean: float
    deviation: float
    change: float

    @classmethod
    def of(cls, frames: NDArray[Any]) -> "VideoScale":
        """Those of pictures (T, ...), in one pass that holds few of them as floats."""
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

    def looks(self, frames: NDArray[Any]) -> Frames:
        """Pictures standardised by the whole video's mean and deviation."""
        out: Frames = (np.asarray(frames, dtype=np.float32) - np.float32(self.mean)) / np.float32(
            self.deviation or 1.0
        )
        return out


def _deviation(count: int, total: float, squares: float) -> float:
    mean = total / max(1, count)
    return float(np.sqrt(max(0.0, squares / max(1, count) - mean * mean)))


def motion_and_appearance(
    video: NDArray[Any], start: int, length: int, scale: VideoScale
) -> NDArray[np.float32]:
    """Six channels of a clip out of a video (T, H, W, 3): (length, 6, H, W).

    Its normalised changes above its standardised pictures. Only the very last picture of the
    video has no change.
    """
    frames = video[start : start + length + 1]
    moving = normalise_differences(frames, scale.change)[:length]
    both = np.concatenate([moving, scale.looks(frames[:length])], axis=-1)
    return np.ascontiguousarray(both.transpose(0, 3, 1, 2))


def motion_only(
    video: NDArray[Any], start: int, length: int, scale: VideoScale
) -> NDArray[np.float32]:
    """The normalised changes of a clip alone: (length, 3, H, W)."""
    moving = normalise_differences(video[start : start + length + 1], scale.change)[:length]
    return np.ascontiguousarray(moving.transpose(0, 3, 1, 2))


def appearance_and_next(
    video: NDArray[Any], start: int, length: int, scale: VideoScale
) -> NDArray[np.float32]:
    """Standardised pictures of a clip and the one after it: (length + 1, 3, H, W).

    For networks that form the changes themselves; at the end of the video its last picture comes
    twice.
    """
    frames = scale.looks(video[start : start + length + 1])
    missing = length + 1 - len(frames)
    if missing > 0:
        frames = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    return np.ascontiguousarray(frames.transpose(0, 3, 1, 2))
