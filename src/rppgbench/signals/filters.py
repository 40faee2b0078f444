"""Detrending and band-pass filters for batches of signals."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from rppgbench.core.waveform import Array
from rppgbench.signals.recursive_filter import (
    MOST_ORDER,
    butterworth_band,
    filter_forward_backward,
)
from rppgbench.system.errors import NoPulseError, TooShortError


def smoothness_priors(x: ArrayLike, lam: float, *, axis: int = -1) -> Array:
    """Remove the slow trend by smoothness priors: `y = x - (I + lam^2 D2' D2)^-1 x`.

    D2 is the second difference. The system is banded; here cosines solve it in O(T log T)
    (`_detrending`), two digits closer to the exact solution than a banded Cholesky factor, whose
    matrix has a condition of 16 lam^2. Fewer than three samples have no second difference: all of
    them are trend, and the result is 0. With `lam` 100 at 30 samples/s the cut-off is about 0.35
    Hz. Source: Tarvainen et al., An advanced detrending method with application to HRV analysis,
    2002, 10.1109/10.979357, eq. 11 to 13.

    Args:
        x: Signals (..., T, ...), T along `axis`.
        lam: The regularisation.
        axis: The axis of time.

    Returns:
        float64, shaped like `x`.

    Raises:
        ValueError: `x` is not finite or `lam` is negative.

    >>> smoothness_priors([1.0, 2.0, 3.0, 4.0], 10.0).round(9) + 0.0
    array([0., 0., 0., 0.])
    """
    from scipy.fft import dct, idct

    if not lam >= 0:
        raise ValueError(f"lam must not be negative, got {lam}")
    signal = np.moveaxis(np.asarray(x, dtype=np.float64), axis, -1)
    length = signal.shape[-1]
    if length < 3 or signal.size == 0:
        return np.zeros(np.shape(x))
    if not np.isfinite(signal).all():
        raise ValueError("a signal to detrend holds NaN or infinite values")
    passed, ends = _detrending(length, float(lam))
    cosines: Array = dct(signal)
    cosines *= passed
    out: Array = idct(cosines, overwrite_x=True)
    trend = signal[..., [0, 1, -2, -1]] - out[..., [0, 1, -2, -1]]  # without the correction
    slopes = trend[..., [0, 3]] - trend[..., [1, 2]]
    out -= np.einsum("...s,st->...t", slopes, ends)  # a BLAS product would differ by the batch
    return np.moveaxis(out, -1, axis)


@lru_cache(maxsize=64)
def _detrending(length: int, lam: float) -> tuple[Array, Array]:
    """The gain of each cosine (T,), and the correction for the slopes at both ends (2, T).

    L = D1' D1 is the Laplacian with closed ends (D1: first difference). Cosines diagonalise it
    (DCT-II), with eigenvalues 2 - 2 cos(pi k / T). Its inner rows are those of -D2, so with E the
    unit vectors of the first and last sample

        D2' D2 = L^2 - L E E' L.

    With B = I + lam^2 L^2, which is diagonal in cosines and commutes with L, Woodbury's identity is

        (B - lam^2 L E E' L)^-1 = B^-1 + B^-1 L E M^-1 E' L B^-1,
        M = lam^-2 I - E' L B^-1 L E = lam^-2 E' B^-1 E.

    The second form of M holds because lam^2 L B^-1 L = I - B^-1. So the trend is B^-1 x plus
    lam^2 B^-1 L E (E' B^-1 E)^-1 times the slopes E' L (B^-1 x) of the uncorrected trend at the
    ends: two numbers for each signal. Without the trend the gain of a cosine is 1 - 1 / B.
    """
    from scipy.fft import dct, idct

    laplacian = 2 - 2 * np.cos(np.pi * np.arange(length) / length)
    stiffness = np.square(lam * laplacian)
    trend_gain = 1 / (1 + stiffness)
    edges = np.zeros((2, length))
    edges[0, 0] = edges[1, -1] = 1
    edges = dct(edges)
    corners = idct(edges * trend_gain)[:, [0, -1]]
    slopes = idct(edges * (trend_gain * laplacian * lam * lam))
    ends = np.asarray(np.linalg.solve(corners, slopes), np.float64)
    passed: Array = stiffness * trend_gain
    passed.flags.writeable = ends.flags.writeable = False
    return passed, ends


def butterworth(
    x: ArrayLike, fs: float, low_hz: float, high_hz: float, order: int, *, axis: int = -1
) -> Array:
    """Band-pass `x` forward and backward, so without delay.

    The design is scipy's `butter(order, ..., "bandpass")` as b, a; the ends are extended by
    point reflection over 3 x (2 order + 1) samples (`filtfilt`'s default), as all reference code
    does. Also as there, b, a of a high order in a narrow band are fragile: order 6 from 0.65 to
    4 Hz at 50 samples/s turns a difference of 1e-13 in `x` into one of 1e-5.

    Args:
        x: Signals (..., T, ...), T along `axis`.
        fs: Samples per second.
        low_hz: Lower edge of the band.
        high_hz: Upper edge of the band.
        order: Order of the low-pass prototype.
        axis: The axis of time.

    Returns:
        float64, shaped like `x`.

    Raises:
        TooShortError: `x` is shorter than `min_filter_samples(order)`.
        NoPulseError: The band does not fit 0 < low < high < fs / 2.

    >>> t = np.arange(300) / 30
    >>> y = butterworth(5 + np.sin(2 * np.pi * 1.2 * t), 30, 0.7, 2.5, 2)
    >>> bool(abs(y.std() - np.sqrt(0.5)) < 0.02 and abs(y.mean()) < 0.01)
    True
    """
    signal = np.asarray(x, dtype=np.float64)
    b, a = band_coefficients(fs, low_hz, high_hz, order)
    _check_length(signal.shape[axis], order)
    if order <= MOST_ORDER:
        return np.moveaxis(filter_forward_backward(b, a, np.moveaxis(signal, axis, -1)), -1, axis)
    from scipy.signal import filtfilt

    out: Array = filtfilt(b, a, signal, axis=axis)
    return out


def butterworth_causal(
    x: ArrayLike, fs: float, low_hz: float, high_hz: float, order: int, *, axis: int = -1
) -> Array:
    """Band-pass `x` forward only, from rest: delayed, and half the slope of `butterworth`.

    Args:
        x: Signals (..., T, ...) of any length T along `axis`.
        fs: Samples per second.
        low_hz: Lower edge of the band.
        high_hz: Upper edge of the band.
        order: Order of the low-pass prototype.
        axis: The axis of time.

    Returns:
        float64, shaped like `x`.

    Raises:
        NoPulseError: The band does not fit 0 < low < high < fs / 2.

    >>> butterworth_causal(np.zeros(4), 30, 0.7, 2.5, 1)
    array([0., 0., 0., 0.])
    """
    from scipy.signal import lfilter

    b, a = band_coefficients(fs, low_hz, high_hz, order)
    out: Array = lfilter(b, a, np.asarray(x, dtype=np.float64), axis=axis)
    return out


@lru_cache(maxsize=32)
def butterworth_matrix(length: int, fs: float, low_hz: float, high_hz: float, order: int) -> Array:
    """The matrix F (length, length) with `butterworth(x) == F @ x`; read-only and cached.

    Forward-backward filtering with reflected ends is linear, so many windows of one length
    `(..., length)` are filtered by one product `windows @ F.T`: over a hundred times faster than
    a call for each window, equal to about 1e-10 of the windows' size. It pays off for windows up to
    a few hundred samples.

    Args:
        length: Samples of a window.
        fs: Samples per second.
        low_hz: Lower edge of the band.
        high_hz: Upper edge of the band.
        order: Order of the low-pass prototype.

    Raises:
        TooShortError, NoPulseError: As `butterworth`.

    >>> x = np.random.default_rng(0).normal(size=48)
    >>> F = butterworth_matrix(48, 30, 0.7, 2.5, 3)
    >>> bool(np.allclose(F @ x, butterworth(x, 30, 0.7, 2.5, 3), atol=1e-8))
    True
    """
    matrix = butterworth(np.eye(length), fs, low_hz, high_hz, order, axis=0)
    matrix.flags.writeable = False
    return matrix


def min_filter_samples(order: int) -> int:
    """The fewest samples that `butterworth` of that order takes.

    >>> min_filter_samples(1), min_filter_samples(3)
    (10, 22)
    """
    return 3 * (2 * order + 1) + 1


@lru_cache(maxsize=128)
def band_coefficients(fs: float, low_hz: float, high_hz: float, order: int) -> tuple[Array, Array]:
    """The Butterworth band-pass as b, a, each (2 order + 1,).

    Args:
        fs: Samples per second.
        low_hz: Lower edge of the band.
        high_hz: Upper edge of the band.
        order: Order of the low-pass prototype.

    Raises:
        NoPulseError: The band does not fit 0 < low < high < fs / 2.

    >>> b, a = band_coefficients(30.0, 0.7, 2.5, 1)
    >>> b.shape, float(a[0])
    ((3,), 1.0)
    """
    if not 0 < low_hz < high_hz < fs / 2:
        raise NoPulseError(
            f"no band from {low_hz} to {high_hz} Hz at {fs} samples/s: "
            "it needs 0 < low < high < half the rate"
        )
    edges = low_hz / (fs / 2), high_hz / (fs / 2)
    if order <= MOST_ORDER:
        b, a = butterworth_band(order, *edges)
    else:
        from scipy.signal import butter

        b, a = butter(order, edges, btype="bandpass")
    b.flags.writeable = a.flags.writeable = False
    return b, a


def _check_length(length: int, order: int) -> None:
    if length < min_filter_samples(order):
        raise TooShortError(
            f"{length} samples are too few for a zero-phase filter of order {order}: "
            f"it needs at least {min_filter_samples(order)}"
        )
