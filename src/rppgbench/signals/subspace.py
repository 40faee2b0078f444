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

    An eigenvector's sign is arbitrary, and the pulse of 2SR has the sign of the first axis. The
    matrix has no negative entry, so the entries of its first axis have one sign (Perron and
    Frobenius), and the axis can be turned to a positive sum in every frame.

    Args:
        second_moments: (..., 3, 3), symmetric, without negative entries.
        turned: Turn the first axes. False leaves the signs of the general eigen-solver, as two
            public implementations do: there the pulse flips between frames at random.

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

    A window starts at every frame; m is its first frame, t any of its frames. With eigenvalues
    l1 >= l2 >= l3 and axes u1, u2, u3 the paper (eq. 6 to 10) projects and scales the first axis:

        SR_t = sqrt(l1_t / l2_m) (u1_t . u2_m) u2_m + sqrt(l1_t / l3_m) (u1_t . u3_m) u3_m

    This is linear in x_t = sqrt(l1_t) u1_t: SR_t = P_m x_t with the 3 x 3 matrix

        P_m = u2_m u2_mT / sqrt(l2_m) + u3_m u3_mT / sqrt(l3_m).

    With p_red and p_green the first two rows of P_m and s = std(p_red x) / std(p_green x) over the
    window, the window adds (p_red - s p_green) x_t, without its mean, to the pulse.
    So it is a weighting of three "colours" x by coefficients of the window, and
    `linear_overlap_add` sums all windows without writing one out. The variance of a row p over the
    window is pT Q p, with Q the scatter of x.

    Args:
        values: Eigenvalues (..., T, 3), ascending.
        vectors: Eigenvectors (..., T, 3, 3) in columns.
        frames: Frames of a window.

    Returns:
        (..., T); the last frame is in no window and is 0.

    Raises:
        TooShortError: No more than `frames` frames, or `frames` below 2.
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
    first_power, first_terms = _power_along(first, scatter)
    second_power, second_terms = _power_along(second, scatter)
    return tuning_ratio(first_power, second_power, first_terms, second_terms)


def _power_along(direction: Array, scatter: Array) -> tuple[Array, Array]:
    """Power pT Q p of every window for a direction p (3, ..., W), and its terms without product."""
    red, green, blue = direction
    rr, rg, rb, gg, gb, bb = scatter
    squares: Array = red * red * rr + green * green * gg + blue * blue * bb
    products = red * (green * rg + blue * rb) + green * blue * gb
    return np.maximum(squares + 2.0 * products, 0.0), squares
