"""LGI-PPGI: rest, gym, rotation and talk, in the wild.

Layout: `NAME/NAME_SESSION/` (also one folder deeper) with `cv_camera_sensor_stream_handler.avi`,
`cms50_stream_handler.xml` and `cv_camera_sensor_timer_stream_handler.xml`. In the timer file the
element `value1` of each entry is the time of a frame in ms; in the oximeter file `value1` is the
heart rate (bpm) and `value2` the pulse, 60 a second, without times.

Rule: the devices started at different times and stopped together, so the last sample of the
oximeter is at the last frame's time and the others are counted back from it at 60 Hz, as pyVHR
does; samples from before the first frame keep their negative times. The author's own note on "gym"
has 401.9 s of pulse for 397.8 s of video, so part of the set has a warning for its clocks. No bad
recordings are published, though pyVHR's results hold only 18 of the 24 (not angelo_gym, felix_gym
and harun's four). The oximeter is of the kind whose rate wraps at 128 in UBFC-rPPG; such readings
are corrected here too, with a warning.

6 subjects with four sessions each are public, of the 25 of the paper. Sources: Pilz, Zaunseder,
Krajewski, Blazek, "Local group invariance for heart rate estimation from face videos in the wild",
CVPR Workshops 2018; github partofthestars/LGI-PPGI-DB (issue 6), phuselab/pyVHR.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.label_files import read_xml
from rppgbench.datasets.label_text import parse_numbers
from rppgbench.datasets.layout import is_folder, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    integer_values,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
)
from rppgbench.datasets.wrapped_rate import unwrap_rate, wrap_warnings
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import RecordingError

PULSE_HZ = 60.0
VIDEO = "cv_camera_sensor_stream_handler.avi"
TIMES = "cv_camera_sensor_timer_stream_handler.xml"
PULSE = "cms50_stream_handler.xml"
PEOPLE = ("alex", "angelo", "cpi", "david", "felix", "harun")


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, subject, session in _session_folders(base, deeper=2):
        yield Recording(
            dataset="lgi_ppgi",
            name=folder.name,
            subject=subject,
            video=partial(_video, folder),
            ground_truth=partial(_ground_truth, folder),
            files=(folder / VIDEO, folder / PULSE, folder / TIMES),
            scenario=session,
        )


def _session_folders(folder: Path, deeper: int) -> Iterator[tuple[Path, str, str]]:
    for entry, _ in matching(folder, r".+"):
        if not is_folder(entry):
            continue
        subject, _, session = entry.name.rpartition("_")
        if subject and session in {"resting", "gym", "rotation", "talk"}:
            yield entry, subject, session
        elif deeper:
            yield from _session_folders(entry, deeper - 1)


def _video(folder: Path) -> VideoSource:
    return VideoSource(folder / VIDEO, times_s=_frame_times(folder))


def _frame_times(folder: Path) -> Array:
    return _values(folder / TIMES, "value1") / 1000


def _values(file: Path, kind: str) -> Array:
    """The children `kind` of the entries of a handler's file, in its order: (N,)."""
    cells = [child.text or "" for entry in read_xml(file) for child in entry.findall(kind)]
    values = parse_numbers(cells, file, 1) if cells else np.empty(0)
    if len(values) < 2 or np.isnan(values).any():
        raise RecordingError(
            f"{file}: gives {np.isfinite(values).sum()} of {len(values)} values {kind!r}; "
            "copy the original file again"
        )
    return values


def _ground_truth(folder: Path) -> GroundTruth:
    times_s = _frame_times(folder)
    wave, rate = _values(folder / PULSE, "value2"), _values(folder / PULSE, "value1")
    end_s = float(times_s[-1])
    unwrapped = unwrap_rate(regular_signal(rate, PULSE_HZ, end_s - (len(rate) - 1) / PULSE_HZ))
    return clean_labels(
        folder / PULSE,
        pulse=regular_signal(wave, PULSE_HZ, end_s - (len(wave) - 1) / PULSE_HZ),
        heart_rate=unwrapped.heart_rate,
        warnings=wrap_warnings(unwrapped, PULSE),
        one_clock=False,  # counted back from the last frame, so a longer pulse begins early
    )


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Four sessions for each subject; gym is after exercise, with free motion of the head."""
    for subject, rate in resting_rates("lgi_ppgi", PEOPLE, plan).items():
        for session in ("gym", "resting", "rotation", "talk"):
            random = generator("lgi_ppgi", "frame times", plan.seed, subject, session)
            times_s = frame_times(plan.seconds, 25.0, jitter_s=0.002, random=random)
            scene = Scene(
                width=320,
                height=240,
                times_s=np.round(times_s, 3),
                difficulty=plan.difficulty,
                motion={"gym": "free", "rotation": "medium_rotation", "talk": "talking"}.get(  # type: ignore[arg-type]
                    session, "still"
                ),
                light="changing" if session == "talk" else "indoor",
                heart_rate="after_exercise" if session == "gym" else "resting",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """Motion JPEG in AVI, and both XML files."""
    folder = root / recording.subject / f"{recording.subject}_{recording.session}"
    frames_s = recording.scene.times_s
    write_clip(folder / VIDEO, recording, "mjpeg", times_s=np.arange(len(frames_s)) / 25.0)
    _write_xml(folder / TIMES, [range(len(frames_s)), integer_values(frames_s * 1000)])
    times_s = device_times(float(frames_s[-1]), PULSE_HZ)
    times_s = float(frames_s[-1]) - times_s[::-1]
    wave = integer_values(scale_to_range(recording.pulse_at(times_s), 0, 100))
    rate = integer_values(recording.heart_rate_at(times_s))
    _write_xml(folder / PULSE, [range(len(wave)), rate, wave])


def _write_xml(file: Path, columns: "list[range | list[int]]") -> None:
    lines = ['<?xml version="1.0"?>', "<opencv_storage>"]
    for at, row in enumerate(zip(*columns, strict=True)):
        cells = "".join(f"<value{n}>{value}</value{n}>" for n, value in enumerate(row))
        lines.append(f"<value{at}>{cells}</value{at}>")
    write_lines(file, [*lines, "</opencv_storage>"])


lgi_ppgi = folder_dataset(
    name="lgi_ppgi",
    title="LGI-PPGI, face video database",
    cite="Local Group Invariance for Heart Rate Estimation, CVPR Workshops 2018",
    licence="research only, by the terms on the page",
    url="https://github.com/partofthestars/LGI-PPGI-DB",
    folders=("LGI_PPGI", "LGI-PPGI"),
    expected={"subjects": 6, "recordings": 24},
    example=f"alex/alex_resting/{VIDEO}",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
