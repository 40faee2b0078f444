"""BP4D+: ten tasks that elicit emotions, with blood pressure and respiration.

Layout: `2D+3D/F001.zip`, whose members are `F001/T1/*.jpg`, and
`Physiology/F001/T1/{BP_mmHg.txt, Pulse Rate_BPM.txt, Resp_Volts.txt, Respiration Rate_BPM.txt}`;
82 women (F001 to F082) and 58 men (M001 to M058). An unpacked folder `2D+3D/F001/T1` is read in
place of the archive. V4V and MMSE-HR are parts of the same recordings under other names.

Rules:

- A recording is a folder of physiology. `bench data check` names people and unpacked tasks that
  have images alone; the archives are opened only when a recording is read, so it does not see a
  task that has images alone within an archive.
- The images have no times: frame k is taken at k / 25 s. The label files have one number a line at
  1,000 Hz and no header (rPPG-Toolbox loses the first sample). Blood pressure is the pulse.
- Not read: the 3D models in the archives, `LA Mean BP_mmHg.txt`, `LA Systolic BP_mmHg.txt`,
  `BP Dia_mmHg.txt`, `microsiemens.txt` (skin conductance), `Thermal`, `AUCoding` and the features.

F042 T11 is listed and has no images (`KNOWN_BAD`); five videos have fewer than 180 frames, which
rPPG-Toolbox does not name. Sources: Zhang, Girard, Wu, Zhang, Liu, Ciftci, Canavan, Reale,
Horowitz, Yang, Cohn, Ji, Yin, "Multimodal spontaneous emotion corpus for human behavior analysis",
CVPR 2016, pp. 3438-3446; rPPG-Toolbox, its paper and its lists of subjects for BigSmall; the layout
of MMSE-HR.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import Recording, VideoSource
from rppgbench.datasets.archives import archive_folders, pack_folder
from rppgbench.datasets.binghamton_files import (
    emotion_sessions,
    physiology_files,
    physiology_labels,
    timed_images,
    write_physiology,
)
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.layout import first_folder, is_folder, matching
from rppgbench.datasets.simulated_writers import order_first, write_images
from rppgbench.simulation import SimulatedRecording, SimulationPlan

IMAGES, LABELS = "2D+3D", "Physiology"
SUBJECT, TASK, IMAGE = r"[FM]\d{3}", r"T\d+", r".+\.jpe?g"
FOLDERS = ("BP4D+", "BP4D_plus", "BP4DPlus")
KNOWN_BAD = {"F042_T11": "has labels and no images: rPPG-Toolbox leaves it out"}
PEOPLE = (*(f"F{n:03}" for n in range(1, 83)), *(f"M{n:03}" for n in range(1, 59)))
ORDER = order_first("F001 F003 F007 M001", PEOPLE)
"""Simulated subjects in this order: the first three are tested in different folds."""


def _recordings(base: Path) -> Iterator[Recording]:
    if not is_folder(base / LABELS):
        return
    for person, subject in matching(base / LABELS, SUBJECT):
        for labels, task in matching(person, TASK):
            if not is_folder(labels):
                continue
            name = f"{subject[0]}_{task[0]}"
            folder = base / IMAGES / subject[0] / task[0]
            archive = base / IMAGES / f"{subject[0]}.zip"
            images: tuple[Path, ...] = ()
            if is_folder(folder):
                images = tuple(image for image, _ in matching(folder, IMAGE))
            yield Recording(
                dataset="bp4d_plus",
                name=name,
                subject=subject[0],
                video=partial(_video, folder, images, archive),
                ground_truth=partial(physiology_labels, labels),
                files=(*(images or (archive,)), *physiology_files(labels)),
                scenario=task[0],
                known_bad=KNOWN_BAD.get(name, ""),
            )


def _video(folder: Path, images: tuple[Path, ...], archive: Path) -> VideoSource:
    if images:
        return timed_images(folder, images)
    member = "/".join(folder.parts[-2:])
    inside = archive_folders(archive, IMAGE).get(member, ())
    return timed_images(archive / member, inside, archive)


def _leftovers(root: Path) -> Iterator[str]:
    """One line for each person or unpacked task with images and without labels.

    The archives stay closed: each run asks for these lines, and an archive takes a second to list.
    """
    base = first_folder(root, *FOLDERS)
    if not is_folder(base / IMAGES):
        return
    for place, match in matching(base / IMAGES, rf"({SUBJECT})(\.zip)?"):
        if not is_folder(base / LABELS / match[1]):
            yield f"not read: {IMAGES}/{place.name} has no {LABELS}/{match[1]}"
        elif not match[2]:
            for _, task in matching(place, TASK):
                name = f"{match[1]}/{task[0]}"
                if not is_folder(base / LABELS / name):
                    yield f"not read: {IMAGES}/{name} has no {LABELS}/{name}"


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> str:
    """JPEG images and the label files."""
    subject, task = recording.subject, recording.session
    names = (f"{at:04d}.jpg" for at in range(len(recording.scene.times_s)))
    write_images(root / IMAGES / subject / task, names, recording.frames())
    write_physiology(root / LABELS / subject / task, recording, plan, signs=True)
    return subject


def _finish(root: Path, plan: SimulationPlan, subjects: list[str]) -> None:
    """An archive for each subject in place of the folder of images."""
    for subject in sorted(set(subjects)):
        pack_folder(root / IMAGES / subject, root / IMAGES / f"{subject}.zip")


bp4d_plus = folder_dataset(
    name="bp4d_plus",
    title="BP4D+",
    cite="10.1109/CVPR.2016.374",
    licence="research only, under the licence that Binghamton University signs with an institution",
    url="https://www.cs.binghamton.edu/~lijun/Research/3DFE/3DFE_Analysis.html",
    folders=FOLDERS,
    expected={"subjects": 140, "recordings": 1400},
    example=f"{IMAGES}/F001.zip with {LABELS}/F001/T1/BP_mmHg.txt",
    same_people=("mmse_hr", "v4v"),
    recordings=_recordings,
    sessions=partial(emotion_sessions, "bp4d_plus", ORDER, talking="T1", still="T8"),
    write=_write,
    finish=_finish,
    leftovers=_leftovers,
)
