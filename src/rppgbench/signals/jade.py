"""JADE: independent sources of a batch of real signals.

Signals x = A s are mixed from independent sources s of unit power. Whitening z = W x leaves an
unknown rotation: z = U s. The fourth-order cumulants of z define an operator on symmetric matrices,

    Q(M) = E[(zT M z) z zT] - tr(M) I - 2 M,

and independence makes it Q(M) = sum_k kurtosis(s_k) (u_kT M u_k) u_k u_kT, with u_k the columns of
U. So its eigenmatrices are the u_k u_kT, all of which U diagonalises. Estimated ones are not
exactly so: U is the rotation that makes the strongest of them as diagonal as possible together.

Sources: J.-F. Cardoso, A. Souloumiac, "Blind beamforming for non-Gaussian signals", IEE Proceedings
F 140(6), 1993, DOI 10.1049/ip-f-2.1993.0054, for real signals; the rotation by the same, "Jacobi
angles for simultaneous diagonalization", SIAM J. Matrix Anal. Appl. 17(1), 1996, DOI
10.1137/S0895479893259546.
"""

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
    Givens rotations of all recordings at once, until no angle is above 1 / (100 sqrt(T)). Order
    and signs of the sources are arbitrary, but the same in every run. Directions in which the
    signals do not vary (a share of the power below 1e-12) become sources of zeros.

    >>> t = np.arange(1000)
    >>> saw, sine = (t % 37) / 18 - 1, np.sin(t / 9)
    >>> sources = jade(np.stack([saw + 0.5 * sine, 0.3 * saw - sine]))
    >>> r = np.abs(np.corrcoef(np.concatenate([sources, [saw, sine]]))[:2, 2:])
    >>> (r.max(axis=0) > 0.999).tolist()
    [True, True]
    """
    sources: Array = unmixing(x) @ (x - x.mean(axis=-1, keepdims=True))
    return sources


def unmixing(x: Array) -> Array:
    """The matrices (..., m, m) that give the sources of signals (..., m, T) without their mean.

    A caller that needs one source of many recordings multiplies by one row only.
    """
    size, samples = x.shape[-2:]
    flat = np.asarray(x, dtype=np.float64).reshape(-1, size, samples)
    rows, columns = np.triu_indices(size)
    whitening = np.empty((len(flat), size, size))
    fourth = np.empty((len(flat), len(rows), len(rows)))
    largest = next(blocks(len(flat), samples), slice(0, 0)).stop
    # Buffers that every block uses again stay in the processor's cache.
    buffers = np.empty((2, largest, size, samples))
    products_buffer = np.empty((largest, len(rows), samples))
    for block in blocks(len(flat), samples):
        signals = flat[block]
        centred, white = buffers[:, : len(signals)]
        np.subtract(signals, signals.mean(axis=-1, keepdims=True), out=centred)
        whitening[block] = _whitening(centred)
        np.matmul(whitening[block], centred, out=white)
        products, start = products_buffer[: len(signals)], 0
        for row in range(size):  # pairs in the order of `rows` and `columns`
            stop = start + size - row
            np.multiply(white[:, row : row + 1], white[:, row:], out=products[:, start:stop])
            start = stop
        np.matmul(products, np.swapaxes(products, -1, -2), out=fourth[block])
    matrices = _eigenmatrices(_cumulants(fourth / samples, rows == columns), rows, columns)
    unmixed = np.swapaxes(_rotation(matrices, samples), -1, -2) @ whitening
    return unmixed.reshape(*x.shape[:-1], size)


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

    The entries of Q are tr(B_a Q(B_b)) = E[(zT B_a z)(zT B_b z)] - tr B_a tr B_b - 2 delta_ab. The
    basis is B_ii = e_i e_iT and B_ij = (e_i e_jT + e_j e_iT) / sqrt(2), so zT B_ij z is
    sqrt(2) z_i z_j: `fourth` (n, p, p) holds the means of products of two pairs, and `squared`
    (p,) marks the pairs i = j.
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
    scaled = np.take_along_axis(vectors, strongest[..., None, :], axis=-1) * weights[..., None, :]
    entries = np.swapaxes(scaled, -1, -2) / np.where(rows == columns, 1.0, np.sqrt(2.0))
    matrices = np.empty((*entries.shape[:-1], sources, sources))
    matrices[..., rows, columns] = matrices[..., columns, rows] = entries
    return matrices


def _rotation(matrices: Array, samples: int) -> Array:
    """The rotations (n, m, m) whose columns diagonalise all `matrices` (n, k, m, m) together.

    One pair of axes (p, q) is turned at a time. With h_k = (a_pp - a_qq, a_pq + a_qp) of matrix k,
    a rotation by t turns every h_k by -2t. The off-diagonal power is least where the first entries
    of the turned h_k have the largest sum of squares: t is a quarter of the polar angle of
    (sum h_1^2 - h_2^2, 2 sum h_1 h_2) (Cardoso and Souloumiac 1996). Here arctan2(y, x + r) is half
    of the polar angle of (x, y), with r its length.
    """
    size = matrices.shape[-1]
    least_angle = 1.0 / (100.0 * np.sqrt(samples))
    rotated = np.array(np.moveaxis(matrices, 0, -1), order="C")  # recordings last: (k, m, m, n)
    basis = np.zeros((size, size, len(matrices))) + np.eye(size)[..., None]
    pairs = [(p, q) for p in range(size) for q in range(p + 1, size)]
    for _ in range(LARGEST_SWEEPS):
        converged = True
        for p, q in pairs:
            diagonal = rotated[:, p, p] - rotated[:, q, q]
            off = rotated[:, p, q] + rotated[:, q, p]
            on_power = (diagonal * diagonal - off * off).sum(axis=0)
            off_power = 2.0 * (diagonal * off).sum(axis=0)
            angle = 0.5 * np.arctan2(off_power, on_power + np.hypot(on_power, off_power))
            angle[np.abs(angle) <= least_angle] = 0.0
            if not angle.any():
                continue
            converged = False
            cosine, sine = np.cos(angle), np.sin(angle)
            _turn(rotated[:, :, p], rotated[:, :, q], cosine, sine)
            _turn(rotated[:, p], rotated[:, q], cosine, sine)
            _turn(basis[:, p], basis[:, q], cosine, sine)
        if converged:
            break
    return np.moveaxis(basis, -1, 0)


def _turn(first: Array, second: Array, cosine: Array, sine: Array) -> None:
    """Rotate two vectors (..., n) into each other, in place."""
    before = first.copy()
    first *= cosine
    first += sine * second
    second *= cosine
    second -= sine * before
