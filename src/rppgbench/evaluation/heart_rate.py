"""Heart rates of many windows by one declared chain."""

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import FLAT_PULSE_S
from rppgbench.core.waveform import Array
from rppgbench.evaluation.rate_chain import (
    Butterworth,
    FirHamming,
    LocalMaximumPeak,
    MeanRemoval,
    ParabolaPeak,
    PeakIntervals,
    RateChain,
    SegmentParts,
    SmoothnessPriors,
    Untouched,
    Welch,
    padded,
    segment_samples,
    taper_window,
)
from rppgbench.signals import filters, spectrum

FLAT = 1e-9
"""A wave with a span below this share of the samples' size is constant: it is rounding error."""

FLAT_SINGLE = 4e-7
"""The same for single-precision numbers, which are rounded to 6e-8 of their size."""

ROUNDING = 1e-12
"""A sample of a straight segment differs from the mean of its neighbours by at most this share."""

MAX_FFT_SAMPLES = 1 << 20
"""Samples of FFTs that are processed at once, so that the memory stays bounded."""


def unusable_windows(chain: RateChain, samples: int, fs: float) -> str:
    """Why the chain cannot read windows of some length; "" if it can.

    Args:
        chain: The declared chain.
        samples: Samples of a window.
        fs: Samples per second.
    """
    steps = chain.filter
    high_hz = chain.band.high_hz if isinstance(steps, Untouched) else steps.high_hz
    if fs / 2 <= high_hz:
        return f"{fs:.3g} samples a second are too few for {high_hz:g} Hz"
    needed = 9 if isinstance(steps, Untouched) else 2
    if isinstance(steps, Butterworth) and steps.kind == "butterworth":
        needed = filters.min_filter_samples(steps.order)
    elif isinstance(steps, FirHamming):
        needed = 3 * round(samples * steps.order_share) + 1
    return f"{samples} samples are too few for the filter" if samples < needed else ""


def prepare(signals: Array, fs: float, chain: RateChain) -> Array:
    """Detrend and filter signals as declared.

    Args:
        signals: (..., N), without NaN.
        fs: Samples per second.
        chain: The declared chain.

    Returns:
        (..., N).

    Raises:
        ValueError: The signals are unusable (`unusable_windows`).
    """
    if isinstance(chain.detrend, SmoothnessPriors):
        signals = filters.smoothness_priors(signals, chain.detrend.lam)
    elif isinstance(chain.detrend, MeanRemoval):
        signals = signals - signals.mean(axis=-1, keepdims=True)
    steps = chain.filter
    if isinstance(steps, FirHamming):
        return _fir(signals, fs, steps)
    if isinstance(steps, Butterworth):
        band_pass = filters.butterworth
        if steps.kind == "butterworth_causal":
            band_pass = filters.butterworth_causal
        return band_pass(signals, fs, steps.low_hz, steps.high_hz, steps.order)
    return signals


def _fir(signals: Array, fs: float, steps: FirHamming) -> Array:
    from scipy.signal import filtfilt, firwin

    order = max(2, round(signals.shape[-1] * steps.order_share))
    band = [steps.low_hz, steps.high_hz]
    weights: Array = firwin(order + 1, band, window="hamming", pass_zero=False, fs=fs)
    out: Array = filtfilt(weights, np.ones(1), signals, axis=-1, padlen=3 * order)
    return out


def is_constant(raw: Array, prepared: Array) -> NDArray[np.bool_]:
    """Which windows hold no wave, before or after preparation.

    A straight line, level or not, is no wave: a filter, or the leakage of a spectrum, makes a peak
    of it. After preparation, because the rest may be rounding error.

    Args:
        raw: The windows before preparation (..., N).
        prepared: The same after it (..., N).

    Returns:
        (...,).
    """
    min_range = FLAT * np.abs(raw).max(axis=-1)
    flat: NDArray[np.bool_] = is_straight(raw) | (np.ptp(prepared, axis=-1) <= min_range)
    return flat


def is_straight(waves: Array) -> NDArray[np.bool_]:
    """Which waves (..., N) are a straight line, level or not, up to rounding: (...,).

    Every sample lies on the line from the first to the last within `FLAT` of the largest, or within
    `FLAT_SINGLE` where all samples are single-precision numbers.

    >>> is_straight(np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.1], [5.0, 5.0, 5.0, 5.0]]))
    array([ True, False,  True])
    """
    rows = waves.reshape(-1, waves.shape[-1])
    last = rows.shape[1] - 1
    first, slope = rows[:, 0], (rows[:, -1] - rows[:, 0]) / max(last, 1)
    # Three samples rule out nearly all waves; the others are tested as a whole.
    few = np.array([last // 4, last // 2, 3 * last // 4])
    off = np.abs(rows[:, few] - first[:, None] - slope[:, None] * few).max(axis=-1)
    size = np.abs(rows).max(axis=-1)
    line: NDArray[np.bool_] = off <= FLAT_SINGLE * size
    at = np.flatnonzero(line)
    if len(at):
        candidates = rows[at]
        off = np.abs(candidates - first[at, None] - slope[at, None] * np.arange(last + 1)).max(
            axis=-1
        )
        with np.errstate(over="ignore"):
            single = (candidates.astype(np.float32) == candidates).all(axis=-1)
        line[at] = off <= np.where(single, FLAT_SINGLE, FLAT) * size[at]
    return line.reshape(waves.shape[:-1])


def straight_segments(samples: Array, fs: float) -> NDArray[np.bool_]:
    """Which samples lie in a straight segment of `FLAT_PULSE_S` or more.

    A sensor that hangs repeats its last value, and a gap that somebody filled is a line: no pulse
    is straight for so long. NaN ends a segment.

    Args:
        samples: Signals (n, T).
        fs: Samples per second.

    Returns:
        (n, T).

    >>> wave = np.sin(np.arange(100.0))
    >>> wave[30:60] = 0.5
    >>> np.flatnonzero(straight_segments(wave[None], 10.0))[[0, -1]]
    array([30, 59])
    """
    out = np.zeros(samples.shape, np.bool_)
    count = max(3, round(FLAT_PULSE_S * fs))
    if samples.shape[1] < count:
        return out
    # In each segment three samples a quarter of its length apart lie on a line: a quick test that
    # few rows pass.
    coarse = samples[:, :: max(1, (count - 1) // 4)]
    scale = np.fmax.reduce(np.abs(coarse), axis=1, initial=0.0)
    scale = np.where(np.isfinite(scale), scale, 0.0)
    bent = np.abs(coarse[:, 2:] - 2 * coarse[:, 1:-1] + coarse[:, :-2])
    for row in np.flatnonzero((bent <= FLAT * scale[:, None]).any(axis=1)):
        bend = np.abs(np.diff(samples[row], 2)) <= ROUNDING * scale[row]
        edges = np.diff(np.concatenate([[False], bend, [False]]).astype(np.int8))
        for start, stop in zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True):
            if stop - start + 2 >= count:
                out[row, start : stop + 2] = True
    return out


def heart_rates(prepared: Array, fs: float, chain: RateChain) -> Array:
    """The heart rates of prepared windows.

    Args:
        prepared: Windows (..., N), as `prepare` returns them.
        fs: Samples per second.
        chain: The declared chain.

    Returns:
        (...,) in bpm; NaN without a peak.
    """
    rows = prepared.reshape(-1, prepared.shape[-1])
    bpm: Array = np.empty(len(rows))
    step = max(1, MAX_FFT_SAMPLES // _fft_samples(prepared.shape[-1], fs, chain))
    for start in range(0, len(rows), step):
        bpm[start : start + step] = _rates(rows[start : start + step], fs, chain)
    return bpm.reshape(prepared.shape[:-1])


def _fft_samples(samples: int, fs: float, chain: RateChain) -> int:
    """Samples that the spectrum of one window takes, padding included."""
    if isinstance(chain.spectrum, PeakIntervals):
        return samples
    if isinstance(chain.spectrum, Welch):
        segment = segment_samples(samples, chain.spectrum)
        hop = _hop(segment, chain.spectrum)
        count = (samples - segment) // hop + 1
        return count * padded(segment, fs, chain.spectrum.nfft)
    nfft = padded(samples, fs, chain.spectrum.nfft)
    if nfft >= spectrum.ZOOM_FROM * samples:  # only the band is computed
        return samples + int((chain.band.high_hz - chain.band.low_hz) / fs * nfft)
    return nfft


def _hop(segment: int, welch: Welch) -> int:
    if isinstance(welch.segment, SegmentParts):
        return max(1, segment - int(segment * welch.segment.overlap_share))
    return max(1, segment - welch.segment.overlap)


def band_spectrum(prepared: Array, fs: float, chain: RateChain) -> spectrum.Spectrum:
    """The power of prepared windows in the chain's band.

    Args:
        prepared: Windows (..., N), as `prepare` returns them.
        fs: Samples per second.
        chain: The declared chain.

    Raises:
        ValueError: The chain reads peak intervals, so it has no spectrum.
    """
    declared, band = chain.spectrum, chain.band
    if isinstance(declared, PeakIntervals):
        raise ValueError("a chain of peak intervals has no spectrum")
    samples = prepared.shape[-1]
    if isinstance(declared, Welch):
        samples = segment_samples(samples, declared)
    nfft = padded(samples, fs, declared.nfft)
    bins = spectrum.band_bins(nfft, fs, band.low_hz, band.high_hz, band.edges)
    window = taper_window(declared.taper, samples, symmetric=declared.symmetric)
    if isinstance(declared, Welch):
        hop = _hop(samples, declared)
        return spectrum.welch(prepared, fs, window, nfft, bins, hop=hop, centred=declared.centred)
    if declared.centred:
        prepared = prepared - prepared.mean(axis=-1, keepdims=True)
    return spectrum.periodogram(prepared, fs, window, nfft, bins)


def _rates(prepared: Array, fs: float, chain: RateChain) -> Array:
    if isinstance(chain.spectrum, PeakIntervals):
        return spectrum.peak_intervals(prepared, fs)
    power = band_spectrum(prepared, fs, chain)
    if isinstance(chain.peak, ParabolaPeak):
        return spectrum.parabola_peak(power)
    if isinstance(chain.peak, LocalMaximumPeak):
        return spectrum.local_maximum_peak(power, chain.peak.harmonic_within_bpm)
    return spectrum.offset_peak(power) if chain.peak.kind == "offset" else spectrum.bin_peak(power)
