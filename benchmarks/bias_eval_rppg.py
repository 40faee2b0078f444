"""bias-eval-rppg: patches of skin of people in India and Sierra Leone, openly available.

Layout: `Data/{India,Sierra_Leone}/videoN_{forehead,leftcheek,rightcheek}.avi` and
`Ground_Truth/{India,Sierra_Leone}_GT.csv` with the columns `Subject` (videoN) and
`Heart_Rate(BPM)`. Each country has 44 people; each person has three clips of one video, 200 x 200
pixels, MPEG-4, about 32 s. The README says that the patches were 60 x 30 pixels of the forehead and
25 x 25 of the cheeks, left and right as the viewer sees them.

Rules:

- One mean heart rate of a contact sensor is given for each person; there is no pulse. The three
  clips of a person have that rate.
- The frame rate is the container's: 15 a second. Whether the camera had that rate is not known: no
  rate of 15, 20, 25 or 30 gives POS any skill on these clips.
- No clip shows a face, so protocols of this set take the region `whole_frame`.
- India's video17 and video22 are one video under two people: their first 479 frames are equal, in
  two encodings, and the labels are 71.481 and 72.883. They are one subject here, so that no split
  separates them, and their six clips are known to be bad, because one of the labels is wrong.

The owners publish results for 88 people with sex but without the names of the videos:
`docs/measurements/controls.md` reads them. Sources: Dasari, Prakash, Jeni, Tucker, "Evaluation of
biases in remote photoplethysmography methods", npj Digital Medicine 4, 91, 2021; README, labels and
results of github ananyananda-dasari/bias-eval-rppg; a comparison of all decoded frames by a user of
the set.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import Recording, VideoSource
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import whole_video_rate
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.layout import first_folder, is_folder, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    resting_rates,
    write_clip,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.simulation.skin_patches import FOREHEAD, LEFT_CHEEK, RIGHT_CHEEK, skin_patches
from rppgbench.system.errors import RecordingError

FOLDERS = ("bias-eval-rppg", "bias-eval-rppg-main")
COUNTRIES = ("India", "Sierra_Leone")
PATCHES = {"forehead": FOREHEAD, "leftcheek": LEFT_CHEEK, "rightcheek": RIGHT_CHEEK}
RATE_COLUMN = "Heart_Rate(BPM)"
ONE_VIDEO = ("India/video17", "India/video22")
TWICE = (
    "India's video17 and video22 show one video under two people with two labels (equal decoded "
    "frames, found by a user of the set): one label is wrong"
)
KNOWN_BAD = {f"{person}_{patch}": TWICE for person in ONE_VIDEO for patch in PATCHES}
FRAMES_HZ = 15.0
PEOPLE = tuple(f"{country}/video{n}" for n in range(1, 45) for country in COUNTRIES)
"""Simulated subjects in this order: the countries in turn, so that both sides have people."""

ORDER = tuple(person for person in PEOPLE if person not in ONE_VIDEO)


def _recordings(base: Path) -> Iterator[Recording]:
    for country in COUNTRIES:
        folder = base / "Data" / country
        if not is_folder(folder):
            continue
        labels = base / "Ground_Truth" / f"{country}_GT.csv"
        rates_bpm = _rates(labels)
        for video, match in matching(folder, r"(video\d+)_(forehead|leftcheek|rightcheek)\.avi"):
            person = f"{country}/{match[1]}"
            rate_bpm = rates_bpm.get(match[1], float("nan"))
            yield Recording(
                dataset="bias_eval_rppg",
                name=f"{person}_{match[2]}",
                subject=ONE_VIDEO[0] if person in ONE_VIDEO else person,
                video=partial(VideoSource, video),
                ground_truth=partial(whole_video_rate, labels, rate_bpm),
                files=(video,),
                scenario=PATCHES[match[2]],
                source=country,
                shared_label=f"{RATE_COLUMN} {rate_bpm!r}",
                known_bad=KNOWN_BAD.get(f"{person}_{match[2]}", ""),
            )


def _rates(file: Path) -> Mapping[str, float]:
    """The heart rate of each person of a country, in bpm."""
    sheet = read_sheet(file)
    at = sheet.place("Subject")
    people = [cells[at].strip() for _, cells in sheet.rows]
    twice = next((person for person in people if people.count(person) > 1), None)
    if twice is not None:
        raise RecordingError(f"{file}: names {twice!r} twice; keep one line of it")
    rates_bpm = sheet.numbers(sheet.place(RATE_COLUMN))
    return dict(zip(people, map(float, rates_bpm), strict=True))


def _leftovers(root: Path) -> Iterator[str]:
    """People of the labels without a clip, and clips without a label."""
    base = first_folder(root, *FOLDERS)
    for country in COUNTRIES:
        folder, labels = base / "Data" / country, base / "Ground_Truth" / f"{country}_GT.csv"
        if not is_folder(folder):
            continue
        shown = {match[1] for _, match in matching(folder, r"(video\d+)_[a-z]+\.avi")}
        named = {person for person, rate_bpm in _rates(labels).items() if np.isfinite(rate_bpm)}
        for people, what in (
            (shown - named, f"have no heart rate in {labels.name}"),
            (named - shown, f"of {labels.name} have no clip"),
        ):
            if people:
                yield f"{country}: {len(people)} people {what}, such as {min(people)}"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One video of each person, who sits still."""
    for subject, rate in resting_rates("bias_eval_rppg", ORDER, plan).items():
        scene = Scene(
            width=240,
            height=240,
            times_s=frame_times(plan.seconds, FRAMES_HZ),
            difficulty=plan.difficulty,
            light="indoor",
            face_height=0.85,
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(subject, "1", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> tuple[str, float]:
    """The three patches of a video as MPEG-4 in AVI."""
    patches = skin_patches(recording, (200, 200))
    for name, patch in PATCHES.items():
        video = root / "Data" / f"{recording.subject}_{name}.avi"
        write_clip(video, recording, "mpeg4", frames=patches[patch])
    return recording.subject, float(recording.heart_rate_at(recording.scene.times_s).mean())


def _finish(root: Path, plan: SimulationPlan, rates: list[tuple[str, float]]) -> None:
    """The labels of each country, with the blanks of the original's header."""
    for country in COUNTRIES:
        lines = [
            f"{subject.rpartition('/')[2]},{mean_bpm:.3f}"
            for subject, mean_bpm in rates
            if subject.startswith(country)
        ]
        file = root / "Ground_Truth" / f"{country}_GT.csv"
        write_lines(file, [f"Subject ,{RATE_COLUMN} ", *lines])


bias_eval_rppg = folder_dataset(
    name="bias_eval_rppg",
    title="bias-eval-rppg, patches of skin",
    cite="10.1038/s41746-021-00462-z",
    licence="MIT, in the repository itself",
    redistribution="references",
    url="https://github.com/ananyananda-dasari/bias-eval-rppg",
    folders=FOLDERS,
    expected={"subjects": 87, "recordings": 264},
    example="Data/India/video1_forehead.avi and Ground_Truth/India_GT.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
    leftovers=_leftovers,
)
