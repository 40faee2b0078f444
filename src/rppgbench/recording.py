"""What a data set yields: one person filmed once, with labels."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rppgbench.waveform import Array, Signal


@dataclass(frozen=True, eq=False)
class VideoSource:
    """Where the frames are and when they were taken.

    `path` is a video file or, with `images`, the folder that they lie in. `times_s` are the
    timestamps of the frames, in seconds on the clock of the labels; None takes the presentation
    times of the container. `frames` gives the frames, each (H, W, 3) uint8 RGB and upright, where
    they lie in a file that is neither video nor image (an array in a MAT file); it needs `times_s`.
    """

    path: Path
    images: tuple[Path, ...] = ()
    times_s: Array | None = None
    frames: Callable[[], Iterator[NDArray[np.uint8]]] | None = None


@dataclass(frozen=True, eq=False)
class Truth:
    """What the contact sensor said, on the clock of the frames.

    `pulse` is the blood volume pulse in the sensor's unit; `heart_rate` the device's own heart
    rate in bpm. Either may be None: a data set has what it has. `warnings` are lines for the table
    (a clock ratio off by more than 1 %, readings of 0).
    """

    pulse: Signal | None = None
    heart_rate: Signal | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Recording:
    """One video of one subject with its labels; nothing is read before it is asked for.

    `name` is unique within the data set and stays the same whatever the order of the file system;
    `video` and `truth` read the files and raise `RecordingError`. `files` are all files that it is
    made of, for the fingerprint. `known_bad` says who excludes it and why, or is empty.
    """

    dataset: str
    name: str
    subject: str
    video: Callable[[], VideoSource] = field(repr=False)
    truth: Callable[[], Truth] = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)
    scenario: str = ""
    source: str = ""
    skin_tone: str = ""
    light: str = ""
    part: str = ""  # the data set's own part: "train", "validation", "test", or none
    known_bad: str = ""
    simulated: bool = False


@dataclass(frozen=True)
class Dataset:
    """A named source of recordings: the declaration that a file in `benchmarks/` makes.

    `recordings(root)` lists without opening a video, in an order of its own (sorted, never the
    file system's). `simulate(root, plan)` writes a tree in the native layout. `folds(root)` reads
    the data set's own fold files (fold name -> test subjects), where it has such files.
    """

    name: str
    title: str
    version: str  # of the reader: it enters the digest
    cite: str  # DOI, or the reference in words
    licence: str  # the licence or terms, and how to ask for the set
    url: str
    expected: Mapping[str, int]  # what the whole set holds: {"subjects": 42, "recordings": 42}
    recordings: Callable[[Path], Iterable[Recording]] = field(repr=False)
    simulate: Callable[..., None] | None = field(default=None, repr=False)
    folds: Callable[[Path], Mapping[str, tuple[str, ...]]] | None = field(default=None, repr=False)
    only_simulated: bool = False  # there is no real one: it is made when it is asked for
