"""OBF: rest and after exercise, five minutes each.

The set is not public: its owners (University of Oulu) give it to partners, no public loader reads
the raw release, and no source documents its layout. Public are the keys that RS-rPPG and
Contrast-Phys use: subject 001 to 100, session 1 (rest) and 2 (after exercise), `001_1`.

Layout, defined by this project from these keys; arrange the release (or links to it) like this:

- `001_1/` holds one video (of any kind in `video.suffixes`) and `bvp.csv`, two columns: time in
  seconds on the clock of the video, and the blood volume pulse; a header is allowed;
- where the device has heart rates, `hr.csv` likewise: time in seconds, bpm.

Frame times are those of the container. RS-rPPG leaves 073_2 and 057_2 out (bad reference). 100
healthy subjects with two recordings each; the keys leave out six patients with atrial fibrillation.
Sources: Li, Alikhani, Shi, Seppanen, Junttila, Majamaa-Voltti, Tulppo, Zhao, "The OBF database",
FG 2018, pp. 242-249; github marukosan93/RS-rPPG, zhaodongsun/contrast-phys.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.layout import (
    is_file,
    is_folder,
    matching,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError
from rppgbench.video.suffixes import VIDEO_SUFFIXES

SCENARIOS = {"1": "rest", "2": "after_exercise"}
RS_RPPG = "bad reference: RS-rPPG (marukosan93/RS-rPPG, utils_sunet_folds_skin.py) leaves it out"
KNOWN_BAD = {"073_2": RS_RPPG, "057_2": RS_RPPG}
ORDER = tuple(f"{10 * tens + ones:03d}" for ones in range(1, 11) for tens in range(10))
"""Simulated subjects in this order: ten in a row are in the ten folds of `obf-10fold`."""


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, match in matching(base, r"(\d{3})_([12])"):
        if not is_folder(folder):
            continue
        files = [file for file, _ in matching(folder, r".+")]
        videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
        rates = [file for file, _ in matching(folder, r"hr\.csv")]
        yield Recording(
            dataset="obf",
            name=folder.name,
            subject=match[1],
            video=partial(_video, folder, tuple(videos)),
            ground_truth=partial(_ground_truth, folder),
            files=(*videos, folder / "bvp.csv", *rates),
            scenario=SCENARIOS[match[2]],
            known_bad=KNOWN_BAD.get(folder.name, ""),
        )


def _video(folder: Path, videos: tuple[Path, ...]) -> VideoSource:
    if len(videos) != 1:
        raise RecordingError(f"{folder}: holds {len(videos)} videos; put one, with bvp.csv, there")
    return VideoSource(videos[0])


def _ground_truth(folder: Path) -> GroundTruth:
    pulse = read_table(folder / "bvp.csv", 2, time_first=True)
    rate = None
    if is_file(folder / "hr.csv"):
        rate = read_table(folder / "hr.csv", 2, time_first=True)
    return clean_labels(
        folder / "bvp.csv",
        pulse=Signal(pulse[:, 1], pulse[:, 0]),
        heart_rate=None if rate is None else Signal(rate[:, 1], rate[:, 0]),
    )


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Rest and after exercise, without motion."""
    for subject, rate in resting_rates("obf", ORDER, plan).items():
        for session in ("1", "2"):
            scene = Scene(
                width=320,
                height=240,
                times_s=frame_times(plan.seconds, 30.0),
                difficulty=plan.difficulty,
                heart_rate="after_exercise" if session == "2" else "resting",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """H.264 in MP4 and the pulse at 256 Hz with its times."""
    folder = root / f"{recording.subject}_{recording.session}"
    write_clip(folder / "video.mp4", recording, "libx264")
    times_s = device_times(plan.seconds, 256.0)
    wave = scale_to_range(recording.pulse_at(times_s), -1, 1)
    rows = (f"{t:.6f},{v:.6f}" for t, v in zip(times_s, wave, strict=True))
    write_lines(folder / "bvp.csv", ["time_s,bvp", *rows])


obf = folder_dataset(
    name="obf",
    title="OBF, Oulu bio-face database",
    cite="The OBF Database, FG 2018, pp. 242-249",
    licence="not public: ask the Center for Machine Vision and Signal Analysis, University of Oulu",
    url="https://www.oulu.fi/en/university/faculties-and-units/faculty-information-technology-and-electrical-engineering/center-machine-vision-and-signal-analysis",
    folders=("OBF",),
    expected={"subjects": 100, "recordings": 200},
    example="folders 001_1 with a video and bvp.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
