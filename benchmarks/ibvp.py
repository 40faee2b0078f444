"""iBVP: faces in colour and in the thermal infrared, with a pulse from the ear.

Layout: `pNN_x/{pNN_x_rgb/*.bmp, pNN_x_bvp.csv}` for x = a (slow breathing and rest), b (easy sums),
c (difficult sums) and d (guided movements of the head), three minutes each, 640 x 480, 30 frames a
second. People who gave limited consent lie in a folder `Confidential_No-media-use`, which is read
too: p08, p10, p13, p16, p29, p31 and p33. No picture of them may be shown.

Rules:

- The name of an image is its Unix time in milliseconds. Where names are no such times, the frames
  are 1/30 s apart.
- `pNN_x_bvp.csv` has the columns BVP, SQPhysMD, SQ1, SQ2 and Perfusion_Value, which are found by
  their names. The owners resampled the filtered pulse to 30 Hz to match the frames: with as many
  rows as frames, row k is taken at frame k. Otherwise the rows are 1/30 s apart, with a warning.
- SQ2 is the owners' manual mark of quality. Samples with 0.3 or less are left out: there is no
  truth at that time. rPPG-Toolbox deletes the frames there, so its clips jump in time.
- The ear's pulse is earlier than a finger's; it is not moved.
- The thermal frames (`pNN_x_t/*.raw`), SQPhysMD, SQ1 and Perfusion_Value are not read.

124 sessions were given out; the owners publish no bad recordings. Sources: Joshi, Cho, "iBVP
Dataset: RGB-Thermal rPPG Dataset with High Resolution Signal Quality Labels", Electronics 13, 1334,
2024; README of github PhysiologicAILab/iBVP-Dataset; rPPG-Toolbox; two programs of users of the
set.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.layout import folders_matching, is_folder, matching, require_single
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    order_first,
    resting_rates,
    scale_to_range,
    write_images,
    write_lines,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import RecordingError

SCENARIOS = {
    "a": "breathing_rest",
    "b": "easy_sums",
    "c": "difficult_sums",
    "d": "head_movement",
}
LIMITED_CONSENT = "Confidential_No-media-use"
FRAMES_HZ = 30.0
EARLIEST_MS = 1e11
"""Names of images from this number on are Unix times in milliseconds: 1973."""

WORST_QUALITY = 0.3
"""Samples with an SQ2 of this or less have no pulse: the threshold of rPPG-Toolbox."""

START_MS = 1_660_000_000_000
ORDER = order_first("p02 p22 p03 p26", (f"p{n:02}" for n in range(1, 34)))
"""Simulated subjects in this order: train and test of `ibvp-ampnet` in turn."""


def _recordings(base: Path) -> Iterator[Recording]:
    places = [base, *(place for place, _ in folders_matching(base, LIMITED_CONSENT))]
    known: dict[str, Path] = {}
    for place in places:
        for folder, match in folders_matching(place, r"(p\d\d)_([a-d])"):
            name = folder.name
            require_single(known, name, folder)
            frames, labels = folder / f"{name}_rgb", folder / f"{name}_bvp.csv"
            images: tuple[Path, ...] = ()
            if is_folder(frames):
                images = tuple(image for image, _ in matching(frames, r".+\.(bmp|png|jpe?g)"))
            yield Recording(
                dataset="ibvp",
                name=name,
                subject=match[1],
                video=partial(_video, frames, images),
                ground_truth=partial(_ground_truth, labels, images),
                files=(*images, labels),
                scenario=SCENARIOS[match[2]],
            )


def _frame_times(images: tuple[Path, ...]) -> Array:
    """The times (T,) of the frames in seconds from the first one on."""
    if images and all(image.stem.isdecimal() for image in images):
        times_ms = np.array([int(image.stem) for image in images], dtype=np.float64)
        if times_ms.min() >= EARLIEST_MS:
            seconds: Array = (times_ms - times_ms[0]) / 1000
            return seconds
    return np.arange(len(images)) / FRAMES_HZ


def _video(folder: Path, images: tuple[Path, ...]) -> VideoSource:
    if not images:
        raise RecordingError(f"{folder}: holds no *.bmp; unpack the recording again")
    return VideoSource(folder, images=images, times_s=_frame_times(images))


def _ground_truth(file: Path, images: tuple[Path, ...]) -> GroundTruth:
    sheet = read_sheet(file)
    wave, quality = (sheet.numbers(sheet.place(name)) for name in ("BVP", "SQ2"))
    warnings = []
    if len(wave) == len(images):
        pulse = Signal(wave, _frame_times(images))
    else:
        pulse = regular_signal(wave, FRAMES_HZ)
        warnings.append(
            f"{file.name}: {len(wave)} samples for {len(images)} frames: taken at {FRAMES_HZ:g} Hz"
        )
    bad = quality <= WORST_QUALITY
    if bad.any():
        warnings.append(
            f"{file.name}: {np.count_nonzero(bad)} of {len(bad)} samples have a quality SQ2 of "
            f"{WORST_QUALITY} or less: left out"
        )
        pulse = Signal(pulse.values[~bad], pulse.times_s[~bad])
    return clean_labels(file, pulse=pulse, warnings=warnings)


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Rest and movements of the head for each subject."""
    for subject, rate in resting_rates("ibvp", ORDER, plan).items():
        for session in "ad":
            random = generator("ibvp", "frame times", plan.seed, subject, session)
            scene = Scene(
                width=160,
                height=120,
                times_s=frame_times(plan.seconds, FRAMES_HZ, jitter_s=0.001, random=random),
                difficulty=plan.difficulty,
                motion="still" if session == "a" else "medium_rotation",
                light="indoor",
                face_height=0.6,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """BMP images named by milliseconds, and a row of the pulse for each; no thermal frames."""
    name = f"{recording.subject}_{recording.session}"
    times_s = recording.scene.times_s
    names = (f"{START_MS + round(1000 * t)}.bmp" for t in times_s)
    write_images(root / name / f"{name}_rgb", names, recording.frames())
    wave = scale_to_range(recording.pulse_at(times_s), -1, 1)
    rows = (f"{value:.6f},1,1,1,1.5" for value in wave)
    header = "BVP,SQPhysMD,SQ1,SQ2,Perfusion_Value"
    write_lines(root / name / f"{name}_bvp.csv", [header, *rows])


ibvp = folder_dataset(
    name="ibvp",
    title="iBVP, colour and thermal video",
    cite="10.3390/electronics13071334",
    licence="academic research only, after a supervisor has signed the licence agreement; "
    "no picture of seven of the people may be shown",
    url="https://github.com/PhysiologicAILab/iBVP-Dataset",
    folders=("iBVP_Dataset", "iBVP"),
    expected={"subjects": 31, "recordings": 124},
    example="p01_a/p01_a_rgb/*.bmp and p01_a/p01_a_bvp.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
