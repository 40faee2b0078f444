"""Spatial subspace rotation: a pulse from second moments."""

import numpy as np

from rppgbench.waveform import Array


def subspace_rotation(second_moments: Array, fs: float, *, stride_s: float = 1.0) -> Array:
    """The pulse of 2SR from mean v vT of the skin's pixels v = (R, G, B), uncentred.

    `second_moments` is (..., T, 3, 3) at `fs` a second and the result (..., T), in the paper's
    polarity R - s G: opposite to the blood volume pulse. `stride_s` is the window, of l frames.
    The first principal axis is turned to positive sums, which is possible because the matrix has
    no negative entry (Perron and Frobenius); without that the eigenvectors' arbitrary signs flip
    the pulse between frames. The last frame is in no window, as in the reference, and stays 0.
    ValueError if there are fewer than l + 1 frames.

    Source: W. Wang, S. Stuijk, G. de Haan, "A Novel Algorithm for Remote Photoplethysmography:
    Spatial Subspace Rotation", IEEE TBME 63(9), 2016, DOI 10.1109/TBME.2015.2508602, Eq 6 to 10.

    >>> k = np.eye(3) + np.ones((5, 3, 3))
    >>> subspace_rotation(k, 2.0).round(12)
    array([0., 0., 0., 0., 0.])
    """
    frames = round(stride_s * fs)
    total = second_moments.shape[-3]
    if not 1 < frames < total:
        raise ValueError(f"2SR needs more than {frames} frames of at least 2 a window, not {total}")
    values, vectors = np.linalg.eigh(second_moments)  # ascending: the last is the first axis
    first = vectors[..., 2]
    first = first * np.where(first.sum(axis=-1, keepdims=True) < 0, -1.0, 1.0)
    weighted = np.sqrt(np.maximum(values[..., 2, None], 0.0)) * first
    # Rotation out of the first axis of frame t, seen in the plane of the window's first frame.
    floor = 1e-12 * np.maximum(values[..., 2:], np.finfo(float).tiny)  # pixels without noise
    minor = vectors[..., :2] / np.maximum(values[..., :2], floor)[..., None, :] ** 0.25
    plane = minor[..., :2, :] @ np.swapaxes(minor, -1, -2)  # rows R and G: (..., T, 2, 3)
    windows = np.lib.stride_tricks.sliding_window_view(weighted, frames, axis=-2)[..., :-1, :, :]
    rotation = plane[..., : total - frames, :, :] @ windows  # (..., windows, 2, l)
    rotation = rotation - rotation.mean(axis=-1, keepdims=True)
    spread = rotation.std(axis=-1)
    ratio = np.divide(
        spread[..., 0], spread[..., 1], out=np.zeros_like(spread[..., 0]), where=spread[..., 1] > 0
    )
    parts = rotation[..., 0, :] - ratio[..., None] * rotation[..., 1, :]
    pulse: Array = np.zeros(second_moments.shape[:-2])
    for offset in range(frames):
        pulse[..., offset : offset + total - frames] += parts[..., offset]
    return pulse
