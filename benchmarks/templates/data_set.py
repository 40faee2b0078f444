"""My data set: say here who was recorded, how, and with which sensor.

Layout: `ID.avi` with `ID.csv`, lines of time (s) and pulse. Say here which clock both have.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.layout import is_file, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    write_clip,
    write_lines,
)
from rppgbench.simulation import (
    Scene,
    SimulatedRecording,
    SimulationPlan,
    frame_times,
    spread_heart_rates,
)

FRAMES_HZ = 30.0
SENSOR_HZ = 60.0


def _recordings(folder: Path) -> Iterator[Recording]:
    """One recording for each video; no file is opened here. A fold never parts a subject."""
    for video, name in matching(folder, r"(\w+)\.avi"):
        labels = folder / f"{name[1]}.csv"
        yield Recording(
            dataset="my_data_set",
            name=name[1],
            subject=name[1],
            video=partial(VideoSource, video),
            ground_truth=partial(_ground_truth, labels),
            files=tuple(file for file in (video, labels) if is_file(file)),
        )


def _ground_truth(file: Path) -> GroundTruth:
    """The pulse on the clock of the video. A fault of a label is a reason, never a guess."""
    table = read_table(file, columns=2, time_first=True)
    return clean_labels(file, pulse=Signal(table[:, 1], table[:, 0]))


# The two functions below simulate the layout, so that `--simulate` runs every protocol without the
# data. Without them, leave out `sessions` and `write` of the declaration.
def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One session of each subject."""
    rates = spread_heart_rates(plan.subjects, dataset="my_data_set", seed=plan.seed)
    for number, rate in enumerate(rates, start=1):
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, FRAMES_HZ),
            difficulty=plan.difficulty,
            face_height=0.62,
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(f"p{number:02d}", "1", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """The video and the labels of one recording."""
    write_clip(root / f"{recording.subject}.avi", recording, "huffyuv")
    times_s = device_times(plan.seconds, SENSOR_HZ)
    rows = zip(times_s, recording.pulse_at(times_s), strict=True)
    write_lines(root / f"{recording.subject}.csv", (f"{t:.4f},{p:.5f}" for t, p in rows))


my_data_set = folder_dataset(
    name="my_data_set",
    title="My data set",
    cite="none: unpublished",
    licence="ask us",
    url="https://example.org/my_data_set",
    expected={},  # the size of the whole set, such as {"subjects": 42, "recordings": 42}
    example="ID.avi and ID.csv",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
