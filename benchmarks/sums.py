"""SUMS: faces at high altitude, at rest and after climbing stairs.

Layout: `0602NN/v0K/{video_ZIP_H264_face.avi, BVP.csv, HR.csv, frames_timestamp.csv}` for ten people
and four sessions: rest (v01) and after stairs (v02) in the morning, rest (v03) and after stairs
with portable oxygen (v04) in the afternoon; three minutes at rest, two after stairs, 60 frames a
second.

The text files are those of PhysRecorder: Unix times of one computer. The oximeter's pulse has 20
samples a second, a third of the video's rate. A heart rate that wrapped at 128 is corrected where a
step proves the wrap. `RR.csv` (respiration, 50 Hz) and `SpO2.csv`, which the tree of the README
lacks and the owners' loader reads, are read where they are there.

Not read: `video_ZIP_H264_finger.avi` (the finger on a second camera; `bench data check` counts
them). The times of `frames_timestamp.csv` are those of the face. 80 videos are 40 of faces and 40
of fingers. The owners publish no bad recordings.

Sources: Liu, Tang, Jiang, Wang, Liu, Li, Shi, "Summit Vitals: Multi-Camera and Multi-Signal
Biosensing at High Altitudes", IEEE UIC 2024, arXiv 2409.19223; README, loader and configurations of
github thuhci/SUMS; rPPG-Toolbox.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import Recording
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.layout import first_folder, folders_matching, is_file
from rppgbench.datasets.recorder_files import (
    recorded_files,
    recorded_labels,
    recorded_video,
    write_recorder_files,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    resting_rates,
    write_clip,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator

SCENARIOS = {"v01": "rest", "v02": "after_stairs", "v03": "rest", "v04": "after_stairs_oxygen"}
FINGER = "video_ZIP_H264_finger.avi"
STAMPS = "frames_timestamp.csv"
START_S = 1_717_300_000.0  # June 2024, as the names of the folders
ORDER = ("060200", "060208", "060201", "060209", *(f"06020{n}" for n in range(2, 8)))
"""Simulated subjects in this order: train and test of `sums-owners` in turn."""


def _folders(base: Path) -> Iterator[tuple[Path, str, str]]:
    """The folder, the person and the session of each recording."""
    for person, name in folders_matching(base, r"\d{6}"):
        for folder, session in folders_matching(person, r"v\d+"):
            yield folder, name[0], session[0]


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, person, session in _folders(base):
        video, stamps = folder / "video_ZIP_H264_face.avi", folder / STAMPS
        yield Recording(
            dataset="sums",
            name=f"{person}/{session}",
            subject=person,
            video=partial(recorded_video, video, stamps),
            ground_truth=partial(recorded_labels, stamps),
            files=(video, *recorded_files(stamps)),
            scenario=SCENARIOS.get(session, session),
        )


def _leftovers(root: Path) -> Iterator[str]:
    fingers = [f for f, _, _ in _folders(first_folder(root, "SUMS")) if is_file(f / FINGER)]
    if fingers:
        yield f"not read: {len(fingers)} of {FINGER}: a finger, not a face"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Rest and stairs in the morning for each subject."""
    for subject, rate in resting_rates("sums", ORDER, plan).items():
        for session in ("v01", "v02"):
            random = generator("sums", "frame times", plan.seed, subject, session)
            scene = Scene(
                width=320,
                height=180,
                times_s=frame_times(plan.seconds, 60.0, jitter_s=0.001, random=random),
                difficulty=plan.difficulty,
                light="indoor",
                face_height=0.6,
                heart_rate="resting" if session == "v01" else "after_exercise",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """H.264 in AVI at 60 frames a second, and the recorder's text files; no video of a finger."""
    folder = root / recording.subject / recording.session
    video = folder / "video_ZIP_H264_face.avi"
    write_clip(video, recording, "libx264", times_s=frame_times(plan.seconds, 60.0))
    write_recorder_files(folder, recording, plan, start_s=START_S)


sums = folder_dataset(
    name="sums",
    title="SUMS, Summit Vitals",
    cite="Summit Vitals, IEEE UIC 2024, arXiv 2409.19223",
    licence="academic use only, after a member of faculty has signed the release agreement",
    url="https://github.com/thuhci/SUMS",
    folders=("SUMS",),
    expected={"subjects": 10, "recordings": 40},
    example="060200/v01/video_ZIP_H264_face.avi with BVP.csv and frames_timestamp.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
