"""Records of a data set: recordings, each one video of one subject with its labels."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array, Signal
from rppgbench.system.errors import BenchError

PULSE_GAP_S = 0.15
"""A reference pulse has no value between samples that are further apart than this many seconds.

A straight line over 0.1, 0.15, 0.2, 0.25 s of seven genuine contact pulses of 90 to 130 bpm (30 Hz)
is off by 0.2, 0.33, 0.6 and 0.85 of the pulse's standard deviation: beyond 0.15 s it says little of
the pulse. The longest step of steady recording in these files is 0.135 s, the pauses of the
recorder last 0.34 to 0.95 s.
"""

PULSE_GAP_INTERVALS = 2.0
"""A sensor slower than 13 Hz may lack one sample: its limit is this many median intervals ..."""

PULSE_GAP_MOST_S = 0.3
"""... but never more than this: a beat of 100 bpm has two samples in 0.6 s."""

RESPIRATION_GAP_S = 0.5
"""A reference respiration has no value between samples that are further apart than this.

A straight line over a time misses the middle of a sine by 1 - cos(pi f time): 0.29 of the amplitude
at 30 breaths a minute and 0.5 s, as the pulse of 90 bpm at its limit of 0.15 s (0.24).
"""

VITAL_SIGNS = ("respiration", "respiration_rate", "oxygen_saturation")
"""Fields of `GroundTruth` that methods and metrics may want beside the pulse.

A fault of one of them leaves that sign out with a warning; pulse and heart rate stay.
"""

SIGNALS = ("pulse", "heart_rate", *VITAL_SIGNS)
"""Fields of `GroundTruth` that are signals in time."""

FLAT_PULSE_S = 2.0
"""A pulse that runs straight for this long is none: the slowest heart (30 bpm) has beaten once.

Labels say so in a warning, and a window counts these samples as absent.
"""

RATE_GAP_S = 3.0
"""A device's heart rate has no value between readings that are further apart than this.

Over 3 s a straight line misses the device's own readings by 1 bpm in the mean of six genuine files
and by 4.5 bpm in the seventh, over 10 s by 2 to 5 and 16. Devices average over 4 to 8 s themselves.
"""

RATE_GAP_INTERVALS = 2.0
"""A device that reads more rarely may miss one reading: its limit is this many intervals ..."""

RATE_GAP_MOST_S = 10.0
"""... but never more than this."""

WHOLE_VIDEO_S = 600.0
"""Two equal readings, and no other, further apart than this are one rate for the whole video."""


@dataclass(frozen=True, kw_only=True)
class BayerMosaic:
    """Images hold the raw values of a sensor, of which each pixel sees one colour.

    `pattern` names the colours of the first two pixels of the first row, then those of the second
    row; `white` is the highest value that the sensor can give.
    """

    pattern: Literal["RGGB", "BGGR", "GRBG", "GBRG"]
    white: int


@dataclass(frozen=True, eq=False)
class VideoSource:
    """Where the frames are and when they were taken.

    `path` is a video file or, with `images`, the folder that they lie in. With `archive`, a ZIP
    file, `images` are the names of its members, and `path` is their folder as if below the archive.
    `mosaic` says how images of raw values become colours. `times_s` are the timestamps of the
    frames, in seconds on the clock of the labels; None takes the presentation times of the
    container. `frames` gives the frames, each (H, W, 3) uint8 RGB and upright, where they lie in a
    file that is neither video nor image (an array in a MAT file); it needs `times_s`.
    `container_clock` is False where the owners say that the container's rate means nothing, so that
    `times_s` are not compared with it.
    """

    path: Path
    _: KW_ONLY
    images: tuple[Path, ...] = ()
    archive: Path | None = None
    mosaic: BayerMosaic | None = None
    times_s: Array | None = None
    frames: Callable[[], Iterator[NDArray[np.uint8]]] | None = None
    container_clock: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class TraceSource:
    """Mean colours of one face region in place of frames: of sets that give no pictures.

    `rgb` (T, 3) is the mean red, green and blue in any unit, NaN where a row has none (a gap);
    `times_s` (T,) are seconds on the clock of the labels, increasing. `path` is the file that they
    were read from, `warnings` are lines for the table.
    """

    path: Path
    times_s: Array
    rgb: Array
    warnings: tuple[str, ...] = ()


Source = VideoSource | TraceSource
"""Where the colours of a recording come from."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GroundTruth:
    """What the contact sensor measured, on the clock of the frames.

    `pulse` is the blood volume pulse in the sensor's unit; `heart_rate` the device's own heart
    rate in bpm; `beats_s` are the beats (B,) that the device itself marked, in seconds, increasing.
    `respiration` is the movement or flow of the breath in the sensor's unit, `respiration_rate` the
    device's breaths a minute, `oxygen_saturation` SpO2 in percent.
    Each may be None: a data set has what it has. `warnings` are lines for the table (a clock ratio
    off by more than 1 %, readings of 0). With `one_clock` one clock stamped labels
    and frames, so labels from before the first frame and after the last say nothing of its speed;
    where it is None, labels that begin before the first frame are taken for such.
    """

    pulse: Signal | None = None
    heart_rate: Signal | None = None
    beats_s: Array | None = None
    respiration: Signal | None = None
    respiration_rate: Signal | None = None
    oxygen_saturation: Signal | None = None
    warnings: tuple[str, ...] = ()
    one_clock: bool | None = None

    def pulse_at(self, times_s: Array) -> Array:
        """The pulse at `times_s` (T,), never across a gap (`pulse_gap_s`): (T,), NaN without one.

        Examples:
            >>> times = np.array([0.0, 0.1, 2.0, 2.1])
            >>> pulse = Signal(np.array([0.0, 1.0, 0.0, 1.0]), times)
            >>> GroundTruth(pulse=pulse).pulse_at(times + 0.05)
            array([0.5, nan, 0.5, nan])
        """
        if self.pulse is None:
            return np.full(len(times_s), np.nan)
        return self.pulse.at(times_s, pulse_gap_s(self.pulse))

    def heart_rate_at(self, times_s: Array) -> Array:
        """The device's heart rate at `times_s` (T,), never across a gap (`rate_gap_s`): (T,)."""
        if self.heart_rate is None:
            return np.full(len(times_s), np.nan)
        return self.heart_rate.at(times_s, rate_gap_s(self.heart_rate))

    def respiration_at(self, times_s: Array) -> Array:
        """The respiration at `times_s` (T,), never across a gap (`RESPIRATION_GAP_S`): (T,)."""
        if self.respiration is None:
            return np.full(len(times_s), np.nan)
        return self.respiration.at(times_s, RESPIRATION_GAP_S)


def pulse_gap_s(pulse: Signal) -> float:
    """How far apart two samples of a reference pulse may be, in seconds, to have values between.

    Examples:
        >>> [pulse_gap_s(Signal(np.zeros(9), np.arange(9) / fs)) for fs in (32.0, 8.0, 1.0)]
        [0.15, 0.25, 0.3]
    """
    return min(max(PULSE_GAP_S, PULSE_GAP_INTERVALS * pulse.interval_s), PULSE_GAP_MOST_S)


def rate_gap_s(heart_rate: Signal) -> float:
    """How far apart two readings of a device may be, in seconds, to have values between.

    Infinite for one rate of a whole video, which is given as two equal readings far apart.

    Examples:
        >>> steps_s = (1.0, 4.0, 60.0)
        >>> [rate_gap_s(Signal(np.full(9, 60.0), np.arange(9) * step_s)) for step_s in steps_s]
        [3.0, 8.0, 10.0]
        >>> rate_gap_s(Signal(np.full(2, 60.0), np.array([0.0, 1e6])))
        inf
    """
    if len(heart_rate.times_s) == 2 and heart_rate.duration_s > WHOLE_VIDEO_S:
        first, last = heart_rate.values
        return float("inf") if first == last else RATE_GAP_MOST_S
    return min(max(RATE_GAP_S, RATE_GAP_INTERVALS * heart_rate.interval_s), RATE_GAP_MOST_S)


@dataclass(frozen=True, eq=False, kw_only=True)
class Recording:
    """One video of one subject with its labels; nothing is read before it is asked for.

    Of a data set of mean colours, `video` gives a `TraceSource` in place of a `VideoSource`.

    `name` is unique within the data set and stays the same whatever the order of the file system;
    `video` and `ground_truth` read the files and raise `RecordingError`. `files` are all files of
    the recording, for the fingerprint. `shared_label` is what a file with labels of several
    recordings says of this one: it enters the fingerprint in place of that file, so that a changed
    line concerns one recording. `known_bad` says who excludes it and why, or is empty.
    """

    dataset: str
    name: str
    subject: str
    video: Callable[[], Source] = field(repr=False)
    ground_truth: Callable[[], GroundTruth] = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)
    scenario: str = ""
    source: str = ""
    skin_tone: str = ""
    light: str = ""
    part: str = ""  # the data set's own part: "train", "validation", "test", or none
    shared_label: str = ""
    known_bad: str = ""
    simulated: bool = False


Redistribution = Literal["references", "owner", "none"]
"""What the terms of a data set let a user pass on.

references  its labels may be passed on
owner       the user owns the data, and decides
none        neither videos nor labels; only what is computed from them
"""


class MissingFolds(BenchError):
    """A data set has fold files of its own, and this copy has none of them."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A named source of recordings: the declaration that a file in `benchmarks/` makes.

    `recordings(root)` lists without opening a video, in an order of its own (sorted, never the
    file system's). `simulate(root, plan)` writes a tree in the native layout. `folds(root)` reads
    the data set's own fold files (fold name -> test subjects), where it has such files.
    `leftovers(root)` tells in one line each what lies there and is not read, and which labels and
    videos lack each other, where the set does not fix what its folder holds.
    """

    name: str
    title: str
    cite: str  # DOI, or the reference in words
    licence: str  # the licence or terms, and how to ask for the set
    redistribution: Redistribution = "none"  # what of it a bundle may hold
    url: str
    expected: Mapping[str, int]  # what the whole set holds: {"subjects": 42, "recordings": 42}
    recordings: Callable[[Path], Iterable[Recording]] = field(repr=False)
    simulate: Callable[..., None] | None = field(default=None, repr=False)
    folds: Callable[[Path], Mapping[str, tuple[str, ...]]] | None = field(default=None, repr=False)
    leftovers: Callable[[Path], Iterable[str]] | None = field(default=None, repr=False)
    only_simulated: bool = False  # there is no real one: it is made when it is asked for
    same_people: tuple[str, ...] = ()  # other sets that hold recordings of some of its people
    mean_colours: bool = False  # its recordings are mean colours of one region, without pictures
