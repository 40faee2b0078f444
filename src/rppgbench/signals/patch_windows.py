"""Windows of the pulses of many patches: spectra, rates, and one pulse or one rate of them all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.signals.rate_confidence import confidence_of_deviation
from rppgbench.signals.spectrum import (
    Spectrum,
    band_bins,
    bin_peak,
    fast_length,
    parabola_peak,
    periodogram,
    taper,
    welch,
)
from rppgbench.system.errors import TooShortError

PYVHR_NFFT, PYVHR_SEGMENT, PYVHR_OVERLAP, PYVHR_SHORT_OVERLAP = 2048, 256, 200, 0.6
FEWEST_PATCHES = 3
"""Rates of a window from which on their deviation says how far patches agree: that of two is 0
where they are equal by chance, as bins are."""

PADDING = 4
"""A spectrum is padded to this multiple of its window."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchRates:
    """Spectra and rates of the patches in each window.

    Attributes:
        bpm: frequencies (F,) in bpm.
        power: power (W, P, F).
        rates_bpm: frequency of the peak of each patch (W, P); NaN without power.
    """

    bpm: Array
    power: Array
    rates_bpm: Array

    def median_bpm(self) -> Array:
        """Median over the patches (W,); NaN where no patch has a rate."""
        return _median(self.rates_bpm)

    def deviation_bpm(self) -> Array:
        """Median absolute deviation from the median, unscaled (W,)."""
        return _median(np.abs(self.rates_bpm - self.median_bpm()[:, None]))

    def confidence(self) -> Array:
        """How sure the median is (W,), 0 to 1, by the median absolute deviation of the patches.

        pyVHR gives this deviation as the uncertainty of the median. NaN with fewer than
        `FEWEST_PATCHES` rates, which have no spread. See `confidence_of_deviation`.
        """
        count = np.isfinite(self.rates_bpm).sum(axis=-1)
        stated = confidence_of_deviation(self.deviation_bpm())
        return np.where(count >= FEWEST_PATCHES, stated, np.nan)


def _median(values: Array) -> Array:
    """Median along the last axis without NaN: (W, P) to (W,).

    >>> _median(np.array([[1.0, np.nan, 4.0], [np.nan, np.nan, np.nan]]))
    array([2.5, nan])
    """
    ordered = np.sort(values, axis=-1)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=-1)
    last = values.shape[-1] - 1
    around = np.stack([(count - 1) // 2, count // 2], axis=-1)
    middle = np.take_along_axis(ordered, np.clip(around, 0, last), axis=-1).mean(axis=-1)
    return np.where(count > 0, middle, np.nan)


def even_windows(samples: int, length: int, step: float) -> NDArray[np.int64]:
    """Starts of windows of one length, the last at the end of the signal: (W,).

    Args:
        samples: samples of the signal.
        length: samples of a window, at most `samples`.
        step: samples from one start to the next, rounded for each.

    >>> even_windows(100, 40, 25.0), even_windows(40, 40, 25.0)
    (array([ 0, 25, 50, 60]), array([0]))
    """
    last = samples - length
    starts = np.round(np.arange(0, last + 1e-9, step)).astype(np.int64)
    return np.unique(np.append(starts, last))


def pyvhr_windows(samples: int, fs: float, window_s: float) -> tuple[NDArray[np.int64], ...]:
    """First samples and lengths of the windows of pyVHR, one a second: (W,) twice.

    The starts are sums of `fs` in floating point, so the lengths may differ by a sample. Source:
    phuselab/pyVHR @a6270f0, extraction/utils.py:sig_windowing.

    Args:
        samples: samples of the signal.
        fs: samples per second.
        window_s: length of a window in seconds.

    Raises:
        TooShortError: there is no window.

    >>> [part.tolist() for part in pyvhr_windows(90, 25.0, 2.0)]
    [[0, 25], [50, 50]]
    """
    count = int((samples - window_s * fs) / fs) + 1 if samples >= window_s * fs else 0
    if count < 1:
        raise TooShortError(f"no window of {window_s:g} s in {samples} samples at {fs:g} a second")
    starts = np.cumsum(np.append(0.0, np.full(count - 1, fs)))
    counts = np.ceil((starts + window_s * fs) - starts)  # as numpy.arange counts, with rounding
    first = starts.astype(np.int64)
    ends = (starts + counts - 1).astype(np.int64) + 1
    return first, np.minimum(ends, samples) - first


def patch_rates(windows: Array, fs: float, low_hz: float, high_hz: float) -> PatchRates:
    """Rates of tapered and padded windows (W, P, n), between bins by a parabola.

    Args:
        windows: pulses of the patches, cut into windows.
        fs: samples per second.
        low_hz: lower edge of the band.
        high_hz: its upper edge.
    """
    length = windows.shape[-1]
    nfft = fast_length(PADDING * length)
    bins = band_bins(nfft, fs, low_hz, high_hz, "inclusive")
    centred = windows - windows.mean(axis=-1, keepdims=True)
    spectrum = periodogram(centred, fs, taper("hann", length, symmetric=False), nfft, bins)
    return _rates(spectrum, parabola_peak(spectrum))


def pyvhr_patch_rates(windows: Array, fs: float, low_hz: float, high_hz: float) -> PatchRates:
    """Rates of windows (W, P, n) as pyVHR 2 reads them: Welch, bins without interpolation.

    Segments of 256 samples that overlap by 200; a shorter window is one segment. Source:
    phuselab/pyVHR @a6270f0, extraction/utils.py:Welch, which shadows the one of BPM/utils.py.

    Args:
        windows: pulses of the patches, cut into windows.
        fs: samples per second.
        low_hz: lower edge of the band, excluded.
        high_hz: its upper edge, excluded.
    """
    length = min(PYVHR_SEGMENT, windows.shape[-1])
    overlap = PYVHR_OVERLAP if windows.shape[-1] >= PYVHR_SEGMENT else PYVHR_SHORT_OVERLAP * length
    bins = band_bins(PYVHR_NFFT, fs, low_hz, high_hz, "exclusive")
    window = taper("hann", length, symmetric=False)
    hop = length - int(overlap)
    spectrum = welch(windows, fs, window, PYVHR_NFFT, bins, hop=hop, centred=True)
    return _rates(spectrum, bin_peak(spectrum))


def _rates(spectrum: Spectrum, rates_bpm: Array) -> PatchRates:
    bpm = 60 * spectrum.freqs_hz[spectrum.first : spectrum.stop]
    return PatchRates(bpm=bpm, power=spectrum.band, rates_bpm=rates_bpm)


def merge_windows(windows: Array, weights: Array, starts: NDArray[np.int64], samples: int) -> Array:
    """One pulse of the patches: a weighted mean in each window, Hann-weighted over the windows.

    Each patch is divided by its standard deviation in the window first.

    Args:
        windows: pulses of the patches (W, P, n).
        weights: how much each patch counts (W, P); a window in which none counts adds nothing.
        starts: first sample of each window (W,).
        samples: samples T of the whole pulse.

    Returns:
        The pulse (T,); NaN where no window has a patch that counts.

    >>> wave = np.array([1.0, -1.0, 1.0, -1.0])
    >>> merge_windows(np.stack([wave, -wave])[None], np.array([[1.0, 0.0]]), np.array([0]), 5)
    array([ 1., -1.,  1., -1., nan])
    """
    length = windows.shape[-1]
    spread = windows.std(axis=-1)
    gain = np.divide(weights, spread, out=np.zeros_like(spread), where=spread > 0)
    total = weights.sum(axis=-1, keepdims=True)
    gain = np.divide(gain, total, out=np.zeros_like(gain), where=total > 0)
    merged = np.einsum("wpn,wp->wn", windows, gain)
    counts = (total[:, 0] > 0).astype(np.float64)
    hann = np.hanning(length + 2)[1:-1]
    at = (starts[:, None] + np.arange(length)).ravel()
    summed = np.bincount(at, (merged * hann).ravel(), samples)
    weight = np.bincount(at, (counts[:, None] * hann).ravel(), samples)
    pulse: Array = np.divide(summed, weight, out=np.full(samples, np.nan), where=weight > 0)
    return pulse


def wave_of_rates(rates_bpm: Array, centres_s: Array, fs: float, samples: int) -> Array:
    """A cosine whose rate at the centre of each window is the rate of this window: (T,).

    It carries rates without a waveform to evaluators that read waveforms; its shape says nothing.

    Args:
        rates_bpm: rates (W,); NaN is bridged.
        centres_s: centres of the windows (W,), from the first sample.
        fs: samples per second.
        samples: samples T of the wave.

    Returns:
        The wave; zeros without a rate.

    >>> wave = wave_of_rates(np.array([60.0, 60.0]), np.array([1.0, 2.0]), 4.0, 5)
    >>> wave.round(6) + 0.0
    array([ 1.,  0., -1.,  0.,  1.])
    """
    known = np.isfinite(rates_bpm)
    if not known.any():
        return np.zeros(samples)
    rate = np.interp(np.arange(samples) / fs, centres_s[known], rates_bpm[known])
    turns = np.append(0.0, np.cumsum(rate[:-1] / 60 / fs))
    wave: Array = np.cos(2 * np.pi * turns)
    return wave
