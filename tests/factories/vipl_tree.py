"""A tree of VIPL-HR's size and layout: few videos, linked to the names of many recordings."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from rppgbench.core.registry import load_datasets
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    SimulatedWriter,
    write_lines,
    write_mat,
)
from rppgbench.simulation import Scene, SimulationPlan, frame_times

SUBJECTS = 107
VIDEOS_OF_A_SOURCE = 4
DISTINCT_FOLDS = 3
"""The recordings of these folds are videos of their own; those of the others repeat their contents,
so that extraction takes minutes and the cache serves recordings of equal content."""

FPS = 15.0
"""The lowest whole multiple of 5 at which every classical method has samples enough in a window."""
SIZE = 160, 120
"""Width and height: a face of some 70 pixels."""


def recording_names(subjects: int = SUBJECTS) -> Iterator[tuple[str, int]]:
    """The folder of each recording and its source; 2,378 of 107 subjects.

    The layout is that of the documented set: the sessions 8 and 9 are of the phone alone, subject
    56 has five sessions, and 97 to 107 have no source 1. Subject 1 has a repeated session.
    """
    for subject in range(1, subjects + 1):
        for session in range(1, 6 if subject == 56 else 10):
            sources = [2] if session > 7 else [1, 2, 3]
            for source in sources:
                if not (subject >= 97 and source == 1):
                    yield f"p{subject}/v{session}/source{source}", source
    yield from ((f"p1/v1-2/source{source}", source) for source in (1, 2))


def fold_of(name: str) -> int:
    """The fold, 0 to 4, that tests the recording of this folder."""
    return (int(name.split("/", maxsplit=1)[0][1:]) - 1) % 5


def write_vipl_tree(
    root: Path,
    *,
    subjects: int = SUBJECTS,
    seconds: float = 10.4,
    distinct_folds: int = DISTINCT_FOLDS,
) -> int:
    """Write the tree and return the number of recordings.

    The videos are hard links to 12 rendered videos. In `distinct_folds` of the five folds the times
    of the frames differ between the recordings of sources 1 and 3, and the length of the wave
    between those of source 2, which has no times: they are videos of their own for a cache that
    goes by content. The recordings of the other folds repeat them.

    Args:
        root: the folder of the tree.
        subjects: how many of the 107 subjects.
        seconds: length of the videos.
        distinct_folds: folds whose recordings differ from each other, of five.
    """
    writer = load_datasets().available["vipl_hr"].simulate
    assert isinstance(writer, SimulatedWriter)
    videos = root.with_name(f"{root.name}-videos")
    plan = SimulationPlan(subjects=subjects, seconds=seconds, seed=19, difficulty="easy")
    replace(writer, sessions=_sessions, finish=None)(videos, plan)
    (root / "data").mkdir(parents=True)
    os.link(next(videos.glob("*.json")), root / next(videos.glob("*.json")).name)
    contents: dict[Path, list[int]] = defaultdict(list)
    names = sorted(recording_names(subjects), key=lambda named: fold_of(named[0]))
    for count, (name, source) in enumerate(names):
        original = videos / "data" / f"p{1 + count % VIDEOS_OF_A_SOURCE}" / "v1" / f"source{source}"
        if fold_of(name) < distinct_folds or not contents[original]:
            contents[original].append(count)
        _link(original, root / "data" / name, contents[original][count % len(contents[original])])
    for fold in range(min(5, subjects)):
        numbers = np.arange(1, subjects + 1)[None, fold::5]
        write_mat(root / f"fold/fold{fold + 1}.mat", {f"fold{fold + 1}": numbers})
    return len(names)


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    times_s = np.round(frame_times(plan.seconds, FPS), 3)
    for subject in range(1, VIDEOS_OF_A_SOURCE + 1):
        for source in (1, 2, 3):
            scene = Scene(
                width=SIZE[0],
                height=SIZE[1],
                times_s=times_s,
                difficulty=plan.difficulty,
                face_height=0.6,
                heart_rate_bpm=60.0 + 10 * subject,
            )
            yield SimulatedSession(f"p{subject}", f"v1/source{source}", scene)


def _link(original: Path, folder: Path, number: int) -> None:
    """One recording: the video of another, with times and a wave of its own."""
    folder.mkdir(parents=True)
    for name in ("video.avi", "gt_HR.csv", "gt_SpO2.csv"):
        os.link(original / name, folder / name)
    wave = (original / "wave.csv").read_text().split()
    if not (original / "time.txt").is_file():
        wave = wave[: len(wave) - number % 20]
    else:
        times_ms = np.array((original / "time.txt").read_text().split(), dtype=int)
        times_ms[1:] += np.random.default_rng(number).integers(-4, 5, len(times_ms) - 1)
        write_lines(folder / "time.txt", times_ms.tolist(), end="\r\n")
    write_lines(folder / "wave.csv", wave, end="\r\n")
