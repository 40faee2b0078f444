"""References outside the band of an evaluator, or at its edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rppgbench.core.waveform import Array
    from rppgbench.evaluation.evaluator import Evaluator
    from rppgbench.evaluation.rate_chain import RateChain

CheckTaper = Literal["boxcar", "hann"]
"""The taper of a reading over a wide band."""

WIDE_HZ = (0.5, 4.0)
"""30 to 240 bpm: the band in which the rate of a reference is read, whatever the evaluator."""


def wide_chain(fs: float, taper: CheckTaper = "hann") -> RateChain:
    """The chain that reads a reference over 30 to 240 bpm, or as far as samples at `fs` allow.

    A first-order filter, a taper (none where the chain checks beats), and the highest local
    maximum: the power of drift falls from below the band into it without a maximum. Of 908 genuine
    windows of 10 s (contact pulses of UBFC-rPPG, of COHFACE and of three people before a webcam)
    none is read outside 40 to 150 bpm; without the filter, drift is read in 13.

    Args:
        fs: Samples per second.
        taper: The taper of the window.
    """
    from rppgbench.evaluation.rate_chain import (
        Band,
        Butterworth,
        FastFactor,
        LocalMaximumPeak,
        MeanRemoval,
        Periodogram,
        RateChain,
    )

    low_hz, high_hz = WIDE_HZ[0], min(WIDE_HZ[1], 0.45 * fs)
    return RateChain(
        steps_on="window",
        detrend=MeanRemoval(kind="mean"),
        filter=Butterworth(kind="butterworth", order=1, low_hz=low_hz, high_hz=high_hz),
        spectrum=Periodogram(
            kind="periodogram",
            taper=taper,
            symmetric=False,
            centred=True,
            nfft=FastFactor(fast_factor=8),
        ),
        band=Band(low_hz=low_hz, high_hz=high_hz, edges="exclusive"),
        peak=LocalMaximumPeak(kind="local_maximum", harmonic_within_bpm=0),
    )


def wide_rates(windows: Array, fs: float, taper: CheckTaper = "hann") -> Array:
    """The heart rates of reference pulses over 30 to 240 bpm.

    Args:
        windows: Windows of the pulses (..., N).
        fs: Samples per second.
        taper: The taper of the windows.

    Returns:
        (...,) in bpm; NaN without one.
    """
    from rppgbench.evaluation.heart_rate import heart_rates, prepare, unusable_windows

    if 0.45 * fs <= WIDE_HZ[0] or unusable_windows(wide_chain(fs), windows.shape[-1], fs):
        return np.full(windows.shape[:-1], np.nan)
    chain = wide_chain(fs, taper)
    return heart_rates(prepare(windows, fs, chain), fs, chain)


def at_edge(evaluator: Evaluator, reference_bpm: Array, wide_bpm: Array) -> NDArray[np.bool_]:
    """Which references lie outside the evaluator's band, or within `edge_bpm` of its edge: (...,).

    Where its filter is narrower than its band, truths that the filter takes away count too: those
    beyond its edge by more than `edge_bpm`, and those beyond it that are read as another rate.

    Args:
        evaluator: The rule; the band of its estimates counts.
        reference_bpm: The rates as the evaluator reads them (...,); where there is none, the
            result is False.
        wide_bpm: The same rates over 30 to 240 bpm (...,), NaN where they are not known.
    """
    from rppgbench.evaluation.rate_chain import Untouched

    band, edge_bpm = evaluator.estimate.band, evaluator.edge_bpm
    low_bpm, high_bpm = 60 * band.low_hz + edge_bpm, 60 * band.high_hz - edge_bpm
    with np.errstate(invalid="ignore"):
        beyond = (reference_bpm < low_bpm) | (reference_bpm > high_bpm)
        beyond |= (wide_bpm < low_bpm) | (wide_bpm > high_bpm)
        if not isinstance(evaluator.estimate.filter, Untouched):
            steps = evaluator.estimate.filter
            passed_bpm = 60 * steps.low_hz, 60 * steps.high_hz
            taken_bpm = np.maximum(
                _outside(reference_bpm, passed_bpm), _outside(wide_bpm, passed_bpm)
            )
            differs = np.abs(wide_bpm - reference_bpm) > edge_bpm
            beyond |= (taken_bpm > edge_bpm) | ((_outside(wide_bpm, passed_bpm) > 0) & differs)
    out: NDArray[np.bool_] = beyond & np.isfinite(reference_bpm)
    return out


def _outside(rates_bpm: Array, limits_bpm: tuple[float, float]) -> Array:
    """By how much rates (...,) lie outside of limits, in bpm; NaN and what lies inside: 0."""
    out: Array = np.maximum(limits_bpm[0] - rates_bpm, rates_bpm - limits_bpm[1])
    return np.fmax(out, 0.0)
