"""Remove from a face's colour what follows the light on the background."""

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.system.errors import TooShortError

REGULARISATION = 0.001
"""Added to the energy of the taps, so that a black background divides by no zero."""


def rectify_illumination(
    face: Array, background: Array, *, taps: int = 1, step: float = 0.05
) -> tuple[Array, Array]:
    """Subtract the part of the face that a filter of the background predicts.

    Source: Li, Chen, Zhao, Pietikäinen, Remote heart rate measurement from face videos under
    realistic situations, CVPR 2014, 10.1109/CVPR.2014.543, section 3.2, in the form of
    bob.rppg.base. With x_n the last `taps` samples of the background at n, the normalised least
    mean squares filter runs

        e = f_n - w x_n,    w <- w + step e x_n / (x_n x_n + 0.001)

    over the signal once, and the filter that it ends with predicts the whole signal. The levels
    stay in: the filter predicts the level of the face too, so the result is near 0.

    An update is affine in the weights, w <- A w + b with A = I - step x xT / (x x + 0.001). So the
    weights at the end are those of a product of matrices, which is formed in pairs.

    Args:
        face: level of the face (..., T).
        background: level of the background (..., T).
        taps: samples of the filter.
        step: how fast the filter adapts, 0 to 2.

    Returns:
        The rectified signal (..., T - taps + 1), which begins `taps` - 1 samples late, and the
        weights (..., taps), the first for the same sample.

    Raises:
        TooShortError: fewer samples than `taps`.

    >>> light = 100 + np.sin(np.arange(600.0))
    >>> rest, weights = rectify_illumination(0.7 * light, light)
    >>> weights.round(6), float(abs(rest[-100:]).max().round(6))
    (array([0.7]), 0.0)
    """
    if taps > face.shape[-1]:
        raise TooShortError(f"{face.shape[-1]} samples for a filter of {taps}")
    seen = np.lib.stride_tricks.sliding_window_view(background, taps, axis=-1)[..., ::-1]
    wanted = face[..., taps - 1 :]
    scaled = seen * (step / (np.einsum("...i,...i->...", seen, seen) + REGULARISATION))[..., None]
    updates = np.zeros((*wanted.shape, taps + 1, taps + 1))
    updates[..., :taps, :taps] = np.eye(taps) - scaled[..., :, None] * seen[..., None, :]
    updates[..., :taps, taps] = scaled * wanted[..., None]
    updates[..., taps, taps] = 1.0
    while (count := updates.shape[-3]) > 1:
        pairs = updates[..., 1::2, :, :] @ updates[..., : count - count % 2 : 2, :, :]
        rest = updates[..., count - count % 2 :, :, :]
        updates = np.concatenate([pairs, rest], axis=-3)
    weights: Array = updates[..., 0, :taps, taps]
    return wanted - np.einsum("...ti,...i->...t", seen, weights), weights
