"""POS: the plane orthogonal to the skin tone."""

import math
from functools import partial

import numpy as np

from rppgbench.core.features import PAIRS
from rppgbench.core.method import method
from rppgbench.core.waveform import Array, Waveform
from rppgbench.signals.batches import in_blocks
from rppgbench.signals.filters import butterworth, smoothness_priors
from rppgbench.signals.overlap_add import channels_first, linear_overlap_add, tuning_ratio
from rppgbench.system.errors import unknown_name

LEFT_OUT = ("none", "first", "last")
ROUNDINGS = {"up": math.ceil, "down": math.floor}

TOOLBOX = {"left_out": "last", "detrend_lambda": 100.0, "order": 1, "low_hz": 0.75, "high_hz": 3.0}
PYVHR = {"left_out": "first", "rounding": "down", "eps": 1e-9}


@method(
    "POS",
    "10.1109/TBME.2016.2609282",
    presets={"toolbox": TOOLBOX, "iphys": {"left_out": "last"}, "pyvhr": PYVHR},
)
def pos(
    trace: Waveform,
    *,
    preset: str = "paper",
    window_s: float = 1.6,
    rounding: str = "up",
    left_out: str = "none",
    eps: float = 0.0,
    detrend_lambda: float = 0.0,
    order: int = 0,
    low_hz: float = 0.75,
    high_hz: float = 3.0,
) -> Waveform:
    """Project each window on the plane orthogonal to the skin tone, and overlap-add the results.

    Algorithm 1 of W. Wang, A. C. den Brinker, S. Stuijk, G. de Haan, "Algorithmic Principles of
    Remote PPG", IEEE TBME 64(7), 2017: a window of 1.6 s starts at every frame; its colours are
    divided by their means; S1 = G - B, S2 = G + B - 2R, h = S1 + std(S1) / std(S2) S2, without its
    mean, is added to the pulse. Brighter skin is up, as in the green channel. A black or constant
    trace gives zeros. The result is (..., T).

    Args:
        trace: (..., T, 3), R, G and B in any unit; the gain of a channel does not matter.
        preset: "toolbox" (rPPG-Toolbox), "iphys" (the same before its filters) or "pyvhr".
        window_s: length of a window in seconds.
        rounding: how a window is rounded to frames, "up" or "down".
        left_out: "last" leaves out the window that ends with the last frame, as the toolbox does;
            "first" the one that starts with the first frame, as pyVHR does; "none" leaves out none.
        eps: added to the divisors.
        detrend_lambda: smoothness priors on the result; 0 for none.
        order: order of a zero-phase Butterworth band-pass on the result; 0 for none, because
            evaluators filter.
        low_hz: its lower edge.
        high_hz: its upper edge.

    Raises:
        TooShortError: the trace is shorter than a window, or too short for the filter.
    """
    if left_out not in LEFT_OUT:
        raise unknown_name("left_out", left_out, LEFT_OUT, "pos")
    if rounding not in ROUNDINGS:
        raise unknown_name("rounding", rounding, ROUNDINGS, "pos")
    width = ROUNDINGS[rounding](window_s * trace.fs)
    samples = np.asarray(trace.samples, dtype=np.float64)
    skipped = {"first": 0, "last": samples.shape[-2] - width}.get(left_out)

    weights = partial(_window_weights, width=width, skipped=skipped, eps=eps)

    def project(rgb: Array) -> Array:
        return linear_overlap_add(channels_first(rgb), weights, width)

    pulse = in_blocks(project, samples, inner=2)
    if detrend_lambda:
        pulse = smoothness_priors(pulse, detrend_lambda)
    if order:
        pulse = butterworth(pulse, trace.fs, low_hz, high_hz, order)
    return Waveform(pulse, trace.fs, trace.start_s)


def _window_weights(
    means: Array, scatter: Array, *, width: int, skipped: int | None, eps: float
) -> Array:
    """The weights of the three colours in each window; `scatter` is overwritten."""
    # Algorithm 1 without writing out a window. With the scatter Q (sums of products about the
    # means) of the relative colours R/mean(R), G/mean(G), B/mean(B) of a window:
    #   var(S1) ~ QGG + QBB - 2 QGB                                    S1 = G - B
    #   var(S2) ~ QGG + QBB + 2 QGB + 4 QRR - 4 (QRG + QRB)            S2 = G + B - 2R
    #   h = S1 + a S2 = -2a R + (a + 1) G + (a - 1) B,                 a = std(S1) / std(S2)
    # so the weight of a colour is its factor in h over its mean. The arrays hold all windows
    # of a block; they are changed in place, because new ones would leave the cache.
    scale = 1.0 / (means + eps if eps else means)
    for k, (i, j) in enumerate(PAIRS):
        scatter[k] *= scale[i]
        scatter[k] *= scale[j]
    red2, red_green, red_blue, green2, green_blue, blue2 = scatter
    green_and_blue = green2 + blue2  # S1 and S2 without the products of two colours
    green_blue *= 2.0
    s1 = green_and_blue - green_blue
    green_blue += green_and_blue
    red2 *= 4.0
    all_colours = green_and_blue + red2
    red_green += red_blue
    red_green *= 4.0
    s2 = green_blue + red2
    s2 -= red_green
    if eps:  # pyVHR adds it to a standard deviation; `scatter` holds sums over the window
        s2 = (np.sqrt(np.maximum(s2, 0.0)) + eps * np.sqrt(width)) ** 2
    ratio = tuning_ratio(s1, s2, green_and_blue, all_colours)
    scale[0] *= -2.0 * ratio
    scale[1] *= ratio + 1.0
    scale[2] *= ratio - 1.0
    if skipped is not None:
        scale[..., skipped] = 0.0
    return scale
