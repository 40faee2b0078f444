"""Signal-to-noise ratios of pulses, and their correlations with the reference."""

from collections.abc import Callable, Mapping
from functools import wraps

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.signals.spectrum import Spectrum, fast_length, periodogram, taper, welch

Snr = Callable[[Array, Array, float, float, float], Array]


def _full_spectrum(signals: Array, fs: float, window: Array, nfft: int) -> Spectrum:
    return periodogram(signals, fs, window, nfft, (0, nfft // 2 + 1))


def _between(spectrum: Spectrum, low_hz: Array, high_hz: Array) -> Array:
    """Power at low_hz <= f <= high_hz, with K pairs of limits for each window: (..., K)."""
    total = np.cumsum(spectrum.power, axis=-1)
    total = np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1)
    first = np.searchsorted(spectrum.freqs_hz, low_hz, side="left")
    stop = np.maximum(np.searchsorted(spectrum.freqs_hz, high_hz, side="right"), first)
    ends = (np.take_along_axis(total, at, axis=-1) for at in (stop, first))
    inside: Array = np.subtract(*ends)
    return inside


def _known_rates_hz(reference_bpm: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which rates are known (..., K), and all in Hz, 1 Hz in place of those that are not."""
    known = np.isfinite(reference_bpm)
    return known, np.where(known, reference_bpm, 60.0) / 60


def _harmonic_power(
    spectrum: Spectrum,
    rate_hz: Array,
    widths_hz: tuple[float, float],
    low_hz: float = -np.inf,
    high_hz: float = np.inf,
) -> Array:
    """Power within one width of the rate and another of twice the rate, within limits: (..., K)."""
    first, second = (
        _between(
            spectrum,
            np.maximum(k * rate_hz - width_hz, low_hz),
            np.minimum(k * rate_hz + width_hz, high_hz),
        )
        for k, width_hz in zip((1, 2), widths_hz, strict=True)
    )
    return first + second


def _decibel(signal: Array, noise: Array, known: NDArray[np.bool_]) -> Array:
    """10 log10(signal / noise); NaN where either is not positive or the rate is not known."""
    fine = known & (signal > 0) & (noise > 0)
    ratio = np.divide(signal, noise, out=np.ones_like(signal), where=fine)
    return np.where(fine, 10 * np.log10(ratio), np.nan)


def _at_rates(snr: Snr) -> Snr:
    """Take one rate (...,) for each window, or K rates (..., K) from one spectrum of it."""

    @wraps(snr)
    def at_rates(
        signals: Array, rate_bpm: Array, fs: float, low_hz: float, high_hz: float
    ) -> Array:
        if rate_bpm.ndim == signals.ndim:
            return snr(signals, rate_bpm, fs, low_hz, high_hz)
        return np.asarray(snr(signals, rate_bpm[..., None], fs, low_hz, high_hz)[..., 0])

    return at_rates


@_at_rates
def snr_toolbox(
    signals: Array, reference_bpm: Array, fs: float, low_hz: float, high_hz: float
) -> Array:
    """Power within 6 bpm of the rate and of twice the rate over the rest of the band, in dB.

    Boxcar periodogram, padded with zeros to the next power of two. Source: ubicomplab/rPPG-Toolbox
    @d807b01, evaluation/post_process.py:_calculate_SNR (as corrected by its pull request 288: older
    published values are not comparable).

    Args:
        signals: Prepared windows (..., N).
        reference_bpm: The rates (...,) of the signal, or K for each window (..., K), in bpm.
        fs: Samples per second.
        low_hz: Lower edge of the evaluator's band.
        high_hz: Upper edge of the evaluator's band.

    Returns:
        (...,) in dB; NaN where the rate is NaN or there is no power beside it.
    """
    samples = signals.shape[-1]
    spectrum = _full_spectrum(signals, fs, np.ones(samples), 1 << (samples - 1).bit_length())
    known, rate = _known_rates_hz(reference_bpm)
    widths_hz = (6 / 60, 6 / 60)
    signal = _harmonic_power(spectrum, rate, widths_hz)
    inside = _harmonic_power(spectrum, rate, widths_hz, low_hz, high_hz)
    band = _between(spectrum, np.full_like(rate, low_hz), np.full_like(rate, high_hz))
    return _decibel(signal, band - inside, known)


@_at_rates
def snr_de_haan(
    signals: Array, reference_bpm: Array, fs: float, low_hz: float, high_hz: float
) -> Array:
    """Power within 0.1 Hz of the rate and 0.2 Hz of twice the rate over the rest of 0.5 to 4 Hz.

    Hamming periodogram of the centred window on bins 0.5 bpm apart, or a little less for a fast
    FFT; power outside 0.5 to 4 Hz does not count, whatever the evaluator's band. Source: de Haan,
    Jeanne, Robust pulse rate from chrominance-based rPPG, 2013, 10.1109/TBME.2013.2266196, with the
    widths of danmcduff/iphys-toolbox @65deeb4, bvpsnr.m.

    Args:
        signals: Prepared windows (..., N).
        reference_bpm: The rates (...,) of the signal, or K for each window (..., K), in bpm.
        fs: Samples per second.
        low_hz: Lower edge of the evaluator's band; not used.
        high_hz: Upper edge of the evaluator's band; not used.

    Returns:
        (...,) in dB; NaN where the rate is NaN.
    """
    del low_hz, high_hz
    samples = signals.shape[-1]
    nfft = fast_length(max(round(120 * fs), samples))
    step = fs / nfft
    bins = int(0.5 / step), min(int(4.0 / step) + 2, nfft // 2 + 1)
    centred = signals - signals.mean(axis=-1, keepdims=True)
    spectrum = periodogram(centred, fs, taper("hamming", samples, symmetric=True), nfft, bins)
    known, rate = _known_rates_hz(reference_bpm)
    signal = _harmonic_power(spectrum, rate, (0.1, 0.2), 0.5, 4.0)
    band = _between(spectrum, np.full_like(rate, 0.5), np.full_like(rate, 4.0))
    return _decibel(signal, band - signal, known)


@_at_rates
def snr_pyvhr(
    signals: Array, reference_bpm: Array, fs: float, low_hz: float, high_hz: float
) -> Array:
    """Power within 12 bpm of the rate and of twice the rate over the rest of 0.65 to 4 Hz, in dB.

    Welch, Hann segments of 256 samples (or the window) with an overlap of 200, bins 0.5 bpm apart.
    The reference is that of the same time; pyVHR itself picks it by index. Source: phuselab/pyVHR
    @a6270f0, pyVHR/utils/errors.py:get_SNR.

    Args:
        signals: Prepared windows (..., N).
        reference_bpm: The rates (...,) of the signal, or K for each window (..., K), in bpm.
        fs: Samples per second.
        low_hz: Lower edge of the evaluator's band; not used.
        high_hz: Upper edge of the evaluator's band; not used.

    Returns:
        (...,) in dB; NaN where the rate is NaN.
    """
    del low_hz, high_hz
    segment = min(256, signals.shape[-1])
    nfft = max(int(np.ceil(120 * fs)), segment)
    window = taper("hann", segment, symmetric=False)
    freqs = np.fft.rfftfreq(nfft, 1 / fs)
    bins = int(np.searchsorted(freqs, 0.65, "right")), int(np.searchsorted(freqs, 4.0, "left"))
    full = welch(signals, fs, window, nfft, bins, hop=56, centred=True)
    spectrum = Spectrum(
        freqs_hz=full.freqs_hz[full.first : full.stop],
        power=full.band,
        first=0,
        stop=full.stop - full.first,
    )
    known, rate = _known_rates_hz(reference_bpm)
    signal = _harmonic_power(spectrum, rate, (0.2, 0.2))
    return _decibel(signal, spectrum.power.sum(axis=-1, keepdims=True) - signal, known)


@_at_rates
def snr_get(
    signals: Array, reference_bpm: Array, fs: float, low_hz: float, high_hz: float
) -> Array:
    """Power around the rate (5 bpm) and twice the rate (10 bpm) over all other power, in dB.

    Hann taper, no padding, bins counted from round(f - d) to before round(f + d); DC and all power
    outside the band is noise. Source: zhaodongsun/contrast-phys @eb33acf, utils_sig.py:SNR_get.

    Args:
        signals: Prepared windows (..., N).
        reference_bpm: The rates (...,) of the signal, or K for each window (..., K), in bpm.
        fs: Samples per second.
        low_hz: Lower edge of the evaluator's band; not used.
        high_hz: Upper edge of the evaluator's band; not used.

    Returns:
        (...,) in dB; NaN where the rate is NaN.
    """
    del low_hz, high_hz
    samples = signals.shape[-1]
    window = taper("hann", samples, symmetric=True)
    spectrum = _full_spectrum(signals, fs, window, samples)
    # Parseval: both sides.
    total = samples * np.sum((signals * window) ** 2, axis=-1, keepdims=True)
    known, rate = _known_rates_hz(reference_bpm)
    signal = np.zeros(rate.shape)
    half = fs / samples / 2
    for k in (1, 2):
        near = round(k * 5 / 60 / fs * samples)
        middle = np.round(k * rate * samples / fs)
        first, stop = (middle - near) * 2 * half, (middle + near) * 2 * half
        signal += 2 * _between(spectrum, first - half, stop - half)
    return _decibel(signal, total - signal, known)


def mcc(estimate: Array, reference: Array, fs: float) -> Array:
    """Largest normalised cross-correlation over all lags, within 40 to 250 bpm.

    About 1 for the same wave at any lag that is short against the window (lost overlap lowers it)
    and near 0 for unrelated ones; an inverted wave is one that is half a period late. The
    correlation's spectrum is cut to the band and divided by the share of its magnitude there, which
    corrects for power that both waves have outside the band; a drift of one of them alone still
    lowers the value, so prepare both. Both are padded with zeros to twice their length, or a little
    more for a fast FFT. Source: Gideon, Stent, The way to my heart is through contrastive learning,
    ICCV 2021, eq. 1 and code (RemotePPG @38cfde2).

    Args:
        estimate: Windows (..., N).
        reference: Windows of the reference (..., N).
        fs: Samples per second.

    Returns:
        (...,); NaN for a constant wave.

    >>> t = np.arange(300) / 30
    >>> wave = np.sin(2 * np.pi * 1.2 * t)
    >>> float(mcc(wave, 7 * wave + 3, 30.0).round(2))
    1.0
    """
    samples = estimate.shape[-1]
    x, y = (s - s.mean(axis=-1, keepdims=True) for s in (estimate, reference))
    nfft = fast_length(2 * samples)
    cross = np.fft.rfft(x, nfft) * np.conj(np.fft.rfft(y, nfft))
    freqs = np.fft.rfftfreq(nfft, 1 / fs)
    inside = (freqs >= 40 / 60) & (freqs <= 250 / 60)
    size = np.abs(cross)
    within = np.where(inside, cross, 0)
    peak = np.fft.irfft(within, nfft).max(axis=-1) / (samples - 1)
    spread = x.std(axis=-1, ddof=1) * y.std(axis=-1, ddof=1)
    scale = spread * size[..., inside].sum(axis=-1)
    total = size.sum(axis=-1)
    out: Array = np.full(peak.shape, np.nan)
    np.divide(peak * total, scale, out=out, where=scale > 0)
    return out


def macc(estimate: Array, reference: Array, fs: float) -> Array:
    """Largest |Pearson correlation| over all circular shifts but the last: 0 to 1.

    Any shift counts, even half a minute, so values are high. Source: ubicomplab/rPPG-Toolbox
    @d807b01, evaluation/post_process.py:_compute_macc.

    Args:
        estimate: Windows (..., N).
        reference: Windows of the reference (..., N).
        fs: Samples per second; not used.

    Returns:
        (...,); NaN for a constant wave.

    >>> wave = np.array([0.0, 1, 0, -1, 0, 1, 0, -1])
    >>> float(macc(wave, np.roll(wave, 3), 30.0))
    1.0
    """
    del fs
    samples = estimate.shape[-1]
    x, y = (s - s.mean(axis=-1, keepdims=True) for s in (estimate, reference))
    shifted = np.fft.irfft(np.fft.rfft(x) * np.conj(np.fft.rfft(y)), samples)[..., : samples - 1]
    norm = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    out: Array = np.full(norm.shape, np.nan)
    np.divide(np.abs(shifted).max(axis=-1), norm, out=out, where=norm > 0)
    return out


SNRS: Mapping[str, Snr] = {
    "toolbox": snr_toolbox,
    "de_haan": snr_de_haan,
    "pyvhr": snr_pyvhr,
    "snr_get": snr_get,
}
"""The definitions of the signal-to-noise ratio by name: (signals, bpm, fs, low_hz, high_hz)."""

CORRELATIONS: Mapping[str, Callable[[Array, Array, float], Array]] = {"mcc": mcc, "macc": macc}
"""The correlations of two waves by name: (estimate, reference, fs)."""
