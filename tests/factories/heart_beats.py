"""Contact pulses whose beats are known."""

import numpy as np

from rppgbench.core.waveform import Array, Signal


def beats_of_rate(bpm: Array, step_s: float) -> Array:
    """Beats (B,) of a rate (N,) that is given every `step_s`, in seconds; the phase starts at 0."""
    phase = np.concatenate([[0.0], np.cumsum(bpm) * step_s / 60])
    at: Array = np.interp(np.arange(int(phase[-1]) + 1), phase, np.arange(len(phase)) * step_s)
    return at


def pulse_of_beats(beats_s: Array, fs: float, *, start_s: float = 0.0, stop_s: float) -> Signal:
    """A pulse at `fs` whose systolic maxima are the beats; the phase is linear between them."""
    times_s = start_s + np.arange(int((stop_s - start_s) * fs)) / fs
    steps_s = np.diff(beats_s)
    first = beats_s[0] - steps_s[0] * np.arange(3, 0, -1)
    last = beats_s[-1] + steps_s[-1] * np.arange(1, 4)
    phase = 2 * np.pi * np.interp(times_s, np.concatenate([first, beats_s, last]),
                                  np.arange(len(beats_s) + 6))  # fmt: skip
    return Signal(np.cos(phase) + 0.35 * np.cos(2 * phase), times_s)


def varying_rate(mean_bpm: float, seconds: float = 80.0, step_s: float = 0.002) -> Array:
    """A heart rate that varies with respiration and more slowly, and drifts, in bpm."""
    t = np.arange(round(seconds / step_s)) * step_s
    rate: Array = mean_bpm * (
        1 + 0.04 * np.sin(2 * np.pi * 0.25 * t) + 0.04 * np.sin(2 * np.pi * 0.08 * t + 1)
        + 0.05 * t / seconds
    )  # fmt: skip
    return rate
