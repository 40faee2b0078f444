"""ECG-Fitness: talking, rowing, running and cycling people with an electrocardiogram.

Layout: `SS/TT/{c920-1.avi, c920-2.avi, c920.csv, viatom-raw.csv}` for people SS 00 to 16 and
sessions TT 01 to 06, one minute each: talking (01) and rowing (02) by daylight, the same under a
halogen lamp (03, 04), on an elliptical trainer (05) and on a bicycle (06). Two cameras, one on a
tripod and one on the machine, record at once; each video is a recording, 1920 x 1080, 30 frames a
second. Of person 11 the sessions 01 and 02 are swapped.

Rules:

- `c920.csv` has a line for each frame: the time in ms, and the number of the sample of
  `viatom-raw.csv` that was taken then. The times are those of the frames, for both cameras. Where
  time and sample number contradict each other by more than 0.1 s, a warning says so.
- `viatom-raw.csv` has the columns milliseconds, ECG, ECG HR, PPG, PPG HR, SpO2 and PI, with about
  125 samples a second. Samples come in packets of five with one time, so times are not dropped as
  repeated: a straight line through the packets' first samples gives rate and start. A beat is
  therefore known to a packet, 40 ms. A warning says where the packets leave the line by more than
  0.1 s.
- Beats and heart rate are those of the electrocardiogram, as in the owners' paper. There is no
  pulse wave to learn from: `PPG` is not read. A warning says where the device's own heart rate has
  another median; its rates above 127 are stored as negative numbers, 256 too low.
- Samples at the end that are no numbers are left out. Readings of SpO2 are kept where the device
  has any.

The infrared video (`flir`) and the owners' face boxes (`bbox`) are not read.

Source of the times: pyVHR and three users of the set take column 1 of `c920.csv` for ms on the
clock of `viatom-raw.csv`, one takes the sample numbers; both are used here. Sessions 02/04 and
07/02 are not in the owners' lists (`KNOWN_BAD`), so 200 videos are. Sources: Spetlik, Franc, Cech,
Matas, "Visual heart rate estimation with convolutional neural network", BMVC 2018; lists and
programs of github radimspetlik/hr-cnn; pyVHR; five programs of users of the set.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.electrocardiogram_labels import electrocardiogram_truth
from rppgbench.datasets.label_sheets import Sheet, read_sheet
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.layout import first_folder, folders_matching, is_file
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    integer_values,
    order_first,
    resting_rates,
    write_clip,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import RecordingError

SESSIONS = {
    "01": ("talking", "natural"),
    "02": ("rowing", "natural"),
    "03": ("talking", "lamp"),
    "04": ("rowing", "lamp"),
    "05": ("elliptical", "natural"),
    "06": ("bicycle", "natural"),
}
SWAPPED = {("11", "01"): "02", ("11", "02"): "01"}
OUTER = ("ECG-Fitness", "ecg-fitness")
CAMERAS = ("c920-1", "c920-2")
FRAMES, SAMPLES = "c920.csv", "viatom-raw.csv"
TIME, ECG, RATE, SATURATION = "milliseconds", "ECG", "ECG HR", "SpO2"
OWNERS = "is in none of the owners' lists (radimspetlik/hr-cnn); users of the set miss it"
KNOWN_BAD = {f"{session}/{camera}": OWNERS for session in ("02/04", "07/02") for camera in CAMERAS}
MOST_OFF_S = 0.1
"""Times that contradict each other by more than this give a warning."""

OTHER_RATE_BPM = 5.0
"""A median of the device's rates this far from that of the beats gives a warning."""

SIGNED_BYTE = 256
"""The device's rates are bytes with a sign: above 127 they are this much too low."""

START_MS, BEFORE_S, AFTER_S = 1_510_000_000_000, 6.0, 1.0
ECG_HZ, PACKET = 125.0, 5
ORDER = order_first("00 03 06 01 05", (f"{n:02}" for n in range(17)))
"""Simulated subjects in this order: train, test and validation of `ecg-fitness-owners`."""


def _folders(base: Path) -> Iterator[tuple[Path, str, str]]:
    """The folder, the person and the session of each pair of videos."""
    for person_folder, person in folders_matching(base, r"\d\d"):
        for folder, session in folders_matching(person_folder, r"0[1-6]"):
            yield folder, person[0], session[0]


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, person, session in _folders(base):
        activity, light = SESSIONS[SWAPPED.get((person, session), session)]
        for camera in _cameras(folder):
            name = f"{person}/{session}/{camera}"
            video = folder / f"{camera}.avi"
            yield Recording(
                dataset="ecg_fitness",
                name=name,
                subject=person,
                video=partial(_video, video),
                ground_truth=partial(_ground_truth, folder),
                files=(video, folder / FRAMES, folder / SAMPLES),
                scenario=activity,
                source=camera,
                light=light,
                known_bad=KNOWN_BAD.get(name, ""),
            )


def _cameras(folder: Path) -> tuple[str, ...]:
    """The cameras of which the folder has a video; the first one where it has none."""
    return tuple(c for c in CAMERAS if is_file(folder / f"{c}.avi")) or CAMERAS[:1]


def _video(video: Path) -> VideoSource:
    frames = read_table(video.with_name(FRAMES), columns=2)
    return VideoSource(video, times_s=(frames[:, 0] - frames[0, 0]) / 1000)


def _ground_truth(folder: Path) -> GroundTruth:
    frames = read_table(folder / FRAMES, columns=2)
    file = folder / SAMPLES
    sheet = read_sheet(file)
    stamps_s = (sheet.numbers(sheet.place(TIME)) - frames[0, 0]) / 1000
    ecg = sheet.numbers(sheet.place(ECG))
    warnings: list[str] = []
    known = np.flatnonzero(np.isfinite(ecg) & np.isfinite(stamps_s))
    if len(known) < 2:
        raise RecordingError(f"{file}: holds no electrocardiogram; copy the original file again")
    count = int(known[-1]) + 1
    if count < len(ecg):
        warnings.append(
            f"{file.name}: the last {len(ecg) - count} samples are no numbers: left out"
        )
    start_s, fs = _clock(file, stamps_s[:count], warnings)
    _compare_clocks(folder / FRAMES, frames, start_s, fs, warnings)
    times_s = start_s + np.arange(count) / fs
    signs = {"oxygen_saturation": _saturation(sheet, times_s)}
    truth = electrocardiogram_truth(
        file, ecg[:count], fs, start_s=start_s, signs=signs, warnings=warnings
    )
    return _compare_rates(file, sheet, truth)


def _clock(file: Path, stamps_s: Array, warnings: list[str]) -> tuple[float, float]:
    """Start and rate of the samples by a straight line through the first sample of each packet.

    Raises:
        RecordingError: the times do not increase.
    """
    first = np.flatnonzero(np.append(True, np.diff(stamps_s) != 0))
    packets_s = stamps_s[first]
    good = np.isfinite(packets_s)
    if np.count_nonzero(good) < 2:
        raise RecordingError(f"{file}: its times do not increase; copy the original file again")
    interval_s, start_s = np.polyfit(first[good], packets_s[good], 1)
    if not interval_s > 0:
        raise RecordingError(f"{file}: its times do not increase; copy the original file again")
    off_s = float(np.abs(packets_s[good] - start_s - interval_s * first[good]).max())
    if off_s > MOST_OFF_S:
        warnings.append(
            f"{file.name}: packets are up to {off_s:.2f} s off a steady clock of "
            f"{1 / interval_s:.1f} Hz: beats are no better known"
        )
    return float(start_s), float(1 / interval_s)


def _compare_clocks(
    file: Path, frames: Array, start_s: float, fs: float, warnings: list[str]
) -> None:
    """A warning where the samples of the frames were taken at other times than the frames."""
    frames_s = (frames[:, 0] - frames[0, 0]) / 1000
    off_s = float(np.median(start_s + frames[:, 1] / fs - frames_s))
    if abs(off_s) > MOST_OFF_S:
        warnings.append(
            f"{file.name}: by its sample numbers the labels are {off_s:+.2f} s off its times, "
            "which are used"
        )


def _saturation(sheet: Sheet, times_s: Array) -> Signal | None:
    """Readings of the oximeter; None where it was not worn, which the device writes as 0 or -1."""
    if sheet.names.count(SATURATION) != 1:
        return None
    readings = sheet.numbers(sheet.names.index(SATURATION))[: len(times_s)]
    worn = np.isfinite(readings) & (readings > 0)
    return Signal(readings[worn], times_s[worn]) if worn.any() else None


def _compare_rates(file: Path, sheet: Sheet, truth: GroundTruth) -> GroundTruth:
    """The labels with a warning where the device's heart rates have another median."""
    if sheet.names.count(RATE) != 1 or truth.heart_rate is None:
        return truth
    stated = sheet.numbers(sheet.names.index(RATE))
    stated = np.where(stated < -1, stated + SIGNED_BYTE, stated)
    stated = stated[stated > 0]
    own_bpm = float(np.nanmedian(truth.heart_rate.values))
    if not len(stated) or abs(float(np.median(stated)) - own_bpm) <= OTHER_RATE_BPM:
        return truth
    line = (
        f"{file.name}: the device's heart rates have a median of {np.median(stated):.0f} bpm, the "
        f"beats one of {own_bpm:.0f}"
    )
    return replace(truth, warnings=(*truth.warnings, line))


def _leftovers(root: Path) -> Iterator[str]:
    infrared = [f for f, *_ in _folders(first_folder(root, *OUTER)) if is_file(f / "flir.avi")]
    if infrared:
        yield f"not read: {len(infrared)} of flir.avi: infrared has no colours"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Talking and cycling for each subject, by one camera."""
    for subject, rate in resting_rates("ecg_fitness", ORDER, plan).items():
        for session in ("01", "06"):
            random = generator("ecg_fitness", "frame times", plan.seed, subject, session)
            times_s = frame_times(plan.seconds, 30.0, jitter_s=0.003, random=random)
            scene = Scene(
                width=240,
                height=180,
                times_s=np.round(times_s, 3),
                difficulty=plan.difficulty,
                motion="talking" if session == "01" else "free",
                light="indoor",
                heart_rate="resting" if session == "01" else "after_exercise",
                face_height=0.6,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """Motion JPEG in AVI by camera 1; samples in packets of five that have one time."""
    folder = root / recording.subject / recording.session
    write_clip(folder / "c920-1.avi", recording, "mjpeg", times_s=frame_times(plan.seconds, 30.0))
    count = PACKET * round((BEFORE_S + plan.seconds + AFTER_S) * ECG_HZ / PACKET)
    index = np.arange(count)
    times_s = index / ECG_HZ - BEFORE_S
    packets_ms = np.rint(1000 * (index // PACKET * PACKET / ECG_HZ - BEFORE_S)).astype(int)
    lead = np.rint(1000 * recording.electrocardiogram_at(times_s)).astype(int)
    stated = integer_values(recording.heart_rate_at(times_s))
    saturation = integer_values(recording.oxygen_saturation_at(times_s))
    rows = (
        f"{START_MS + ms},{mv},{bpm - SIGNED_BYTE if bpm > 127 else bpm},0,{bpm},{spo2},0"
        for ms, mv, bpm, spo2 in zip(packets_ms, lead, stated, saturation, strict=True)
    )
    header = "milliseconds, ECG, ECG HR, PPG, PPG HR, SpO2, PI"
    write_lines(folder / SAMPLES, [header, *rows])
    frames = (
        f"{START_MS + round(1000 * t)},{round((t + BEFORE_S) * ECG_HZ)}"
        for t in recording.scene.times_s
    )
    write_lines(folder / FRAMES, frames)


ecg_fitness = folder_dataset(
    name="ecg_fitness",
    title="ECG-Fitness",
    cite="Visual Heart Rate Estimation with Convolutional Neural Network, BMVC 2018",
    licence="research only; the owners send the address of the files to those who ask",
    url="http://cmp.felk.cvut.cz/~spetlrad/ecg-fitness/",
    folders=OUTER,
    expected={"subjects": 17, "recordings": 200},
    example="00/01/c920-1.avi with c920.csv and viatom-raw.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
