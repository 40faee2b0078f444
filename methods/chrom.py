"""CHROM: chrominance signals that motion leaves alone."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rppgbench.core.method import method
from rppgbench.core.streaming import Streaming, half_overlapping_windows
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.batches import in_blocks
from rppgbench.signals.filters import butterworth_matrix
from rppgbench.signals.overlap_add import FLAT, channels_first, half_overlapping, hann_overlap_add
from rppgbench.system.errors import TooShortError, unknown_name

ENDS = ("reflect", "drop")
TOOLBOX = {"ends": "drop", "low_hz": 0.7, "high_hz": 2.5}
PYVHR = {"window_s": 0.0, "normalised": False, "order": 0}


def streaming(params: Mapping[str, Any], fs: float) -> Streaming | None:
    """A sample needs the two windows that contain its frame, which begin every half window.

    Args:
        params: the method's parameters.
        fs: frames a second.
    """
    if params["ends"] == "drop":
        return None
    return half_overlapping_windows(params["window_s"], fs)


@method(
    "CHROM",
    "10.1109/TBME.2013.2266196",
    presets={"toolbox": TOOLBOX, "pyvhr": PYVHR},
    streaming=streaming,
)
def chrom(
    trace: Waveform,
    *,
    preset: str = "paper",
    window_s: float = 1.6,
    normalised: bool = True,
    order: int = 3,
    low_hz: float = 40 / 60,
    high_hz: float = 4.0,
    ends: str = "reflect",
) -> Waveform:
    """Two chrominance signals, tuned in half-overlapping Hann windows.

    G. de Haan, V. Jeanne, "Robust Pulse Rate From Chrominance-Based rPPG", IEEE TBME 60(10), 2013:
    in windows of 1.6 s the colours are divided by their means; X = 3R - 2G and
    Y = 1.5R + G - 1.5B are band-passed from 40 to 240 bpm; X - std(X) / std(Y) Y is weighted by a
    Hann window and overlap-added. The paper's band-pass is a FIR filter without a stated length;
    a zero-phase Butterworth replaces it, as in the toolboxes. Brighter green is down. A black,
    constant or grey trace gives zeros. The result is (..., T').

    Args:
        trace: (..., T, 3), R, G and B in any unit; the gain of a channel does not matter.
        preset: "toolbox" (rPPG-Toolbox) or "pyvhr" (the whole trace as it is, in one window).
        window_s: length of a window in seconds, rounded up to an even number of frames; 0 takes
            the whole trace at once, unweighted.
        normalised: divide the colours of each window by their means.
        order: order of the Butterworth band-pass in each window; 0 for none.
        low_hz: its lower edge.
        high_hz: its upper edge.
        ends: "reflect" mirrors half a window and more at both ends, so that T' is T and no end
            fades; "drop" lets the ends fade and leaves out the rest after the last whole window.

    Raises:
        TooShortError: the trace is shorter than a window, or a window too short for the filter.
    """
    if ends not in ENDS:
        raise unknown_name("ends", ends, ENDS, "chrom")
    samples = np.asarray(trace.samples, dtype=np.float64)
    total = samples.shape[-2]
    width = math.ceil(window_s * trace.fs)
    width += width % 2
    if width > total:
        raise TooShortError(f"CHROM needs at least {width} frames ({window_s} s), not {total}")
    mirrored = ends == "reflect"

    def estimate(block: Array) -> Array:
        rgb = channels_first(block)
        windows = half_overlapping(rgb, width, mirrored=mirrored) if width else _single_window(rgb)
        if normalised:
            windows = _normalised(windows)
        tuned = _tuned(windows, trace.fs, order, low_hz, high_hz)
        if not width:
            return np.moveaxis(tuned[..., 0], 0, -1)
        return hann_overlap_add(tuned, total=total if mirrored else None)

    return Waveform(in_blocks(estimate, samples, inner=2), trace.fs, trace.start_s)


def _single_window(rgb: Array) -> Array:
    """The trace (3, ..., T) as its only window: (T, 3, ..., 1)."""
    return np.moveaxis(rgb, -1, 0)[..., None]


def _normalised(windows: Array) -> Array:
    """Relative change in every window (w, 3, ..., N): zeros where it is black or constant."""
    means = windows.mean(axis=0)
    dark = (means == 0).any(axis=0)
    change = windows * (1.0 / np.where(dark, 1.0, means))
    change -= 1.0
    largest = np.maximum(change.max(axis=0), -change.min(axis=0)).max(axis=0)
    flat = dark | (largest <= FLAT)
    if flat.any():
        change[..., flat] = 0.0
    return change


def _tuned(windows: Array, fs: float, order: int, low_hz: float, high_hz: float) -> Array:
    """X - std(X) / std(Y) Y of every window (w, 3, ..., N): (w, ..., N).

    The relative colours r, g, b are scaled to the standardised skin tone (0.7682, 0.5121, 0.3841).
    Specular reflection adds the same to all three scaled colours, so these two differences do not
    contain it (paper, section III):
        X = (0.7682 r - 0.5121 g) / (0.7682 - 0.5121) = 3 r - 2 g
        Y = (0.7682 r + 0.5121 g - 2 * 0.3841 b) / (0.7682 + 0.5121 - 2 * 0.3841)
          = 1.5 r + g - 1.5 b
    A change of all colours alike, as motion makes it, is in X and in Y with equal size and is
    removed by the difference; the ratio of standard deviations corrects for light that is not
    white. The pulse is in X and Y with opposite signs and stays.
    """
    red, green, blue = np.moveaxis(windows, 1, 0)
    x = 3.0 * red
    x -= 2.0 * green
    y = red - blue
    y *= 1.5
    y += green
    if order:
        band_pass = butterworth_matrix(len(windows), fs, low_hz, high_hz, order)
        x = (band_pass @ x.reshape(len(x), -1)).reshape(x.shape)
        y = (band_pass @ y.reshape(len(y), -1)).reshape(y.shape)
    power_x, power_y = x.var(axis=0), y.var(axis=0)
    ratio = np.divide(power_x, power_y, out=np.zeros_like(power_x), where=power_y > 0)
    y *= np.sqrt(ratio)
    tuned: Array = np.subtract(x, y, out=y)
    # Grey light changes X and Y alike: the rest of it is rounding error, not a pulse.
    grey = np.maximum(tuned.max(axis=0), -tuned.min(axis=0)) <= 1e-9 * np.sqrt(power_x)
    if grey.any():
        tuned *= ~grey
    return tuned
