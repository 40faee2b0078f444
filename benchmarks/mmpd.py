"""MMPD: phone videos by skin tone, light and motion.

Layout: `subjectN/pN_k.mat`, k 0 to 19, for 33 subjects; one MAT file holds a recording:
`video` (T, H, W, 3), real numbers from 0 to 1; `GT_ppg` (1, T), the pulse at the frames; `light`,
`motion`, `exercise` ("True" or "False"), `skin_color` (3 to 6 of Fitzpatrick's six), `gender`,
`glasser`, `hair_cover`, `makeup`, each also within a cell. It holds no times: the phone takes 30
frames a second, and frame and pulse sample k are taken at k / 30 s.

A copy that was saved again may hold the video as bytes, as 0 to 255 in another type, or as 16 bits;
it is read by its range (`_scale`), and a range that could mean two things is refused.

Only the MAT file holds the situation, so listing reads those small variables (and skips the
video). Older releases call "Walking" "Watching Videos"; both are `walking` here.
"Stationary" with `exercise` "True" is what others call "Stationary (after exercise)". A
recording's name keeps k, because subjects have several recordings with equal attributes (a cache
with attributes as keys confuses them, as rPPG-Toolbox's does).

A file of version 7.3 (HDF5) is read in blocks, in bounded memory. A variable of version 5 is one
packed stream with time as the fastest axis, so that its first frame needs all of it: decoding such
a file unpacks the whole array (1800 frames of 240 x 320 as single numbers: 1.7 GB). No bad
recordings are published beyond that wrong label. Sources: Tang, Chen, Wang, Shi, Patel, McDuff,
Liu, "MMPD: multi-domain mobile video physiology dataset", EMBC 2023, arXiv 2302.03840; github
McJackTang/MMPD_rPPG_dataset.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels, regular_signal
from rppgbench.datasets.hdf5_frames import ValueRange, array_frames, array_range
from rppgbench.datasets.label_files import is_hdf5
from rppgbench.datasets.layout import matching
from rppgbench.datasets.mat_variables import mat_shapes, read_mat, read_mat_series, unpack_single
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    resting_rates,
    scale_to_range,
    write_mat,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError

FRAMES_HZ = 30.0
TONES = ("I", "II", "III", "IV", "V", "VI")
PEOPLE = tuple(f"p{n}" for n in range(1, 34))
MOTIONS = {
    "Stationary": "stationary",
    "Stationary (after exercise)": "after_exercise",
    "Rotation": "rotation",
    "Talking": "talking",
    "Walking": "walking",
    "Watching Videos": "walking",
}


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, _ in matching(base, r"subject\d+"):
        for file, match in matching(folder, r"(p\d+)_\d+\.mat"):
            motion, light, tone = _situation(file)
            yield Recording(
                dataset="mmpd",
                name=file.stem,
                subject=match[1],
                video=partial(_video, file),
                ground_truth=partial(_ground_truth, file),
                files=(file,),
                scenario=motion,
                source="phone",
                skin_tone=tone,
                light=light,
            )


def _situation(file: Path) -> tuple[str, str, str]:
    """Motion, light and skin tone; empty where the file cannot be read.

    `_ground_truth` reports the fault of such a file.
    """
    try:
        variables = read_mat(file, "motion", "light", "skin_color", "exercise")
        motion, light, exercise = (
            str(unpack_single(variables[name])).strip() for name in ("motion", "light", "exercise")
        )
        tone = int(unpack_single(variables["skin_color"]))  # type: ignore[call-overload]
    except (RecordingError, ValueError, TypeError):
        return "", "", ""
    scenario = MOTIONS.get(motion, motion.lower())
    if scenario == "stationary" and exercise.lower() in {"true", "1"}:
        scenario = "after_exercise"
    return (
        scenario,
        light.lower(),
        TONES[tone - 1] if 1 <= tone <= len(TONES) else "",
    )


def _video(file: Path) -> VideoSource:
    shape = mat_shapes(file).get("video")
    if shape is None or len(shape) != 4 or shape[3] != 3 or shape[0] < 2:
        raise RecordingError(
            f"{file}: variable 'video' is {shape}, where (frames, height, width, 3) belongs; "
            "copy the original file again"
        )
    return VideoSource(file, times_s=np.arange(shape[0]) / FRAMES_HZ, frames=partial(_frames, file))


def _frames(file: Path) -> Iterator[NDArray[np.uint8]]:
    if is_hdf5(file):
        convert = partial(_as_bytes, scale=_scale(array_range(file, "video"), file))
        yield from array_frames(file, "video", as_bytes=convert)
        return
    video = read_mat(file, "video")["video"]
    scale = _scale(ValueRange.measure(video.dtype, video), file)
    for frame in video:
        yield _as_bytes(frame, scale)


def _as_bytes(values: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """Pixel values as bytes, scaled unless they are bytes."""
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    scaled: NDArray[np.uint8] = np.rint(np.clip(values * scale, 0, 255)).astype(np.uint8)
    return scaled


def _scale(values: ValueRange, file: Path) -> float:
    """The factor that scales the values of a video to 0 to 255.

    Real numbers up to 1.5 are 0 to 1 (resizing overshoots), those up to 255 from 16 on are 0 to
    255. Whole numbers up to 255 are bytes in a wider type, unsigned ones of 16 bits from half of
    their range on fill it. Anything else could mean two things.

    Raises:
        RecordingError: no numbers, not finite, or a range that could mean two things.
    """
    dtype, lowest, highest = values.dtype, values.lowest, values.highest
    kind = dtype.kind
    if kind not in "iuf":
        raise RecordingError(f"{file}: video is {dtype}, no numbers; copy the file again")
    if kind == "f" and lowest >= -0.5 and highest <= 1.5:
        return 255.0
    if lowest >= (-0.5 if kind == "f" else 0) and (16 if kind == "f" else 0) <= highest <= 255.5:
        return 1.0
    if dtype == np.uint16 and highest >= 2**15:
        return 255 / 65535
    if not np.isfinite([lowest, highest]).all():
        readings = "values that are not numbers"
    elif lowest < 0:
        readings = f"{lowest:.4g} to {highest:.4g}: differences of frames, or shifted brightness"
    elif highest < 16:
        readings = f"up to {highest:.4g}: 0 to 1 with overshoot, or a black video of 0 to 255"
    else:
        readings = f"up to {highest:.4g}: 10 to 15 bits, or a dark video of 16 bits"
    raise RecordingError(
        f"{file}: video is {dtype} with {readings}; save it as uint8 from 0 to 255"
    )


def _ground_truth(file: Path) -> GroundTruth:
    pulse = regular_signal(read_mat_series(file, "GT_ppg"), FRAMES_HZ)
    return clean_labels(file, pulse=pulse)


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Four of the twenty situations for each subject, so that every motion and light occurs."""
    kinds = (
        ("still", "LED-low", "resting"),
        ("medium_rotation", "LED-high", "resting"),
        ("talking", "Incandescent", "resting"),
        ("walking", "Nature", "resting"),
        ("still", "Nature", "after_exercise"),
    )
    for at, (subject, rate) in enumerate(resting_rates("mmpd", PEOPLE, plan).items()):
        for turn in range(4):
            motion, light, heart = kinds[(at + turn) % len(kinds)]
            scene = Scene(
                width=160,
                height=160,
                times_s=frame_times(plan.seconds, FRAMES_HZ),
                difficulty=plan.difficulty,
                motion=motion,  # type: ignore[arg-type]
                light="dim" if light == "LED-low" else "indoor",
                colour={"Incandescent": "incandescent", "Nature": "daylight"}.get(light, "led"),  # type: ignore[arg-type]
                heart_rate=heart,  # type: ignore[arg-type]
                heart_rate_bpm=rate,
                face_height=0.6,
                skin_tone=TONES[2 + at % 4],
            )
            yield SimulatedSession(subject, f"{turn}/{light}", scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """One MAT file a recording, its video as real numbers from 0 to 1."""
    names = {value: key for key, value in reversed(MOTIONS.items())}
    number, light = recording.session.split("/")
    folder = root / f"subject{recording.subject.removeprefix('p')}"
    scene = recording.scene
    exercised = scene.heart_rate == "after_exercise"
    motion = {"medium_rotation": "rotation", "still": "stationary"}.get(scene.motion, scene.motion)
    content = {
        "video": np.stack([np.float32(frame) / np.float32(255) for frame in recording.frames()]),
        "GT_ppg": scale_to_range(recording.pulse_at(scene.times_s), 0, 1)[None, :],
        "light": light,
        "motion": names["after_exercise" if exercised else motion],
        "exercise": str(exercised),
        "skin_color": np.array([[TONES.index(str(scene.skin_tone)) + 1]]),
        "gender": "female",
        "glasser": "False",
        "hair_cover": "False",
        "makeup": "False",
    }
    write_mat(folder / f"{recording.subject}_{number}.mat", content)


mmpd = folder_dataset(
    name="mmpd",
    title="MMPD, multi-domain mobile video physiology dataset",
    cite="10.48550/arXiv.2302.03840",
    licence="research only, after the release agreement on the page is signed",
    url="https://github.com/McJackTang/MMPD_rPPG_dataset",
    folders=("MMPD",),
    expected={"subjects": 33, "recordings": 660},
    example="subject1/p1_0.mat",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
