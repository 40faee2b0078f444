"""MMPD: phone videos by skin tone, light and motion.

Layout: `subjectN/pN_k.mat`, k 0 to 19, for 33 people; everything of a recording is in one MAT file:
`video` (T, H, W, 3), values 0 to 1 or bytes; `GT_ppg` (1, T), the pulse at the frames; `light`,
`motion`, `exercise`, `skin_color` (3 to 6 of Fitzpatrick's six). It holds no times: the phone films
30 frames a second, and frame and pulse sample k are taken at k / 30 s.

The situation stands nowhere but inside the MAT file, so listing reads those small variables (and
skips the video). Older releases call "Walking" "Watching Videos"; both are `walking` here. A
recording's name keeps k, because people have several with equal attributes (a cache that is keyed
by attributes mixes them up, rPPG-Toolbox's for one).

Decoding a recording reads its whole array into memory: MAT files cannot be streamed. No bad
recordings are published beyond that wrong label. Sources: Tang, Chen, Wang, Shi, Patel, McDuff,
Liu, "MMPD: multi-domain mobile video physiology dataset", EMBC 2023, arXiv 2302.03840; github
McJackTang/MMPD_rPPG_dataset.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rppgbench.datasets.label_formats import mat_shapes, read_mat
from rppgbench.datasets.sensor import sensed, steady
from rppgbench.datasets.takes import Take, resting_rates, scaled, shoot, write_mat
from rppgbench.datasets.tree import first_folder, is_simulated, matching, nothing_found
from rppgbench.errors import RecordingError
from rppgbench.recording import Dataset, Recording, Truth, VideoSource

if TYPE_CHECKING:
    from rppgbench.simulation import SimulatedRecording, SimulationPlan

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


def _recordings(root: Path) -> Iterator[Recording]:
    base = first_folder(root, "MMPD")
    simulated = is_simulated(root)
    found = False
    for person, _ in matching(base, r"subject\d+"):
        for file, match in matching(person, r"(p\d+)_\d+\.mat"):
            found = True
            motion, light, tone = _situation(file)
            yield Recording(
                dataset="mmpd",
                name=file.stem,
                subject=match[1],
                video=partial(_video, file),
                truth=partial(_truth, file),
                files=(file,),
                scenario=motion,
                source="phone",
                skin_tone=tone,
                light=light,
                simulated=simulated,
            )
    if not found:
        raise nothing_found(base, "MMPD", "subject1/p1_0.mat", mmpd.url)


def _situation(file: Path) -> tuple[str, str, str]:
    """Motion, light and skin tone; empty where the file cannot be read (its truth will say so)."""
    try:
        found = read_mat(file, "motion", "light", "skin_color")
        motion, light = (str(found[name].ravel()[0]).strip() for name in ("motion", "light"))
        tone = int(found["skin_color"].ravel()[0])
    except (RecordingError, IndexError, ValueError, TypeError):
        return "", "", ""
    return (
        MOTIONS.get(motion, motion.lower()),
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
    video = read_mat(file, "video")["video"]
    for frame in video:
        if frame.dtype == np.uint8:
            yield np.ascontiguousarray(frame)
        else:
            yield np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)


def _truth(file: Path) -> Truth:
    values = read_mat(file, "GT_ppg")["GT_ppg"]
    if values.dtype.kind not in "iuf":
        raise RecordingError(f"{file}: GT_ppg is no array of numbers; copy the original file again")
    pulse = steady(values.astype(np.float64).ravel(), FRAMES_HZ)
    frames = mat_shapes(file).get("video", (0,))[0]
    return sensed(file, pulse=pulse, frames_s=np.arange(frames) / FRAMES_HZ)


def takes(plan: "SimulationPlan") -> Iterator[Take]:
    """Four of the twenty situations a person: every motion and light comes round."""
    from rppgbench.simulation import Scene, frame_times

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
            yield Take(subject, f"{turn}/{light}", scene)


def _simulate(root: Path, plan: "SimulationPlan") -> None:
    """One MAT file a recording, its video as bytes (the originals' 0 to 1 is read as well)."""
    shoot("mmpd", root, plan, takes(plan), _write)


def _write(root: Path, plan: "SimulationPlan", take: Take, filmed: "SimulatedRecording") -> None:
    names = {value: key for key, value in reversed(MOTIONS.items())}
    number, light = take.session.split("/")
    folder = root / f"subject{take.subject.removeprefix('p')}"
    scene = take.scene
    exercised = scene.heart_rate == "after_exercise"
    motion = {"medium_rotation": "rotation", "still": "stationary"}.get(scene.motion, scene.motion)
    content = {
        "video": np.stack(list(filmed.frames())),
        "GT_ppg": scaled(filmed.pulse_at(scene.times_s), 0, 1)[None, :],
        "light": light,
        "motion": names["after_exercise" if exercised else motion],
        "exercise": str(exercised),
        "skin_color": np.array([[TONES.index(str(scene.skin_tone)) + 1]]),
        "gender": "female",
        "glasser": "False",
        "hair_cover": "False",
        "makeup": "False",
    }
    write_mat(folder / f"{take.subject}_{number}.mat", content)


mmpd = Dataset(
    name="mmpd",
    title="MMPD, multi-domain mobile video physiology dataset",
    version="1",
    cite="10.48550/arXiv.2302.03840",
    licence="research only, after the release agreement on the page is signed",
    url="https://github.com/McJackTang/MMPD_rPPG_dataset",
    expected={"subjects": 33, "recordings": 660},
    recordings=_recordings,
    simulate=_simulate,
)
