"""Split the patches of a face in two groups by their spectra: circle clustering of pyVHR 2.

Source: Boccignone et al., pyVHR: a Python framework for remote photoplethysmography, PeerJ Computer
Science 2022, 10.7717/peerj-cs.929; phuselab/pyVHR @a6270f0, BPM/utils.py. The method places each
patch on a circle so that unlike patches lie opposite, and a diameter splits the circle.
All functions take any number of windows W along the first axis.
"""

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

Members = NDArray[np.bool_]

STILL_RAD = 0.01
"""A patch that moves by no more than this angle counts as still."""

MAX_SWEEPS = 1000


def cosine_distances(power: Array) -> Array:
    """One less the cosine of the angle between the spectra of patches: (W, P, F) to (W, P, P).

    >>> cosine_distances(np.array([[[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]]))[0]
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]])
    """
    norm = np.linalg.norm(power, axis=-1, keepdims=True)
    unit = np.divide(power, norm, out=np.zeros_like(power), where=norm > 0)
    distances: Array = 1.0 - unit @ np.swapaxes(unit, -1, -2)
    at = np.arange(power.shape[-2])
    distances[..., at, at] = 0.0
    return distances


def settle_on_circle(distances: Array, start_rad: Array) -> Array:
    """Turn each patch away from the patches that it is unlike, until none moves.

    A patch k moves to the angle of (C_k, S_k) plus pi, where C_k and S_k are the sums of cosines
    and sines weighted by the distances: there the sum of its weighted cosines to all others is
    lowest. Patches move one after the other, because two that move at once may swap for ever. The
    sums follow moves of more than `STILL_RAD` only, as in pyVHR.

    Args:
        distances: symmetric, 0 on the diagonal (W, P, P).
        start_rad: angles to start from (W, P).

    Returns:
        Angles in rad (W, P).
    """
    theta: Array = np.array(start_rad, dtype=np.float64)
    across = np.einsum("wpq,wq->wp", distances, np.sin(theta))
    along = np.einsum("wpq,wq->wp", distances, np.cos(theta))
    for _ in range(MAX_SWEEPS):
        is_still = True
        for k in range(theta.shape[1]):
            before = theta[:, k].copy()
            theta[:, k] = (np.arctan2(across[:, k], along[:, k]) + np.pi) % (2 * np.pi)
            moves = np.abs(theta[:, k] - before) > STILL_RAD
            if moves.any():
                is_still = False
                weights = distances[:, k] * moves[:, None]
                across += weights * (np.sin(theta[:, k]) - np.sin(before))[:, None]
                along += weights * (np.cos(theta[:, k]) - np.cos(before))[:, None]
        if is_still:
            break
    return theta


def split_circle(theta_rad: Array, *, reassigned: bool = True) -> tuple[Members, Members]:
    """The patches at either side of the diameter through the mean angle: twice (W, P).

    Args:
        theta_rad: angles (W, P).
        reassigned: move each patch to the group to which its angle is nearer by the sum of cosines,
            so that the groups do not depend on where the angles are cut at 0. pyVHR intends this,
            but its loop never runs.
    """
    first = np.sin(theta_rad.mean(axis=1, keepdims=True) - theta_rad) > 0
    if not reassigned:
        return first, ~first
    cosine = np.cos(theta_rad[:, :, None] - theta_rad[:, None, :])
    for _ in range(theta_rad.shape[1]):
        pull = np.einsum("wpq,wq->wp", cosine, np.where(first, 1.0, -1.0))
        moved = np.where(pull == 0, first, pull > 0)
        if (moved == first).all():
            break
        first = moved
    return first, ~first


def without_outliers(members: Members, theta_rad: Array, tolerance: float) -> Members:
    """Take out members whose mean cosine to the others is low: (W, P).

    Args:
        members: the patches of a group (W, P).
        theta_rad: angles (W, P).
        tolerance: how far below the highest mean cosine a member may lie, in standard deviations.
            The only member of a group stays.
    """
    cosine = np.cos(theta_rad[:, :, None] - theta_rad[:, None, :])
    at = np.arange(theta_rad.shape[1])
    cosine[:, at, at] = 0.0
    count = members.sum(axis=1, keepdims=True)
    other_members = np.maximum(count - 1, 1)
    closeness = np.einsum("wpq,wq->wp", cosine, members.astype(np.float64)) / other_members
    highest = np.where(members, closeness, -np.inf).max(axis=1, keepdims=True)
    mean = (closeness * members).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    spread = np.square(closeness - mean) * members
    deviation = np.sqrt(spread.sum(axis=1, keepdims=True) / np.maximum(count, 1))
    kept: Members = members & ((closeness >= highest - tolerance * deviation) | (count == 1))
    return kept
