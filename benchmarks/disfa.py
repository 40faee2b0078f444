"""DISFA: facial expressions, without a pulse.

Layout: `Videos_LeftCamera/LeftVideoSN001_comp.avi` (and the same for the right camera) for 27
people, SN001 to SN032 with gaps; 1024 x 768, 20 frames a second, 4 minutes. Frame times are those
of the container. The left camera is read, as most users of the set do; the right one only where
the left is not there, because both show the same face at the same time. No bad recordings are
published.

There are no physiological labels: every truth is empty. The set serves to learn without labels
before the labelled set (Qian et al. 2024, arXiv 2406.04942, count 27 videos of 27 people). Sources:
Mavadati, Mahoor, Bartlett, Trinh, Cohn, "DISFA: a spontaneous facial action intensity database",
IEEE Transactions on Affective Computing 4 (2013), pp. 151-160.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rppgbench.core.recording import Dataset, GroundTruth, Recording, VideoSource
from rppgbench.datasets.layout import first_folder, is_simulated, matching, nothing_found
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    resting_rates,
    write_clip,
    write_sessions,
)

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

CAMERAS = ("Videos_LeftCamera", "Video_LeftCamera", "Videos_RightCamera", "Video_RightCamera")
IDS = (*range(1, 14), 16, 17, 18, 21, *range(23, 33))


def _recordings(root: Path) -> Iterator[Recording]:
    base = first_folder(root, "DISFA")
    simulated = is_simulated(root)
    found: set[str] = set()
    folder = first_folder(base, *CAMERAS)
    for video, match in matching(folder, r"(Left|Right)VideoSN(\d{3}).*\.avi"):
        if match[2] in found:
            continue  # the right camera, after the left
        found.add(match[2])
        yield Recording(
            dataset="disfa",
            name=f"SN{match[2]}",
            subject=f"SN{match[2]}",
            video=partial(VideoSource, video),
            ground_truth=_ground_truth,
            files=(video,),
            scenario="watching",
            source=match[1].lower(),
            simulated=simulated,
        )
    if not found:
        raise nothing_found(base, "DISFA", f"{CAMERAS[0]}/LeftVideoSN001_comp.avi", disfa.url)


def _ground_truth() -> GroundTruth:
    return GroundTruth()


def takes(plan: "SimulationPlan") -> Iterator[SimulatedSession]:
    """One video a person who watches emotional clips: a still head, a lively face."""
    from rppgbench.simulation import Scene, frame_times

    people = tuple(f"SN{n:03d}" for n in IDS)
    for subject, rate in resting_rates("disfa", people, plan).items():
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, 20.0),
            difficulty=plan.difficulty,
            expressions="lively",
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(subject, "left", scene)


def _simulate(root: Path, plan: "SimulationPlan") -> None:
    """MPEG-4 in AVI at 20 fps, by the left camera."""
    write_sessions("disfa", root, plan, takes(plan), _write)


def _write(
    root: Path, plan: "SimulationPlan", take: SimulatedSession, filmed: "SimulatedRecording"
) -> None:
    video = root / CAMERAS[0] / f"LeftVideo{take.subject}_comp.avi"
    write_clip(video, filmed.frames(), take.scene.times_s, "mpeg4", plan)


disfa = Dataset(
    name="disfa",
    title="DISFA, for learning without labels",
    cite="10.1109/T-AFFC.2013.4",
    licence="research only, after the agreement on the page is signed",
    url="http://mohammadmahoor.com/disfa/",
    expected={"subjects": 27, "recordings": 27},
    recordings=_recordings,
    simulate=_simulate,
)
