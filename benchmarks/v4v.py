"""V4V: spontaneous emotions, a heart rate for every frame.

Layout, as released by the challenge in two phases (the folders' names have blanks and underscores):

- `Phase 1_ Training_Validation sets/Videos/{train-001_of_002, train-002_of_002, valid}/F001_T1.mkv`
  (also `Training`, `Validation`), with `Ground truth/Physiology/F001_T1.txt` (a line HR and a line
  RR: name, kind, then one value a frame) and `Ground truth/BP_raw_1KHz/F001-T1-BP.txt` (blood
  pressure in mmHg, one value a line; mark the "-" and "-BP");
- `Phase 2_ Testing set/Videos/Test/test/F002_T1.mkv`, with `test_set_gt_release.txt` and
  `validation_set_gt_release.txt` (lines HR and RR in turn, the first field is the video's name with
  .mkv) and `blood_pressure/{val_set_bp, test_set_bp}/F001-T1.txt` (here without "-BP").

Rules: value k of the HR line (from field 3 on) belongs to the frame at k / 25 s; the heart rate is
the device's, piecewise constant, and methods never get its steps. The RR line is read likewise: the
respiration rate in breaths per minute. The blood pressure,
1,000 a second from 0 s on, is the pulse. Black frames exist and are kept, because leaving them out
(as the authors' own reader does) moves all later frames against their labels. Parts are the
challenge's; `part` is by folder. No list of bad videos is published; some are shorter than 9 s, and
other loaders leave those out; here such a video gives as many 5 s clips as fit.

1,358 videos of 179 subjects, a subset of BP4D+. Sources: Revanur, Li, Ciftci, Yin, Jeni, "The first
vision for vitals (V4V) challenge", ICCV Workshops 2021, pp. 2760-2767, and their
github revanurambareesh/instantaneous_transformer.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.label_text import read_column, read_row_named
from rppgbench.datasets.layout import (
    is_file,
    is_folder,
    matching,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    resting_rates,
    write_clip,
    write_lines,
)
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import BenchError, RecordingError

FRAMES_HZ = 25.0
PRESSURE_HZ = 1000.0
PHASE_1 = "Phase 1_ Training_Validation sets"
PHASE_2 = "Phase 2_ Testing set"
TRUTH = "Ground truth"
FOLDERS = (
    ("train", f"{PHASE_1}/Videos/train-001_of_002"),
    ("train", f"{PHASE_1}/Videos/train-002_of_002"),
    ("train", f"{PHASE_1}/Videos/Training"),
    ("validation", f"{PHASE_1}/Videos/valid"),
    ("validation", f"{PHASE_1}/Videos/Validation"),
    ("test", f"{PHASE_2}/Videos/Test/test"),
    ("test", f"{PHASE_2}/Videos/Test"),
)
RELEASED = {
    "validation": ("validation_set_gt_release.txt", "val_set_bp"),
    "test": ("test_set_gt_release.txt", "test_set_bp"),
}
PLACES = {
    "train": f"{PHASE_1}/Videos/train-001_of_002",
    "validation": f"{PHASE_1}/Videos/valid",
    "test": f"{PHASE_2}/Videos/Test/test",
}
PEOPLE = tuple(f"{'FM'[n % 2]}{n // 2 + 1:03d}" for n in range(179))
SIMULATED_PARTS = ("train", "test", "validation", "train")  # four subjects are in all parts


def _recordings(base: Path) -> Iterator[Recording]:
    parts: dict[str, str] = {}
    for part, place in FOLDERS:
        if not is_folder(base / place):
            continue
        for video, match in matching(base / place, r"([FM]\d{3})_(T\d+)\.mkv"):
            if parts.setdefault(video.stem, part) != part:
                raise BenchError(
                    f"{video}: is in part {part!r} and in part {parts[video.stem]!r}; "
                    "keep the one where the challenge has it"
                )
            rates, pressure = _label_files(base, part, video.stem)
            yield Recording(
                dataset="v4v",
                name=video.stem,
                subject=match[1],
                video=partial(VideoSource, video),
                ground_truth=partial(_ground_truth, video.stem, rates, pressure),
                files=(video, rates, pressure),
                scenario=match[2],
                part=part,
            )


def _label_files(base: Path, part: str, name: str) -> tuple[Path, Path]:
    """The files of heart rates and blood pressure of a video."""
    dashed = name.replace("_", "-")
    folder = base / PHASE_1 / TRUTH
    phase_1 = folder / "Physiology" / f"{name}.txt", folder / "BP_raw_1KHz" / f"{dashed}-BP.txt"
    if part == "train":
        return phase_1
    rates, pressures = RELEASED[part]
    pressure = base / PHASE_2 / "blood_pressure" / pressures / f"{dashed}.txt"
    released = base / PHASE_2 / rates
    if part == "validation" and not is_file(released):
        return phase_1
    return released, pressure


def _ground_truth(name: str, rates: Path, pressure: Path) -> GroundTruth:
    rate = regular_signal(_heart_rates(rates, name), FRAMES_HZ)
    warnings = []
    pulse = None
    if is_file(pressure):
        pulse = regular_signal(read_column(pressure), PRESSURE_HZ)
    else:
        warnings.append(f"{pressure.name} is missing: no blood pressure, only heart rates")
    breaths = read_vital_sign("respiration_rate", partial(_respiration, rates, name), warnings)
    return clean_labels(
        rates,
        pulse=pulse,
        heart_rate=rate,
        signs={"respiration_rate": breaths},
        warnings=warnings,
    )


def _heart_rates(file: Path, name: str) -> Array:
    """The values of the line HR of a video: (frames,), in bpm."""
    values = read_row_named(file, {name, f"{name}.mkv"}, {"HR"})
    if values is None or len(values) < 2:
        raise RecordingError(
            f"{file}: has no line '{name}, HR, ...' with values; copy the original file again"
        )
    return values


def _respiration(file: Path, name: str) -> Signal:
    """The values of the line RR of a video, in breaths per minute."""
    values = read_row_named(file, {name, f"{name}.mkv"}, {"RR"})
    if values is None:
        raise RecordingError(f"{file}: has no line '{name}, RR, ...' with values")
    return regular_signal(values, FRAMES_HZ)


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two tasks for each subject, with changing heart rates and lively faces."""
    for subject, rate in resting_rates("v4v", PEOPLE, plan).items():
        for session, motion in (("T1", "talking"), ("T8", "still")):
            scene = Scene(
                width=320,
                height=320,
                times_s=frame_times(plan.seconds, FRAMES_HZ),
                difficulty=plan.difficulty,
                motion=motion,  # type: ignore[arg-type]
                expressions="lively",
                heart_rate="changing",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _part(subject: str) -> str:
    """The part of a simulated subject."""
    return SIMULATED_PARTS[PEOPLE.index(subject) % len(SIMULATED_PARTS)]


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> list[str]:
    """H.264 in Matroska at 25 fps, and the label files of one recording."""
    part = _part(recording.subject)
    name = f"{recording.subject}_{recording.session}"
    folder = root / PLACES[part]
    write_clip(folder / f"{name}.mkv", recording, "libx264")
    rates, pressure = _label_files(root, part, name)
    key = name if part == "train" else f"{name}.mkv"
    seconds = np.floor(np.arange(len(recording.scene.times_s)) / FRAMES_HZ)
    bpm = recording.heart_rate_at(seconds)  # constant for segments, as in the set
    breaths = recording.respiration_rate_at(seconds)
    lines = [
        ", ".join([key, "HR", *(f"{value:.3f}" for value in bpm)]),
        ", ".join([key, "RR", *(f"{value:.3f}" for value in breaths)]),
    ]
    if part == "train":
        write_lines(rates, lines)
    wave = recording.blood_pressure_at(device_times(plan.seconds, PRESSURE_HZ))
    write_lines(pressure, (f"{value:.4f}" for value in wave))
    return lines


def _finish(root: Path, plan: SimulationPlan, lines: list[list[str]]) -> None:
    """The label files that phase 2 released."""
    for part, (file, _) in RELEASED.items():
        rows = [line for pair in lines for line in pair if _part(line.split("_")[0]) == part]
        if rows:
            write_lines(root / PHASE_2 / file, rows)


v4v = folder_dataset(
    name="v4v",
    title="Vision for Vitals (V4V) challenge",
    cite="The First Vision for Vitals (V4V) Challenge, ICCV Workshops 2021, pp. 2760-2767",
    licence="research only, after the challenge's data agreement (a subset of BP4D+) is signed",
    url="https://vision4vitals.github.io/",
    folders=("V4V Dataset", "V4V"),
    expected={"subjects": 179, "recordings": 1358},
    example=f"'{PHASE_1}/Videos'",
    same_people=("bp4d_plus", "mmse_hr"),
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
)
