"""rPPG-10: ten minutes of skin in daylight, with an electrocardiogram.

Layout: `Subject_N/{Subject_N_Forehead_.avi, Subject_N_Cheek1_.avi, Subject_N_Cheek2_.avi,
Subject_N_ECG.npy}` for N = 1 to 27, in a folder `Dataset_rPPG-10`, and `Subject Data.xlsx`. A clip
is a patch of 64 x 64 pixels that follows the face, XVID at 30 frames a second; the
electrocardiogram has 1,000 samples a second, 600,000 in all.

Rules:

- Clip and electrocardiogram begin together: the owners cut both at the same press of a button.
- The reference is the beats of the electrocardiogram and the heart rate from them; there is no
  pulse wave to learn from. The owners give no heart rates.
- The owners' program left out frames in which it found no face, and stopped after 18,000 frames of
  the camera. A clip with fewer frames than its electrocardiogram lasts has lost time somewhere, and
  the frames behind the gap are early: a warning gives the number. The frame rate in the container
  does not show the gap.
- No clip shows a face, so protocols of this set take the region `whole_frame`.
- `Subject Data.xlsx` (age, sex, skin type, arrhythmia, light) is not read.

Users of the set leave Subject_4 out, because one of its clips cannot be opened (`KNOWN_BAD`): 26
people are left, as the paper says. Sources: Rodrigues, Garcia, "Evaluating remote
photoplethysmography: A 10-minute video dataset in uncontrolled lighting", Data in Brief 2025,
PMC12311941; README and notebook of github GRodrigues4/rPPG-10; two programs of users of the set
(QEbellavita/rppg10-eval-harness, and a training script).
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.electrocardiogram_labels import electrocardiogram_truth
from rppgbench.datasets.label_files import read_npy_series
from rppgbench.datasets.layout import first_folder, is_file, is_folder, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    resting_rates,
    write_clip,
    write_npy,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.simulation.skin_patches import FOREHEAD, LEFT_CHEEK, RIGHT_CHEEK, skin_patches
from rppgbench.video.stream import open_video

FOLDERS = ("Dataset_rPPG-10", "rPPG-10")
PATCHES = {"Forehead": FOREHEAD, "Cheek1": LEFT_CHEEK, "Cheek2": RIGHT_CHEEK}
"""Cheek1 lies around landmark 50 of MediaPipe's mesh, Cheek2 around landmark 280."""

FRAMES_HZ, ECG_HZ = 30.0, 1000.0
PERSON_DATA = "Subject Data.xlsx"
NOT_OPENED = (
    "one clip of Subject_4 cannot be opened: left out by users of the set "
    "(QEbellavita/rppg10-eval-harness), and not among the paper's 26 people"
)
KNOWN_BAD = {f"Subject_4/{patch}": NOT_OPENED for patch in PATCHES}
ORDER = tuple(f"Subject_{n}" for n in (1, 2, 5, 6, 3, *range(7, 28)))
"""Simulated subjects in this order: test, train and validation of `rppg-10-mod5` first."""


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, match in matching(base, r"Subject_\d+"):
        if not is_folder(folder):
            continue
        ecg = folder / f"{match[0]}_ECG.npy"
        for patch, place in PATCHES.items():
            video = folder / f"{match[0]}_{patch}_.avi"
            if not is_file(video):
                continue
            yield Recording(
                dataset="rppg_10",
                name=f"{match[0]}/{patch}",
                subject=match[0],
                video=partial(VideoSource, video),
                ground_truth=partial(_ground_truth, video, ecg),
                files=(video, ecg),
                scenario=place,
                known_bad=KNOWN_BAD.get(f"{match[0]}/{patch}", ""),
            )


def _ground_truth(video: Path, file: Path) -> GroundTruth:
    ecg = read_npy_series(file)
    warnings = []
    expected = int(len(ecg) / ECG_HZ * FRAMES_HZ)
    with open_video(VideoSource(video)) as reader:
        frames = reader.info.frames
    if frames is not None and frames < expected:
        lost = expected - frames
        warnings.append(
            f"{video.name}: {frames:,} frames for the {expected:,} of {file.name}: where frames "
            f"without a face were left out, those behind them are up to {lost / FRAMES_HZ:.2f} s "
            "early"
        )
    return electrocardiogram_truth(file, ecg, ECG_HZ, warnings=warnings)


def _leftovers(root: Path) -> Iterator[str]:
    if is_file(first_folder(root, *FOLDERS) / PERSON_DATA):
        yield f"not read: {PERSON_DATA}: age, sex, skin type, arrhythmia and light of each person"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One video of each person, who sits still."""
    for subject, rate in resting_rates("rppg_10", ORDER, plan).items():
        scene = Scene(
            width=240,
            height=240,
            times_s=frame_times(plan.seconds, FRAMES_HZ),
            difficulty=plan.difficulty,
            light="bright",
            face_height=0.85,
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(subject, "1", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """The three patches as MPEG-4 in AVI, and the electrocardiogram in the device's counts."""
    name = recording.subject
    patches = skin_patches(recording, (64, 64))
    for patch, where in PATCHES.items():
        write_clip(root / name / f"{name}_{patch}_.avi", recording, "mpeg4", frames=patches[where])
    times_s = device_times(plan.seconds, ECG_HZ)
    counts = np.rint(32_768 + 8_000 * recording.electrocardiogram_at(times_s))
    write_npy(root / name / f"{name}_ECG.npy", counts)


rppg_10 = folder_dataset(
    name="rppg_10",
    title="rPPG-10, ten minutes of skin",
    cite="Evaluating remote photoplethysmography: A 10-minute video dataset in uncontrolled "
    "lighting, Data in Brief 2025, PMC12311941",
    licence="CC BY-NC-SA 4.0",
    url="https://data.mendeley.com/datasets/bx8982xgwt/1",
    folders=FOLDERS,
    expected={"subjects": 27, "recordings": 81},
    example="Subject_1/Subject_1_Forehead_.avi and Subject_1/Subject_1_ECG.npy",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
