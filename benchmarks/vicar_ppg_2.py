"""VicarPPG-2: four conditions at 60 frames a second, with beats that people have verified.

Layout: `Videos/NN-COND.mp4` and `GroundTruth/PPG/Cleaned/NN-COND PPG.csv` (the name holds a blank)
for ten people and the conditions base, mov, hrv and wrk: a baseline, movement, heart rate
variability and a workout; five minutes each.

Rules:

- A row of the CSV file has the time in ms from the begin of the video on, the finger's pulse
  (`Signal`) and a mark (`Peaks`, 1 at a beat, else 0). `Signal` and `Peaks` are found by their
  names. The time is the column `Time`, else the first one; a first column without a name that
  counts its rows is an index and is refused.
- The marks are the device's beats (`GroundTruth.beats_s`). A file without `Peaks` has a pulse
  without beats.
- The container's clock is used. pyVHR measures the sensor's rate as one mean; here each sample has
  its own time.
- The ECG and the pulse before the cleaning are not read.

The owners publish no bad recordings. Sources: Gudi, Bittner, van Gemert, "Real-time webcam
heart-rate and variability estimation with clean ground truth for evaluation", Applied Sciences 10,
8630, 2020, arXiv 2012.15846; pyVHR; two readers in copies of rPPG-Toolbox; two programs that read
the same columns in CleanerPPG, the authors' labels of other sets.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_sheets import Sheet, read_sheet
from rppgbench.datasets.layout import first_folder, is_file, is_folder, matching
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

CONDITIONS = {
    "base": "baseline",
    "mov": "movement",
    "hrv": "heart_rate_variability",
    "wrk": "workout",
}
VIDEOS, LABELS = "Videos", "GroundTruth/PPG/Cleaned"
NAME = r"(\d\d)-(base|mov|hrv|wrk)"
FRAMES_HZ, PULSE_HZ = 60.0, 60.0
PEOPLE = tuple(f"{n:02}" for n in range(1, 11))


def _recordings(base: Path) -> Iterator[Recording]:
    if not is_folder(base / VIDEOS):
        return
    for video, match in matching(base / VIDEOS, NAME + r"\.mp4"):
        labels = base / LABELS / f"{video.stem} PPG.csv"
        yield Recording(
            dataset="vicar_ppg_2",
            name=video.stem,
            subject=match[1],
            video=partial(VideoSource, video),
            ground_truth=partial(_ground_truth, labels),
            files=(video, labels),
            scenario=CONDITIONS[match[2]],
        )


def _ground_truth(file: Path) -> GroundTruth:
    sheet = read_sheet(file)
    names = [name.lower() for name in sheet.names]
    if names.count("signal") != 1:
        raise RecordingError(f"{file}: has no single column 'Signal'; copy the original file again")
    times_s = sheet.numbers(_time_column(sheet, names)) / 1000
    pulse = Signal(sheet.numbers(names.index("signal")), times_s)
    if "peaks" not in names:
        warnings = [f"{file.name}: has no column 'Peaks': a pulse without beats"]
        return clean_labels(file, pulse=pulse, warnings=warnings)
    marks = sheet.numbers(names.index("peaks"))
    wrong = np.flatnonzero((marks != 0) & (marks != 1))
    if len(wrong):
        raise RecordingError(
            f"{file}: line {sheet.rows[wrong[0]][0]}: {marks[wrong[0]]:g} in column 'Peaks', where "
            "0 or 1 belongs; repair that line or copy the original file again"
        )
    return replace(clean_labels(file, pulse=pulse), beats_s=times_s[marks == 1])


def _time_column(sheet: Sheet, names: list[str]) -> int:
    """The number of the column of times in ms."""
    if names.count("time") == 1:
        return names.index("time")
    first = sheet.numbers(0)
    if names[0] in {"signal", "peaks"} or np.array_equal(first, np.arange(len(first)) + first[0]):
        raise RecordingError(
            f"{sheet.file}: has no column 'Time', and the first column {sheet.names[0]!r} is no "
            "time in ms but an index or a value; copy the original file again"
        )
    return 0


def _leftovers(root: Path) -> Iterator[str]:
    """One line for each label file without a video."""
    base = first_folder(root, *FOLDERS)
    if is_folder(base / LABELS):
        for labels, _ in matching(base / LABELS, NAME + r" PPG\.csv"):
            video = base / VIDEOS / f"{labels.stem.removesuffix(' PPG')}.mp4"
            if not is_file(video):
                yield f"not read: {labels.name} has no video {VIDEOS}/{video.name}"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """The baseline and movement for each subject."""
    for subject, rate in resting_rates("vicar_ppg_2", PEOPLE, plan).items():
        for session in ("base", "mov"):
            scene = Scene(
                width=256,
                height=192,
                times_s=frame_times(plan.seconds, FRAMES_HZ),
                difficulty=plan.difficulty,
                motion="still" if session == "base" else "medium_rotation",
                light="indoor",
                face_height=0.6,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """H.264 in MP4 at 60 frames a second, and the cleaned pulse with its beats."""
    name = f"{recording.subject}-{recording.session}"
    write_clip(root / VIDEOS / f"{name}.mp4", recording, "libx264")
    times_s = device_times(plan.seconds, PULSE_HZ)
    wave = scale_to_range(recording.pulse_at(times_s), 0, 100)
    marks = _marks(recording, times_s)
    rows = (f"{1000 * t:.3f},{v:.4f},{m}" for t, v, m in zip(times_s, wave, marks, strict=True))
    write_lines(root / LABELS / f"{name} PPG.csv", ["Time,Signal,Peaks", *rows])


def _marks(recording: SimulatedRecording, times_s: Array) -> list[int]:
    """1 at the sample (T,) nearest to each systolic peak, else 0."""
    beats_s = recording.beats_between(0.0, float(times_s[-1]))
    nearest = set(np.rint(beats_s * PULSE_HZ).astype(int).tolist())
    return [int(index in nearest) for index in range(len(times_s))]


FOLDERS = ("VicarPPG-2", "VicarPPG2", "VicarPPG 2")
vicar_ppg_2 = folder_dataset(
    name="vicar_ppg_2",
    title="VicarPPG-2",
    cite="10.3390/app10238630",
    licence="research only, after the agreement of the request form is accepted",
    url="https://docs.google.com/forms/d/e/1FAIpQLScwnW_D5M4JVovPzpxA0Bf1ZCTaG5vh7sYu48I0MVSpgltvdw/viewform",
    folders=FOLDERS,
    expected={"subjects": 10, "recordings": 40},
    example=f"{VIDEOS}/01-base.mp4 and '{LABELS}/01-base PPG.csv'",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
