"""RLAP: students at remote learning tasks; and everybody's own recordings with PhysRecorder.

Layout: `pNNN/SCENE/{video_ZIP_MJPG.avi, BVP.csv, frames_timestamp.csv}`, as PhysRecorder writes it:
the folder of a person, in it a folder for each video, under any names (by default `p001/v01`).
RLAP's scenes are R1 to R4 (rest, rest in the dark, a game, reading), E1 to E6 (film clips and
pictures) and T1 to T3 (learning). Some folders of RLAP are called `p005_` or `P007`: the subject is
p005, p007.

Rules:

- Times are those of `frames_timestamp.csv` and `BVP.csv`, Unix seconds of one computer. The
  container says 30 frames a second whatever the camera did, so its clock is not used.
- PhysRecorder stores a video in several formats at once. One is read: `video_ZIP_MJPG.avi`, as by
  PhysBench; else `pictures_ZIP_RAW_RGB` (PNG), `video_RAW_RGBA.avi`, `video_RAW_I420.avi` or
  `video_RAW_YUV420.avi`, `video_ZIP_H264.mp4` or `.avi`. `bench data check` counts the others.
- The oximeter's pulse has 20 samples a second, which is slower than the video.
- `HR.csv`, which other versions of the recorder write, is read where it is there; a heart rate that
  wrapped at 128 is corrected where a step proves the wrap.
- `missed_frames.csv` lists frames that were not stored; a warning counts them.
- `SpO2.csv` is read where it is there; `info.txt` (camera, date) is not read.

The whole set has 741 recordings: 13 of the 58 x 13 were not given out. The owners keep 17 out of
training and test (`KNOWN_BAD`, fold -1 of their index). Their folds are the split `rlap-owners`.
Sources: Wang, Wei, Tong, Gao, Tian, Ma, Zhao, "PhysBench", arXiv 2305.04161; README, datasheet and
label of github KegangWangCCNU/RLAP-dataset; source and example of KegangWangCCNU/PhysRecorder;
PhysBench's loader and index of the set.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.label_text import read_text
from rppgbench.datasets.layout import (
    first_folder,
    folders_matching,
    is_file,
    is_folder,
    matching,
    require_single,
)
from rppgbench.datasets.recorder_files import (
    recorded_files,
    recorded_labels,
    recorded_video,
    write_recorder_files,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    order_first,
    resting_rates,
    write_clip,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import RecordingError

SCENES = {
    "R1": "relaxed",
    "R2": "relaxed_dark",
    "R3": "game",
    "R4": "reading",
    "E1": "scenery",
    "E2": "puzzle_game",
    "E3": "comedy",
    "E4": "illusion",
    "E5": "paper",
    "E6": "yawning",
    "T1": "video_lesson",
    "T2": "textbook",
    "T3": "public_class",
}
"""The titles of RLAP's videos and what the person does; other titles stay as they are."""

FORMATS = (
    "video_ZIP_MJPG.avi",
    "pictures_ZIP_RAW_RGB",
    "video_RAW_RGBA.avi",
    "video_RAW_I420.avi",
    "video_RAW_YUV420.avi",
    "video_ZIP_H264.mp4",
    "video_ZIP_H264.avi",
)
"""The recorder's formats: the first that is there is read."""

LEFT_OUT = (
    "too much is missing: fold -1 in the index of PhysBench (KegangWangCCNU), "
    "in neither training nor test"
)
KNOWN_BAD = dict.fromkeys(
    (*(f"p029/{scene}" for scene in SCENES), "p009/T3", "p021/R4", "p033/T3", "p046/T2"), LEFT_OUT
)
STAMPS, MISSED = "frames_timestamp.csv", "missed_frames.csv"
START_S = 1_657_000_000.0  # summer 2022, as the set
ORDER = order_first("p001 p004 p005 p002 p008 p003", (f"p{n:03}" for n in range(1, 59)))
"""Simulated subjects in this order: test, train and validation of `rlap-owners` among the first."""


def _folders(base: Path) -> Iterator[tuple[Path, str, str]]:
    """The folder, the person and the title of each video."""
    known: dict[str, Path] = {}
    for person, match in folders_matching(base, r".+"):
        name = match[0]
        if len(name.rstrip("_")) == 4 and name[0] in "pP" and name[1:4].isdigit():
            name = name.rstrip("_").lower()
        for folder, title in folders_matching(person, r".+"):
            if is_file(folder / STAMPS) or _formats(folder):
                require_single(known, name, person)
                yield folder, name, title[0]


def _formats(folder: Path) -> list[Path]:
    return [folder / n for n in FORMATS if is_file(folder / n) or is_folder(folder / n)]


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, person, title in _folders(base):
        video = next(iter(_formats(folder)), folder / FORMATS[0])
        images: tuple[Path, ...] = ()
        if not video.suffix and is_folder(video):
            images = tuple(image for image, _ in matching(video, r"\d+\.png"))
        stamps, missed = folder / STAMPS, folder / MISSED
        yield Recording(
            dataset="rlap",
            name=f"{person}/{title}",
            subject=person,
            video=partial(_video, video, stamps, images),
            ground_truth=partial(_ground_truth, stamps, missed),
            files=(
                *(images or [video]),
                *recorded_files(stamps),
                *([missed] if is_file(missed) else []),
            ),
            scenario=SCENES.get(title, title),
            light="dark" if title == "R2" else "",
            known_bad=KNOWN_BAD.get(f"{person}/{title}", ""),
        )


def _video(video: Path, stamps: Path, images: tuple[Path, ...]) -> VideoSource:
    if not (images or video.suffix):
        raise RecordingError(f"{video}: holds no 00000000.png and so on; copy the folder again")
    return recorded_video(video, stamps, images)


def _ground_truth(stamps: Path, missed: Path) -> GroundTruth:
    warnings = []
    if is_file(missed) and missed.stat().st_size:
        lines = [line for line in read_text(missed).split("\n") if line.strip()]
        count = sum(line.strip() != "timestamp" for line in lines)
        if count:
            warnings.append(f"{missed.name}: {count} frames of the camera were not stored")
    return recorded_labels(stamps, needs_rate=False, warnings=warnings)


def _leftovers(root: Path) -> Iterator[str]:
    """One line for each format of which some videos are not read."""
    unread = Counter[str]()
    for folder, _, _ in _folders(first_folder(root, "RLAP")):
        unread.update(path.name for path in _formats(folder)[1:])
    for name in FORMATS:
        if unread[name]:
            yield f"not read: {unread[name]} of {name}: another format of the same video is read"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two of thirteen scenes for each subject: rest, and a film clip that makes the face move."""
    for subject, rate in resting_rates("rlap", ORDER, plan).items():
        for title in ("R1", "E3"):
            random = generator("rlap", "frame times", plan.seed, subject, title)
            scene = Scene(
                width=256,
                height=192,
                times_s=frame_times(plan.seconds, 30.0, jitter_s=0.003, random=random),
                difficulty=plan.difficulty,
                light="indoor",
                expressions="lively" if title == "E3" else "neutral",
                face_height=0.55,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, title, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """Motion JPEG in AVI, with 30 frames a second in its header, and the recorder's text files."""
    folder = root / recording.subject / recording.session
    video = folder / FORMATS[0]
    write_clip(video, recording, "mjpeg", times_s=frame_times(plan.seconds, 30.0))
    write_recorder_files(folder, recording, plan, start_s=START_S, vital_signs=False)
    write_lines(folder / MISSED, ["timestamp"])
    write_lines(folder / "info.txt", ["cam model: simulated", "cam codec: YUY2", "size: 256x192"])


rlap = folder_dataset(
    name="rlap",
    title="RLAP, and recordings with PhysRecorder",
    cite="PhysBench, arXiv 2305.04161",
    licence="CC BY-NC-ND 4.0, academic research only, after signing the usage agreement",
    url="https://github.com/KegangWangCCNU/RLAP-dataset",
    folders=("RLAP",),
    expected={"subjects": 58, "recordings": 741},
    example="p001/R1/video_ZIP_MJPG.avi with BVP.csv and frames_timestamp.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
