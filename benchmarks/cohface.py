"""COHFACE: 40 subjects, a lamp or daylight, strongly compressed.

Layout: `S/V/{data.avi, data.mkv, data.hdf5}` for subjects S 1 to 40 and recordings V 0 to 3, and
`protocols/{all,clean,natural}/{all,train,test}.txt` with lines `1/0/data`. The HDF5 file holds
`pulse`, `respiration` (32 a second, each value repeated 8 times) and `time` (s) at 256 Hz and the
attributes `illumination` and `sample-rate-hz`, arrays of one value each: recordings 0 and 1 are by
a studio lamp ("clean"), 2 and 3 by daylight ("natural"). `data.mkv` is `data.avi` with every second
frame repeated, so it is read only where `data.avi` is missing, with a warning.

Rules: frame times are the container's (20 frames a second); pulse and respiration have the times of
`time`. The
part of a recording (train, test) is read from `protocols/all` where the folder is there.

MPEG-4 Part 2 at a low rate: the classical methods fail on it (PhysBench: POS 22.3 bpm). No bad
recordings are published. No source states that camera and sensor start together. Sources:
Heusch, Anjos, Marcel, "A reproducible study on remote heart rate measurement", arXiv 1709.00962.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_files import read_hdf5
from rppgbench.datasets.label_text import read_text
from rppgbench.datasets.layout import is_file, matching
from rppgbench.datasets.mat_variables import mat_shapes
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    order_first,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
)
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import BenchError

PULSE_HZ = 256.0
LAMP, DAYLIGHT = "lamp", "natural"
TEST = (25, 29, 31, 35, 27, 33, 1, 16, 38, 21, 28, 4)
ORDER = order_first("2 25 3 29 5 31 6 35", map(str, range(1, 41)))
"""Simulated subjects in this order: training and test subjects of `cohface-28-12` in turn."""


def _recordings(base: Path) -> Iterator[Recording]:
    parts = _parts(base / "protocols" / "all")
    for folder_of_subject, subject in matching(base, r"\d+"):
        for folder, session in matching(folder_of_subject, r"\d"):
            video = next((v for v, _ in matching(folder, r"data\.avi")), folder / "data.avi")
            if not is_file(video) and is_file(folder / "data.mkv"):
                video = folder / "data.mkv"
            name = f"{subject[0]}/{session[0]}"
            yield Recording(
                dataset="cohface",
                name=name,
                subject=subject[0],
                video=partial(VideoSource, video),
                ground_truth=partial(_ground_truth, folder / "data.hdf5", video.suffix == ".mkv"),
                files=(video, folder / "data.hdf5"),
                scenario="clean" if session[0] in "01" else "natural",
                light=LAMP if session[0] in "01" else DAYLIGHT,
                part=parts.get(name, ""),
            )


def _parts(folder: Path) -> dict[str, str]:
    """The part of each recording by the protocol files of the set, where they exist.

    Raises:
        BenchError: a recording is in two parts.
    """
    parts: dict[str, str] = {}
    for part in ("train", "test"):
        if is_file(folder / f"{part}.txt"):
            for line in read_text(folder / f"{part}.txt").split():
                name = line.removesuffix("/data")
                if parts.setdefault(name, part) != part:
                    raise BenchError(
                        f"{folder}: {name} is in train.txt and in test.txt; keep it in one of them"
                    )
    return parts


def _ground_truth(file: Path, repeated: bool) -> GroundTruth:
    arrays, attributes = read_hdf5(file, "pulse", "time")
    light = _text(attributes.get("illumination", ""))
    expected = LAMP if file.parent.name in "01" else DAYLIGHT
    warnings = []
    if repeated:
        warnings.append("data.avi is missing: data.mkv shows every second frame twice")
    if light and light != expected:
        warnings.append(f"{file.name}: says the light is {light!r}, where {expected!r} is expected")
    pulse, times_s = (np.asarray(arrays[n], dtype=np.float64).ravel() for n in ("pulse", "time"))
    count = min(len(pulse), len(times_s))
    if len(pulse) != len(times_s):
        warnings.append(f"{file.name}: {len(pulse)} pulse samples, {len(times_s)} times")

    def respiration() -> Signal:
        values = np.asarray(read_hdf5(file, "respiration")[0]["respiration"], np.float64).ravel()
        held = min(len(values), len(times_s))
        return Signal(values[:held], times_s[:held])

    signs = {}
    if "respiration" in mat_shapes(file):
        signs["respiration"] = read_vital_sign("respiration", respiration, warnings)
    pulse_signal = Signal(pulse[:count], times_s[:count])
    return clean_labels(file, pulse=pulse_signal, signs=signs, warnings=warnings)


def _text(attribute: object) -> str:
    """The text of an attribute: an array of one byte string, as in the set, or a single text.

    >>> _text(np.array([b"lamp"])), _text(b"lamp"), _text("lamp")
    ('lamp', 'lamp', 'lamp')
    """
    values = np.asarray(attribute).ravel().tolist()
    value = values[0] if len(values) == 1 else attribute
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two sessions by the lamp and two by daylight from the side, without motion."""
    for subject, rate in resting_rates("cohface", ORDER, plan).items():
        for session in "0123":
            scene = Scene(
                width=320,
                height=240,
                times_s=frame_times(plan.seconds, 20.0),
                difficulty=plan.difficulty,
                light="bright" if session in "01" else "side",
                colour="incandescent" if session in "01" else "daylight",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> str:
    """MPEG-4 Part 2 in AVI at 20 fps, and HDF5 labels."""
    import h5py

    folder = root / recording.subject / recording.session
    write_clip(folder / "data.avi", recording, "mpeg4")
    times_s = device_times(plan.seconds, PULSE_HZ)
    with h5py.File(folder / "data.hdf5", "w") as content:
        content["pulse"] = scale_to_range(recording.pulse_at(times_s), -5, 5)
        content["respiration"] = recording.respiration_at(np.floor(times_s * 32) / 32)
        content["time"] = times_s
        content.attrs["sample-rate-hz"] = np.array([PULSE_HZ])
        light = LAMP if recording.session in "01" else DAYLIGHT
        content.attrs["illumination"] = np.array([light.encode()])
    return f"{recording.subject}/{recording.session}/data"


def _finish(root: Path, plan: SimulationPlan, lines: list[str]) -> None:
    """The protocol files."""
    for name, sessions in (("all", "0123"), ("clean", "01"), ("natural", "23")):
        recordings = [line for line in lines if line.split("/")[1] in sessions]
        test = [line for line in recordings if int(line.split("/")[0]) in TEST]
        train = [line for line in recordings if line not in test]
        for part, names in (("all", recordings), ("train", train), ("test", test)):
            if names:
                write_lines(root / "protocols" / name / f"{part}.txt", names)


cohface = folder_dataset(
    name="cohface",
    title="COHFACE",
    cite="A reproducible study on remote heart rate measurement, arXiv 1709.00962",
    licence="research only, after the end-user licence agreement on the page is signed",
    url="https://www.idiap.ch/en/dataset/cohface",
    folders=("cohface", "COHFACE"),
    expected={"subjects": 40, "recordings": 160},
    example="1/0/data.avi",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
)
