"""Records with plain defaults: a test names only the fields that it is about."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.estimate import Estimate
from rppgbench.core.method import Method
from rppgbench.core.recording import Dataset, GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal, Waveform
from rppgbench.store.schema import RecordingInfo

FS = 30.0
SECONDS = 60.0


def make_sine(
    bpm: float, fs: float = FS, seconds: float = SECONDS, *, start_s: float = 0.0
) -> Array:
    """A sine of one heart rate: (T,), its phase 0 at the time 0."""
    times_s = start_s + np.arange(round(seconds * fs)) / fs
    sine: Array = np.sin(2 * np.pi * bpm / 60 * times_s)
    return sine


def make_pulse(
    bpm: float, fs: float = FS, seconds: float = SECONDS, *, start_s: float = 0.0
) -> Waveform:
    """A method's pulse: a sine of one heart rate."""
    return Waveform(make_sine(bpm, fs, seconds, start_s=start_s), fs, start_s)


def make_ground_truth(bpm: float, fs: float = 64.0, seconds: float = SECONDS + 1) -> GroundTruth:
    """A sensor's pulse at its own rate, and its device's heart rate once a second."""
    values = make_sine(bpm, fs, seconds)
    ticks_s = np.arange(round(seconds) + 1.0)
    return GroundTruth(
        pulse=Signal(values, np.arange(len(values)) / fs),
        heart_rate=Signal(np.full(len(ticks_s), bpm), ticks_s),
    )


def make_estimate(
    waveform: Waveform | None = None, recording: str = "a1", **fields: Any
) -> Estimate:
    """An estimate of a recording by POS; `fields` replaces any field.

    The subject is the first letter of the recording, the digest is made of recording, method and
    seed, and the coverage is 1 where there is a waveform.
    """
    method, seed = fields.get("method", "pos"), fields.get("seed", 0)
    defaults = {
        "job": f"{recording}{method}{seed}",
        "dataset": "set",
        "recording": recording,
        "subject": recording[:1],
        "scenario": "rest",
        "method": method,
        "fold": "0",
        "seed": seed,
        "condition": "none",
        "region": "skin",
        "coverage": float(waveform is not None),
    }
    return Estimate(waveform=waveform, **{**defaults, **fields})


def make_recording_info(recording: str = "a1", **fields: Any) -> RecordingInfo:
    """What was seen of a genuine recording; `fields` replaces any field.

    The subject is the first letter of the recording, and nothing else is known of the recording.
    """
    texts = dict.fromkeys(("scenario", "source", "skin_tone", "light"), "")
    defaults = {
        "dataset": "set",
        "subject": recording[:1],
        "simulated": False,
        "condition": "none",
        "ground_truth": GroundTruth(),
    }
    return RecordingInfo(recording=recording, **{**texts, **defaults, **fields})


def make_recording(name: str = "01", **fields: Any) -> Recording:
    """A recording of a subject of the same name, without files or labels."""
    video: Callable[[], VideoSource] = lambda: VideoSource(Path("video.avi"))  # noqa: E731
    defaults = {
        "dataset": "set",
        "subject": name,
        "video": video,
        "ground_truth": GroundTruth,
        "files": (),
    }
    return Recording(name=name, **{**defaults, **fields})


def make_dataset(recordings: Callable[[Path], Iterable[Recording]], **fields: Any) -> Dataset:
    """A data set with a reader, and nothing declared but a name."""
    texts = dict.fromkeys(("title", "cite", "licence", "url"), "")
    return Dataset(recordings=recordings, **{"name": "set", "expected": {}, **texts, **fields})


def make_method(estimate: Callable[..., Any] = Waveform, **fields: Any) -> Method:
    """A method named "mine" that takes a trace and has no parameters."""
    defaults = {"name": "mine", "title": "", "cite": "", "input": "trace", "params": {}}
    return Method(estimate=estimate, **{**defaults, **fields})


def video_source(recording: Recording) -> VideoSource:
    """The video of a recording that is a video, not a trace."""
    source = recording.video()
    assert isinstance(source, VideoSource)
    return source


def stated_times(recording: Recording) -> Array:
    """The times (T,) of the frames that a reader states, in seconds."""
    times_s = video_source(recording).times_s
    assert times_s is not None
    return times_s
