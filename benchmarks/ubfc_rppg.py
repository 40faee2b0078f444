"""UBFC-rPPG, set 2: 42 subjects who play a game of sums.

Layout: `DATASET_2/subjectN/{vid.avi, ground_truth.txt}`, N of 1 to 49 with gaps. `vid.avi` is
uncompressed, 640 x 480, about 30 frames a second. `ground_truth.txt` holds three rows of equal
length: the finger's photoplethysmogram, the device's heart rate (bpm), and the time (s, uneven,
now and then repeated), about one value a frame. Set 1 is another data set here: `ubfc_rppg_1`.

Rules and reasons:

- The pulse keeps its own times, counted from the first, and is interpolated at frame times;
  rPPG-Toolbox ignores them and takes value i for frame i.
- Values whose time is repeated are left out with a warning (PhysBench does the same).
- The device's heart rate wraps at 128: for subjects 11, 18, 20 and 24 the file holds 127, 127, 1,
  1 where the contact pulse gives 129 to 134. 128 bpm are added where a step of a wrap proves it
  (`datasets.wrapped_rate`), with a warning that counts them. Loaders that took 1 to 8 bpm for a
  faulty device leave the four out: Gideon & Stent of the test, SiNC of everything; the others leave
  them in. The contact pulse of the four is sound.
- The device's heart rate lags: moved 4 s forward it is 1.1 bpm nearer to the contact pulse
  (mean over six subjects; `tests/benchmarks/test_genuine_labels.py`). It is not moved here.

Pictures of subjects 21 and 27 must not be published. Sources: the set's own description;
Bobbia et al. 2019; the loaders of rPPG-Toolbox, SiNC and PhysBench.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_text import read_rows
from rppgbench.datasets.layout import matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    resting_rates,
    write_clip,
    write_lines,
)
from rppgbench.datasets.wrapped_rate import to_seven_bits, unwrap_rate, wrap_warnings
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import RecordingError

WRAPPED = (
    "the device's heart rate wraps at 128 (corrected here): Gideon & Stent 2021 "
    "(ToyotaResearchInstitute/RemotePPG) leave it out of the test set, SiNC (CVPRL/SiNC-rPPG) out "
    "of every set"
)
KNOWN_BAD = {f"subject{n}": WRAPPED for n in (11, 18, 20, 24)}
TRAIN = (
    *(1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18),
    *(20, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 35, 36, 37),
)
TEST = tuple(range(38, 50))
ORDER = tuple(f"subject{n}" for pair in zip(TEST, TRAIN, strict=False) for n in pair) + tuple(
    f"subject{n}" for n in TRAIN[len(TEST) :]
)
"""Simulated subjects in this order: test and training subjects of the shipped splits in turn."""


def _recordings(folder: Path) -> Iterator[Recording]:
    for place, match in matching(folder, r"subject\d+"):
        video, labels = place / "vid.avi", place / "ground_truth.txt"
        yield Recording(
            dataset="ubfc_rppg",
            name=match[0],
            subject=match[0],
            video=partial(VideoSource, video),
            ground_truth=partial(_ground_truth, labels),
            files=(video, labels),
            scenario="game of sums",
            known_bad=KNOWN_BAD.get(match[0], ""),
        )


def _ground_truth(file: Path) -> GroundTruth:
    rows = read_rows(file)
    shortest, longest = min(map(len, rows)), max(map(len, rows))
    if len(rows) != 3 or shortest != longest:
        counts = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        columns = len(rows) > longest == 3
        turned = "it seems transposed: write each column as a row, or " if columns else ""
        raise RecordingError(
            f"{file}: has {len(rows)} rows of {counts} numbers, where three equally long rows "
            f"belong (pulse, heart rate, time); {turned}copy the original file again"
        )
    pulse, rate, times_s = rows
    if [row[0] for row in rows] == [0, 1, 2] and times_s[:2].argmin() == 1:
        raise RecordingError(
            f"{file}: the rows begin with 0, 1 and 2, which can be read as samples or as the index "
            "of a table; save it again without its index"
        )
    if not np.isfinite(times_s).all():
        raise RecordingError(f"{file}: a time in row 3 is not a number; copy the file again")
    since = times_s - times_s[0]
    unwrapped = unwrap_rate(Signal(rate, since))
    return clean_labels(
        file,
        pulse=Signal(pulse, since),
        heart_rate=unwrapped.heart_rate,
        warnings=wrap_warnings(unwrapped, file.name),
    )


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One session for each subject, who sits still."""
    for subject, rate in resting_rates("ubfc_rppg", ORDER, plan).items():
        scene = Scene(
            width=320,
            height=240,
            times_s=frame_times(plan.seconds, 30.0),
            difficulty=plan.difficulty,
            face_height=0.62,
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(subject, "1", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """The native layout, 320 x 240; HuffYUV in AVI keeps every pixel at under half of the size."""
    folder, frames_s = root / "DATASET_2" / recording.subject, recording.scene.times_s
    write_clip(folder / "vid.avi", recording, "huffyuv")
    # The device's times are uneven by some milliseconds, and one is given twice, as in the set.
    random = generator("label times", "ubfc_rppg", recording.subject, plan.seed)
    times_s = frames_s + np.clip(random.normal(0, 0.003, len(frames_s)), -0.01, 0.01)
    times_s = np.sort(times_s) - times_s.min()
    times_s[len(times_s) // 2] = times_s[len(times_s) // 2 - 1]
    rows = (recording.pulse_at(times_s), to_seven_bits(recording.heart_rate_at(times_s)), times_s)
    lines = ("".join(f"{value:16.7e}" for value in row) for row in rows)  # MATLAB's save -ascii
    write_lines(folder / "ground_truth.txt", lines)


ubfc_rppg = folder_dataset(
    name="ubfc_rppg",
    title="UBFC-rPPG, set 2",
    cite="10.1016/j.patrec.2017.10.017",
    licence="free for research on request; pictures of subjects 21 and 27 must not be published",
    url="https://sites.google.com/view/ybenezeth/ubfcrppg",
    folders=("DATASET_2",),
    expected={"subjects": 42, "recordings": 42},
    example="DATASET_2/subject1/vid.avi and ground_truth.txt",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
