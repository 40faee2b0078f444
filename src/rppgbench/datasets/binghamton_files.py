"""Recordings of BP4D+ and MMSE-HR, which Binghamton University gives: images and label files.

A folder holds one text file for each signal, with one number a line at 1,000 Hz, all from the
moment of the first image on: `BP_mmHg.txt` (continuous blood pressure: the pulse here),
`Pulse Rate_BPM.txt` (heart rate in bpm), and where they are there `Resp_Volts.txt` (respiration)
and `Respiration Rate_BPM.txt` (breaths a minute). No file has a header: the first line is a sample.

The images have no times: both sets have 25 frames a second, and frame k is taken at k / 25 s.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.recording import GroundTruth, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.label_text import read_column
from rppgbench.datasets.layout import is_file
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    resting_rates,
    write_lines,
)
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.system.errors import RecordingError

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

FRAMES_HZ, LABELS_HZ = 25.0, 1000.0
PRESSURE, RATE = "BP_mmHg.txt", "Pulse Rate_BPM.txt"
SIGNS = {"respiration": "Resp_Volts.txt", "respiration_rate": "Respiration Rate_BPM.txt"}
"""The files of vital signs, each optional."""


def timed_images(
    folder: Path, images: tuple[Path, ...], archive: Path | None = None
) -> VideoSource:
    """The images of a recording, 25 a second.

    Args:
        folder: the folder of the images; in an archive, below its path.
        images: the images in order.
        archive: the ZIP archive that they lie in.

    Raises:
        RecordingError: there are none.
    """
    if not images:
        raise RecordingError(f"{folder}: holds no *.jpg; unpack the recording again")
    times_s = np.arange(len(images)) / FRAMES_HZ
    return VideoSource(folder, images=images, archive=archive, times_s=times_s)


def physiology_files(folder: Path) -> tuple[Path, ...]:
    """The text files that `physiology_labels` reads; vital signs may be absent."""
    optional = (folder / name for name in SIGNS.values())
    return (folder / PRESSURE, folder / RATE, *filter(is_file, optional))


def physiology_labels(folder: Path) -> GroundTruth:
    """Blood pressure, heart rate and respiration of one recording.

    Raises:
        RecordingError: blood pressure or heart rates cannot be read, or hold nothing usable.
    """

    def signal(name: str) -> Signal:
        return regular_signal(read_column(folder / name), LABELS_HZ)

    warnings: list[str] = []
    signs = {
        sign: read_vital_sign(sign, partial(signal, name), warnings)
        for sign, name in SIGNS.items()
        if is_file(folder / name)
    }
    return clean_labels(
        folder / RATE,
        pulse=signal(PRESSURE),
        heart_rate=signal(RATE),
        signs=signs,
        warnings=warnings,
    )


def emotion_sessions(
    dataset: str, subjects: Sequence[str], plan: "SimulationPlan", *, talking: str, still: str
) -> Iterator[SimulatedSession]:
    """Two simulated tasks for each subject, with emotions and changing heart rates.

    Args:
        dataset: name of the data set.
        subjects: the names of all subjects, in the order of the simulation.
        plan: the size of the tree.
        talking: the task with speech and a lively face.
        still: the task without motion.

    Yields:
        The sessions of a subject by the names of the tasks.
    """
    from rppgbench.simulation import Scene, frame_times

    for subject, rate in resting_rates(dataset, subjects, plan).items():
        for task in sorted((talking, still)):
            scene = Scene(
                width=240,
                height=320,
                times_s=frame_times(plan.seconds, FRAMES_HZ),
                difficulty=plan.difficulty,
                motion="talking" if task == talking else "still",
                expressions="lively" if task == talking else "few",
                heart_rate="changing",
                heart_rate_bpm=rate,
                face_height=0.45,
            )
            yield SimulatedSession(subject, task, scene)


def write_physiology(
    folder: Path, recording: "SimulatedRecording", plan: "SimulationPlan", *, signs: bool
) -> None:
    """Write the label files of one simulated recording.

    Args:
        folder: the folder of the labels.
        recording: the recording.
        plan: the size of the tree.
        signs: write respiration and its rate too.
    """
    times_s = device_times(plan.seconds, LABELS_HZ)
    columns = {
        PRESSURE: recording.blood_pressure_at(times_s),
        RATE: recording.heart_rate_at(times_s),
    }
    if signs:
        columns[SIGNS["respiration"]] = recording.respiration_at(times_s)
        columns[SIGNS["respiration_rate"]] = recording.respiration_rate_at(times_s)
    for name, values in columns.items():
        write_lines(folder / name, (f"{value:.4f}" for value in values))
