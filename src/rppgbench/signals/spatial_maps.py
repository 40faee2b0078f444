"""MSTmap and STMap: colours of many face regions over time."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.features import MSTMAP_REGIONS, RegionMoments
from rppgbench.core.waveform import Array

YUV = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
"""Y, U, V of R, G, B; U and V are centred on 128."""

YUV_OFFSET = np.array([0.0, 128.0, 128.0])


@cache
def region_combinations() -> Array:
    """The regions that each of the 63 rows combines: (63, 6) of 0 and 1.

    Row v (1 to 63) holds region j (0 to 5) where bit 5 - j of v is set: the first row is the
    forehead alone, the last all six (Niu et al., "Video-based Remote Physiological Measurement via
    Cross-verified Feature Disentangling", ECCV 2020, getCombinedSignalMap.m).

    >>> region_combinations()[[0, 1, 62]].astype(int).tolist()
    [[0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0], [1, 1, 1, 1, 1, 1]]
    """
    numbers = np.arange(1, 1 << len(MSTMAP_REGIONS))
    bits = np.arange(len(MSTMAP_REGIONS) - 1, -1, -1)
    table: Array = ((numbers[:, None] >> bits) & 1).astype(np.float64)
    return table


def combine_regions(means: Array, counts: Array) -> Array:
    """Means of the 63 combinations of regions, weighted by pixels.

    Args:
        means: Means of the six regions (..., 6, C).
        counts: Their pixels (..., 6).

    Returns:
        (..., 63, C); NaN where a combination has no pixel.
    """
    table = region_combinations()
    total = table @ np.nan_to_num(means * counts[..., None])
    pixels = (counts @ table.T)[..., None]
    out: Array = np.divide(total, pixels, out=np.full(total.shape, np.nan), where=pixels > 0)
    return out


def mstmap(moments: RegionMoments) -> Array:
    """The MSTmap before its normalisation: RGBYUV of 63 combinations of regions, (T, 63, 6).

    Y, U and V are those of the mean colour: the conversion is linear. The paper's MATLAB code
    rounds every product of every pixel to a byte first (`yuv_matlab`); over a region's pixels that
    averages out, except for a constant 0.25 in U and V (half of a byte is rounded up). The
    normalisation removes a constant, so it is not reproduced. A frame in which one of the six
    regions has no pixel is NaN throughout (the paper drops clips with such a frame).
    """
    at = moments.index(*MSTMAP_REGIONS)
    counts = np.asarray(moments.count[:, at])
    rgb = moments.rgb[:, at] / np.maximum(counts, 1)[..., None]
    complete = (counts > 0).all(axis=1)
    six = np.concatenate([rgb, rgb @ YUV.T + YUV_OFFSET], axis=-1)
    out = combine_regions(six, counts)
    out[~complete] = np.nan
    return out


def yuv_matlab(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Y, U, V as MATLAB's uint8 arithmetic gives them: (..., 3) from (..., 3).

    Every product is rounded (half away from zero) and every partial sum saturated to 0..255, from
    left to right (GenerateSignalMap.m of the MSTmap's code).

    >>> yuv_matlab(np.array([[255, 255, 255], [0, 0, 255]], np.uint8)).tolist()
    [[255, 129, 127], [29, 255, 107]]
    """
    colour = rgb.astype(np.float64)
    out = np.empty(rgb.shape, np.float64)
    for channel, (weights, offset) in enumerate(zip(YUV, YUV_OFFSET, strict=True)):
        total = np.full(rgb.shape[:-1], offset)
        for part, weight in enumerate(weights):
            product = np.minimum(np.floor(np.abs(weight) * colour[..., part] + 0.5), 255)
            total = np.clip(total + np.sign(weight) * product, 0, 255)
        out[..., channel] = total
    return out.astype(np.uint8)


def moving_mean(values: Array, width: int = 3) -> Array:
    """Centred mean along axis 0, over fewer samples at the ends.

    Args:
        values: (T, ...).
        width: Samples of the mean, odd.

    >>> moving_mean(np.array([0.0, 3, 6, 3]))
    array([1.5, 3. , 4. , 4.5])
    """
    half = width // 2
    padded = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    at = np.arange(len(values))
    low, high = np.maximum(at - half, 0), np.minimum(at + half + 1, len(values))
    length = (high - low).reshape(-1, *[1] * (values.ndim - 1))
    out: Array = (padded[high] - padded[low]) / length
    return out


def _min_max(values: Array, eps: float = 0.0) -> Array:
    """Stretch every row and channel to 0..255 over time (axis 0); a constant one becomes 0."""
    low = values.min(axis=0)
    span = values.max(axis=0) - low + eps
    out: Array = np.divide((values - low) * 255.0, span, out=np.zeros(values.shape), where=span > 0)
    return out


def normalise_mstmap(clip: Array) -> Array:
    """One clip of an MSTmap (T, 63, 6) as the input of the network: 0 to 255, same shape.

    Moving mean over 3 frames, then minimum to 0 and maximum to 255 of every row and channel over
    the clip (save_MSTmaps.m; it then rounds to bytes, which is left to the caller). A constant row
    is 0 / 0 there and 0 here.
    """
    return _min_max(moving_mean(clip))


def normalise_stmap(clip: Array) -> Array:
    """One clip of an STMap (T, 25, 3): minimum to 0, maximum to 255 of every row and channel.

    With the 1e-5 that the public code adds to the span (Hao Lu's STMap code, as in the fork of
    NEST-rPPG); rounding to bytes and resizing are left to the caller.
    """
    return _min_max(clip, eps=1e-5)
