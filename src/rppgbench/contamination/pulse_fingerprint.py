"""The fingerprint of a pulse: its beats, and its wave within the band of heart rates."""

from dataclasses import dataclass

import numpy as np

from rppgbench.contamination.longest_run import longest_run
from rppgbench.core.recording import pulse_gap_s
from rppgbench.core.waveform import Array, Signal
from rppgbench.signals.filters import butterworth

RATE_HZ = 25.0
"""Samples per second of the stored wave: a beat of 200 bpm has seven."""

BAND_HZ = (0.7, 4.0)
ORDER = 2
EDGE_S = 1.0
"""What is cut off at both ends of the band-passed wave: there it depends on what lies outside."""

SHORTEST_S = 8.0
"""A pulse without a gap over this time has a fingerprint."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PulseFingerprint:
    """A pulse on an even grid, and when its beats are.

    Attributes:
        start_s: time of the first sample of the wave in seconds.
        wave: band-passed pulse (T,) at `RATE_HZ`, about standardised.
        beats_s: times of the maxima (B,) in seconds, between the samples.
    """

    start_s: float
    wave: Array
    beats_s: Array


def fingerprint_pulse(pulse: Signal) -> PulseFingerprint | None:
    """The fingerprint of the longest part of a pulse without a gap; None where it is too short.

    Neither scale, offset and trend of the pulse nor its sampling rate change the fingerprint much.

    >>> times = np.arange(0, 20, 0.01)
    >>> made = fingerprint_pulse(Signal(5 + np.sin(2 * np.pi * 1.25 * times), times))
    >>> np.diff(made.beats_s).round(2)[:4]
    array([0.8, 0.8, 0.8, 0.8])
    """
    if len(pulse.times_s) < 2 or pulse.duration_s < SHORTEST_S:
        return None
    grid = np.arange(pulse.times_s[0], pulse.times_s[-1], 1 / RATE_HZ)
    samples = pulse.at(grid, pulse_gap_s(pulse))
    first, stop = longest_run(np.isfinite(samples))
    samples, grid = samples[first:stop], grid[first:stop]
    if len(samples) < SHORTEST_S * RATE_HZ or not np.ptp(samples) > 0:
        return None
    wave = butterworth(samples, RATE_HZ, *BAND_HZ, ORDER)
    spread = wave.std()
    if not spread > 1e-9 * np.abs(samples).max():
        return None
    edge = round(EDGE_S * RATE_HZ)
    wave, start_s = (wave[edge:-edge] - wave.mean()) / spread, float(grid[edge])
    return PulseFingerprint(start_s=start_s, wave=wave, beats_s=start_s + _beats(wave))


def _beats(wave: Array) -> Array:
    """Times of the maxima above the mean (B,), in seconds after the first sample, by parabolas."""
    inner = wave[1:-1]
    at = np.flatnonzero((inner > wave[:-2]) & (inner >= wave[2:]) & (inner > 0)) + 1
    before, top, after = wave[at - 1], wave[at], wave[at + 1]
    shift = (before - after) / (2 * (before - 2 * top + after))
    beats: Array = (at + shift) / RATE_HZ
    return beats
