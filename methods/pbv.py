"""PBV: the projection that has the pulse's colour signature."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.streaming import Streaming, half_overlapping_windows
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.batches import in_blocks
from rppgbench.signals.overlap_add import FLAT, channels_first, half_overlapping, hann_overlap_add
from rppgbench.system.errors import TooShortError, unknown_name

SIGNATURES = ("skin", "spread")
TOOLBOX = {"signature": "spread", "centred": False, "window_s": 0.0}


def streaming(params: Mapping[str, Any], fs: float) -> Streaming | None:
    """A sample needs the two windows that contain its frame, which begin every half window.

    Args:
        params: the method's parameters.
        fs: frames a second.
    """
    return half_overlapping_windows(params["window_s"], fs)


@method(
    "PBV",
    "10.1088/0967-3334/35/9/1913",
    presets={"toolbox": TOOLBOX, "pyvhr": TOOLBOX},
    streaming=streaming,
)
def pbv(
    trace: Waveform,
    *,
    preset: str = "paper",
    window_s: float = 1.6,
    signature: str = "skin",
    red: float = 0.33,
    green: float = 0.77,
    blue: float = 0.53,
    centred: bool = True,
) -> Waveform:
    """Weight the colours so that the result correlates with them as the pulse does.

    G. de Haan, A. van Leest, "Improved motion robustness of remote-PPG by using the blood volume
    pulse signature", Physiological Measurement 35(9), 2014: with the relative colour changes C of
    a window and the signature p, the weights solve (CT C) w = p, and the pulse is C w / (pT w), so
    that a change along p has gain 1 (derivation: `_weighted`). Windows half overlap under a Hann
    window; their length is that of CHROM, by the same first author. Brighter skin is up. A black
    or constant trace gives zeros. The result is (..., T).

    Args:
        trace: (..., T, 3), R, G and B in any unit; the gain of a channel does not matter.
        preset: "toolbox" or "pyvhr", which are alike: whole trace, mean left in, and each
            channel's own standard deviation as its signature, which gives up the idea of the
            method.
        window_s: length of a window in seconds, rounded up to an even number of frames, mirrored
            at both ends; 0 takes the whole trace at once.
        signature: "skin" takes `red`, `green` and `blue`; "spread" the standard deviations of the
            relative changes.
        red: relative strength of the pulse in the red channel.
        green: its relative strength in the green channel.
        blue: its relative strength in the blue channel.
        centred: subtract the mean of the relative colours.

    Raises:
        TooShortError: the trace is shorter than a window.
    """
    if signature not in SIGNATURES:
        raise unknown_name("signature", signature, SIGNATURES, "pbv")
    samples = np.asarray(trace.samples, dtype=np.float64)
    total = samples.shape[-2]
    width = math.ceil(window_s * trace.fs)
    width += width % 2
    if width > total:
        raise TooShortError(f"PBV needs at least {width} frames ({window_s} s), not {total}")

    def estimate(block: Array) -> Array:
        rgb = channels_first(block)
        single = np.moveaxis(rgb, -1, 0)[..., None]
        windows = half_overlapping(rgb, width, mirrored=True) if width else single
        means = windows.mean(axis=0)
        dark = (means == 0).any(axis=0)
        change = windows / np.where(dark, 1.0, means) - 1.0
        std = change.std(axis=0)
        change = np.moveaxis(change if centred else change + 1.0, (0, 1), (-2, -1))  # (..., w, 3)
        blood = np.array([red, green, blue]) if signature == "skin" else np.moveaxis(std, 0, -1)
        usable = ~dark & (std.max(axis=0) > FLAT)
        pulse = np.where(usable, np.moveaxis(_weighted(change, blood), -1, 0), 0.0)
        return hann_overlap_add(pulse, total=total) if width else np.moveaxis(pulse[..., 0], 0, -1)

    return Waveform(in_blocks(estimate, samples, inner=2), trace.fs, trace.start_s)


def _weighted(change: Array, blood: Array) -> Array:
    """C w / (pT w) with (CT C) w = p, for windows C (..., w, 3) and p (..., 3): (..., w).

    A pulse S = C w should correlate with the three colours in the proportions of the signature:
    CT S = k p. With S = C w this is (CT C) w = k p. The factor k is free: a change s along the
    signature is C = s pT, and it has gain 1 (S = s) where pT w = 1; so w is divided by pT w. CT C
    is inverted by its eigenvalues, because without noise the colours may span a line only: the
    directions without power have no weight. Source: de Haan, van Leest 2014, section 2.
    """
    size = np.linalg.norm(blood, axis=-1, keepdims=True)
    p = blood / np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(np.swapaxes(change, -1, -2) @ change)
    real = values > 1e-15 * values[..., 2:]
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=real)
    along = np.einsum("...ij,...i->...j", vectors, np.broadcast_to(p, values.shape))
    weights = np.einsum("...ij,...j->...i", vectors, inverse * along)
    gain = (weights * p).sum(axis=-1, keepdims=True)
    weights = np.divide(weights, gain, out=np.zeros_like(weights), where=gain > 0)
    projected: Array = (change @ weights[..., None])[..., 0]
    return projected
