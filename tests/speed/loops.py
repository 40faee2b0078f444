"""Plain loops, one recording at a time: what the array programs must equal and outrun.

Written from the papers' descriptions window by window, frame by frame, without regard for speed,
and without anything from `rppgbench`. All take float64 arrays and return the pulse (T',).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, signal

Array = NDArray[np.float64]


def dense_detrend(x: Array, lam: float) -> Array:
    """Smoothness priors of (T,) with the dense inverse."""
    total = len(x)
    second = np.zeros((total - 2, total))
    for row in range(total - 2):
        second[row, row : row + 3] = 1.0, -2.0, 1.0
    stationary: Array = np.eye(total) - np.linalg.inv(np.eye(total) + lam**2 * second.T @ second)
    return stationary @ x


def banded_detrend(x: Array, lam: float) -> Array:
    """The same by one banded solution: what a loop that knows its linear algebra would do."""
    total = len(x)
    bands = np.zeros((3, total))  # the upper bands of I + lam^2 D2' D2, the diagonal last
    for k, coefficient in enumerate((1.0, -2.0, 1.0)):
        bands[2, k : total - 2 + k] += (lam * coefficient) ** 2
    bands[1, 1:-1] -= 2 * lam**2
    bands[1, 2:] -= 2 * lam**2
    bands[0, 2:] = lam**2
    bands[2] += 1
    trend: Array = linalg.solveh_banded(bands, x)
    return x - trend


def pos(
    rgb: Array, fs: float, *, first: int = 0, last: int = 1, down: bool = False, eps: float = 0.0
) -> Array:
    """POS of (T, 3): windows from `first` on, without those that end in the last `1 - last`."""
    width = int(1.6 * fs) if down else math.ceil(1.6 * fs)
    pulse = np.zeros(len(rgb))
    for start in range(first, len(rgb) - width + last):
        window = rgb[start : start + width]
        normal = (window / (window.mean(axis=0) + eps)).T
        s1 = normal[1] - normal[2]
        s2 = normal[1] + normal[2] - 2 * normal[0]
        tuned = s1 + s1.std() / (s2.std() + eps) * s2
        pulse[start : start + width] += tuned - tuned.mean()
    return pulse


def chrom(rgb: Array, fs: float, low_hz: float, high_hz: float) -> Array:
    """CHROM of (T, 3) in half-overlapping Hann windows; the ends fade and the rest is left out."""
    width = math.ceil(1.6 * fs)
    width += width % 2
    half = width // 2
    count = (len(rgb) - half) // half
    b, a = signal.butter(3, [low_hz / (fs / 2), high_hz / (fs / 2)], "bandpass")
    pulse = np.zeros(half * (count + 1))
    for index in range(count):
        window = rgb[index * half : index * half + width]
        normal = window / window.mean(axis=0)
        x = 3 * normal[:, 0] - 2 * normal[:, 1]
        y = 1.5 * normal[:, 0] + normal[:, 1] - 1.5 * normal[:, 2]
        x, y = signal.filtfilt(b, a, x), signal.filtfilt(b, a, y)
        tuned = x - x.std() / y.std() * y
        pulse[index * half : index * half + width] += tuned * signal.windows.hann(width)
    return pulse


def two_sr(moments: Array, frames: int) -> Array:
    """2SR of (T, 3, 3), every first axis turned to a positive sum, the paper's polarity."""
    total = len(moments)
    values, vectors = np.zeros((total, 3)), np.zeros((total, 3, 3))
    for t in range(total):
        result, axes = np.linalg.eigh(moments[t])
        values[t], vectors[t] = result[::-1], axes[:, ::-1]
        if vectors[t, :, 0].sum() < 0:
            vectors[t, :, 0] *= -1
    pulse = np.zeros(total)
    for end in range(frames, total):
        start = end - frames
        rotated = np.zeros((frames, 3))
        for t in range(start, end):
            for minor in (1, 2):
                axis = vectors[start, :, minor]
                scale = math.sqrt(values[t, 0] / values[start, minor])
                rotated[t - start] += scale * (vectors[t, :, 0] @ axis) * axis
        tuned = rotated[:, 0] - rotated[:, 0].std() / rotated[:, 1].std() * rotated[:, 1]
        pulse[start:end] += tuned - tuned.mean()
    return pulse


def jade(x: Array) -> Array:
    """JADE of m signals (m, T), complex as it was published: cumulant by cumulant.

    J.-F. Cardoso, A. Souloumiac, "Blind beamforming for non-Gaussian signals", 1993.
    """
    size, total = x.shape
    x = x - x.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(x @ x.T / total)
    z = (np.diag(values**-0.5) @ vectors.T @ x).astype(np.complex128)
    hermitian, relation = z @ z.conj().T / total, z @ z.T / total
    cumulants = np.zeros((size * size, size * size), dtype=np.complex128)
    for i in range(size):
        for j in range(size):
            for k in range(size):
                for m in range(size):
                    fourth = np.mean(z[i] * z[j].conj() * z[k] * z[m].conj())
                    normal = hermitian[i, j] * hermitian[k, m] + hermitian[i, m] * hermitian[k, j]
                    normal += relation[i, k] * relation[j, m].conj()
                    cumulants[i * size + j, k * size + m] = fourth - normal
    strength, forms = np.linalg.eigh(cumulants)
    matrices = [
        strength[index] * forms[:, index].reshape(size, size)
        for index in np.argsort(-np.abs(strength))[:size]
    ]
    basis = np.array([[1, 0, 0], [0, 1, 1], [0, -1j, 1j]])
    turn = np.eye(size, dtype=np.complex128)
    again = True
    while again:
        again = False
        for p in range(size):
            for q in range(p + 1, size):
                outer = np.zeros((3, 3), dtype=np.complex128)
                for matrix in matrices:
                    g = np.array([matrix[p, p] - matrix[q, q], matrix[p, q], matrix[q, p]])
                    outer += np.outer(g, g.conj())
                _, axes = np.linalg.eigh((basis @ outer @ basis.conj().T).real)
                angles = axes[:, 2] * (1 if axes[0, 2] >= 0 else -1)
                cosine = math.sqrt(0.5 + angles[0] / 2)
                sine = 0.5 * (angles[1] - 1j * angles[2]) / cosine
                if abs(sine) > 1 / (100 * math.sqrt(total)):
                    again = True
                    givens = np.eye(size, dtype=np.complex128)
                    givens[p, p] = givens[q, q] = cosine
                    givens[p, q], givens[q, p] = -sine.conjugate(), sine
                    matrices = [givens.conj().T @ matrix @ givens for matrix in matrices]
                    turn = turn @ givens
    sources: Array = (turn.conj().T @ z).real
    return sources


def ica(rgb: Array, detrended: Any) -> Array:
    """The most periodic of the three sources of (T, 3); `detrended` takes a trend (T,) away."""
    colours = []
    for channel in rgb.T:
        flat = detrended(channel)
        colours.append((flat - flat.mean()) / flat.std())
    best, pulse = -1.0, np.zeros(len(rgb))
    for source in jade(np.array(colours)):
        power = np.abs(np.fft.fft(source)[1 : len(source) // 2 + 1]) ** 2
        if power.max() / power.sum() > best:
            best, pulse = power.max() / power.sum(), source
    return pulse if pulse @ colours[1] > 0 else -pulse
