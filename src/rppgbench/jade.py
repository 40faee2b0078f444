"""JADE: independent sources of a batch of real signals."""

import numpy as np

from rppgbench.waveform import Array

LARGEST_SWEEPS = 100


def jade(x: Array) -> Array:
    """Independent sources of mixed signals: (..., m, T) to (..., m, T), each of unit power.

    Whitening, the fourth-order cumulants of all pairs as one matrix, its m strongest eigenmatrices
    weighted by their eigenvalues, and the rotation that makes these as diagonal as possible by
    Givens rotations of all recordings at once, until none turns by more than 1 / (100 sqrt(T)).
    Order and signs of the sources are arbitrary, but the same at every run. Directions in which
    the signals do not vary (their share of the power under 1e-12) become sources of zeros.

    Source: J.-F. Cardoso, A. Souloumiac, "Blind beamforming for non-Gaussian signals", IEE
    Proceedings F 140(6), 1993, DOI 10.1049/ip-f-2.1993.0054, for real signals.

    >>> t = np.arange(1000)
    >>> saw, sine = (t % 37) / 18 - 1, np.sin(t / 9)
    >>> found = jade(np.stack([saw + 0.5 * sine, 0.3 * saw - sine]))
    >>> r = np.abs(np.corrcoef(np.concatenate([found, [saw, sine]]))[:2, 2:])
    >>> (r.max(axis=0) > 0.999).tolist()
    [True, True]
    """
    white = _whitened(x)
    turned: Array = np.swapaxes(_rotation(_eigenmatrices(white), x.shape[-1]), -1, -2) @ white
    return turned


def _whitened(x: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    values, vectors = np.linalg.eigh(centred @ np.swapaxes(centred, -1, -2) / x.shape[-1])
    real = values > 1e-12 * values[..., -1:]
    scale = np.divide(1.0, np.sqrt(np.abs(values)), out=np.zeros_like(values), where=real)
    white: Array = (scale[..., None] * np.swapaxes(vectors, -1, -2)) @ centred
    return white


def _eigenmatrices(white: Array) -> Array:
    """The m strongest eigenmatrices of the cumulants, times their eigenvalues: (..., m, m, m).

    In an orthonormal basis of the symmetric matrices B_a the cumulant operator is the matrix
    E[(zT B_a z)(zT B_b z)] - tr B_a tr B_b - 2 delta_ab.
    """
    sources, samples = white.shape[-2:]
    rows, columns = np.triu_indices(sources)
    weight = np.where(rows == columns, 1.0, np.sqrt(2.0))
    forms = weight[:, None] * white[..., rows, :] * white[..., columns, :]
    trace = (rows == columns).astype(np.float64)
    cumulants = forms @ np.swapaxes(forms, -1, -2) / samples
    cumulants -= np.outer(trace, trace) + 2.0 * np.eye(len(rows))
    values, vectors = np.linalg.eigh(cumulants)
    strongest = np.argsort(-np.abs(values), axis=-1, kind="stable")[..., :sources]
    weights = np.take_along_axis(values, strongest, axis=-1)
    chosen = np.take_along_axis(vectors, strongest[..., None, :], axis=-1) * weights[..., None, :]
    entries = np.swapaxes(chosen, -1, -2) / np.where(rows == columns, 1.0, np.sqrt(2.0))
    matrices = np.empty((*entries.shape[:-1], sources, sources))
    matrices[..., rows, columns] = matrices[..., columns, rows] = entries
    return matrices


def _rotation(matrices: Array, samples: int) -> Array:
    """The rotation (..., m, m) whose columns diagonalise all `matrices` (..., k, m, m) at once."""
    size = matrices.shape[-1]
    least = 1.0 / (100.0 * np.sqrt(samples))
    left = matrices.copy()
    basis = np.zeros((*matrices.shape[:-3], size, size)) + np.eye(size)
    pairs = [(p, q) for p in range(size) for q in range(p + 1, size)]
    for _ in range(LARGEST_SWEEPS):
        resting = True
        for p, q in pairs:
            apart = left[..., p, p] - left[..., q, q]
            off = left[..., p, q] + left[..., q, p]
            on_power = (apart * apart - off * off).sum(axis=-1)
            off_power = 2.0 * (apart * off).sum(axis=-1)
            angle = 0.5 * np.arctan2(off_power, on_power + np.hypot(on_power, off_power))
            angle = np.where(np.abs(angle) > least, angle, 0.0)
            if not angle.any():
                continue
            resting = False
            cosine, sine = np.cos(angle)[..., None], np.sin(angle)[..., None]
            _turn(np.moveaxis(left, -1, 0), p, q, cosine[..., None], sine[..., None])
            _turn(np.moveaxis(left, -2, 0), p, q, cosine[..., None], sine[..., None])
            _turn(np.moveaxis(basis, -1, 0), p, q, cosine, sine)
        if resting:
            break
    return basis


def _turn(vectors: Array, p: int, q: int, cosine: Array, sine: Array) -> None:
    """Rotate the p-th and q-th of `vectors` (m, ...) into each other, in place."""
    first, second = vectors[p].copy(), vectors[q]
    vectors[p] = cosine * first + sine * second
    vectors[q] = cosine * second - sine * first
