"""The circumstances of simulated recordings: scene, light, motion, heart rate."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rppgbench.core.waveform import Array

Difficulty = Literal["easy", "paper", "hard"]
"""The noise, light and sway that are added to what the scene asks for.

easy   a still head, low sensor noise, steady light: POS and CHROM are within 2 bpm
paper  like the sets that papers report on: slight sway of the head, some flicker, usual noise
hard   strong sway, weak pulse, high noise, light that changes: the classical methods partly fail
"""

Motion = Literal[
    "still",
    "talking",
    "slow_translation",
    "fast_translation",
    "small_rotation",
    "medium_rotation",
    "free",
    "walking",
]
"""The motion of the head; the speeds follow PURE (Stricker et al. 2014,
10.1109/ROMAN.2014.6926392).

still             no movement beyond breathing and the sway that the difficulty adds
talking           mouth, jaw and small nods
slow_translation  sideways, about 7 % of the face's height a second
fast_translation  the same at twice the speed
small_rotation    turns of the head to about 20 degrees
medium_rotation   turns of the head to about 35 degrees
free              unconstrained translation, rotation and tilt, as in VIPL-HR's v2
walking           a bounce at the step rate, about 1.7 Hz, and sway
"""

Light = Literal["bright", "indoor", "dim", "dark", "side", "changing"]
"""The amount and the direction of the light.

bright    ample light from the front
indoor    an office: somewhat less
dim       little light: the camera raises its gain, and the noise with it
dark      so little that the picture stays dark at the highest gain
side      indoor light from one side: half of the face is in shade
changing  indoor light whose level drifts and steps by up to a third
"""

Colour = Literal["daylight", "led", "incandescent"]
"""The colour of the light after the camera's white balance: neutral, slightly cool, warm."""

HeartRate = Literal["resting", "changing", "after_exercise"]
"""The course of the heart rate.

resting         steady but for its variability
changing        rises and falls by 10 to 25 bpm within the recording, as under V4V's tasks
after_exercise  starts 25 to 45 bpm above the resting rate and falls back, with a time constant
                of 40 to 90 s
"""

Expressions = Literal["neutral", "few", "lively"]
"""Blinking only; a smile or a raised brow at times; an expression most of the time."""


@dataclass(frozen=True, kw_only=True)
class SimulationPlan:
    """The size of a simulated tree.

    `subjects` is the number of subjects; `seconds` is the length of each recording; `seed`
    separates one tree from another; `difficulty` applies to every scene.
    """

    subjects: int
    seconds: float
    seed: int = 0
    difficulty: Difficulty = "easy"

    def __post_init__(self) -> None:
        if self.subjects < 1 or not self.seconds > 0:
            raise ValueError(f"no subject or no time: {self.subjects} subjects, {self.seconds} s")


@dataclass(frozen=True, kw_only=True)
class ClipCodec:
    """An encoder of FFmpeg, its pixel format and its options, as (name, value)."""

    name: str
    pixel_format: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinCourse:
    """What skin, head and sensor do from frame to frame, in place of what the difficulty adds.

    The light on the whole frame is then steady, exposure is fixed, and no turn of the head changes
    the shading: the changes of the skin are those stated here, as shares of the encoded colour.

    Attributes:
        level: Mean colour of the skin (3,), 0 to 255; white balance and exposure give it.
        pulse: Strength of the pulse in R, G, B (3,), mean over the skin (root mean square in time).
        change: Other changes (T, 3, 3), by frame, place and colour: the mean over the skin, then
            what is added one standard deviation of the skin's places further right, and down.
        pixel_noise: Noise of a pixel in grey levels.
        sway: Of the head, as a share of the face's height.
    """

    level: Array
    pulse: Array
    change: Array
    pixel_noise: float
    sway: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """The circumstances of one recording, chosen by the writer of a data set.

    Everything has a default except the size of the picture and the times of the frames.
    """

    width: int  # pixels of the upright frame
    height: int  # pixels
    times_s: Array = field(repr=False)  # (T,) when each frame is exposed; uneven times are fine
    difficulty: Difficulty = "easy"
    motion: Motion = "still"
    light: Light = "bright"
    colour: Colour = "daylight"
    expressions: Expressions = "neutral"
    heart_rate: HeartRate = "resting"
    heart_rate_bpm: float | None = None  # resting mean; None: drawn from 50 to 120 by the subject
    face_height: float = 0.5  # hair to chin, as a share of the frame's height; 0.25 is far away
    skin_tone: str | None = None  # "I" to "VI" (Fitzpatrick); None: drawn by the subject
    skin: SkinCourse | None = None  # None: as the difficulty says
    codec: ClipCodec | None = None  # of a video file; None: as the data set and the difficulty say

    def __post_init__(self) -> None:
        if self.times_s.ndim != 1 or not len(self.times_s) or (np.diff(self.times_s) <= 0).any():
            raise ValueError("frame times are to be (T,), at least one, and increasing")
        if min(self.width, self.height) < 32 or not 0.1 <= self.face_height <= 0.9:
            raise ValueError(
                f"a frame of {self.width} x {self.height} with a face of {self.face_height} of "
                "its height: at least 32 pixels, and a share of 0.1 to 0.9"
            )


def generator(*names: object) -> np.random.Generator:
    """A generator of random numbers that depend on the names alone.

    The order of calls, the process and the machine have no influence.

    >>> bool(generator("pure", "01", 3).random() == generator("pure", "01", 3).random())
    True
    """
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def spread_heart_rates(
    subjects: int, *, dataset: str, seed: int, low_bpm: float = 50.0, high_bpm: float = 120.0
) -> tuple[float, ...]:
    """Resting heart rates in bpm, one for each subject, that fill a range evenly.

    The first n members of a golden-ratio sequence are spread out for every n, so small trees also
    have low and high heart rates. The seed sets the start, and each rate is moved by a random
    amount, so no two are equal.

    Args:
        subjects: the number of rates.
        dataset: name of the data set; each has its own sequence.
        seed: separates trees of one data set.
        low_bpm: the lowest rate.
        high_bpm: the highest rate.

    >>> rates = spread_heart_rates(4, dataset="pure", seed=0)
    >>> max(rates) - min(rates) > 35
    True
    """
    random = generator("heart rates", dataset, seed)
    place = (random.random() + np.arange(subjects) * (np.sqrt(5) - 1) / 2) % 1
    moved = np.clip(place + random.uniform(-0.01, 0.01, subjects), 0, 1)
    return tuple(float(rate) for rate in low_bpm + moved * (high_bpm - low_bpm))


def frame_times(
    seconds: float, fs: float, *, jitter_s: float = 0.0, random: np.random.Generator | None = None
) -> Array:
    """Times of frames (T,) in seconds from 0 on, rounded to the microsecond.

    Args:
        seconds: the length of the recording.
        fs: frames a second.
        jitter_s: standard deviation of each time. An interval is at least a quarter of 1/fs, so
            the times increase.
        random: the generator of the jitter; None adds no jitter.

    >>> frame_times(0.2, 30.0)
    array([0.      , 0.033333, 0.066667, 0.1     , 0.133333, 0.166667])
    """
    times = np.arange(max(1, round(seconds * fs))) / fs
    if jitter_s and random is not None:
        moved = random.normal(0, jitter_s, len(times))
        times[1:] += np.clip(moved[1:], -0.375 / fs, 0.375 / fs)
    rounded: Array = np.round(times, 6)
    return rounded
