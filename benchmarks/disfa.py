"""DISFA: facial expressions, without a pulse.

Layout: `Videos_LeftCamera/LeftVideoSN001_comp.avi` (and the same for the right camera) for 27
subjects, SN001 to SN032 with gaps; 1024 x 768, 20 frames a second, 4 minutes. Frame times are those
of the container. The left camera is read, as most users of the set do; the right one only where
the left is not there, because both show the same face at the same time. No bad recordings are
published.

There are no physiological labels: every ground truth is empty. The set serves for training without
labels before the labelled set (Qian et al. 2024, arXiv 2406.04942, count 27 videos of 27 subjects).
Sources: Mavadati, Mahoor, Bartlett, Trinh, Cohn, "DISFA: a spontaneous facial action intensity
database", IEEE Transactions on Affective Computing 4 (2013), pp. 151-160.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.layout import first_folder, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    resting_rates,
    write_clip,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times

CAMERAS = ("Videos_LeftCamera", "Video_LeftCamera", "Videos_RightCamera", "Video_RightCamera")
IDS = (*range(1, 14), 16, 17, 18, 21, *range(23, 33))


def _recordings(base: Path) -> Iterator[Recording]:
    seen: set[str] = set()
    folder = first_folder(base, *CAMERAS)
    for video, match in matching(folder, r"(Left|Right)VideoSN(\d{3}).*\.avi"):
        if match[2] in seen:
            continue  # the right camera, after the left
        seen.add(match[2])
        yield Recording(
            dataset="disfa",
            name=f"SN{match[2]}",
            subject=f"SN{match[2]}",
            video=partial(VideoSource, video),
            ground_truth=_ground_truth,
            files=(video,),
            scenario="watching",
            source=match[1].lower(),
        )


def _ground_truth() -> GroundTruth:
    return GroundTruth()


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One session for each subject, who watches emotional clips: a still head, a lively face."""
    subjects = tuple(f"SN{n:03d}" for n in IDS)
    for subject, rate in resting_rates("disfa", subjects, plan).items():
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, 20.0),
            difficulty=plan.difficulty,
            expressions="lively",
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(subject, "left", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """MPEG-4 in AVI at 20 fps, by the left camera."""
    video = root / CAMERAS[0] / f"LeftVideo{recording.subject}_comp.avi"
    write_clip(video, recording, "mpeg4")


disfa = folder_dataset(
    name="disfa",
    title="DISFA, for learning without labels",
    cite="10.1109/T-AFFC.2013.4",
    licence="research only, after the agreement on the page is signed",
    url="http://mohammadmahoor.com/disfa/",
    folders=("DISFA",),
    expected={"subjects": 27, "recordings": 27},
    example=f"{CAMERAS[0]}/LeftVideoSN001_comp.avi",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
