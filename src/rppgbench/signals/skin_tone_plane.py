"""The projection of POS on the plane orthogonal to the skin tone, for batches of traces."""

from functools import partial

import numpy as np

from rppgbench.core.features import PAIRS
from rppgbench.core.waveform import Array
from rppgbench.signals.batches import in_blocks
from rppgbench.signals.overlap_add import channels_first, linear_overlap_add, tuning_ratio


def project_on_plane(
    samples: Array, width: int, *, skipped: int | None = None, eps: float = 0.0
) -> Array:
    """Project every window of a trace on the plane, and overlap-add the results.

    Source: Wang, den Brinker, Stuijk, de Haan, Algorithmic Principles of Remote PPG, IEEE TBME
    64(7), 2017, 10.1109/TBME.2016.2609282, algorithm 1.

    Args:
        samples: R, G and B in any unit (..., T, 3).
        width: samples of a window; one starts at every sample.
        skipped: start of a window that is left out.
        eps: added to the divisors.

    Returns:
        The pulse (..., T), brighter skin up; zeros where a trace is black or constant.

    Raises:
        TooShortError: fewer than `width` samples.

    >>> project_on_plane(np.ones((40, 3)), 16).any()
    np.False_
    """
    weights = partial(_window_weights, width=width, skipped=skipped, eps=eps)

    def project(rgb: Array) -> Array:
        return linear_overlap_add(channels_first(rgb), weights, width)

    return in_blocks(project, samples, inner=2)


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
