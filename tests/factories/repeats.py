"""Recordings whose labels are pulses that a test chose, and a data set of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal

from .heart_beats import beats_of_rate, pulse_of_beats


def contact_pulse(seed: int, *, seconds: float = 40.0, fs: float = 60.0) -> Signal:
    """A pulse whose rate wanders as a heart's does, from 0 s on; each seed is another heart."""
    rng = np.random.default_rng(seed)
    steps = np.arange(round((seconds + 4) / 0.01)) * 0.01
    knots_s = np.arange(0.0, seconds + 6, 2.0)
    wander = np.interp(steps, knots_s, rng.normal(0, 0.05, len(knots_s)))
    breath = 0.03 * np.sin(2 * np.pi * (rng.uniform(0.2, 0.3) * steps + rng.random()))
    bpm = rng.uniform(60, 90) * (1 + wander + breath)
    pulse = pulse_of_beats(beats_of_rate(bpm, 0.01), fs, stop_s=seconds)
    return Signal(pulse.values + rng.normal(0, 0.05, len(pulse.values)), pulse.times_s)


def part_of(pulse: Signal, first_s: float, last_s: float, *, at_s: float = 0.0) -> Signal:
    """The part of a pulse from one time to another, moved so that it begins at `at_s`."""
    inside = (pulse.times_s >= first_s) & (pulse.times_s <= last_s)
    return Signal(pulse.values[inside], pulse.times_s[inside] - first_s + at_s)


def recording(
    name: str, truth: GroundTruth, *, subject: str = "", dataset: str = "ubfc_rppg"
) -> Recording:
    """A recording of a data set with labels and without a video."""
    return Recording(
        dataset=dataset,
        name=name,
        subject=subject or name,
        video=lambda: VideoSource(Path("none.avi")),
        ground_truth=lambda: truth,
        files=(),
    )


def recordings(pulses: Mapping[str, Signal]) -> list[Recording]:
    """A recording of a person of its own for each pulse, by name."""
    return [recording(name, GroundTruth(pulse=pulse)) for name, pulse in pulses.items()]
