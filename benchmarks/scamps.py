"""SCAMPS: 2,800 rendered faces with a known pulse and breath.

Layout: `PXXXXXX.mat` (MATLAB 7.3, so HDF5), in one folder or in `Train`, `Val` and `Test`; one file
holds a recording of 600 frames, 30 a second: `RawFrames` (320 x 240), `Xsub` (the middle of them,
240 x 240), `d_ppg`, `d_br`, movements of the head, action units and masks.

Rules:

- Arrays are as h5py shows them [c, w, h, t], with real numbers from 0 to 1. `RawFrames` is read,
  else `Xsub`; bytes are read too, another range is refused.
- The frames of a file are 1.1 GB of real numbers. They are read in parts and kept as bytes, so a
  recording takes 160 MB of memory.
- The files hold no times: frame and sample k are taken at k / 30 s. Another number of samples than
  frames is reported; the samples stay 1/30 s apart.
- `d_br` is the respiration. The masks have one frame less than the video (issue 7 of the owners'
  page); they, the movements and the action units are not read.
- Every file is a person of its own: the owners describe random faces and give no identities.
- Parts come from the folders, or from `ScampsTrainTestSplit.csv`, the owners' list: a column of
  names and a column of train, validation and test. Peers cut an unsorted listing of the folder.

The archive with labels only has no frames, and its recordings say so. The pulse is rendered, not
measured: results on this set say how a method treats the owners' model of the skin. The owners
publish no bad recordings. Sources: McDuff, Wander, Liu, Hill, Hernandez, Lester, Baltrusaitis,
"SCAMPS: Synthetics for Camera Measurement of Physiological Signals", NeurIPS 2022, arXiv
2206.04197; README of github danmcduff/scampsdataset; rPPG-Toolbox; PhysBench.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.hdf5_frames import array_frames
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.layout import (
    first_folder,
    folders_matching,
    is_file,
    matching,
    require_single,
)
from rppgbench.datasets.mat_variables import mat_shapes, read_mat_series
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    order_first,
    resting_rates,
    scale_to_range,
)
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError

FRAMES_HZ = 30.0
FRAMES = ("RawFrames", "Xsub")
OUTER = ("scamps_videos", "SCAMPS")
SPLIT = "ScampsTrainTestSplit.csv"
PARTS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
NAME = r"(P\d{6})(?:\.mat)?"
ORDER = order_first("P000001 P002401 P002001 P000002 P002402", (f"P{n:06}" for n in range(1, 2801)))
"""Simulated recordings in this order: train, test and validation among the first."""

FIRST_OF_PART = ((1, "train"), (2001, "validation"), (2401, "test"))
"""The first numbers of the parts in a simulated list; the content of the owners' is assumed."""


def _files(base: Path) -> Iterator[tuple[Path, str, str]]:
    """The file, the name and the folder's part of each recording."""
    known: dict[str, Path] = {}
    places = [
        (place, PARTS[m[0].lower()]) for place, m in folders_matching(base, r"(?i:train|val|test)")
    ]
    for place, part in [(base, ""), *places]:
        for file, match in matching(place, r"(P\d{6})\.mat"):
            require_single(known, match[1], file)
            yield file, match[1], part


def _listed_parts(base: Path) -> dict[str, str]:
    """The part of each recording by the owners' list; empty where it is absent or another table.

    `_leftovers` reports a list that is not understood.
    """
    if not is_file(base / SPLIT):
        return {}
    try:
        sheet = read_sheet(base / SPLIT)
    except RecordingError:
        return {}
    rows = [[cell.strip() for cell in cells] for _, cells in sheet.rows]
    names = [at for at in range(len(sheet.names)) if all(re.fullmatch(NAME, r[at]) for r in rows)]
    parts = [at for at in range(len(sheet.names)) if all(r[at].lower() in PARTS for r in rows)]
    if not rows or len(names) != 1 or len(parts) != 1:
        return {}
    return {row[names[0]].removesuffix(".mat"): PARTS[row[parts[0]].lower()] for row in rows}


def _recordings(base: Path) -> Iterator[Recording]:
    listed = _listed_parts(base)
    for file, name, part in _files(base):
        yield Recording(
            dataset="scamps",
            name=name,
            subject=name,
            video=partial(_video, file),
            ground_truth=partial(_ground_truth, file),
            files=(file,),
            part=part or listed.get(name, ""),
        )


def _frame_count(file: Path) -> tuple[str, int]:
    """The array of the frames and their number.

    Raises:
        RecordingError: the file has no frames (H, W, 3).
    """
    shapes = mat_shapes(file)
    name = next((n for n in FRAMES if n in shapes), "")
    if not name:
        raise RecordingError(
            f"{file}: has no frames ({' or '.join(FRAMES)}), as the files of the archive with "
            "labels only; copy the file of the archive with videos"
        )
    shape = shapes[name]
    if len(shape) != 4 or shape[3] != 3 or shape[0] < 2:
        raise RecordingError(
            f"{file}: {name} is {shape}, where (frames, height, width, 3) belongs; "
            "copy the original file again"
        )
    return name, shape[0]


def _video(file: Path) -> VideoSource:
    name, count = _frame_count(file)
    times_s = np.arange(count) / FRAMES_HZ
    return VideoSource(file, times_s=times_s, frames=partial(array_frames, file, name))


def _ground_truth(file: Path) -> GroundTruth:
    _, count = _frame_count(file)
    warnings: list[str] = []

    def wave(name: str) -> Array:
        values = read_mat_series(file, name)
        if values.size != count:
            warnings.append(
                f"{file.name}: {name}: {values.size} samples for {count} frames: taken at "
                f"{FRAMES_HZ:g} Hz"
            )
        return values

    def breath() -> Signal:
        return regular_signal(wave("d_br"), FRAMES_HZ)

    pulse = regular_signal(wave("d_ppg"), FRAMES_HZ)
    signs = {"respiration": read_vital_sign("respiration", breath, warnings)}
    return clean_labels(file, pulse=pulse, signs=signs, warnings=warnings)


def _leftovers(root: Path) -> Iterator[str]:
    base = first_folder(root, *OUTER)
    if is_file(base / SPLIT) and not _listed_parts(base):
        yield (
            f"not read: {SPLIT}: has no column of names P000001 with a column of train, "
            "validation and test"
        )


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One recording for each face."""
    for name, rate in resting_rates("scamps", ORDER, plan).items():
        scene = Scene(
            width=160,
            height=120,
            times_s=frame_times(plan.seconds, FRAMES_HZ),
            difficulty=plan.difficulty,
            expressions="few",
            face_height=0.6,
            heart_rate_bpm=rate,
        )
        yield SimulatedSession(name, "", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> str:
    """A MAT file of version 7.3: frames as real numbers, and masks that are a frame short."""
    import h5py

    root.mkdir(parents=True, exist_ok=True)
    file = root / f"{recording.subject}.mat"
    times_s = recording.scene.times_s
    frames = np.stack(list(recording.frames()), axis=-1).transpose(2, 1, 0, 3)
    with h5py.File(file, "w", userblock_size=512) as content:
        content.create_dataset(
            "RawFrames",
            data=np.float32(frames) / np.float32(255),
            chunks=(1, 20, 20, len(times_s)),
            compression="gzip",
            compression_opts=1,
        )
        mask = np.ones((*frames.shape[1:3], max(1, len(times_s) - 1)), np.uint8)
        content.create_dataset("skin_mask", data=mask, compression="gzip", compression_opts=1)
        content["d_ppg"] = scale_to_range(recording.pulse_at(times_s), 0, 1)[None, :]
        content["d_br"] = scale_to_range(recording.respiration_at(times_s), 0, 1)[None, :]
    with file.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, simulated".ljust(116) + bytes(8) + b"\x00\x02IM")
    return recording.subject


def _finish(root: Path, plan: SimulationPlan, names: list[str]) -> None:
    """The list of the parts."""
    lines = []
    for name in sorted(names):
        part = next(p for first, p in reversed(FIRST_OF_PART) if int(name[1:]) >= first)
        lines.append(f"{name}.mat,{part}")
    (root / SPLIT).write_text("\n".join(["Video,Split", *lines, ""]), encoding="utf-8")


scamps = folder_dataset(
    name="scamps",
    title="SCAMPS, synthetic faces",
    cite="SCAMPS, NeurIPS 2022, arXiv 2206.04197",
    licence="R-UDA 1.0: open, for research that is not commercial",
    url="https://github.com/danmcduff/scampsdataset",
    folders=OUTER,
    expected={"subjects": 2800, "recordings": 2800},
    example="P000001.mat",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
    leftovers=_leftovers,
)
