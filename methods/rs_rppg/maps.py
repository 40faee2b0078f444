"""The two maps of RS-rPPG: colours of face regions, and the pulses that formulas read from them."""

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rppgbench.core.features import PAIRS
from rppgbench.core.waveform import Array
from rppgbench.neural.networks.map_unet import map_image
from rppgbench.signals.filters import butterworth
from rppgbench.signals.overlap_add import channels_first, linear_overlap_add, tuning_ratio
from rppgbench.signals.spatial_maps import moving_mean

from .parameters import require_kind

WINDOW_S = 1.6
LOW_HZ, HIGH_HZ, ORDER = 0.7, 3.0, 3


def colour_map(samples: NDArray[Any], rows: int) -> Tensor:
    """RGB of the combined regions as an image, the anchor of the contrast.

    Each row is averaged over 3 frames and scaled to 0..1 over the window. The public code rounds
    to bytes between.

    Args:
        samples: the window of a map (T, R, C), whose first three channels are R, G and B.
        rows: height of the image.

    Returns:
        The image (1, 3, rows, T).
    """
    return map_image(moving_mean(np.asarray(samples[..., :3], dtype=np.float64)), rows)


def trace_map(samples: NDArray[Any], fs: float, rows: int) -> Tensor:
    """Green, CHROM and POS of each row as an image, the positive of the contrast.

    CHROM is X - std(X) / std(Y) Y over the window, with the colours divided by their means. POS is
    that of windows of 1.6 s less one frame, each divided by its deviation. Both are band-passed
    from 0.7 to 3 Hz, and all three are scaled to 0..1 over the window.

    Source: M. Savic, G. Zhao, FG 2024, the Tmap, and its public code.

    Args:
        samples: the window of a map (T, R, C), whose first three channels are R, G and B.
        fs: sampling rate in Hz.
        rows: height of the image.

    Returns:
        The image (1, 3, rows, T).

    Raises:
        TooShortError: the window is too short for POS or for the filter.
    """
    rgb = np.asarray(samples[..., :3], dtype=np.float64).swapaxes(0, 1)  # (R, T, 3)
    pulses = np.stack([chrominance(rgb), normalised_pos(rgb, fs)])
    filtered = butterworth(pulses, fs, LOW_HZ, HIGH_HZ, ORDER)
    return map_image(np.stack([rgb[..., 1], *filtered], axis=-1).swapaxes(0, 1), rows)


def chrominance(rgb: Array) -> Array:
    """X - std(X) / std(Y) Y of whole traces (R, T, 3): (R, T); zeros for a constant trace."""
    means = rgb.mean(axis=1, keepdims=True)
    red, green, blue = np.moveaxis(rgb / np.where(means == 0, 1.0, means), -1, 0)
    x, y = 3 * red - 2 * green, 1.5 * red + green - 1.5 * blue
    x, y = (part - part.mean(axis=1, keepdims=True) for part in (x, y))
    spread_x, spread_y = (part.std(axis=1, keepdims=True) for part in (x, y))
    ratio = np.divide(spread_x, spread_y, out=np.zeros_like(spread_x), where=spread_y > 0)
    out: Array = x - ratio * y
    return out


def normalised_pos(rgb: Array, fs: float) -> Array:
    """POS of traces (R, T, 3) with windows that count equally: (R, T).

    A window starts at each frame but the last that would fit, and holds 1.6 s less one frame.

    Args:
        rgb: colours (R, T, 3).
        fs: sampling rate in Hz.

    Raises:
        TooShortError: the traces are shorter than a window.
    """
    width = math.ceil(WINDOW_S * fs) - 1
    weights = partial(_window_weights, width=width, skipped=rgb.shape[1] - width)
    return linear_overlap_add(channels_first(rgb), weights, width)


def _window_weights(means: Array, scatter: Array, *, width: int, skipped: int) -> Array:
    """The weights of the three colours in each window, for a sum of deviation 1.

    With S1 = G - B and S2 = G + B - 2R of colours divided by their means, h = S1 + a S2 with
    a = std(S1) / std(S2). The power of a projection w is the sum of w_i w_j Q_ij over both orders
    of the products Q of the colours about their means.
    """
    scale = 1.0 / means
    planes = np.array([[0.0, 1.0, -1.0], [-2.0, 1.0, 1.0]])
    shape = (3, *[1] * (means.ndim - 1))
    s1, s2 = (plane.reshape(shape) * scale for plane in planes)
    ratio = tuning_ratio(
        *(_power(s, scatter) for s in (s1, s2)), *(_power(np.abs(s), scatter) for s in (s1, s2))
    )
    weights: Array = s1 + ratio * s2
    weights /= np.sqrt(_power(weights, scatter) / width)
    weights[..., skipped] = 0.0
    return weights


def _power(weights: Array, scatter: Array) -> Array:
    """The power of weighted colours: weights (3, ...), products about the means (6, ...)."""
    out: Array = np.zeros(scatter.shape[1:])
    for product, (i, j) in zip(scatter, PAIRS, strict=True):
        out += (1.0 if i == j else 2.0) * weights[i] * weights[j] * product
    return out


def make_map(samples: NDArray[Any], fs: float, rows: int, kind: str) -> Tensor:
    """The input of the network at test.

    Args:
        samples: the window of a map (T, R, C).
        fs: sampling rate in Hz.
        rows: height of the image.
        kind: "mstmap", the colours, or "tmap", the pulses of formulas.

    Returns:
        The image (1, 3, rows, T).

    Raises:
        BenchError: there is no map of this kind.
    """
    require_kind(kind)
    return colour_map(samples, rows) if kind == "mstmap" else trace_map(samples, fs, rows)
