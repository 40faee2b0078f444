"""Any folder of videos, with or without labels.

Layout: videos (.avi, .mkv, .mov, .mp4, .webm) in the folder or below it, links to folders aside;
each is a recording, and a subject of its own unless the labels say otherwise. `heart_rates.csv`
beside them is optional: a header, then lines `video,heart_rate_bpm[,subject]` with the video's path
from the folder. A video without a line, or with an empty rate, has no truth: it is predicted and
not scored. This is how a challenge's test set arrives (RePSS 2024, track 1), or your own
recordings.
"""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.datasets.labels import numbers, read_text
from rppgbench.datasets.takes import Take, resting_rates, shoot, write_clip, write_lines
from rppgbench.datasets.tree import files_below, is_file, is_simulated, nothing_found
from rppgbench.errors import RecordingError
from rppgbench.recording import Dataset, Recording, Truth, VideoSource
from rppgbench.waveform import Signal

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

KINDS = {".avi", ".mkv", ".mov", ".mp4", ".webm"}
LABELS = "heart_rates.csv"
FOR_EVER_S = 1e6  # one rate holds for the whole video, however long it is
ORDER = tuple(f"video{n:02d}" for n in range(1, 49))


def _recordings(root: Path) -> Iterator[Recording]:
    videos = [file for file in files_below(root) if file.suffix.lower() in KINDS]
    made, labels = is_simulated(root), root / LABELS
    known = _known(labels) if is_file(labels) else {}
    if not videos:
        raise nothing_found(root, video_folder.title, "videos: " + ", ".join(sorted(KINDS)), "-")
    for video in videos:
        name = video.relative_to(root).as_posix()
        rate_bpm, subject = known.get(name, (float("nan"), ""))
        yield Recording(
            dataset="video_folder",
            name=name,
            subject=subject or name,
            video=partial(VideoSource, video),
            truth=partial(_truth, rate_bpm),
            files=(video, labels) if name in known else (video,),
            part="test",
            simulated=made,
        )


def _known(file: Path) -> dict[str, tuple[float, str]]:
    """Rate and subject by video."""
    found: dict[str, tuple[float, str]] = {}
    for at, row in enumerate(csv.reader(read_text(file).splitlines()), start=1):
        if at == 1 or not any(cell.strip() for cell in row):
            continue
        if len(row) not in {2, 3}:
            raise RecordingError(
                f"{file}: line {at} has {len(row)} cells; video,heart_rate_bpm[,subject] belong"
            )
        found[row[0].strip()] = (float(numbers(row[1:2], file, at)[0]), "".join(row[2:]).strip())
    return found


def _truth(rate_bpm: float) -> Truth:
    if not np.isfinite(rate_bpm):
        return Truth()
    return Truth(heart_rate=Signal(np.full(2, rate_bpm), np.array([0.0, FOR_EVER_S])))


def takes(plan: "SimulationPlan") -> Iterator[Take]:
    """One recording a person, who sits still in office light."""
    from rppgbench.simulation import Scene, frame_times

    for name, rate in resting_rates("video_folder", ORDER, plan).items():
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, 30.0),
            difficulty=plan.difficulty,
            light="indoor",
            face_height=0.62,
            heart_rate_bpm=rate,
        )
        yield Take(name, "1", scene)


def _simulate(root: Path, plan: "SimulationPlan") -> None:
    """MP4 videos; every second one has its mean rate in the labels, the others have none."""
    lines = [
        f"{name}.mp4,{f'{mean_bpm:.3f}' if number % 2 == 0 else ''},{name}"
        for number, (name, mean_bpm) in enumerate(
            shoot("video_folder", root, plan, takes(plan), _write)
        )
    ]
    write_lines(root / LABELS, ["video,heart_rate_bpm,subject", *lines])


def _write(
    root: Path, plan: "SimulationPlan", take: Take, filmed: "SimulatedRecording"
) -> tuple[str, float]:
    times_s = take.scene.times_s
    write_clip(root / f"{take.subject}.mp4", filmed.frames(), times_s, "libx264", plan)
    return take.subject, float(filmed.heart_rate_at(times_s).mean())


video_folder = Dataset(
    name="video_folder",
    title="A folder of videos, with or without heart rates",
    version="1",
    cite="none: your own",
    licence="yours",
    url="--data video_folder=DIR",
    expected={},
    recordings=_recordings,
    simulate=_simulate,
)
