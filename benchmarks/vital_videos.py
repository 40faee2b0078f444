"""Vital Videos: 30 seconds of some 900 people of every skin tone, twice each.

Layout: `GUID_1.mp4, GUID_2.mp4, GUID.json` in one folder (`vv100`, `vv250`, `vvAll`...) or in a
folder for each person. GUID is 32 hexadecimal digits. The JSON file holds `participant` (age,
gender, `fitzpatrick`), `location` and `scenarios`; each scenario has `scenario_settings`
(`position`, `facial_movement`, `talking`) and `recordings`: `RGB` (`filename`, and `timeseries`
with the time of each frame), `ppg`, `hr` and `spo2` with a `timeseries` of times and values each;
blood pressure in one of them. A later release has a table `CMS` of time, pulse, heart rate and
SpO2 in place of the three.

Rules:

- Times are milliseconds from the begin of the scenario, for frames and sensor alike. Where `RGB`
  has no times, the container's count.
- The oximeter gives about 60 samples a second; times that it repeats are left out, with a warning.
  A heart rate that wrapped at 128 is corrected where a step proves the wrap.
- A scenario whose video is missing is a recording with that fault: some videos could not be read
  and were deleted. A video that the JSON file beside it does not name is one with a fault, too.
- The location "T " is the location "T". The light of a recording is its location.
- One person lies in one folder: the sets of 100, 250 and all people share people, and one copy was
  seen with a person under two spellings of a folder. A second folder of a person is refused.
- Videos without a JSON file are counted by `bench data check`; `READ_ME.json` is no person.

850 people in the first version of the paper, 893 in an analysis of the whole set. The owner
publishes no list of a split and no bad recordings. Sources: Toye, "Vital Videos: a dataset of face
videos with PPG and blood pressure ground truths", arXiv 2306.11891; Tang, Li, Liu, Zhang, Wang,
Wang, "Camera-based remote physiology sensing for hundreds of subjects across skin tones", arXiv
2404.05003, with its program (github Health-HCI-Group/Largest_rPPG_Dataset_Evaluation); programs of
eight users of the set.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_files import read_json
from rppgbench.datasets.layout import (
    first_folder,
    folders_matching,
    is_file,
    matching,
    require_inside,
    require_single,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    integer_values,
    resting_rates,
    scale_to_range,
    write_clip,
)
from rppgbench.datasets.wrapped_rate import unwrap_rate, wrap_warnings
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.simulation.recorded import SKIN_TONES
from rppgbench.system.errors import RecordingError

GUID = r"[0-9a-f]{32}"
SERIES = {"pulse": "ppg", "heart_rate": "hr", "oxygen_saturation": "spo2"}
"""The names of the sensor's series, by the kind of label."""

TABLE = "CMS"
"""The name of the table of a later release: ms, pulse, heart rate, SpO2."""

PULSE_HZ, RATE_HZ = 60.0, 1.0
Session = tuple[str, dict[str, str], dict[str, object]]
"""A simulated person, the person's facts, and a scenario."""

ORDER = tuple(hashlib.sha256(f"vital videos {n}".encode()).hexdigest()[:32] for n in range(1, 894))
"""Simulated people; the names are made up."""


def _people(base: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """The JSON file, the GUID, and the names of the videos beside the file, of each person."""
    known: dict[str, Path] = {}
    for place in (base, *(folder for folder, _ in folders_matching(base, r".+"))):
        videos: dict[str, list[str]] = {}
        for video, guid in matching(place, rf"({GUID})_\d+\.mp4"):
            videos.setdefault(guid[1], []).append(video.name)
        for file, guid in matching(place, rf"({GUID})\.json"):
            require_single(known, guid[1], file)
            yield file, guid[1], videos.get(guid[1], [])


def _recordings(base: Path) -> Iterator[Recording]:
    for file, guid, videos in _people(base):
        content = _content(file)
        scenarios = _scenarios(content)
        for video in videos:
            scenarios.setdefault(video, {})
        for name, scenario in scenarios.items():
            stem = name.removesuffix(".mp4")
            yield Recording(
                dataset="vital_videos",
                name=stem,
                subject=guid,
                video=partial(_video, file, name),
                ground_truth=partial(_ground_truth, file, name),
                files=(file.parent / Path(name).name, file),
                scenario=_situation(scenario),
                skin_tone=_skin_tone(content),
                light=_location(content),
            )


def _content(file: Path) -> Mapping[str, Any]:
    """The content of a person's file; empty where it cannot be read, which `_scenario` reports."""
    try:
        content = read_json(file)
    except RecordingError:
        return {}
    return content if isinstance(content, dict) else {}


def _scenarios(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scenarios of a person by the names of their videos."""
    named: dict[str, Mapping[str, Any]] = {}
    listed = content.get("scenarios")
    for scenario in listed if isinstance(listed, list) else ():
        name = _inner(scenario, "recordings", "RGB", "filename")
        if isinstance(name, str) and name:
            named.setdefault(name, scenario)
    return named


def _inner(content: object, *keys: str) -> Any:
    """The value under keys within keys; None where one is missing."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _situation(scenario: Mapping[str, Any]) -> str:
    """Position, movement and talking of a scenario as one word, such as `sitting_talking`."""
    settings = _inner(scenario, "scenario_settings")
    words = [str(_inner(settings, "position") or "").strip()]
    movement = str(_inner(settings, "facial_movement") or "").strip()
    if movement.lower() != "no movement":
        words.append(movement)
    if str(_inner(settings, "talking") or "N").strip().upper() not in {"N", "NO"}:
        words.append("talking")
    return "_".join(word.lower().replace(" ", "_") for word in words if word)


def _skin_tone(content: Mapping[str, Any]) -> str:
    tone = str(_inner(content, "participant", "fitzpatrick") or "").strip()
    return SKIN_TONES[int(tone) - 1] if tone in {"1", "2", "3", "4", "5", "6"} else ""


def _location(content: Mapping[str, Any]) -> str:
    place = str(_inner(content, "location", "location") or "").strip()
    return f"location {place}" if place else ""


def _scenario(file: Path, name: str) -> Mapping[str, Any]:
    """The scenario of a video.

    Raises:
        RecordingError: the file cannot be read, or has no such scenario.
    """
    content = read_json(file)
    scenario = _scenarios(content if isinstance(content, dict) else {}).get(name)
    if scenario is None:
        raise RecordingError(f"{file}: has no scenario with {name!r}; copy the original file again")
    return scenario


def _video(file: Path, name: str) -> VideoSource:
    series = _inner(_scenario(file, name), "recordings", "RGB", "timeseries")
    times_s = None if not series else _columns(file, "RGB", series, 1)[:, 0] / 1000
    return VideoSource(require_inside(file.parent, name, file), times_s=times_s)


def _columns(file: Path, name: str, rows: object, columns: int) -> Array:
    """The first columns (N, columns) of rows in a JSON file.

    Raises:
        RecordingError: no list of rows with that many numbers.
    """
    try:
        cells = [row[:columns] for row in rows] if isinstance(rows, list) else []
        table = np.array(cells, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] != columns:
        raise RecordingError(
            f"{file}: {name} holds no rows of {columns} numbers; copy the original file again"
        )
    return table


def _ground_truth(file: Path, name: str) -> GroundTruth:
    recordings = _inner(_scenario(file, name), "recordings")
    signals = {}
    table = _inner(recordings, TABLE)
    if isinstance(table, list):
        rows = table[1:] if table and isinstance(table[0], list) and _is_header(table[0]) else table
        values = _columns(file, TABLE, rows, 4)
        signals = {
            kind: Signal(values[:, at], values[:, 0] / 1000)
            for at, kind in enumerate(SERIES, start=1)
        }
    for kind, key in () if signals else SERIES.items():
        series = _inner(recordings, key, "timeseries")
        if series is not None:
            values = _columns(file, key, series, 2)
            signals[kind] = Signal(values[:, 1], values[:, 0] / 1000)
    if "pulse" not in signals:
        raise RecordingError(f"{file}: {name} has no ppg; copy the original file again")
    warnings: list[str] = []
    heart_rate = signals.get("heart_rate")
    if heart_rate is not None:
        unwrapped = unwrap_rate(heart_rate)
        heart_rate, warnings = unwrapped.heart_rate, wrap_warnings(unwrapped, file.name)
    return clean_labels(
        file,
        pulse=signals["pulse"],
        heart_rate=heart_rate,
        signs={"oxygen_saturation": signals.get("oxygen_saturation")},
        one_clock=True,
        warnings=warnings,
    )


def _is_header(row: list[object]) -> bool:
    return any(isinstance(cell, str) for cell in row)


def _leftovers(root: Path) -> Iterator[str]:
    base = first_folder(root)
    people = {guid for _, guid, _ in _people(base)}
    places = (base, *(folder for folder, _ in folders_matching(base, r".+")))
    videos = [
        file.name
        for place in places
        for file, guid in matching(place, rf"({GUID})_\d+\.mp4")
        if guid[1] not in people and is_file(file)
    ]
    if videos:
        yield f"not read: {len(videos)} videos without a JSON file, such as {videos[0]}"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two recordings for each person, sitting still."""
    for at, (guid, rate) in enumerate(resting_rates("vital_videos", ORDER, plan).items()):
        for session in "12":
            random = generator("vital_videos", "frame times", plan.seed, guid, session)
            times_s = frame_times(plan.seconds, 30.0, jitter_s=0.001, random=random)
            scene = Scene(
                width=240,
                height=180,
                times_s=times_s,
                difficulty=plan.difficulty,
                light="indoor",
                face_height=0.6,
                heart_rate_bpm=rate,
                skin_tone=SKIN_TONES[at % 6],
            )
            yield SimulatedSession(guid, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> Session:
    """H.264 in MP4; returns what the JSON file holds of the session."""
    video = f"{recording.subject}_{recording.session}.mp4"
    write_clip(root / "vv100" / video, recording, "libx264")
    times_s = device_times(plan.seconds, PULSE_HZ)
    seconds = device_times(plan.seconds + 1, RATE_HZ)

    def series(times_s: Array, values: list[int] | range) -> dict[str, object]:
        pairs = zip(times_s, values, strict=True)
        return {"timeseries": [[round(1000 * float(t), 3), value] for t, value in pairs]}

    frames = recording.scene.times_s
    pulse = integer_values(scale_to_range(recording.pulse_at(times_s), 0, 255))
    recordings = {
        "RGB": {"filename": video, **series(frames, range(len(frames)))},
        "ppg": series(times_s, pulse),
        "hr": series(seconds, integer_values(recording.heart_rate_at(seconds))),
        "spo2": series(seconds, integer_values(recording.oxygen_saturation_at(seconds))),
    }
    settings = {"position": "Sitting", "facial_movement": "No movement", "talking": "N"}
    participant = {
        "age": "30",
        "gender": "F",
        "fitzpatrick": str(SKIN_TONES.index(recording.skin_tone) + 1),
    }
    scenario = {"scenario_settings": settings, "recordings": recordings}
    return recording.subject, participant, scenario


def _finish(root: Path, plan: SimulationPlan, outputs: list[Session]) -> None:
    """One JSON file for each person."""
    for guid, group in groupby(outputs, key=itemgetter(0)):
        sessions = list(group)
        content = {
            "GUID": guid,
            "participant": sessions[0][1],
            "location": {"location": "T "},
            "scenarios": [scenario for *_, scenario in sessions],
        }
        file = root / "vv100" / f"{guid}.json"
        file.write_text(json.dumps(content), encoding="utf-8")


vital_videos = folder_dataset(
    name="vital_videos",
    title="Vital Videos",
    cite="Vital Videos, arXiv 2306.11891",
    licence="for researchers who ask the owner and accept the terms on the page",
    url="https://vitalvideos.org",
    expected={"subjects": 893, "recordings": 1786},
    example="GUID_1.mp4 with GUID.json",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    finish=_finish,
    leftovers=_leftovers,
)
