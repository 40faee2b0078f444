"""R peaks of electrocardiograms against the simulated heart and against NeuroKit2."""

import numpy as np
import pytest

from rppgbench.core.waveform import Array
from rppgbench.signals.electrocardiogram import r_peaks
from rppgbench.simulation import HeartRate, Scene, SimulatedRecording, frame_times, simulate

SECONDS = 60.0


def session(bpm: float, course: HeartRate = "resting") -> SimulatedRecording:
    scene = Scene(
        width=64, height=64, times_s=frame_times(SECONDS, 30.0), heart_rate_bpm=bpm,
        heart_rate=course,
    )  # fmt: skip
    return simulate(dataset="x", subject="a", session="1", scene=scene, seed=1)


def noisy(recording: SimulatedRecording, fs: float, noise_mv: float = 0.05) -> Array:
    times_s = np.arange(0, SECONDS, 1 / fs)
    noise = np.random.default_rng(0).normal(0, noise_mv, len(times_s))
    noisy_mv: Array = recording.electrocardiogram_at(times_s) + noise
    return noisy_mv


def true_beats(recording: SimulatedRecording) -> Array:
    """The R peaks of the model: whole numbers of beats, a transit time before the face's wave."""
    times_s = np.arange(0, SECONDS, 1e-3)
    cycles = recording.body.cycles(times_s + 0.2)
    beats: Array = np.interp(np.arange(np.ceil(cycles[0]), cycles[-1]), cycles, times_s)
    return beats


@pytest.mark.parametrize("fs", [100.0, 256.0, 1000.0])
@pytest.mark.parametrize("bpm", [50.0, 75.0, 120.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_every_beat_is_found_once_within_3_ms(bpm: float, fs: float, sign: int) -> None:
    recording = session(bpm)
    found = r_peaks(sign * noisy(recording, fs), fs) / fs
    true = true_beats(recording)
    inner = true[(true > 0.5) & (true < SECONDS - 0.5)]
    found = found[(found > 0.4) & (found < SECONDS - 0.4)]
    nearest = np.abs(found[None] - inner[:, None]).min(axis=1)
    assert nearest.max() < 3e-3
    assert len(found) <= len(inner) + 2  # those between 0.4 and 0.5 s from an end


def test_an_artefact_hides_only_the_beats_around_it() -> None:
    """Over the whole recording the mean energy would hide them all: 100 mV against 1."""
    recording = session(75.0)
    ecg = noisy(recording, 250.0)
    ecg[7500:7625] += 100 * np.random.default_rng(1).normal(size=125)
    found = r_peaks(ecg, 250.0) / 250.0
    true = true_beats(recording)
    far = true[(np.abs(true - 30.25) > 6) & (true > 0.5) & (true < SECONDS - 0.5)]
    assert len(far) > 55
    assert np.abs(found[None] - far[:, None]).min(axis=1).max() < 3e-3


def test_noise_and_short_or_slow_signals_have_no_regular_beats() -> None:
    assert len(r_peaks(np.zeros(3000), 250.0)) == 0
    assert len(r_peaks(np.zeros(30), 250.0)) == 0
    assert len(r_peaks(noisy(session(75.0), 30.0), 30.0)) == 0


@pytest.mark.parametrize("course", ["resting", "changing", "after_exercise"])
def test_neurokit2_finds_the_same_beats(course: HeartRate) -> None:
    neurokit2 = pytest.importorskip("neurokit2")
    ecg = noisy(session(70.0, course), 250.0)
    clean = neurokit2.ecg_clean(ecg, sampling_rate=250)
    theirs = np.asarray(neurokit2.ecg_peaks(clean, sampling_rate=250)[1]["ECG_R_Peaks"])
    theirs = theirs[(theirs > 125) & (theirs < len(ecg) - 125)]
    ours = r_peaks(ecg, 250.0)
    assert np.abs(ours[None] - theirs[:, None]).min(axis=1).max() < 5  # 20 ms
    inner = ours[(ours > 150) & (ours < len(ecg) - 150)]
    assert np.abs(theirs[None] - inner[:, None]).min(axis=1).max() < 5
