"""LADH: personal care at home, over ten days.

Layout: `MM_DD/p_MM_DD_NAME/v0K/{video_RGB_H264.avi, BVP.csv, HR.csv, frames_timestamp_RGB.csv}`,
also without the folder of the day. The sessions are sitting (v01), brushing teeth and combing hair
while sitting (v02), standing (v03), the same care while standing (v04) and after exercise (v05),
two minutes each, 30 frames a second.

One person has a folder for each day: the subject is NAME, without the day. The
owners' loader takes the whole name of the folder for the subject, so one person is in training and
test of their splits.

The text files are those of PhysRecorder: Unix times of one computer. The oximeter's pulse has 20
samples a second, fewer than the video has frames. A heart rate that wrapped at 128 is corrected
where a step proves the wrap. `RR.csv` (respiration, 50 Hz) and `SpO2.csv` are read where they are
there.

Not read: the infrared camera (`video_IR_H264.avi`, `frames_timestamp_IR.csv`; `bench data check`
counts the videos). The README counts 240 videos, of 10 people on one day and 11 people on ten days;
it does not say which sessions are missing, nor whether infrared counts. The owners publish no bad
recordings and no list of a split.

Sources: Ma, Tang, Jiang, Cheng, Shi, Li, Liu, McDuff, Liu, Wang, "Non-Contact Health Monitoring
During Daily Personal Care Routines", IEEE-EMBS BSN 2025, arXiv 2506.09718; README and loader of
github McJackTang/FusionVitals; rPPG-Toolbox; an analysis by a user of the set.
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

SCENARIOS = {
    "v01": "sitting",
    "v02": "sitting_care",
    "v03": "standing",
    "v04": "standing_care",
    "v05": "after_exercise",
}
STAMPS, INFRARED = "frames_timestamp_RGB.csv", "video_IR_H264.avi"
START_S = 1_733_400_000.0  # 5 December 2024, as the first folder
DAYS = ("12_05", "12_06")
ORDER = tuple(f"person{n}" for n in range(1, 22))
"""Simulated subjects in this order; the names are made up."""


def _folders(base: Path) -> Iterator[tuple[Path, str, str, str]]:
    """The folder, the day, the person and the session of each recording."""
    days = [(day, match[0]) for day, match in folders_matching(base, r"(?!p_).+")]
    for place, day in [(base, ""), *days]:
        for person, match in folders_matching(place, r"p_(?:(\d\d_\d\d)_)?(.+)"):
            for folder, session in folders_matching(person, r"v\d+"):
                yield folder, match[1] or day, match[2], session[0]


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, day, person, session in _folders(base):
        video, stamps = folder / "video_RGB_H264.avi", folder / STAMPS
        yield Recording(
            dataset="ladh",
            name="/".join(part for part in (day, person, session) if part),
            subject=person,
            video=partial(recorded_video, video, stamps),
            ground_truth=partial(recorded_labels, stamps),
            files=(video, *recorded_files(stamps)),
            scenario=SCENARIOS.get(session, session),
        )


def _leftovers(root: Path) -> Iterator[str]:
    infrared = [f for f, *_ in _folders(first_folder(root, "LADH")) if is_file(f / INFRARED)]
    if infrared:
        yield f"not read: {len(infrared)} of {INFRARED}: infrared has no colours"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two days for each subject: sitting on the first, care while sitting on the second."""
    for subject, rate in resting_rates("ladh", ORDER, plan).items():
        for day, session in zip(DAYS, ("v01", "v02"), strict=True):
            random = generator("ladh", "frame times", plan.seed, subject, session)
            scene = Scene(
                width=240,
                height=180,
                times_s=frame_times(plan.seconds, 30.0, jitter_s=0.003, random=random),
                difficulty=plan.difficulty,
                motion="still" if session == "v01" else "slow_translation",
                light="indoor",
                face_height=0.6,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, f"{day}/{session}", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """H.264 in AVI, and the recorder's text files; no infrared video."""
    day, session = recording.session.split("/")
    folder = root / day / f"p_{day}_{recording.subject}" / session
    video = folder / "video_RGB_H264.avi"
    write_clip(video, recording, "libx264", times_s=frame_times(plan.seconds, 30.0))
    start_s = START_S + 86_400 * DAYS.index(day)
    write_recorder_files(folder, recording, plan, start_s=start_s, stamps=STAMPS)


ladh = folder_dataset(
    name="ladh",
    title="LADH, long-term daily health monitoring",
    cite="Non-Contact Health Monitoring During Daily Personal Care Routines, arXiv 2506.09718",
    licence="research only, after signing the release agreement in the repository",
    url="https://github.com/McJackTang/FusionVitals",
    folders=("LADH",),
    expected={"subjects": 21, "recordings": 240},
    example="12_05/p_12_05_NAME/v01/video_RGB_H264.avi with BVP.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
