"""JADE: independent sources of a batch of real signals."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.signals.batches import blocks

Indices = NDArray[np.intp]
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
    found: Array = unmixing(x) @ (x - x.mean(axis=-1, keepdims=True))
    return found


def unmixing(x: Array) -> Array:
    """The matrices (..., m, m) that make sources of signals (..., m, T) without their mean.

    For those who want one source of many recordings, or have made the mean 0 already.
    """
    size, samples = x.shape[-2:]
    flat = np.asarray(x, dtype=np.float64).reshape(-1, size, samples)
    rows, columns = np.triu_indices(size)
    whitening = np.empty((len(flat), size, size))
    fourth = np.empty((len(flat), len(rows), len(rows)))
    largest = next(blocks(len(flat), samples), slice(0, 0)).stop
    # Room that every block takes again stays in the processor's cache.
    room = np.empty((2, largest, size, samples))
    products_room = np.empty((largest, len(rows), samples))
    for block in blocks(len(flat), samples):
        signals = flat[block]
        centred, white = room[:, : len(signals)]
        np.subtract(signals, signals.mean(axis=-1, keepdims=True), out=centred)
        whitening[block] = _whitening(centred)
        np.matmul(whitening[block], centred, out=white)
        products, at = products_room[: len(signals)], 0
        for row in range(size):  # pairs in the order of `rows` and `columns`
            after = at + size - row
            np.multiply(white[:, row : row + 1], white[:, row:], out=products[:, at:after])
            at = after
        np.matmul(products, np.swapaxes(products, -1, -2), out=fourth[block])
    matrices = _eigenmatrices(_cumulants(fourth / samples, rows == columns), rows, columns)
    found = np.swapaxes(_rotation(matrices, samples), -1, -2) @ whitening
    return found.reshape(*x.shape[:-1], size)


def _whitening(centred: Array) -> Array:
    """The matrices (n, m, m) that turn and scale signals (n, m, T) of mean 0 to unit power."""
    # einsum: faster here than the BLAS product of many slim matrices
    covariance = np.einsum("nit,njt->nij", centred, centred) / centred.shape[-1]
    values, vectors = np.linalg.eigh(covariance)
    real = values > 1e-12 * values[..., -1:]
    scale = np.divide(1.0, np.sqrt(np.abs(values)), out=np.zeros_like(values), where=real)
    whitening: Array = scale[..., None] * np.swapaxes(vectors, -1, -2)
    return whitening


def _cumulants(fourth: Array, squared: NDArray[np.bool_]) -> Array:
    """The cumulant operators (n, p, p) in an orthonormal basis B_a of the symmetric matrices.

    Entries are E[(zT B_a z)(zT B_b z)] - tr B_a tr B_b - 2 delta_ab, from the means `fourth` of
    the products of pairs; `squared` (p,) says which pairs are squares.
    """
    trace = squared.astype(np.float64)
    scale = np.where(squared, 1.0, np.sqrt(2.0))
    cumulants: Array = fourth * np.outer(scale, scale) - np.outer(trace, trace)
    cumulants -= 2.0 * np.eye(len(trace))
    return cumulants


def _eigenmatrices(cumulants: Array, rows: Indices, columns: Indices) -> Array:
    """The m strongest eigenmatrices (n, m, m, m) of the operators, times their eigenvalues."""
    sources = int(rows[-1]) + 1
    values, vectors = np.linalg.eigh(cumulants)
    strongest = np.argsort(-np.abs(values), axis=-1, kind="stable")[..., :sources]
    weights = np.take_along_axis(values, strongest, axis=-1)
    chosen = np.take_along_axis(vectors, strongest[..., None, :], axis=-1) * weights[..., None, :]
    entries = np.swapaxes(chosen, -1, -2) / np.where(rows == columns, 1.0, np.sqrt(2.0))
    matrices = np.empty((*entries.shape[:-1], sources, sources))
    matrices[..., rows, columns] = matrices[..., columns, rows] = entries
    return matrices


def _rotation(matrices: Array, samples: int) -> Array:
    """The rotations (n, m, m) whose columns diagonalise all `matrices` (n, k, m, m) at once."""
    size = matrices.shape[-1]
    least = 1.0 / (100.0 * np.sqrt(samples))
    left = np.array(np.moveaxis(matrices, 0, -1), order="C")  # recordings last: (k, m, m, n)
    basis = np.zeros((size, size, len(matrices))) + np.eye(size)[..., None]
    pairs = [(p, q) for p in range(size) for q in range(p + 1, size)]
    for _ in range(LARGEST_SWEEPS):
        resting = True
        for p, q in pairs:
            apart = left[:, p, p] - left[:, q, q]
            off = left[:, p, q] + left[:, q, p]
            on_power = (apart * apart - off * off).sum(axis=0)
            off_power = 2.0 * (apart * off).sum(axis=0)
            angle = 0.5 * np.arctan2(off_power, on_power + np.hypot(on_power, off_power))
            angle[np.abs(angle) <= least] = 0.0
            if not angle.any():
                continue
            resting = False
            cosine, sine = np.cos(angle), np.sin(angle)
            _turn(left[:, :, p], left[:, :, q], cosine, sine)
            _turn(left[:, p], left[:, q], cosine, sine)
            _turn(basis[:, p], basis[:, q], cosine, sine)
        if resting:
            break
    return np.moveaxis(basis, -1, 0)


def _turn(first: Array, second: Array, cosine: Array, sine: Array) -> None:
    """Rotate two vectors (..., n) into each other, in place."""
    before = first.copy()
    first *= cosine
    first += sine * second
    second *= cosine
    second -= sine * before
