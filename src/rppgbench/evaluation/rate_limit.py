"""The smallest standard error of a heart rate that the noise of a video permits.

The mean colour of the skin is the pulse at a known phase, times its strength in each channel, plus
a drift, plus noise that is white. The noise is that of photons, of the sensor, of rounding to 8
bits and of the codec: it is measured where no pulse is, above `NOISE_LOW_HZ`. The Cramér-Rao bound
of the rate follows (Rife, Boorstyn, Single-tone parameter estimation from discrete-time
observations, 1974, 10.1109/TIT.1974.1055282; Kay, Fundamentals of statistical signal processing:
estimation theory, 1993, section 3.11). No unbiased estimator that reads the mean colour of the
region has a smaller standard error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rppgbench.core.waveform import Array

NOISE_LOW_HZ, NOISE_HIGH_SHARE = 5.0, 0.95
"""The noise is measured from here on, to this share of half the frame rate."""

MIN_FS_HZ = 2 * NOISE_LOW_HZ / NOISE_HIGH_SHARE + 1.0
"""Slower videos have no room above the pulse: their noise cannot be told from it."""

LEAST_NOISE_SHARE = 1e-9
"""Channels whose smallest noise is less than this share of the largest are copies of each other."""

LEAST_SHARE = 1e-10
"""Directions of a basis with less than this share of the largest power count as none."""

HARMONICS = (1, 2)
BESIDE_HZ = (-0.5, -0.35, 0.35, 0.5)
"""Where drift and noise are measured beside the pulse, to be taken from its power."""

SEARCH_HZ, SEARCH_STEPS = 0.25, 61
"""How far from the reference the most likely rate is looked for, first coarsely, then finely."""


def noise_covariance(trace: Array, fs: float) -> Array:
    """Covariance of the white noise of a mean colour, relative to its mean.

    Args:
        trace: Mean colours (T, 3) of at least 5 s.
        fs: Frames per second, at least `MIN_FS_HZ`.

    Returns:
        (3, 3): the noise of one frame, as a share of the mean colour, squared.

    >>> noise = np.random.default_rng(0).normal(0, [1.0, 2.0, 4.0], (30000, 3))
    >>> np.sqrt(np.diag(noise_covariance(200 + noise, 30.0))).round(3).tolist()
    [0.005, 0.01, 0.02]
    """
    relative = _relative(trace)
    window = np.hanning(len(relative))
    spectrum = np.fft.rfft(relative * window[:, None], axis=0)
    freqs = np.fft.rfftfreq(len(relative), 1 / fs)
    inside = (freqs >= NOISE_LOW_HZ) & (freqs <= NOISE_HIGH_SHARE * fs / 2)
    part = spectrum[inside]
    covariance: Array = (part.T @ part.conj()).real / inside.sum() / np.sum(window**2)
    return covariance


def has_noise(covariance: Array) -> bool:
    """Whether every channel has noise of its own, so that the bound exists.

    Args:
        covariance: From `noise_covariance`.

    >>> has_noise(np.eye(3)), has_noise(np.ones((3, 3))), has_noise(np.full((3, 3), np.nan))
    (True, False, False)
    """
    if not np.isfinite(covariance).all():
        return False
    values = np.linalg.eigvalsh(covariance)
    return bool(values[0] > LEAST_NOISE_SHARE * values[-1])


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """The bound of one window, and what an efficient estimator reached there.

    Attributes:
        limit_bpm: The smallest standard error of the rate; NaN where no pulse stands out.
        strength: Root of the power of the pulse over that of the noise of one frame; 0 where the
            power beside the pulse is as large.
        efficient_bpm: Error of the most likely rate near the reference: the estimator that attains
            the bound where the noise is as the model says; NaN where it was not looked for.
    """

    limit_bpm: float
    strength: float
    efficient_bpm: float


def rate_limit(
    trace: Array, times_s: Array, phase: Array, covariance: Array, *, efficient: bool = True
) -> RateLimit:
    """The bound of the heart rate in one window.

    Args:
        trace: Mean colours (N, 3).
        times_s: Times (N,) in seconds.
        phase: Phase (N,) of the reference in radians, 2 pi a beat.
        covariance: Of the noise, from `noise_covariance`.
        efficient: Whether the most likely rate is looked for; it takes most of the time.

    Returns:
        The bound, the strength of the pulse, and the error of the most likely rate.
    """
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), _relative(trace).T).T
    centred_s = times_s - times_s.mean()
    coefficients, _ = _fit(whitened, phase, centred_s)
    power = _harmonic_power(coefficients)
    beside = np.mean(
        [
            _harmonic_power(_fit(whitened, phase + 2 * np.pi * hz * centred_s, centred_s)[0])
            for hz in BESIDE_HZ
        ],
        axis=0,
    )
    excess = np.maximum(power - beside, 0.0)
    scale = np.sqrt(np.divide(excess, power, out=np.zeros_like(power), where=power > 0))
    information = _information(coefficients, scale, phase, centred_s)
    limit_bpm = 60 / np.sqrt(information) if information > 0 else float("nan")
    return RateLimit(
        limit_bpm=float(limit_bpm),
        strength=float(np.sqrt(excess.sum() / 2)),
        efficient_bpm=60 * _most_likely_offset_hz(whitened, phase, centred_s)
        if efficient
        else float("nan"),
    )


def _relative(trace: Array) -> Array:
    mean = trace.mean(axis=0)
    relative: Array = np.full(trace.shape, np.nan)
    np.divide(trace, mean, out=relative, where=mean > 0)  # a black channel has no share
    return relative - 1


def _basis(phase: Array, centred_s: Array) -> Array:
    """A constant, a drift, and cosine and sine of each harmonic: (N, 2 + 2 K)."""
    waves = [wave(k * phase) for k in HARMONICS for wave in (np.cos, np.sin)]
    return np.column_stack([np.ones(len(phase)), centred_s, *waves])


def _fit(whitened: Array, phase: Array, centred_s: Array) -> tuple[Array, float]:
    """Coefficients (2 + 2 K, 3) of the basis, and the sum of the squares of what is left."""
    basis = _basis(phase, centred_s)
    coefficients = _least_squares(basis, whitened)
    return coefficients, float(np.sum((whitened - basis @ coefficients) ** 2))


def _least_squares(basis: Array, values: Array) -> Array:
    """Coefficients (K, C) of a basis (N, K) for values (N, C), by the normal equations.

    They are small, and ten times as fast as a decomposition of the basis. Where two columns are the
    same (a wave moved to 0 Hz), the smallest solution is taken.
    """
    solution = np.linalg.lstsq(basis.T @ basis, basis.T @ values, rcond=LEAST_SHARE)[0]
    return np.asarray(solution, np.float64)


def _harmonic_power(coefficients: Array) -> Array:
    """Squared amplitude of each harmonic over all channels: (K,)."""
    waves = coefficients[2:].reshape(len(HARMONICS), 2, -1)
    power: Array = (waves**2).sum(axis=(1, 2))
    return power


def _information(coefficients: Array, scale: Array, phase: Array, centred_s: Array) -> float:
    """Fisher's information of the rate in 1/Hz^2, all other numbers being unknown too."""
    waves = coefficients[2:].reshape(len(HARMONICS), 2, -1) * scale[:, None, None]
    slope = np.zeros((len(phase), coefficients.shape[1]))
    for (cosine, sine), k in zip(waves, HARMONICS, strict=True):
        turn = np.outer(np.cos(k * phase), sine) - np.outer(np.sin(k * phase), cosine)
        slope += 2 * np.pi * k * centred_s[:, None] * turn
    basis = _basis(phase, centred_s)
    remaining = slope - basis @ _least_squares(basis, slope)
    return float(np.sum(remaining**2))


def _most_likely_offset_hz(whitened: Array, phase: Array, centred_s: Array) -> float:
    """The offset from the reference's rate at which the model leaves least, in Hz."""
    middle_hz, reach_hz = 0.0, SEARCH_HZ
    for _ in range(2):
        offsets = middle_hz + np.linspace(-reach_hz, reach_hz, SEARCH_STEPS)
        turns = 2 * np.pi * np.outer(offsets, centred_s)
        left = np.array([_fit(whitened, phase + turn, centred_s)[1] for turn in turns])
        best = int(np.clip(left.argmin(), 1, SEARCH_STEPS - 2))
        step_hz = 2 * reach_hz / (SEARCH_STEPS - 1)
        middle_hz, reach_hz = float(offsets[best]), 2 * step_hz
    before, here, after = left[best - 1 : best + 2]
    curve = before - 2 * here + after
    shift = float((before - after) / 2 / curve) if curve > 0 else 0.0
    return middle_hz + max(-1.0, min(1.0, shift)) * step_hz
