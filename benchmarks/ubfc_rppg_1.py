"""UBFC-rPPG, set 1: eight subjects who sit still.

Layout: `DATASET_1/NAME/{vid.avi, gtdump.xmp}` for 5-gt to 8-gt, 10-gt to 12-gt and after-exercise;
the video is also called vid-007.avi or vid-12.avi. `gtdump.xmp` has, in spite of its name, lines of
four numbers with commas: time (ms), heart rate (bpm), SpO2 (%) and the photoplethysmogram, about
62 a second. Times count from the first line. The video is as in set 2 (`ubfc_rppg`), 28.67 frames a
second. Heart rates that wrapped at 128 are corrected as in set 2.

In the copies that are given out, the videos of 7-gt and 12-gt are equal byte by byte, with two
ground truths (95.1 and 94.7 bpm): a public script that compared them leaves both out. Sources: the
set's own description; Bobbia et al. 2019; pyVHR's reader and results; that script.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.layout import (
    is_file,
    is_folder,
    matching,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
)
from rppgbench.datasets.wrapped_rate import to_seven_bits, unwrap_rate, wrap_warnings
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError

SAME_VIDEO = "the videos of 7-gt and 12-gt are the same file, with two ground truths"
KNOWN_BAD = {"7-gt": SAME_VIDEO, "12-gt": SAME_VIDEO}
ORDER = ("5-gt", "6-gt", "8-gt", "10-gt", "11-gt", "after-exercise", "7-gt", "12-gt")
"""Simulated subjects in this order: the set's own names, those known to be bad last."""
VIDEO = {"7-gt": "vid-007.avi", "12-gt": "vid-12.avi"}
FRAMES_HZ = 28.67


def _recordings(folder: Path) -> Iterator[Recording]:
    for place, match in matching(folder, r"[\w-]+"):
        if not is_folder(place):
            continue
        labels = place / "gtdump.xmp"
        videos = tuple(video for video, _ in matching(place, r"vid(-\d+)?\.avi"))
        if not (videos or is_file(labels)):
            continue
        yield Recording(
            dataset="ubfc_rppg_1",
            name=match[0],
            subject=match[0],
            video=partial(_video, place, videos),
            ground_truth=partial(_ground_truth, labels),
            files=(*(videos or [place / "vid.avi"]), labels),
            scenario="after exercise" if "exercise" in match[0] else "rest",
            known_bad=KNOWN_BAD.get(match[0], ""),
        )


def _video(folder: Path, videos: tuple[Path, ...]) -> VideoSource:
    if len(videos) > 1:
        names = " and ".join(video.name for video in videos)
        raise RecordingError(f"{folder}: holds {names}; keep the one that belongs to gtdump.xmp")
    return VideoSource(videos[0] if videos else folder / "vid.avi")


def _ground_truth(file: Path) -> GroundTruth:
    table = read_table(file, columns=4, time_first=True, time_unit="ms")
    times_s = (table[:, 0] - table[0, 0]) / 1000
    unwrapped = unwrap_rate(Signal(table[:, 1], times_s))
    return clean_labels(
        file,
        pulse=Signal(table[:, 3], times_s),
        heart_rate=unwrapped.heart_rate,
        signs={"oxygen_saturation": Signal(table[:, 2], times_s)},
        warnings=wrap_warnings(unwrapped, file.name),
    )


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One session for each subject, who sits still."""
    for subject, rate in resting_rates("ubfc_rppg_1", ORDER, plan).items():
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, FRAMES_HZ),
            difficulty=plan.difficulty,
            face_height=0.62,
            heart_rate="after_exercise" if "exercise" in subject else "resting",
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(subject, "1", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """The native layout, 320 x 240; HuffYUV in AVI keeps every pixel."""
    folder = root / "DATASET_1" / recording.subject
    video = folder / VIDEO.get(recording.subject, "vid.avi")
    write_clip(video, recording, "huffyuv")
    times_s = np.round(device_times(plan.seconds, 62.0), 3)
    rate = to_seven_bits(recording.heart_rate_at(times_s))
    pulse = scale_to_range(recording.pulse_at(times_s), 0, 100)
    saturation = recording.oxygen_saturation_at(times_s)
    lines = (
        f"{1000 * t:.0f},{r:.0f},{s:.0f},{p:.0f}"
        for t, r, s, p in zip(times_s, rate, saturation, pulse, strict=True)
    )
    write_lines(folder / "gtdump.xmp", lines)


ubfc_rppg_1 = folder_dataset(
    name="ubfc_rppg_1",
    title="UBFC-rPPG, set 1",
    cite="10.1016/j.patrec.2017.10.017",
    licence="free for research on request",
    url="https://sites.google.com/view/ybenezeth/ubfcrppg",
    folders=("DATASET_1",),
    expected={"subjects": 8, "recordings": 8},
    example="DATASET_1/5-gt/vid.avi and gtdump.xmp",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
