"""Simulated: simulated subjects, written when a run needs them.

Layout: `NN/{video.mp4, labels.csv, respiration.csv, scenario.json}` for subjects NN from 01 on.
`labels.csv` has the header `time_s,pulse,heart_rate_bpm` and about 60 rows a second with slightly
uneven times, as of a sensor that is read over USB: they start a little before the first frame and
end a little after the last. `pulse` is a finger's photoplethysmogram in an arbitrary unit,
`heart_rate_bpm` the device's mean over 5 s. `respiration.csv` (`time_s,respiration`) is the chest's
movement, 25 times a second; it may be absent. `scenario.json` holds `scenario`, `light` and
`skin_tone` (Fitzpatrick's I to VI). `video.mp4` is H.264, 320 x 240, about 30 frames a second with
times that are uneven by about 1 ms; frames and labels share one clock.

easy   all subjects sit still in bright light
paper  in turn: still, talking, slow translation, small rotation, in office light, with smiles
hard   in turn: free movement, talking, medium rotation, walking, in dim, uneven, changing light

The resting heart rates are spread over 50 to 120 bpm for any number of subjects, and the skin tones
are Fitzpatrick's six types in turn. `rppgbench.simulation` documents the simulation and its papers.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_files import read_json
from rppgbench.datasets.label_text import read_table
from rppgbench.datasets.layout import is_file, matching
from rppgbench.datasets.simulated_writers import SimulatedSession, write_lines
from rppgbench.datasets.vital_signs import read_vital_sign
from rppgbench.simulation import (
    Scene,
    SimulatedRecording,
    SimulationPlan,
    frame_times,
    generator,
    spread_heart_rates,
)
from rppgbench.system.errors import BenchError

WIDTH, HEIGHT, FRAME_HZ, LABEL_HZ = 320, 240, 30.0, 60.0
BELT, BELT_HZ = "respiration.csv", 25.0
FACE = 0.62  # of the height, so that the face is some 115 pixels wide
TONES = ("II", "IV", "III", "V", "I", "VI")  # in turn, so that a few subjects differ too
BEFORE_S = 0.03  # how long the sensor runs before the first frame and after the last
CODEC = {
    "crf": "12",
    "preset": "ultrafast",
    "x264-params": "chroma-qp-offset=-12",
    "threads": "1",
}
"""Colour is quantised four times finer than brightness; at the usual ratio the codec decides
whether POS works (measured SNR: 9 dB before the codec, 8 dB so, 1 dB at the usual ratio)."""


def _recordings(root: Path) -> Iterator[Recording]:
    for folder, match in matching(root, r"\d\d+"):
        files = folder / "video.mp4", folder / "labels.csv", folder / "scenario.json"
        belt = folder / BELT
        description = read_json(files[2])
        if not isinstance(description, dict):
            raise BenchError(f"{files[2]}: holds no table of facts; simulate the tree again")
        yield Recording(
            dataset="simulated",
            name=match[0],
            subject=match[0],
            video=partial(VideoSource, files[0]),
            ground_truth=partial(_ground_truth, files[1], belt),
            files=(*files, belt) if is_file(belt) else files,
            scenario=str(description.get("scenario", "")),
            light=str(description.get("light", "")),
            skin_tone=str(description.get("skin_tone", "")),
        )


def _ground_truth(file: Path, belt: Path) -> GroundTruth:
    table = read_table(file, columns=3, time_first=True)
    times_s = table[:, 0]
    warnings: list[str] = []
    signs = {}
    if is_file(belt):
        read = partial(_respiration, belt)
        signs["respiration"] = read_vital_sign("respiration", read, warnings)
    return clean_labels(
        file,
        pulse=Signal(table[:, 1], times_s),
        heart_rate=Signal(table[:, 2], times_s),
        signs=signs,
        warnings=warnings,
    )


def _respiration(file: Path) -> Signal:
    table = read_table(file, columns=2, time_first=True)
    return Signal(table[:, 1], table[:, 0])


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """One session for each subject; its name is the scenario."""
    turns: dict[str, list[dict[str, object]]] = {
        "easy": [{"motion": "still"}],
        "paper": [
            {"motion": motion, "light": "indoor", "expressions": "few"}
            for motion in ("still", "talking", "slow_translation", "small_rotation")
        ],
        "hard": [
            {"motion": motion, "light": light, "expressions": "lively"}
            for motion, light in (
                ("free", "dim"),
                ("talking", "side"),
                ("medium_rotation", "changing"),
                ("walking", "indoor"),
            )
        ],
    }
    rates = spread_heart_rates(plan.subjects, dataset="simulated", seed=plan.seed)
    for number, rate in enumerate(rates):
        subject = f"{number + 1:02d}"
        turn = turns[plan.difficulty][number % len(turns[plan.difficulty])]
        clock = generator("frame times", "simulated", subject, plan.seed)
        scene = Scene(
            width=WIDTH,
            height=HEIGHT,
            times_s=frame_times(plan.seconds, FRAME_HZ, jitter_s=0.001, random=clock),
            difficulty=plan.difficulty,
            face_height=FACE,
            heart_rate_bpm=rate,
            skin_tone=TONES[number % len(TONES)],
            **turn,  # type: ignore[arg-type]
        )
        yield SimulatedSession(subject, str(turn["motion"]), scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """H.264 in MP4 at CRF 12, labels at about 60 Hz."""
    from rppgbench.video.writing import write_video

    frames_s = recording.scene.times_s
    folder = root / recording.subject
    folder.mkdir(parents=True, exist_ok=True)
    write_video(
        folder / "video.mp4",
        recording.frames(),
        frames_s,
        codec="libx264",
        pixel_format="yuv420p",
        options=CODEC,
    )
    sensor = generator("label times", "simulated", recording.subject, plan.seed)
    count = round((float(frames_s[-1]) + 2 * BEFORE_S) * LABEL_HZ) + 1
    late = np.clip(sensor.normal(0, 0.002, count), -0.006, 0.006)
    times_s = np.round(np.arange(count) / LABEL_HZ - BEFORE_S + late, 4)
    rows = zip(times_s, recording.pulse_at(times_s), recording.heart_rate_at(times_s), strict=True)
    lines = (f"{time:.4f},{pulse:.5f},{rate:.2f}" for time, pulse, rate in rows)
    write_lines(folder / "labels.csv", ("time_s,pulse,heart_rate_bpm", *lines))
    times_s = np.arange(round(float(frames_s[-1]) * BELT_HZ) + 1) / BELT_HZ
    breaths = zip(times_s, recording.respiration_at(times_s), strict=True)
    lines = (f"{time:.2f},{breath:.4f}" for time, breath in breaths)
    write_lines(folder / BELT, ("time_s,respiration", *lines))
    facts = {
        "scenario": recording.session,
        "light": recording.scene.light,
        "skin_tone": recording.skin_tone,
    }
    write_lines(folder / "scenario.json", [json.dumps(facts, indent=2)])


simulated = folder_dataset(
    name="simulated",
    title="Simulated subjects",
    cite="this suite: rppgbench.simulation, after Wang et al. 2017, 10.1109/TBME.2016.2609282",
    licence="free: portraits in the public domain, made with `bench simulate simulated --out DIR`",
    redistribution="references",
    url="docs/background/simulation.md",
    expected={},
    example="01/video.mp4",
    recordings=_recordings,
    only_simulated=True,
    sessions=_sessions,
    write=_write,
)
