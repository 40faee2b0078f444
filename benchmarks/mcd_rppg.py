"""MCD-rPPG: 600 people before and after squats, by three cameras at once.

Layout: `video/ID_CAMERA_STEP.avi`, `meta/ID_CAMERA_STEP.txt` (a line for each frame: its number
from 1 on, date and time), `ppg/ID_STEP.PW` (a line for each sample: value, date and time, about 100
a second), `ppg_sync/ID_CAMERA_STEP.txt` (a line for each frame: the matched value, and how many
seconds the sample lies from the frame), `db.csv` and `ecg/`. CAMERA is FullHDwebcam (front),
USBVideo (left) or IriunWebcam (right, a phone); STEP is before or after 15 squats.

Three clocks, and which is used:

- The container's rate (24, 29.9 or 30 a second) is not used: a front camera says 29.90 and measures
  29.991.
- The frames have the times of `meta`.
- The pulse has the times of `.PW`. Both are dates of one computer, so far as the files show: the
  owners matched samples to frames by these dates. Where `ppg_sync` holds other values than the
  samples nearest in time, a warning counts the frames, because then the dates are not of one clock.
- Without a `.PW` file, or where it is binary, the values of `ppg_sync` are taken at the frames'
  times, with a warning. Column 2 of `ppg_sync` is a distance, no time axis.

Not read: `ecg/` (clinical, taken before the videos), the single readings of `db.csv` (pulse by the
cuff, blood pressure, saturation, respiration), which are not of the time of the video.

The sources conflict, and this reader rests on the files' own form as users of the whole set
describe it:

- length: about 3 minutes by the paper and by the sizes of the files (178 s, 608 kB of `.PW`); 30 s
  by one user, 5 minutes by a copy's description;
- form: that copy's description (folders of subjects, NPY, 9,000 frames, one hardware clock)
  contradicts its own program, which reads the files above; one source calls `.PW` binary, one
  names the folder `eeg`, one names `.PW` by camera;
- licence: CC BY 4.0 by the owners' card; CC BY-NC-SA 4.0 by that copy;
- column 2 of `ppg_sync`: a time step, an offset, or the distance to the sample, by three users.

The owners' five folds are read from `mcd_rppg.csv` of github ksyegorov/mcd_rppg, which belongs
beside `db.csv`. The recordings in `KNOWN_BAD` are a user's findings, not the owners'.

Sources: Egorov, Botman, Blinov, Zubkova, Ivaschenko, Kolsanov, Savchenko, "Gaze into the Heart: A
Multi-View Video Dataset for rPPG and Health Biomarkers Estimation", ACM Multimedia 2025, arXiv
2508.17924; card and code of the owners; programs of CrisChir, ShahnawazKakarh, Atharva2099 and four
more users.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, MissingFolds, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.dated_lines import read_dated_lines, write_dated_lines
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.label_text import read_table, unreadable_label
from rppgbench.datasets.layout import first_folder, is_file, is_folder, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    integer_values,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import BenchError, RecordingError

FOLDERS = ("mcd_rppg", "MCD-rPPG")
VIEWS = {"FullHDwebcam": "front", "USBVideo": "left", "IriunWebcam": "right"}
SCENARIOS = {"before": "rest", "after": "after_squats"}
FOLD_FILE = "mcd_rppg.csv"
VIDEO = r"(\d+)_(FullHDwebcam|USBVideo|IriunWebcam)_(before|after)\.(?:avi|mp4)"

MOST_DIFFERENT_SHARE = 0.05
"""More frames than this share whose value in `ppg_sync` is not the nearest sample's are told."""

FLAT = "the contact pulse is flat: all its windows are invalid in Atharva2099/adaptive-roi-rppg"
LEFT_OUT = "left out of its evaluation by Atharva2099/adaptive-roi-rppg, which gives no reason"
KNOWN_BAD = {
    **{f"7412/after/{camera}": FLAT for camera in VIEWS},
    **{f"4952/{step}/{camera}": LEFT_OUT for step in SCENARIOS for camera in VIEWS},
    "6066/before/USBVideo": LEFT_OUT,
}
START_S = 1_699_885_000.0  # 13 November 2023, as one of the files
PULSE_HZ, EARLY_S = 100.0, 0.4
CONTAINER_HZ = {"FullHDwebcam": 29.9, "IriunWebcam": 24.0}
MEASURED_HZ = {"FullHDwebcam": 29.991, "IriunWebcam": 24.0}
OWN_FOLDS = {
    **{"1099": 0, "1091": 1, "1020": 2, "1024": 3, "1266": 4, "1180": 0, "1156": 1, "1035": 2},
    **{"1107": 3, "1285": 4, "1213": 0, "1181": 1, "1097": 2, "1113": 3},
}
"""Simulated people in this order, with their folds in the owners' file."""


def _recordings(base: Path) -> Iterator[Recording]:
    folder = base / "video"
    if not is_folder(folder):
        return
    for video, match in matching(folder, VIDEO):
        person, camera, step = match[1], match[2], match[3]
        stamps = base / "meta" / f"{video.stem}.txt"
        pulse = base / "ppg" / f"{person}_{step}.PW"
        matched = base / "ppg_sync" / f"{video.stem}.txt"
        name = f"{person}/{step}/{camera}"
        yield Recording(
            dataset="mcd_rppg",
            name=name,
            subject=person,
            video=partial(_video, video, stamps),
            ground_truth=partial(_ground_truth, stamps, pulse, matched),
            files=(video, stamps, *(file for file in (pulse, matched) if is_file(file))),
            scenario=SCENARIOS[step],
            source=VIEWS[camera],
            known_bad=KNOWN_BAD.get(name, ""),
        )


def _frame_stamps(file: Path) -> Array:
    """The times (T,) of the frames in seconds of the computer's clock."""
    numbers, stamps_s = read_dated_lines(file)
    wrong = np.flatnonzero(numbers != np.arange(len(numbers)) + numbers[0])
    if numbers[0] not in (0, 1) or len(wrong):
        at = wrong[0] if len(wrong) else 0
        raise RecordingError(
            f"{file}: frame {numbers[at]:g} in place {at + 1}, so times and frames cannot be "
            "matched; copy the original file again"
        )
    return stamps_s


def _video(video: Path, stamps: Path) -> VideoSource:
    stamps_s = _frame_stamps(stamps)
    return VideoSource(video, times_s=stamps_s - stamps_s[0], container_clock=False)


def _ground_truth(stamps: Path, pulse: Path, matched: Path) -> GroundTruth:
    frames_s = _frame_stamps(stamps)
    start_s = frames_s[0]
    if is_file(matched) and (not is_file(pulse) or _is_binary(pulse)):
        state = "is binary" if is_file(pulse) else "is missing"
        values = read_table(matched, columns=2)[:, 0]
        if len(values) != len(frames_s):
            raise RecordingError(
                f"{matched}: {len(values)} lines for {len(frames_s)} frames; copy it again"
            )
        signal = Signal(values, frames_s - start_s)
        warnings = [f"{pulse.name} {state}: its pulse at the frames, by ppg_sync/{matched.name}"]
        return clean_labels(matched, pulse=signal, one_clock=True, warnings=warnings)
    values, samples_s = read_dated_lines(pulse)
    warnings = _compare(matched, frames_s, values, samples_s) if is_file(matched) else []
    signal = Signal(values, samples_s - start_s)
    return clean_labels(pulse, pulse=signal, one_clock=True, warnings=warnings)


def _is_binary(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return b"\0" in stream.read(4096)
    except OSError as error:
        raise unreadable_label(error, file) from error


def _compare(matched: Path, frames_s: Array, values: Array, samples_s: Array) -> list[str]:
    """A warning where the owners' match is not the sample nearest to the frame by the dates."""
    owners = read_table(matched, columns=2)[:, 0]
    if len(owners) != len(frames_s):
        return [f"{matched.name}: {len(owners)} lines for {len(frames_s)} frames: not compared"]
    order = np.argsort(samples_s, kind="stable")
    after = np.clip(np.searchsorted(samples_s[order], frames_s), 1, len(samples_s) - 1)
    # Two samples may be equally near, and the dates are rounded: either is right.
    near = values[order][np.stack([after - 1, after])]
    different = int(np.count_nonzero((near != owners).all(axis=0)))
    if different <= MOST_DIFFERENT_SHARE * len(owners):
        return []
    return [
        f"{matched.name}: {different} of {len(owners)} frames have another value than the samples "
        "around them: the dates of frames and pulse are not of one clock"
    ]


def _folds(root: Path) -> Mapping[str, tuple[str, ...]]:
    """The test people of each of the owners' folds."""
    file = first_folder(root, *FOLDERS) / FOLD_FILE
    if not is_file(file):
        raise MissingFolds(
            f"{file}: is not there; the owners' folds are in {FOLD_FILE} of github "
            "ksyegorov/mcd_rppg, so copy it beside db.csv"
        )
    sheet = read_sheet(file)
    people, folds = (sheet.numbers(sheet.place(name)) for name in ("patient_id", "fold"))
    if not (np.isfinite(people).all() and np.isfinite(folds).all()):
        raise BenchError(f"{file}: lacks a person or a fold; copy the original file again")
    pairs = sorted({(int(fold), int(person)) for fold, person in zip(folds, people, strict=True)})
    named = [person for _, person in pairs]
    twice = next((person for person in named if named.count(person) > 1), None)
    if twice is not None:
        raise BenchError(f"{file}: person {twice} is in two folds; copy the original file again")
    return {
        f"fold{fold}": tuple(str(person) for k, person in pairs if k == fold)
        for fold in sorted({k for k, _ in pairs})
    }


def _leftovers(root: Path) -> Iterator[str]:
    base = first_folder(root, *FOLDERS)
    if is_folder(base / "ecg"):
        yield "not read: ecg: clinical electrocardiograms, which are not of the time of the videos"
    if is_file(base / "db.csv"):
        yield "not read: db.csv: single readings, which are not of the time of the videos"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """At rest before the front camera, after squats before the phone."""
    for subject, rate in resting_rates("mcd_rppg", tuple(OWN_FOLDS), plan).items():
        for step, camera in zip(SCENARIOS, MEASURED_HZ, strict=True):
            random = generator("mcd_rppg", "frame times", plan.seed, subject, step)
            fs = MEASURED_HZ[camera]
            scene = Scene(
                width=240,
                height=180,
                times_s=frame_times(plan.seconds, fs, jitter_s=0.002, random=random),
                difficulty=plan.difficulty,
                light="indoor",
                face_height=0.6,
                heart_rate="resting" if step == "before" else "after_exercise",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, f"{step}/{camera}", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> str:
    """MPEG-4 in AVI at the container's rate, and dates of frames and samples."""
    step, camera = recording.session.split("/")
    stem = f"{recording.subject}_{camera}_{step}"
    times_s = recording.scene.times_s
    container_s = np.arange(len(times_s)) / CONTAINER_HZ[camera]
    write_clip(root / "video" / f"{stem}.avi", recording, "mpeg4", times_s=container_s)
    write_dated_lines(root / "meta" / f"{stem}.txt", range(1, len(times_s) + 1), START_S + times_s)
    samples_s = np.arange(-EARLY_S, plan.seconds + 0.5, 1 / PULSE_HZ)
    wave = np.array(integer_values(scale_to_range(recording.pulse_at(samples_s), 0, 255)))
    write_dated_lines(root / "ppg" / f"{recording.subject}_{step}.PW", wave, START_S + samples_s)
    nearest = np.abs(samples_s - times_s[:, None]).argmin(axis=1)
    rows = zip(wave[nearest], np.abs(samples_s[nearest] - times_s), strict=True)
    write_lines(root / "ppg_sync" / f"{stem}.txt", (f"{v} {away:.6f}" for v, away in rows))
    return f"{recording.subject},{step}"


def _finish(root: Path, plan: SimulationPlan, sessions: list[str]) -> None:
    """The owners' file of folds, with the columns that matter."""
    rows = [f"{at},{line},{OWN_FOLDS[line.split(',')[0]]}" for at, line in enumerate(sessions)]
    write_lines(root / FOLD_FILE, [",patient_id,step,fold", *rows])


mcd_rppg = folder_dataset(
    name="mcd_rppg",
    title="MCD-rPPG, three cameras",
    cite="Gaze into the Heart, ACM Multimedia 2025, arXiv 2508.17924",
    licence="CC BY 4.0 by the owners' card; a copy says CC BY-NC-SA 4.0",
    url="https://huggingface.co/datasets/kyegorov/mcd_rppg",
    folders=FOLDERS,
    expected={"subjects": 600, "recordings": 3600},
    example="video/1020_FullHDwebcam_before.avi, meta/1020_FullHDwebcam_before.txt and "
    "ppg/1020_before.PW",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
    folds=_folds,
    leftovers=_leftovers,
)
