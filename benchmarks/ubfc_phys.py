"""UBFC-Phys: rest, speech and arithmetic under stress.

Layout: `sN/{vid_sN_T1.avi, bvp_sN_T1.csv, eda_sN_T1.csv}` (also in a folder `Data`) for N 1 to 56
and tasks T1 (rest), T2 (speech), T3 (arithmetic), three minutes each, about 35 frames a second;
`info_sN.txt` and `selfReportedAnx_sN.csv` are not read. `bvp` is the wrist band's blood volume
pulse at 64 Hz, one value a line without a header (readers that expect a header lose the first
sample). Frame times are those of the container; both start together.

The reference is noisy: rPPG-Toolbox leaves out 67 of the 168 recordings (`KNOWN_BAD`), PhysBench
prints no results on the set. Sources: Meziati Sabour, Benezeth, De Oliveira, Chappe, Yang,
"UBFC-Phys: a multimodal database for psychophysiological studies of social stress", IEEE Trans.
Affective Computing, 2021; github ubicomplab/rPPG-Toolbox,
configs/infer_configs/UBFC-PHYS_UNSUPERVISED.yaml.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.label_text import read_column
from rppgbench.datasets.layout import first_folder, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    order_first,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times

PULSE_HZ = 64.0
SCENARIOS = {"T1": "rest", "T2": "speech", "T3": "arithmetic"}
TOOLBOX = "noisy reference: in the EXCLUSION_LIST of rPPG-Toolbox"
_EXCLUDED = {
    "T1": "3 8 9 26 28 30 31 32 33 40 52 53 54 56",
    "T2": "1 4 6 8 9 11 12 13 14 19 21 22 25 26 27 28 31 32 33 35 38 39 41 42 45 47 48 52 53 55",
    "T3": "5 8 9 10 13 14 17 22 25 26 28 30 32 33 35 37 40 47 48 49 50 52 53",
}
KNOWN_BAD = {f"s{n}_{task}": TOOLBOX for task, ids in _EXCLUDED.items() for n in ids.split()}
ORDER = order_first("s2 s46 s35 s7 s49 s36", (f"s{n}" for n in range(1, 57)))
"""Simulated subjects in this order: train, test and validation of `ubfc-phys-gideon` in turn."""


def _recordings(folder: Path) -> Iterator[Recording]:
    base = first_folder(folder, "Data")
    for folder_of_subject, subject in matching(base, r"s\d+"):
        for video, task in matching(folder_of_subject, rf"vid_{subject[0]}_(T[1-3])\.avi"):
            name = f"{subject[0]}_{task[1]}"
            labels = folder_of_subject / f"bvp_{name}.csv"
            yield Recording(
                dataset="ubfc_phys",
                name=name,
                subject=subject[0],
                video=partial(VideoSource, video),
                ground_truth=partial(_ground_truth, labels),
                files=(video, labels),
                scenario=SCENARIOS[task[1]],
                known_bad=KNOWN_BAD.get(name, ""),
            )


def _ground_truth(file: Path) -> GroundTruth:
    return clean_labels(file, pulse=regular_signal(read_column(file), PULSE_HZ))


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Three tasks for each subject: still, talking with a lively face, talking under stress."""
    for subject, rate in resting_rates("ubfc_phys", ORDER, plan).items():
        for session in sorted(SCENARIOS):
            rest = session == "T1"
            scene = Scene(
                width=256,
                height=256,
                times_s=frame_times(plan.seconds, 35.0),
                difficulty=plan.difficulty,
                motion="still" if rest else "talking",
                expressions="neutral" if rest else "lively",
                heart_rate="resting" if rest else "changing",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """Motion JPEG in AVI at 35 fps and the pulse at 64 Hz."""
    folder = root / recording.subject
    name = f"{recording.subject}_{recording.session}"
    write_clip(folder / f"vid_{name}.avi", recording, "mjpeg")
    wave = scale_to_range(recording.pulse_at(device_times(plan.seconds, PULSE_HZ)), -60, 60)
    write_lines(folder / f"bvp_{name}.csv", (f"{value:.2f}" for value in wave))
    write_lines(folder / f"info_{recording.subject}.txt", [recording.subject, "m", "ctrl"])
    write_lines(folder / f"eda_{name}.csv", ["0.35"] * max(2, round(plan.seconds * 4)))


ubfc_phys = folder_dataset(
    name="ubfc_phys",
    title="UBFC-Phys",
    cite="10.1109/TAFFC.2021.3056960",
    licence="research only, on request by the form on the page",
    url="https://sites.google.com/view/ybenezeth/ubfc-phys",
    expected={"subjects": 56, "recordings": 168},
    folders=("UBFC-Phys", "UBFC-PHYS"),
    example="s1/vid_s1_T1.avi",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
