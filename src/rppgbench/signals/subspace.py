"""Spatial subspace rotation: a pulse from second moments."""

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.signals.batches import in_blocks
from rppgbench.signals.overlap_add import linear_overlap_add, tuning_ratio
from rppgbench.system.errors import TooShortError


def subspace_rotation(
    second_moments: Array, fs: float, *, stride_s: float = 1.0, turned: bool = True
) -> Array:
    """The pulse of 2SR from mean v vT of the skin's pixels v = (R, G, B), uncentred.

    Args:
        second_moments: (..., T, 3, 3); the unit of the pixels does not matter, and a black frame
            is a matrix of zeros.
        fs: frames a second.
        stride_s: the window in seconds, rounded to l frames.
        turned: fix the arbitrary signs of the eigenvectors, see `principal_axes`.

    Returns:
        (..., T), in the paper's polarity, opposite to the brightness of the skin. The last frame
        is in no window, as in the reference, and stays 0. Constant moments give zeros.

    Raises:
        TooShortError: fewer than l + 1 frames, or l under 2.

    Source: W. Wang, S. Stuijk, G. de Haan, "A Novel Algorithm for Remote Photoplethysmography:
    Spatial Subspace Rotation", IEEE TBME 63(9), 2016, DOI 10.1109/TBME.2015.2508602, Eq 6 to 10.

    >>> k = np.eye(3) + np.ones((5, 3, 3))
    >>> subspace_rotation(k, 2.0)
    array([0., 0., 0., 0., 0.])
    """
    frames = round(stride_s * fs)

    def estimate(block: Array) -> Array:
        return rotation_pulse(*principal_axes(block, turned=turned), frames)

    return in_blocks(estimate, np.asarray(second_moments, dtype=np.float64), inner=3)


def principal_axes(second_moments: Array, *, turned: bool = True) -> tuple[Array, Array]:
    """Eigenvalues (..., 3), ascending, and eigenvectors (..., 3, 3) in columns.

    An eigenvector's sign is arbitrary, and the pulse of 2SR takes on that of the first axis. The
    matrix has no negative entry, so its first axis can be turned to a positive sum in every frame
    (Perron and Frobenius). `turned=False` leaves the signs that the general eigen-solver gives,
    as two public implementations do: there the pulse flips between frames at random.

    >>> values, vectors = principal_axes(np.eye(3) + np.ones((3, 3)))
    >>> values.round(9), vectors[:, 2].round(3)
    (array([1., 1., 4.]), array([0.577, 0.577, 0.577]))
    """
    if not turned:
        values, vectors = np.linalg.eig(second_moments)
        order = np.argsort(values.real, axis=-1)
        ranked = np.take_along_axis(vectors.real, order[..., None, :], axis=-1)
        return np.take_along_axis(values.real, order, axis=-1), ranked
    values, vectors = np.linalg.eigh(second_moments)
    sums = vectors[..., 2].sum(axis=-1)
    vectors[..., 2] *= np.where(sums < 0, -1.0, 1.0)[..., None]
    return values, vectors


def rotation_pulse(values: Array, vectors: Array, frames: int) -> Array:
    """The pulse (..., T) from every frame's principal axes and windows of `frames` frames.

    A window starts at every frame. In it, every frame's first principal axis, scaled by the root
    of its eigenvalue, is seen in the plane of the two minor axes of the window's first frame, each
    divided by the root of its eigenvalue; the red row minus s times the green row, s the ratio of
    their standard deviations, without its mean, is added to the pulse. That is linear in the
    scaled axis, so the windows' moments give the sum without writing a window out.
    """
    total = values.shape[-2]
    if not 1 < frames < total:
        raise TooShortError(
            f"2SR needs more than {frames} frames of at least 2 a window, not {total}"
        )
    largest = np.maximum(values[..., 2], 0.0)
    scaled = np.moveaxis(np.sqrt(largest)[..., None] * vectors[..., 2], -1, 0)  # (3, ..., T)
    # Pixels without noise have minor eigenvalues of 0: a floor far under any sensor's noise.
    minor = np.maximum(values[..., :2], 1e-12 * largest[..., None])
    weight = np.divide(1.0, np.sqrt(minor), out=np.zeros_like(minor), where=minor > 0)
    plane = np.einsum("...im,...m,...jm->ij...", vectors[..., :2, :2], weight, vectors[..., :2])
    red, green = plane[..., :-1]

    def weights(means: Array, scatter: Array) -> Array:
        ratio = _tuning(red, green, scatter)
        tuned: Array = red - ratio * green
        return tuned

    pulse = np.zeros(values.shape[:-1])  # no window ends with the last frame
    pulse[..., :-1] = linear_overlap_add(scaled[..., :-1], weights, frames)
    return pulse


def _tuning(first: Array, second: Array, scatter: Array) -> Array:
    first_spread, first_own = _spread(first, scatter)
    second_spread, second_own = _spread(second, scatter)
    return tuning_ratio(first_spread, second_spread, first_own, second_own)


def _spread(direction: Array, scatter: Array) -> tuple[Array, Array]:
    """The sum of squares along a direction (3, ..., W) of every window, and of its own terms."""
    red, green, blue = direction
    rr, rg, rb, gg, gb, bb = scatter
    own: Array = red * red * rr + green * green * gg + blue * blue * bb
    crossed = red * (green * rg + blue * rb) + green * blue * gb
    return np.maximum(own + 2.0 * crossed, 0.0), own
