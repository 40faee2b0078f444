"""Recursive filters of two poles, without `scipy.signal`, whose import takes 0.45 s.

Within a block of samples the output is linear in the samples and in the filter's state before it,
so a block of all signals is two matrix products.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rppgbench.core.waveform import Array

BLOCK = 64
"""Samples of a block: long enough for few products, short enough for a small matrix."""

MOST_ORDER = 1
"""Highest order of a band-pass filter, with two poles. The coefficients of more poles in a narrow
band do not determine the filter to many digits, so results of two ways of computing it differ: by
2e-9 of the signal for order 2 from 0.5 to 8 Hz at 250 samples/s, by 1e-14 for order 1."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Responses:
    """What a block of samples and the state (n,) before it make.

    Attributes:
        out_of_samples: output of a block by its samples (BLOCK, BLOCK).
        out_of_state: output by the state (n, BLOCK).
        state_of_samples: state after the block by its samples (BLOCK, n).
        state_of_state: state after the block by the state before it (n, n).
        steady: the state (n,) of a constant input of 1.
    """

    out_of_samples: Array
    out_of_state: Array
    state_of_samples: Array
    state_of_state: Array
    steady: Array


@lru_cache(maxsize=32)
def _responses(b: tuple[float, ...], a: tuple[float, ...]) -> _Responses:
    """The responses of y_t = b0 x_t + s0, s_i' = s_(i+1) + b_(i+1) x_t - a_(i+1) y_t."""
    taps, poles = np.array(b[1:]), np.array(a[1:])
    order = len(poles)
    state = np.vstack([np.zeros(order), np.eye(order)])  # of an impulse, and of each unit state
    outputs, states = np.empty((BLOCK, order + 1)), np.empty((BLOCK, order + 1, order))
    for step in range(BLOCK):
        x = np.zeros(order + 1)
        x[0] = step == 0
        outputs[step] = y = b[0] * x + state[:, 0]
        state = np.hstack([state[:, 1:], np.zeros((order + 1, 1))])
        state += x[:, None] * taps - y[:, None] * poles
        states[step] = state
    lag = np.arange(BLOCK) - np.arange(BLOCK)[:, None]
    gain = sum(b) / sum(a)
    return _Responses(
        out_of_samples=np.where(lag >= 0, outputs[lag, 0], 0.0),
        out_of_state=outputs[:, 1:].T,
        state_of_samples=states[::-1, 0],
        state_of_state=states[-1, 1:],
        steady=np.cumsum((taps - poles * gain)[::-1])[::-1],
    )


def filter_forward_backward(b: Array, a: Array, signals: Array) -> Array:
    """Filter forward and backward, with the ends extended by point reflection.

    The values are those of `scipy.signal.filtfilt` to about 1e-13 of the signals' size: the ends
    are extended by 3 x len(a) samples, and each pass begins in the steady state of its first one.

    Args:
        b: taps (n + 1,).
        a: recursive taps (n + 1,), the first 1.
        signals: (..., T), T more than 3 (n + 1).

    Returns:
        (..., T).

    >>> b, a = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    >>> filter_forward_backward(b, a, np.arange(8.0)).round(12).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    """
    responses = _responses(tuple(b.tolist()), tuple(a.tolist()))
    edge = 3 * len(a)
    before = 2 * signals[..., :1] - signals[..., edge:0:-1]
    after = 2 * signals[..., -1:] - signals[..., -2 : -edge - 2 : -1]
    extended = np.concatenate([before, signals, after], axis=-1)
    rows = extended.reshape(-1, extended.shape[-1])
    for _ in range(2):
        rows = _filter_rows(responses, rows)[:, ::-1]
    out: Array = rows.reshape(extended.shape)[..., edge : extended.shape[-1] - edge]
    return out


def _filter_rows(responses: _Responses, rows: Array) -> Array:
    """Filter signals (N, T) forward, from the steady state of their first samples."""
    count, samples = rows.shape
    padded = np.zeros((count, -(-samples // BLOCK) * BLOCK))
    padded[:, :samples] = rows
    out = np.empty_like(padded)
    state = rows[:, :1] * responses.steady
    for first in range(0, padded.shape[1], BLOCK):
        block = padded[:, first : first + BLOCK]
        out[:, first : first + BLOCK] = block @ responses.out_of_samples
        out[:, first : first + BLOCK] += state @ responses.out_of_state
        state = block @ responses.state_of_samples + state @ responses.state_of_state
    return out[:, :samples]


def butterworth_band(order: int, low: float, high: float) -> tuple[Array, Array]:
    """The Butterworth band-pass as b, a, each (2 order + 1,).

    The low-pass prototype has poles on the left half of the unit circle. They become those of a
    band-pass, s -> (s^2 + w^2) / (s B), with B and w of the band's edges, which are warped so that
    the bilinear transform z = (4 + s) / (4 - s) puts them where they are asked for. Source: A. V.
    Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", 1989, section 7.

    Args:
        order: of the low-pass prototype.
        low: lower edge of the band, as a share of half the sampling rate.
        high: upper edge of the band, likewise.

    >>> b, a = butterworth_band(1, 0.25, 0.5)
    >>> b.round(6).tolist(), a.round(6).tolist()
    ([0.292893, 0.0, -0.292893], [1.0, -0.585786, 0.414214])
    """
    warped_low, warped_high = (4 * np.tan(np.pi * edge / 2) for edge in (low, high))
    width, squared = warped_high - warped_low, warped_low * warped_high
    angles = np.pi * (np.arange(order) * 2 + 1 + order) / (2 * order)
    half = np.exp(1j * angles) * width / 2
    root = np.sqrt(half**2 - squared)
    poles = np.concatenate([half + root, half - root])
    gain = (4 * width) ** order / np.prod(4 - poles).real
    zeros = np.concatenate([np.ones(order), -np.ones(order)])
    return gain * np.poly(zeros), np.real(np.poly((4 + poles) / (4 - poles)))
