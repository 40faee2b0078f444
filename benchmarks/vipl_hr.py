"""VIPL-HR: 107 subjects, nine situations, three devices.

Layout: `data/pP/vV/sourceS/{video.avi, gt_HR.csv, gt_SpO2.csv, wave.csv, time.txt}` and
`fold/fold1.mat` to `fold5.mat`. P is 1 to 107, V 1 to 9; repeated recordings are `v1-2`, `v3-2`,
`v9-2` and are read (loaders that match `v(\\d+)$` miss 17 videos). Source 1 is a web camera, 2 a
phone, 3 a RealSense in colour; source 4, its infrared stream, is no RGB video and is left out.
97 to 107 have no source 1, v8 and v9 source 2 alone, and 56 has v1 to v5 alone.

Rules and reasons:

- `time.txt` holds the time of every frame in whole milliseconds; rates are uneven, 16 to 30 fps,
  and the container's rate (25) means nothing: by the set's ReadMe, the videos only save disk
  space. Source 2, the phone, has no `time.txt`. Where it is missing, the frames are spread
  evenly over the duration of `wave.csv` (60 samples a second), else of `gt_HR.csv`, with a warning.
  NEST (github LuPaoPao/NEST) takes `gt_HR.csv` alone: in the authors' example the wave lasts as
  long as `time.txt` to 3 ms, and the heart rates, one a second and one more, 1.26 s longer (3.6 %).
- `wave.csv` is the pulse at 60.0 Hz (2,084 samples over the 34.736 s of the example that the
  authors of CVD publish; a loader that takes 50 Hz reads every rate 17 % low). Where it is missing
  the recording has no pulse, and a warning; it can still be scored.
- `gt_HR.csv` is the device's heart rate in bpm, once a second from 0 s on. It is the scored
  reference, because pulse and video of the set do not match in time (NEST's ReadMe: "VIPL should
  not use BVP as supervision"). Without it a recording has no ground truth. `gt_SpO2.csv` has the
  oxygen saturation in percent at the same times.
- The official folds are read from `fold/foldK.mat` (variable `foldK`, shape (1, n), numbers of
  subjects): fold K is the test set, the others are the training set. No public repository has the
  files. The lists of RhythmMamba's loader are probably their contents (split
  `vipl-5fold-rhythmmamba`): they are used where the files are absent, and compared where they are
  there.

2,378 colour videos. Situations: v1 stable, v2 motion, v3 talking, v4 bright, v5 dark, v6 long
distance, v7 after exercise, v8 phone held stable, v9 phone moving. The set's ReadMe swaps 4 and 5;
the paper's table 3 has them so, and so are the pictures (a public check of five subjects measured a
mean grey of 127 to 150 in v4 and 102 to 131 in v5). Sources: Niu,
Han, Shan, Chen, "VIPL-HR: a multi-modal database for pulse estimation from less-constrained face
video", ACCV 2018, arXiv 1810.04927v2; the loaders of CVD, NEST, RhythmNet and RS-rPPG.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth, MissingFolds, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.label_text import read_column
from rppgbench.datasets.layout import (
    first_folder,
    is_file,
    is_folder,
    matching,
)
from rppgbench.datasets.mat_variables import read_mat
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    integer_values,
    order_first,
    resting_rates,
    scale_to_range,
    write_clip,
    write_lines,
    write_mat,
)
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import BenchError, RecordingError

WAVE_HZ = 60.0
CONTAINER_HZ = 25.0  # of every file, whatever the camera's rate was
SCENARIOS = {
    1: "stable",
    2: "motion",
    3: "talking",
    4: "bright",
    5: "dark",
    6: "long_distance",
    7: "after_exercise",
    8: "phone_stable",
    9: "phone_motion",
}
LIGHT = {4: "bright", 5: "dark"}
SATURATION = "gt_SpO2.csv"
SOURCES = {1: "web_camera", 2: "phone", 3: "realsense"}

MAPS = "fewer than ten maps: RhythmNet (AnweshCR7/RhythmNet, generate_fold_csv.py) skips it"
NO_WAVE = "no wave.csv: third-party loaders skip it"
BAD_REFERENCE = (
    "bad reference by the list in RS-rPPG (marukosan93/RS-rPPG, utils_sunet_folds_skin.py), "
    "which its authors wrote down but did not apply"
)
_RS_RPPG = """
10/3/123 11/4/13 11/5/13 16/8/2 22/1/123 24/6/13 26/8/2 29/6/2 37/8/2 37/9/2 38/3/123 40/3/2
41/2/13 43/3/123 44/3/123 45/3/123 46/2/123 48/9/2 49/2/123 49/3/123 50/6/13 51/7/2 59/3/123
68/2/123 71/7/2 83/6/123 88/2/123 88/3/123 88/9/2 90/5/2 97/2/23 97/7/23
"""
KNOWN_BAD = {
    f"p{p}/v{v}/source{s}": BAD_REFERENCE
    for p, v, sources in (item.split("/") for item in _RS_RPPG.split())
    for s in sources
} | {
    "p19/v2/source2": "frames missing: " + MAPS,
    "p22/v3/source1": MAPS,
    "p32/v7/source3": NO_WAVE + "; " + MAPS,
    "p40/v7/source2": MAPS,
    "p45/v1/source2": NO_WAVE,
}
ORDER = order_first("p3 p5 p7 p9 p1 p6 p15 p8 p22 p2", (f"p{n}" for n in range(1, 108)))
"""Simulated subjects in this order: five in a row are in the five folds of `vipl-rs4`."""


def _recordings(base: Path) -> Iterator[Recording]:
    for folder_of_subject, subject in matching(first_folder(base, "data"), r"p(\d+)"):
        for session, version in matching(folder_of_subject, r"v(\d+)(-\d+)?"):
            scenario = int(version[1])
            for folder, source in matching(session, r"source([1-3])"):
                name = f"{folder_of_subject.name}/{session.name}/{folder.name}"
                yield Recording(
                    dataset="vipl_hr",
                    name=name,
                    subject=f"p{int(subject[1])}",
                    video=partial(_video, folder),
                    ground_truth=partial(_ground_truth, folder),
                    files=tuple(
                        folder / f
                        for f in ("video.avi", "gt_HR.csv", "wave.csv", "time.txt", SATURATION)
                        if not (f == SATURATION or (f == "time.txt" and source[1] == "2"))
                        or is_file(folder / f)
                    ),
                    scenario=SCENARIOS.get(scenario, session.name),
                    source=SOURCES[int(source[1])],
                    light=LIGHT.get(scenario, "lab"),
                    known_bad=KNOWN_BAD.get(name, ""),
                )


def _video(folder: Path) -> VideoSource:
    times_s = _times(folder)[0]
    return VideoSource(folder / "video.avi", times_s=times_s, container_clock=False)


def _times(folder: Path) -> tuple[Array, str]:
    """The times of the frames in seconds, and a warning where they are spread evenly."""
    file = folder / "time.txt"
    if is_file(file):
        milliseconds = read_column(file)
        if np.isnan(milliseconds).any():
            raise RecordingError(
                f"{file}: a frame without a time; copy the original file again, or remove the file "
                "to spread the frames over the wave"
            )
        return milliseconds / 1000, ""
    from rppgbench.video.stream import open_video

    with open_video(VideoSource(folder / "video.avi")) as reader:
        frames = reader.info.frames
    if frames is None:
        raise RecordingError(
            f"{file}: is missing, and video.avi does not say how many frames it has; copy time.txt"
        )
    labels, rate_hz = ("wave.csv", WAVE_HZ) if is_file(folder / "wave.csv") else ("gt_HR.csv", 1.0)
    lasts_s = len(read_column(folder / labels)) / rate_hz
    over = f"{frames} frames spread evenly over {lasts_s:.4g} s of {labels}"
    return np.linspace(0, lasts_s, frames), f"time.txt is missing: {over}"


def _ground_truth(folder: Path) -> GroundTruth:
    rate = regular_signal(read_column(folder / "gt_HR.csv"), 1.0)
    _, warning = _times(folder)
    warnings = [warning] if warning else []
    pulse = None
    if is_file(folder / "wave.csv"):
        pulse = regular_signal(read_column(folder / "wave.csv"), WAVE_HZ)
    else:
        warnings.append("wave.csv is missing: no pulse, only heart rates")
    signs = {}
    if is_file(folder / SATURATION):
        read = partial(_saturation, folder / SATURATION)
        signs["oxygen_saturation"] = read_vital_sign("oxygen_saturation", read, warnings)
    return clean_labels(
        folder / "gt_HR.csv", pulse=pulse, heart_rate=rate, signs=signs, warnings=warnings
    )


def _saturation(file: Path) -> Signal:
    return regular_signal(read_column(file), 1.0)


def _folds(root: Path) -> Mapping[str, tuple[str, ...]]:
    folder = first_folder(root, "VIPL-HR") / "fold"
    files = []
    if is_folder(folder):
        files = [(f, f"fold{int(m[1])}") for f, m in matching(folder, r"fold(\d+)\.mat")]
    if not files:
        raise MissingFolds(
            f"{folder}: no fold1.mat to fold5.mat; the official folds come with VIPL-HR, so copy "
            "its folder 'fold'"
        )
    if len(files) < 2:
        raise BenchError(
            f"{folder}: {files[0][0].name} alone, where fold1.mat to fold5.mat belong; copy the "
            "folder 'fold' of VIPL-HR again"
        )
    return {name: _fold(file, name) for file, name in files}


def _fold(file: Path, name: str) -> tuple[str, ...]:
    values = read_mat(file, name)[name]
    numbers = values.ravel()
    flat = values.ndim <= 2 and max(values.shape, default=0) == values.size
    if not flat or numbers.dtype.kind not in "iuf" or (numbers != np.rint(numbers)).any():
        raise BenchError(
            f"{file}: variable {name!r} is {values.dtype} of shape {values.shape}, where whole "
            "numbers of shape (1, n) belong; copy the original file again"
        )
    return tuple(f"p{int(n)}" for n in numbers)


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two of the nine situations for each subject, in turn, so that five subjects have all nine.

    Only the phone has the situations v8 and v9; the others use the devices in turn.
    The first subject also has a repeated recording, `v1-2`.
    """
    for at, (subject, rate) in enumerate(resting_rates("vipl_hr", ORDER, plan).items()):
        sessions = [f"v{(2 * at + turn) % 9 + 1}" for turn in range(2)]
        for turn, session in enumerate(sessions + ["v1-2"] * (at == 0)):
            number = int(session[1])
            device = 2 if number > 7 else 1 + (at + turn) % 3
            random = generator("vipl_hr", "frame times", plan.seed, subject, session)
            fs = 25.0 if device == 1 else 30.0
            jitter_s = 0.0 if device == 2 else 0.004  # the phone's file has no times
            times_s = frame_times(plan.seconds, fs, jitter_s=jitter_s, random=random)
            scene = Scene(
                width=320,
                height=240,
                times_s=np.round(times_s, 3),  # whole milliseconds
                difficulty=plan.difficulty,
                motion={2: "free", 3: "talking", 9: "small_rotation"}.get(number, "still"),  # type: ignore[arg-type]
                light={4: "bright", 5: "dim"}.get(number, "indoor"),  # type: ignore[arg-type]
                face_height=0.32 if number == 6 else 0.5,
                heart_rate="after_exercise" if number == 7 else "resting",
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, f"{session}/source{device}", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """Motion JPEG in AVI with uneven times in time.txt, and CRLF label files.

    The phone compresses harder (MPEG-4) and has no time.txt. The first session of the first subject
    also has an infrared `source4`, which the reader leaves out.
    """
    folder = root / "data" / recording.subject / recording.session
    _write_source(folder, recording)
    if recording.subject == ORDER[0] and recording.session.startswith("v1/"):
        infrared = (np.repeat(rgb[..., :1], 3, axis=-1) for rgb in recording.frames())
        _write_source(folder.parent / "source4", recording, infrared)


def _write_source(
    folder: Path,
    recording: SimulatedRecording,
    frames: Iterator[NDArray[np.uint8]] | None = None,
) -> None:
    times_s = recording.scene.times_s
    container_s = np.arange(len(times_s)) / CONTAINER_HZ
    codec = "mpeg4" if recording.session.endswith("source2") else "mjpeg"
    write_clip(folder / "video.avi", recording, codec, frames=frames, times_s=container_s)
    if not recording.session.endswith("source2"):
        write_lines(folder / "time.txt", integer_values(times_s * 1000), end="\r\n")
    lasts_s = float(times_s[-1])
    wave = integer_values(
        scale_to_range(recording.pulse_at(device_times(lasts_s, WAVE_HZ)), 10, 90)
    )
    seconds = np.arange(np.ceil(lasts_s) + 1)  # one more than the video has, as in the example
    write_lines(folder / "wave.csv", ["Wave", *wave], end="\r\n")
    write_lines(
        folder / "gt_HR.csv", ["HR", *integer_values(recording.heart_rate_at(seconds))], end="\r\n"
    )
    saturation = integer_values(recording.oxygen_saturation_at(seconds))
    write_lines(folder / SATURATION, ["SpO2", *saturation], end="\r\n")


def _finish(root: Path, plan: SimulationPlan, results: list[None]) -> None:
    """The files of the official folds."""
    subjects = ORDER[: plan.subjects]
    for fold in range(min(5, len(subjects))):
        numbers = [int(subject[1:]) for subject in subjects[fold::5]]
        write_mat(root / f"fold/fold{fold + 1}.mat", {f"fold{fold + 1}": np.array([numbers])})


vipl_hr = folder_dataset(
    name="vipl_hr",
    title="VIPL-HR (version 1)",
    cite="10.1109/TIP.2019.2947204",
    licence="academic research only, after a member of staff has signed the release agreement",
    url="https://vipl.ict.ac.cn/resources/databases/201811/t20181129_32716.html",
    folders=("VIPL-HR",),
    expected={"subjects": 107, "recordings": 2378},
    example="data/p1/v1/source1",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
    folds=_folds,
)
