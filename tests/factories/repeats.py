"""Recordings whose labels are pulses that a test chose, and a data set of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rppgbench.core.features import REGIONS, FaceTrack, Features, RegionMoments
from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal

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


def face_changes(seed: int, seconds: float = 30.0) -> Array:
    """How a face and its cells change, 30 times a second: relative levels (T, 25)."""
    rng = np.random.default_rng(seed)
    knots_s, times = np.arange(0, seconds + 1, 0.25), np.arange(round(seconds * 30)) / 30
    steps = rng.normal(0, 0.004, (len(knots_s), 25)) + rng.normal(0, 0.004, (len(knots_s), 1))
    changes: Array = np.stack([np.interp(times, knots_s, cell) for cell in steps.T], axis=1)
    return 1 + changes


def video_features(
    changes: Array, *, face: int = 0, fps: float = 30.0, noise: float = 0.0, start_s: float = 0.0
) -> Features:
    """Features of a face that changes so; `face` chooses the colours of its cells and its shape."""
    rng = np.random.default_rng(1000 + face)
    tones = np.array([150.0, 110.0, 90.0]) * rng.uniform(0.7, 1.1, (25, 1))
    shape = rng.normal(0, 30, (468, 2)) + 200
    frames = np.round(np.arange(0, len(changes), 30 / fps)).astype(int)
    frames = frames[frames < len(changes)]
    levels = tones * changes[frames][..., None]
    levels = levels * (1 + np.random.default_rng(7).normal(0, noise, levels.shape))
    count, rgb = (
        np.full((len(frames), len(REGIONS)), 400.0),
        np.ones((len(frames), len(REGIONS), 3)),
    )
    cells = [REGIONS.index(name) for name in REGIONS if name.startswith("grid_")]
    rgb[:, cells] = levels * 400
    moments = RegionMoments(
        names=REGIONS, count=count, rgb=rgb, second=np.ones((len(frames), len(REGIONS), 6))
    )
    detected = np.ones(len(frames), np.bool_)
    landmarks = np.repeat(shape[None], len(frames), axis=0).astype(np.float32)
    track = FaceTrack(
        landmarks=landmarks, box=np.ones((len(frames), 4), np.float32), detected=detected, cadence=1
    )
    return Features(times_s=start_s + np.arange(len(frames)) / fps, track=track, moments=moments)
