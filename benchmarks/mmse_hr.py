"""MMSE-HR: emotions elicited by tasks, in high resolution.

Layout, two subtrees with labels beside each:

- images `first 10 subjects 2D/F013/T1/*.jpg`, labels
  `first 10 subjects Phydata released/Phydata/F013/T1/{BP_mmHg.txt, Pulse Rate_BPM.txt}`;
- images `T10_T11_30Subjects/F005/T10/*.jpg`, labels `T10_T11_30PhyBPHRData/F005/T10/...`.

The images (1040 x 1392) have no timestamps: the set has 25 frames a second, and frame k is
taken at k / 25 s. Both label files have one value a line at 1,000 Hz from the same start: blood
pressure (the pulse here) and heart rate in bpm. Files of respiration (`datasets/binghamton_files`)
are read where they are there.

102 videos of 40 subjects, F005 to F027 and M001 to M017; tasks T1, T8, T10, T11, few others.
Sources: Tulyakov, Alameda-Pineda, Ricci, Yin, Cohn, Sebe, "Self-adaptive matrix completion for
heart rate estimation from face videos under realistic conditions", CVPR 2016, pp. 2396-2404.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import Recording
from rppgbench.datasets.binghamton_files import (
    emotion_sessions,
    physiology_files,
    physiology_labels,
    timed_images,
    write_physiology,
)
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.layout import is_folder, matching
from rppgbench.datasets.simulated_writers import order_first, write_images
from rppgbench.simulation import SimulatedRecording, SimulationPlan
from rppgbench.system.errors import BenchError

SUBTREES = (
    ("first 10 subjects 2D", "first 10 subjects Phydata released/Phydata"),
    ("T10_T11_30Subjects", "T10_T11_30PhyBPHRData"),
)
KNOWN_BAD = {"F006_T11": "bad recording: third-party loaders of the set leave it out"}
PEOPLE = (*(f"F{n:03d}" for n in range(5, 28)), *(f"M{n:03d}" for n in range(1, 18)))
ORDER = order_first("M001 F017 M005 F021 F007 F014 F005 F011 F009 M016", PEOPLE)
"""Simulated subjects in this order: the first five are in every fold of the splits shipped."""


def _recordings(base: Path) -> Iterator[Recording]:
    seen: set[str] = set()
    for pictures, labels in SUBTREES:
        if not is_folder(base / pictures):
            continue
        for folder_of_subject, subject in matching(base / pictures, r"[FM]\d{3}"):
            for folder, task in matching(folder_of_subject, r"T\d+"):
                name = f"{subject[0]}_{task[0]}"
                if name in seen:
                    raise BenchError(f"{folder}: {name} is in both subtrees; keep one of them")
                seen.add(name)
                images = tuple(image for image, _ in matching(folder, r".+\.jpe?g"))
                truth = base / labels / subject[0] / task[0]
                yield Recording(
                    dataset="mmse_hr",
                    name=name,
                    subject=subject[0],
                    video=partial(timed_images, folder, images),
                    ground_truth=partial(physiology_labels, truth),
                    files=(*images, *physiology_files(truth)),
                    scenario=task[0],
                    known_bad=KNOWN_BAD.get(name, ""),
                )


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """JPEG images, the first subject in the first subtree and the others in the second."""
    pictures, labels = SUBTREES[recording.subject != ORDER[0]]
    names = (f"{at:04d}.jpg" for at in range(len(recording.scene.times_s)))
    write_images(root / pictures / recording.subject / recording.session, names, recording.frames())
    folder = root / labels / recording.subject / recording.session
    write_physiology(folder, recording, plan, signs=False)


mmse_hr = folder_dataset(
    name="mmse_hr",
    title="MMSE-HR",
    cite="10.1109/CVPR.2016.263",
    licence="research only, under the licence that Binghamton University signs with an institution",
    url="https://www.cs.binghamton.edu/~lijun/Research/3DFE/3DFE_Analysis.html",
    folders=("MMSE-HR", "MMSE_HR", "MMSE"),
    expected={"subjects": 40, "recordings": 102},
    example=f"'{SUBTREES[1][0]}/F005/T10/*.jpg'",
    same_people=("bp4d_plus", "v4v"),
    recordings=_recordings,
    sessions=partial(emotion_sessions, "mmse_hr", ORDER, talking="T11", still="T10"),
    write=_write,
)
