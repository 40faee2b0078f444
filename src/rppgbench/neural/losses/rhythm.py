"""The losses of RhythmMamba and RhythmFormer: a wave, and the power at whole heart rates."""

from collections.abc import Callable

from torch import Tensor

from rppgbench.neural.losses.agreement import correlation
from rppgbench.neural.losses.filtered_rates import (
    END_BPM,
    LOWEST_BPM,
    periodogram_bpm,
    welch_band,
    welch_bpm,
    welch_peaks,
)
from rppgbench.neural.losses.power_spectra import divisor, full_precision
from rppgbench.neural.losses.rate_spectrum import (
    rate_bins,
    rate_cross_entropy,
    rate_spectrum,
    share_divergence,
    unit_bell,
)
from rppgbench.system.errors import unknown_name

WAVE_WEIGHT = 0.2
"""Of one minus Pearson's r."""

DEVIATION = 3.0
"""Standard deviation of the bells around a rate, in bins."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""From a pulse (B, T) and the reference (B, T) to a loss for each clip (B,)."""


def wave_and_rate(pulse: Tensor, reference: Tensor, bpm: Tensor, fs: float) -> Tensor:
    """A fifth of one minus Pearson's r, plus the cross-entropy of the power with the true rate.

    Source: B. Zou et al., "RhythmMamba: Fast, Lightweight, and Accurate Remote Physiological
    Measurement", AAAI 2025, arXiv 2404.06483, and github zizheng-guo/RhythmMamba @1533ad2.

    Args:
        pulse: (B, T).
        reference: (B, T).
        bpm: true heart rates (B,).
        fs: sampling rate in Hz.

    Returns:
        A loss for each clip (B,).
    """
    spectrum, bins = _spectrum(pulse, fs), _bins(bpm)
    return WAVE_WEIGHT * (1 - correlation(pulse, reference)) + rate_cross_entropy(spectrum, bins)


def wave_and_distribution(pulse: Tensor, reference: Tensor, bpm: Tensor, fs: float) -> Tensor:
    """`wave_and_rate`, plus the divergence of the power from a bell around the true rate.

    The public code computes this divergence and leaves it out of the loss, which has
    `peak_divergence` in its place. Here it is the term on the heart rate, and so has a gradient.

    Args:
        pulse: (B, T).
        reference: (B, T).
        bpm: true heart rates (B,).
        fs: sampling rate in Hz.

    Returns:
        A loss for each clip (B,).
    """
    divergence = share_divergence(_spectrum(pulse, fs), _bins(bpm), DEVIATION)
    return wave_and_rate(pulse, reference, bpm, fs) + divergence


def peak_divergence(pulse: Tensor, reference: Tensor, fs: float) -> Tensor:
    """Kullback-Leibler divergence of bells around the highest peaks of both Welch spectra.

    It has no gradient, because a peak is a whole bin. Source: github RhythmFormer @033d487, which
    adds it to its loss.

    Args:
        pulse: (B, T).
        reference: (B, T).
        fs: sampling rate in Hz.

    Returns:
        A value for each clip (B,).
    """
    first, end = welch_band(fs)
    approximate, true = (
        unit_bell(welch_peaks(signal, fs), end - first, DEVIATION, signal.dtype)
        for signal in (full_precision(pulse.detach()), full_precision(reference))
    )
    divergence: Tensor = (true * (true.log() - approximate.log())).sum(dim=1)
    return divergence


def _spectrum(pulse: Tensor, fs: float) -> Tensor:
    return rate_spectrum(pulse, fs, lowest_bpm=LOWEST_BPM, end_bpm=END_BPM)


def _bins(bpm: Tensor) -> Tensor:
    return rate_bins(bpm, lowest_bpm=LOWEST_BPM, end_bpm=END_BPM)


def standardised(pulse: Tensor) -> Tensor:
    """Each clip (B, T) with mean 0 and standard deviation 1; a constant clip becomes 0."""
    centred = full_precision(pulse) - full_precision(pulse).mean(dim=-1, keepdim=True)
    spread = centred.square().mean(dim=-1, keepdim=True)
    return centred / divisor(spread).sqrt()


RATE_TERMS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "distribution": lambda pulse, reference, fs: wave_and_distribution(
        pulse, reference, welch_bpm(reference, fs), fs
    ),
    "none": lambda pulse, reference, fs: wave_and_rate(
        pulse, reference, welch_bpm(reference, fs), fs
    ),
    "peaks": lambda pulse, reference, fs: (
        wave_and_rate(pulse, reference, welch_bpm(reference, fs), fs)
        + peak_divergence(pulse, reference, fs)
    ),
    "toolbox": lambda pulse, reference, fs: wave_and_rate(
        pulse, reference, periodogram_bpm(reference, fs), fs
    ),
}
"""By name, what the loss has besides the wave and the cross-entropy."""


def choose_rhythm_loss(rate_term: str, fs: float) -> Loss:
    """The loss of standardised outputs, with the heart rates of the reference itself.

    Args:
        rate_term: "distribution", `wave_and_distribution`; "none", `wave_and_rate`, the loss of
            RhythmMamba; "peaks", the latter plus `peak_divergence`, the loss of RhythmFormer's own
            code; "toolbox", the latter in rPPG-Toolbox, where `peak_divergence` is always 0 and the
            true rate is the periodogram's.
        fs: sampling rate in Hz.

    Raises:
        BenchError: there is no term of this name.
    """
    if rate_term not in RATE_TERMS:
        raise unknown_name("rate_term", rate_term, RATE_TERMS, "parameters")
    loss = RATE_TERMS[rate_term]
    return lambda pulse, reference: loss(standardised(pulse), reference, fs)
