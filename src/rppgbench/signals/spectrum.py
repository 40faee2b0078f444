"""Power spectra of many windows at once, and their peaks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

Edges = Literal["inclusive", "exclusive", "rounded"]

ZOOM_FROM = 16
"""From this factor of padding on, a chirp-z transform of the band is faster than the whole FFT."""

COSINE_TAPERS = {"boxcar": 1.0, "hann": 0.5, "hamming": 0.54}
"""Means of the tapers that are a constant less a cosine."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Spectrum:
    """Power on a band and on one more bin at either side where there is one, for the peak rules.

    Attributes:
        freqs_hz: Frequencies of the bins (F,).
        power: Their power (..., F).
        first: First bin of the band.
        stop: The bin after the last one of the band.
    """

    freqs_hz: Array
    power: Array
    first: int
    stop: int

    @property
    def band(self) -> Array:
        """The power within the band: (..., stop - first)."""
        return self.power[..., self.first : self.stop]


def taper(name: str | tuple[str, float], samples: int, *, symmetric: bool) -> Array:
    """A window function by name: (samples,).

    Args:
        name: Name of the window, as scipy knows it, with its parameter if it has one.
        samples: Its length.
        symmetric: Sampled symmetrically, as numpy and MATLAB do, else periodically.
    """
    if name in COSINE_TAPERS or name[0] == "tukey":
        # A periodic window is a symmetric one of a sample more, without its last sample.
        is_longer = not symmetric and samples > 1
        return _symmetric_taper(name, samples + is_longer)[:samples]
    from scipy.signal import get_window

    window: Array = get_window(name, samples, fftbins=not symmetric)
    return window


def _symmetric_taper(name: str | tuple[str, float], samples: int) -> Array:
    """A raised cosine, or a Tukey window: flat, with half a cosine at each end; as scipy has them.

    Without `scipy.signal`, whose import takes as long as five seconds of a video.
    """
    if samples == 1:
        return np.ones(1)
    place = np.arange(samples) / (samples - 1)
    if isinstance(name, str):
        mean = COSINE_TAPERS[name]
        return np.asarray(mean - (1 - mean) * np.cos(2 * np.pi * place))
    share = name[1]
    if share <= 0:
        return np.ones(samples)
    from_end = np.minimum(np.minimum(place, 1 - place) / min(share, 1.0), 0.5)
    return np.asarray(0.5 * (1 - np.cos(2 * np.pi * from_end)))


def fast_length(samples: int) -> int:
    """The next length whose only prime factors are 2, 3 and 5, for a fast FFT.

    >>> fast_length(2400), fast_length(2401), fast_length(8 * 307)
    (2400, 2430, 2500)
    """
    while True:
        cofactor = samples
        for prime in (2, 3, 5):
            while cofactor % prime == 0:
                cofactor //= prime
        if cofactor == 1:
            return samples
        samples += 1


def band_bins(nfft: int, fs: float, low_hz: float, high_hz: float, edges: Edges) -> tuple[int, int]:
    """First bin of a band and the bin after its last, among the rfft bins.

    Args:
        nfft: Samples of the FFT.
        fs: Samples per second.
        low_hz: Lower edge of the band.
        high_hz: Upper edge of the band.
        edges: "inclusive" and "exclusive" compare frequencies; "rounded" takes the bins from
            round(low) to before round(high).

    >>> band_bins(300, 30.0, 0.5, 4.0, "inclusive"), band_bins(300, 30.0, 0.5, 4.0, "exclusive")
    ((5, 41), (6, 40))
    >>> band_bins(300, 30.0, 0.5, 4.0, "rounded")
    (5, 40)
    """
    freqs = np.fft.rfftfreq(nfft, 1 / fs)
    if edges == "rounded":
        low, high = np.round(low_hz / fs * nfft), np.round(high_hz / fs * nfft)
        return int(low), int(min(high, len(freqs)))
    if edges == "inclusive":
        inside = (freqs >= low_hz) & (freqs <= high_hz)
    else:
        inside = (freqs > low_hz) & (freqs < high_hz)
    if not inside.any():
        return 0, 0
    return int(inside.argmax()), int(len(freqs) - inside[::-1].argmax())


def periodogram(
    signals: Array, fs: float, window: Array, nfft: int, bins: tuple[int, int]
) -> Spectrum:
    """|FFT|^2 of tapered and zero-padded signals, on a band and one bin around it.

    The power has no scale: peaks and ratios of powers do not depend on one. Where the padding is
    long, only the band is computed, by a chirp-z transform; both give the same values.

    Args:
        signals: (..., N).
        fs: Samples per second.
        window: The taper (N,).
        nfft: Samples of the FFT, at least N.
        bins: First bin of the band and the bin after its last (`band_bins`).
    """
    first, stop = max(bins[0] - 1, 0), min(bins[1] + 1, nfft // 2 + 1)
    tapered = signals * window
    step = fs / nfft
    lines: NDArray[np.complex128]
    if nfft >= ZOOM_FROM * signals.shape[-1]:
        lines = _zoom(signals.shape[-1], nfft, first, stop)(tapered)
    else:
        lines = np.fft.rfft(tapered, nfft)[..., first:stop]
    power: Array = lines.real**2 + lines.imag**2
    freqs: Array = step * np.arange(first, stop, dtype=np.float64)
    return Spectrum(freqs_hz=freqs, power=power, first=bins[0] - first, stop=bins[1] - first)


@lru_cache(maxsize=4)
def _zoom(samples: int, nfft: int, first: int, stop: int) -> Callable[[Array], Any]:
    """The chirp-z transform from `samples` samples to the bins first to stop of `nfft`."""
    from scipy.signal import CZT

    turn = 2j * np.pi / nfft
    zoom: Callable[[Array], Any] = CZT(samples, stop - first, np.exp(-turn), np.exp(turn * first))
    return zoom


def welch(
    signals: Array,
    fs: float,
    window: Array,
    nfft: int,
    bins: tuple[int, int],
    *,
    hop: int,
    centred: bool,
) -> Spectrum:
    """Mean periodogram of overlapping segments.

    Source: Welch, The use of fast Fourier transform for the estimation of power spectra, 1967,
    10.1109/TAU.1967.1161901.

    Args:
        signals: (..., N).
        fs: Samples per second.
        window: The taper of a segment, of its length.
        nfft: Samples of the FFT, at least those of a segment.
        bins: First bin of the band and the bin after its last (`band_bins`).
        hop: Samples from the start of one segment to the start of the next.
        centred: Subtract the mean of each segment first.
    """
    segments = np.lib.stride_tricks.sliding_window_view(signals, len(window), axis=-1)
    segments = segments[..., ::hop, :]
    if centred:
        segments = segments - segments.mean(axis=-1, keepdims=True)
    spectrum = periodogram(segments, fs, window, nfft, bins)
    power: Array = spectrum.power.mean(axis=-2)
    return replace(spectrum, power=power)


def bin_peak(spectrum: Spectrum) -> Array:
    """Frequency of the highest bin of the band in bpm (...,); NaN where there is no power."""
    band = spectrum.band
    if band.shape[-1] == 0:
        return np.full(band.shape[:-1], np.nan)
    at = band.argmax(axis=-1)
    bpm: Array = 60 * spectrum.freqs_hz[spectrum.first + at]
    return np.where(band.max(axis=-1) > 0, bpm, np.nan)


def _around(spectrum: Spectrum, at: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Power below, at and above the bins `at` of the whole spectrum (the ends repeat)."""
    last = len(spectrum.freqs_hz) - 1
    below, centre, above = (
        np.take_along_axis(spectrum.power, np.clip(at + k, 0, last)[..., None], axis=-1)[..., 0]
        for k in (-1, 0, 1)
    )
    return below, centre, above


def parabola_peak(spectrum: Spectrum) -> Array:
    """Vertex of the parabola through the log power around the highest bin, in bpm (...,).

    It lies at most one bin from the highest bin and within the band's bins. NaN where there is no
    power. Source: Smith, Serra, PARSHL, ICMC 1987 (quadratically interpolated FFT).

    >>> t = np.arange(300) / 30
    >>> bins = band_bins(2400, 30.0, 0.66, 3.0, "inclusive")
    >>> wave = np.sin(2 * np.pi * 71.3 / 60 * t)
    >>> s = periodogram(wave, 30.0, taper("hann", 300, symmetric=False), 2400, bins)
    >>> float(parabola_peak(s).round(1))
    71.3
    """
    band = spectrum.band
    if band.shape[-1] == 0:
        return np.full(band.shape[:-1], np.nan)
    at = spectrum.first + band.argmax(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c = (np.log(power) for power in _around(spectrum, at))
        curve = a - 2 * b + c
        shift = np.where(np.isfinite(curve) & (curve < 0), (a - c) / 2 / curve, 0.0)
    step = spectrum.freqs_hz[1] - spectrum.freqs_hz[0] if len(spectrum.freqs_hz) > 1 else 0.0
    freq = spectrum.freqs_hz[at] + np.clip(shift, -1, 1) * step
    low, high = spectrum.freqs_hz[[spectrum.first, spectrum.stop - 1]]
    bpm: Array = 60 * np.clip(freq, low - step / 2, high + step / 2)
    return np.where(band.max(axis=-1) > 0, bpm, np.nan)


def offset_peak(spectrum: Spectrum) -> Array:
    """Highest bin of the band, moved by 1 - min(d) / max(d) of a bin: (...,) in bpm.

    d are the differences of its power to the two neighbours. At the band's edge the two outermost
    bins are weighted by their power. NaN without power. This is Gideon and Stent's `fast_ideal`
    without a change: a move of up to a whole bin is no interpolation, but with their padding a bin
    is 0.1 bpm or less. Source: ToyotaResearchInstitute/RemotePPG @38cfde2,
    iccv/src/shared/heart_rate.py.
    """
    band, freqs = spectrum.band, spectrum.freqs_hz[spectrum.first : spectrum.stop]
    if len(freqs) < 3:
        return bin_peak(spectrum)
    at = band.argmax(axis=-1)
    last = len(freqs) - 1
    inner = np.clip(at, 1, last - 1)
    low, centre, high = (
        np.take_along_axis(band, (inner + k)[..., None], axis=-1)[..., 0] for k in (-1, 0, 1)
    )
    step = freqs[1] - freqs[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        down, up = centre - low, centre - high
        offset = 1 - np.minimum(down, up) / np.maximum(down, up)
        middle = freqs[inner] + np.where(up > down, -offset, offset) * step
        bottom = freqs[0] + band[..., 1] / (band[..., 0] + band[..., 1]) * step
        top = freqs[-2] + band[..., -1] / (band[..., -2] + band[..., -1]) * step
    bpm: Array = 60 * np.where(at == 0, bottom, np.where(at == last, top, middle))
    return np.where(band.max(axis=-1) > 0, bpm, np.nan)


def local_maximum_peak(spectrum: Spectrum, harmonic_within_bpm: float) -> Array:
    """Highest local maximum h1, or the second one h2 where it is half of the first.

    Outside the band the power counts as 0, so its first and last bin can be maxima. Source: Sun,
    Li, Contrast-Phys, ECCV 2022, 10.1007/978-3-031-19775-8_29; zhaodongsun/contrast-phys @eb33acf,
    utils_sig.py:hr_fft.

    Args:
        spectrum: Power (..., F).
        harmonic_within_bpm: h2 is taken where |h1 - 2 h2| is below this limit.

    Returns:
        Heart rates (...,) in bpm. A single maximum is taken; without one NaN.
    """
    band = spectrum.band
    if band.shape[-1] < 2:
        return np.full(band.shape[:-1], np.nan)
    edge = np.zeros((*band.shape[:-1], 1))
    padded = np.concatenate([edge, band, edge], axis=-1)
    rises, falls = padded[..., 1:-1] > padded[..., :-2], padded[..., 1:-1] > padded[..., 2:]
    heights = np.where(rises & falls, band, -1.0)
    order = np.argpartition(heights, -2, axis=-1)[..., -2:]
    highest = np.take_along_axis(heights, order, axis=-1)
    swap = highest[..., 0] > highest[..., 1]
    first = np.where(swap, order[..., 0], order[..., 1])
    second = np.where(swap, order[..., 1], order[..., 0])
    rates = 60 * spectrum.freqs_hz[spectrum.first : spectrum.stop]
    h1, h2 = rates[first], rates[second]
    harmonic = (highest.min(axis=-1) > 0) & (np.abs(h1 - 2 * h2) < harmonic_within_bpm)
    return np.where(highest.max(axis=-1) > 0, np.where(harmonic, h2, h1), np.nan)


def peak_intervals(signals: Array, fs: float) -> Array:
    """Heart rates from the mean distance of neighbouring local maxima: 60 fs / distance.

    Every ripple is a maximum, so noise gives hundreds of bpm. Source: ubicomplab/rPPG-Toolbox
    @d807b01, evaluation/post_process.py, method "Peak".

    Args:
        signals: (..., N).
        fs: Samples per second.

    Returns:
        (...,) in bpm; NaN with fewer than two maxima.

    >>> peak_intervals(np.array([0.0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0]), 4.0)
    array(60.)
    """
    from scipy.signal import find_peaks

    rows = signals.reshape(-1, signals.shape[-1])
    bpm = np.full(len(rows), np.nan)
    for k, row in enumerate(rows):
        peaks = find_peaks(row)[0]
        if len(peaks) > 1:
            bpm[k] = 60 / (np.mean(np.diff(peaks)) / fs)
    return bpm.reshape(signals.shape[:-1])
