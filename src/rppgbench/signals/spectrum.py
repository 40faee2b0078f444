"""Power spectra of many windows at once, and their peaks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array

Edges = Literal["inclusive", "exclusive", "rounded"]

ZOOM_FROM = 16
"""From which padding on the chirp-z transform of the band beats the FFT of everything."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power (..., F) at `freqs_hz` (F,); the band is `freqs_hz[first:stop]`.

    One bin more lies on either side of the band where there is one, for the peak rules.
    """

    freqs_hz: Array
    power: Array
    first: int
    stop: int

    @property
    def band(self) -> Array:
        """The power within the band: (..., stop - first)."""
        return self.power[..., self.first : self.stop]


def taper(name: str, samples: int, *, symmetric: bool) -> Array:
    """The named window (samples,): `symmetric` as numpy and MATLAB sample it, else periodic."""
    from scipy.signal import get_window

    window: Array = get_window(name, samples, fftbins=not symmetric)
    return window


def fast_length(samples: int) -> int:
    """The next length whose only prime factors are 2, 3 and 5, for a fast FFT.

    >>> fast_length(2400), fast_length(2401), fast_length(8 * 307)
    (2400, 2430, 2500)
    """
    while True:
        rest = samples
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return samples
        samples += 1


def band_bins(nfft: int, fs: float, low_hz: float, high_hz: float, edges: Edges) -> tuple[int, int]:
    """First bin of the band and the one after its last, among the rfft bins of `nfft`.

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
    """|FFT|^2 of tapered signals (..., N), zero-padded to `nfft`, on the band and a bin around.

    Without a scale: peaks and ratios of powers do not depend on it. Where the padding is long,
    only the band is worked out, by a chirp-z transform; both give the same values.
    """
    from scipy.fft import rfft

    first, stop = max(bins[0] - 1, 0), min(bins[1] + 1, nfft // 2 + 1)
    tapered = signals * window
    step = fs / nfft
    line: NDArray[np.complex128]
    if nfft >= ZOOM_FROM * signals.shape[-1]:
        line = _zoom(signals.shape[-1], nfft, first, stop)(tapered)
    else:
        line = rfft(tapered, nfft)[..., first:stop]
    power: Array = line.real**2 + line.imag**2
    freqs: Array = step * np.arange(first, stop, dtype=np.float64)
    return Spectrum(freqs, power, bins[0] - first, bins[1] - first)


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
    """Mean periodogram of the segments of len(window) samples, one every `hop`, of (..., N).

    The mean of each segment is subtracted first where `centred`. Source: Welch, The use of fast
    Fourier transform for the estimation of power spectra, 1967, 10.1109/TAU.1967.1161901.
    """
    segments = np.lib.stride_tricks.sliding_window_view(signals, len(window), axis=-1)
    segments = segments[..., ::hop, :]
    if centred:
        segments = segments - segments.mean(axis=-1, keepdims=True)
    spectrum = periodogram(segments, fs, window, nfft, bins)
    power: Array = spectrum.power.mean(axis=-2)
    return Spectrum(spectrum.freqs_hz, power, spectrum.first, spectrum.stop)


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
    below, here, above = (
        np.take_along_axis(spectrum.power, np.clip(at + k, 0, last)[..., None], axis=-1)[..., 0]
        for k in (-1, 0, 1)
    )
    return below, here, above


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
    """Highest bin of the band moved by 1 - min(d)/max(d) of a bin, d the drops to its neighbours.

    At the band's edge the two outermost bins are weighted by their power. In bpm (...,); NaN
    without power. This is Gideon and Stent's `fast_ideal`, kept as it is: the move of up to a
    whole bin is no interpolation, but at their padding a bin is 0.1 bpm or less. Source:
    ToyotaResearchInstitute/RemotePPG @38cfde2, iccv/src/shared/heart_rate.py.
    """
    band, freqs = spectrum.band, spectrum.freqs_hz[spectrum.first : spectrum.stop]
    if len(freqs) < 3:
        return bin_peak(spectrum)
    at = band.argmax(axis=-1)
    last = len(freqs) - 1
    inner = np.clip(at, 1, last - 1)
    low, here, high = (
        np.take_along_axis(band, (inner + k)[..., None], axis=-1)[..., 0] for k in (-1, 0, 1)
    )
    step = freqs[1] - freqs[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        down, up = here - low, here - high
        move = 1 - np.minimum(down, up) / np.maximum(down, up)
        middle = freqs[inner] + np.where(up > down, -move, move) * step
        bottom = freqs[0] + band[..., 1] / (band[..., 0] + band[..., 1]) * step
        top = freqs[-2] + band[..., -1] / (band[..., -2] + band[..., -1]) * step
    bpm: Array = 60 * np.where(at == 0, bottom, np.where(at == last, top, middle))
    return np.where(band.max(axis=-1) > 0, bpm, np.nan)


def local_maximum_peak(spectrum: Spectrum, harmonic_within_bpm: float) -> Array:
    """Highest local maximum h1, or the second h2 where |h1 - 2 h2| is under the limit, in bpm.

    Outside the band there is nothing, so its first and last bin can be maxima. One maximum is
    taken as it is; none gives NaN: (...,). Source: Sun, Li, Contrast-Phys, ECCV 2022,
    10.1007/978-3-031-19775-8_29; zhaodongsun/contrast-phys @eb33acf, utils_sig.py:hr_fft.
    """
    band = spectrum.band
    if band.shape[-1] < 2:
        return np.full(band.shape[:-1], np.nan)
    edge = np.zeros((*band.shape[:-1], 1))
    padded = np.concatenate([edge, band, edge], axis=-1)
    rises, falls = padded[..., 1:-1] > padded[..., :-2], padded[..., 1:-1] > padded[..., 2:]
    heights = np.where(rises & falls, band, -1.0)
    order = np.argpartition(heights, -2, axis=-1)[..., -2:]
    two = np.take_along_axis(heights, order, axis=-1)
    swap = two[..., 0] > two[..., 1]
    first = np.where(swap, order[..., 0], order[..., 1])
    second = np.where(swap, order[..., 1], order[..., 0])
    rates = 60 * spectrum.freqs_hz[spectrum.first : spectrum.stop]
    h1, h2 = rates[first], rates[second]
    harmonic = (two.min(axis=-1) > 0) & (np.abs(h1 - 2 * h2) < harmonic_within_bpm)
    return np.where(two.max(axis=-1) > 0, np.where(harmonic, h2, h1), np.nan)


def peak_intervals(signals: Array, fs: float) -> Array:
    """60 fs / (mean distance of neighbouring local maxima) of (..., N), in bpm: (...,).

    NaN with fewer than two maxima. Every ripple is a maximum, so noise reads as hundreds of bpm.
    Source: ubicomplab/rPPG-Toolbox @d807b01, evaluation/post_process.py, method "Peak".

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
