"""The text files of PhysRecorder, which RLAP, SUMS and LADH share.

PhysRecorder (github KegangWangCCNU/PhysRecorder) writes a line for each frame and for each reading
of a Contec CMS50E oximeter, with the computer's Unix time in seconds:

- `frames_timestamp.csv`: `frame,timestamp`, the frames counted from 0;
- `BVP.csv`: `timestamp,bvp`, the pulse, a whole number, about 20 times a second;
- `HR.csv`: `timestamp,hr`, the oximeter's heart rate in bpm.

SUMS and LADH have `RR.csv` (`timestamp,rr`, a chest belt's respiration, 50 times a second) and
`SpO2.csv` (`timestamp,spo2`, %) beside them; a faulty or missing one never costs the pulse.

One clock stamps all of them, so times here are seconds from the first frame on. The container's
frame rate is the one that was asked of the camera, not the one that the camera had: it is not used.
The oximeter is slower than the video; `GroundTruth.pulse_at` interpolates on a straight line. The
page `docs/reference/data_sets.md` says how large the error is.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rppgbench.core.recording import GroundTruth, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.layout import is_file
from rppgbench.datasets.simulated_writers import (
    device_times,
    integer_values,
    scale_to_range,
    write_lines,
)
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.datasets.wrapped_rate import unwrap_rate, wrap_warnings
from rppgbench.system.errors import RecordingError

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

PULSE, RATE = "BVP.csv", "HR.csv"
"""The files of the oximeter's readings."""

SIGNS = {"respiration": "RR.csv", "oxygen_saturation": "SpO2.csv"}
"""The files of vital signs, each optional."""

PULSE_HZ, RATE_HZ, RESPIRATION_HZ = 20.0, 1.0, 50.0
"""Rates of the simulated sensors; 1 Hz is assumed, the others are documented."""

SLOWEST_FRAME_S = 2.0
"""Frames further apart than this in the median have no timestamps in seconds."""


def read_frame_stamps(file: Path) -> Array:
    """The Unix times (T,) of the frames in seconds, NaN where a cell is empty.

    Raises:
        RecordingError: no column `timestamp`, frames that are not counted from 0 or 1 on, no time,
            or times in another unit.
    """
    sheet = read_sheet(file)
    names = [name.lower() for name in sheet.names]
    if names.count("timestamp") != 1 or not sheet.rows:
        raise RecordingError(
            f"{file}: has no times in one column 'timestamp'; copy the original file again"
        )
    stamps_s = sheet.numbers(names.index("timestamp"))
    if "frame" in names:
        numbers = sheet.numbers(names.index("frame"))
        expected = np.arange(len(numbers)) + (numbers[0] == 1)
        wrong = np.flatnonzero(numbers != expected)
        if len(wrong):
            raise RecordingError(
                f"{file}: line {sheet.rows[wrong[0]][0]}: frame {numbers[wrong[0]]:g} where frame "
                f"{expected[wrong[0]]} belongs, so times and frames cannot be matched; "
                "copy the original file again"
            )
    known_s = stamps_s[np.isfinite(stamps_s)]
    if not len(known_s):
        raise RecordingError(f"{file}: holds no time; copy the original file again")
    if len(known_s) > 1 and float(np.median(np.diff(known_s))) > SLOWEST_FRAME_S:
        raise RecordingError(
            f"{file}: frames are {np.median(np.diff(known_s)):.3g} s apart: "
            "the times are in another unit; write seconds"
        )
    return stamps_s


def _first(stamps_s: Array) -> float:
    return float(stamps_s[np.isfinite(stamps_s)][0])


def recorded_files(stamps: Path) -> tuple[Path, ...]:
    """The text files that `recorded_video` and `recorded_labels` read.

    Heart rates and vital signs may be absent.

    Args:
        stamps: the file of frame times, which the others lie beside.
    """
    optional = (stamps.with_name(name) for name in (RATE, *SIGNS.values()))
    return (stamps, stamps.with_name(PULSE), *filter(is_file, optional))


def recorded_video(path: Path, stamps: Path, images: tuple[Path, ...] = ()) -> VideoSource:
    """The frames of a recording at the recorder's times.

    Args:
        path: the video file, or the folder of `images`.
        stamps: the file of frame times.
        images: the frames, where each is an image.

    Raises:
        RecordingError: see `read_frame_stamps`.
    """
    stamps_s = read_frame_stamps(stamps)
    times_s = stamps_s - _first(stamps_s)
    return VideoSource(path, images=images, times_s=times_s, container_clock=False)


def recorded_labels(
    stamps: Path, *, needs_rate: bool = True, warnings: Iterable[str] = ()
) -> GroundTruth:
    """Pulse, heart rate and vital signs, in seconds from the first frame on.

    Args:
        stamps: the file of frame times, which the others lie beside.
        needs_rate: warn where there is no `HR.csv`.
        warnings: further warnings of the reader.

    Raises:
        RecordingError: a file cannot be read, or holds nothing usable.
    """
    pulse, rate = stamps.with_name(PULSE), stamps.with_name(RATE)
    start_s = _first(read_frame_stamps(stamps))

    def stamped(file: Path) -> Signal:
        table = read_table(file, columns=2, time_first=True)
        return Signal(table[:, 1], table[:, 0] - start_s)

    wave = stamped(pulse)
    lines = [*warnings]
    heart_rate = None
    if not is_file(rate):
        lines += [f"{RATE} is missing: no heart rates of the device"] * needs_rate
    else:
        unwrapped = unwrap_rate(stamped(rate))
        heart_rate = unwrapped.heart_rate
        lines += wrap_warnings(unwrapped, rate.name)
    signs = {
        name: read_vital_sign(name, partial(stamped, stamps.with_name(file)), lines)
        for name, file in SIGNS.items()
        if is_file(stamps.with_name(file))
    }
    return clean_labels(
        pulse,
        pulse=wave,
        heart_rate=heart_rate,
        signs=signs,
        one_clock=True,
        warnings=lines,
    )


def write_recorder_files(
    folder: Path,
    recording: "SimulatedRecording",
    plan: "SimulationPlan",
    *,
    start_s: float,
    stamps: str = "frames_timestamp.csv",
    vital_signs: bool = True,
) -> None:
    """Write the text files of one simulated recording.

    Args:
        folder: the folder of the recording.
        recording: the recording.
        plan: the size of the tree.
        start_s: the Unix time of the first frame.
        stamps: the name of the file of frame times.
        vital_signs: write heart rate, respiration and oxygen saturation too.
    """

    def write(name: str, values: Iterable[object], times_s: Array, header: str) -> None:
        rows = (f"{start_s + t:.6f},{value}" for t, value in zip(times_s, values, strict=True))
        write_lines(folder / name, [f"timestamp,{header}", *rows])

    frames = (f"{k},{start_s + t:.6f}" for k, t in enumerate(recording.scene.times_s))
    write_lines(folder / stamps, ["frame,timestamp", *frames])
    times_s = device_times(plan.seconds, PULSE_HZ) + 0.01
    wave = integer_values(scale_to_range(recording.pulse_at(times_s), 0, 127))
    write(PULSE, wave, times_s, "bvp")
    if not vital_signs:
        return
    times_s = device_times(plan.seconds + 1, RATE_HZ)
    write(RATE, integer_values(recording.heart_rate_at(times_s)), times_s, "hr")
    write("SpO2.csv", integer_values(recording.oxygen_saturation_at(times_s)), times_s, "spo2")
    times_s = device_times(plan.seconds, RESPIRATION_HZ)
    breath = integer_values(scale_to_range(recording.respiration_at(times_s), 0, 1023))
    write("RR.csv", breath, times_s, "rr")
