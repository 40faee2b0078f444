"""PURE: ten subjects, six kinds of head motion.

Layouts, both are read:

- nested: `01-01/01-01/Image<ns>.png` and `01-01/01-01.json` (as unpacked for rPPG-Toolbox, SiNC);
- flat: `01-01/Image<ns>.png` and `01-01.json` beside the folders (Gideon & Stent, PhysBench).

The number in an image's name is its time in nanoseconds. The JSON holds `/Image` (times of the
images again) and `/FullPackage`: the finger oximeter at 60 Hz with its own timestamps on the same
clock, `waveform` (the pulse) and `pulseRate` (bpm), and the device's flags `probeError` and
`searching`. Times here are seconds from the first image on; labels keep their own times and are
never stretched by index, as some loaders do.

There is no pulse where the device sets `probeError`, where `pulseRate` is 0 or 127 (its mark for no
rate) with a `waveform` of 0, or where `waveform` is 0 for 0.5 s. Such samples are left out with a
warning that counts them. There is no heart rate there either, nor while the device is `searching`.
`o2saturation` (%) is read likewise; 127 is no reading. The rate of such an oximeter wraps at 128 in
UBFC-rPPG; it is corrected where a step proves the wrap.

Subjects 01 to 10, sessions 01 to 06; 06-02 was never released, so the set has 59 recordings (papers
that say 60 count it). Sources: Stricker, Mueller, Gross, "Non-contact video-based pulse rate
measurement on a mobile service robot", RO-MAN 2014; the loaders named above.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_files import read_json
from rppgbench.datasets.layout import (
    is_file,
    is_folder,
    matching,
)
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    integer_values,
    resting_rates,
    scale_to_range,
    write_images,
)
from rppgbench.datasets.wrapped_rate import unwrap_rate, wrap_warnings
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import RecordingError

SCENARIOS = {
    "01": "steady",
    "02": "talking",
    "03": "slow_translation",
    "04": "fast_translation",
    "05": "small_rotation",
    "06": "medium_rotation",
    "07": "talking",  # 07-07, which Gideon & Stent know
}
GIDEON = (
    "bad reference signal: Gideon & Stent 2021 (ToyotaResearchInstitute/RemotePPG) leave it out of "
    "the test set, SiNC (CVPRL/SiNC-rPPG) out of every set"
)
KNOWN_BAD = {"07-02": GIDEON, "07-07": GIDEON}
OXIMETER_HZ = 60.0
NO_SATURATION = 127
NO_RATE = (0, 127)
FLAT_S = 0.5  # a pulse is shorter at its lowest level
ORDER = ("01", "10", "02", "09", "08", "05", "06", "03", "04", "07")
"""Simulated subjects in this order: the first four are in both parts of every shipped split."""


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, match in matching(base, r"(\d\d)-(\d\d)"):
        if not is_folder(folder):
            continue
        name = folder.name
        pictures = folder / name if is_folder(folder / name) else folder
        labels = folder / f"{name}.json"
        if not is_file(labels):
            labels = base / f"{name}.json"
        images = [image for image, _ in matching(pictures, r"Image\d+\.png")]
        yield Recording(
            dataset="pure",
            name=name,
            subject=match[1],
            video=partial(_video, pictures, tuple(images)),
            ground_truth=partial(_ground_truth, labels, tuple(images)),
            files=(*images, labels),
            scenario=SCENARIOS.get(match[2], match[2]),
            known_bad=KNOWN_BAD.get(name, ""),
        )


def _video(folder: Path, images: tuple[Path, ...]) -> VideoSource:
    if not images:
        raise RecordingError(f"{folder}: holds no Image<ns>.png; unzip the recording again")
    stamps = _stamps(images)
    return VideoSource(
        folder, images=images, times_s=np.array([(ns - stamps[0]) * 1e-9 for ns in stamps])
    )


def _stamps(images: tuple[Path, ...]) -> list[int]:
    return [int(image.stem.removeprefix("Image")) for image in images]


def _ground_truth(file: Path, images: tuple[Path, ...]) -> GroundTruth:
    content = read_json(file)
    try:
        start = _stamps(images)[0] if images else int(content["/Image"][0]["Timestamp"])
        rows = content["/FullPackage"]
        times_s = np.array([(int(row["Timestamp"]) - start) * 1e-9 for row in rows])
        wave = np.array([float(row["Value"]["waveform"]) for row in rows])
        rate = np.array([float(row["Value"]["pulseRate"]) for row in rows])
        saturation = np.array([float(row["Value"].get("o2saturation", np.nan)) for row in rows])
        error, searching = (
            np.array([bool(row["Value"].get(name)) for row in rows], dtype=bool)
            for name in ("probeError", "searching")
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as fault:
        raise RecordingError(
            f"{file}: has no /FullPackage with Timestamp, waveform and pulseRate "
            f"({type(fault).__name__}: {fault}); unzip the recording again"
        ) from fault
    lost = error | ((wave == 0) & np.isin(rate, NO_RATE)) | _flat(wave == 0, times_s)
    warnings = []
    if lost.any():
        warnings.append(
            f"{file.name}: {np.count_nonzero(lost)} of {len(lost)} samples are no pulse "
            "(probe error, or a waveform of 0): left out"
        )
    worn = np.isfinite(saturation) & ~lost & ~searching & (saturation != NO_SATURATION)
    readings = Signal(np.where(worn, saturation, np.nan), times_s)
    signs = {"oxygen_saturation": readings if worn.any() else None}
    unwrapped = unwrap_rate(Signal(np.where(searching, np.nan, rate)[~lost], times_s[~lost]))
    return clean_labels(
        file,
        pulse=Signal(wave[~lost], times_s[~lost]),
        heart_rate=unwrapped.heart_rate,
        signs=signs,
        one_clock=True,
        warnings=[*warnings, *wrap_warnings(unwrapped, file.name)],
    )


def _flat(zero: NDArray[np.bool_], times_s: Array) -> NDArray[np.bool_]:
    """The samples (N,) in runs of zeros of half a second or more."""
    out = np.zeros(len(zero), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], zero, [False]])))
    for first, stop in edges.reshape(-1, 2):
        out[first:stop] = times_s[stop - 1] - times_s[first] >= FLAT_S - 1 / OXIMETER_HZ
    return out


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Three of the six motions for each subject, so two subjects have all; 06-02 does not exist."""
    for at, (subject, rate) in enumerate(resting_rates("pure", ORDER, plan).items()):
        for session in sorted(SCENARIOS)[at % 2 : 6 : 2]:
            if (subject, session) == ("06", "02"):
                continue
            random = generator("pure", "frame times", plan.seed, subject, session)
            motion = "still" if session == "01" else SCENARIOS[session]
            scene = Scene(
                width=256,
                height=192,
                times_s=frame_times(plan.seconds, 30.0, jitter_s=0.0005, random=random),
                difficulty=plan.difficulty,
                motion=motion,  # type: ignore[arg-type]  # the names are the same
                light="indoor",
                face_height=0.55,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """The nested layout: PNG images named by nanoseconds, and the JSON of oximeter and images."""
    import json

    name = f"{recording.subject}-{recording.session}"
    start = 1_392_643_993_642_815_000  # a moment of 2014, as in the set
    stamps = [start + round(time * 1e9) for time in recording.scene.times_s]
    folder = root / name
    write_images(folder / name, (f"Image{ns}.png" for ns in stamps), recording.frames())
    times_s = device_times(plan.seconds + 0.2, OXIMETER_HZ) - 0.1
    wave = integer_values(scale_to_range(recording.pulse_at(times_s), 0, 100))
    rate = integer_values(recording.heart_rate_at(times_s))
    saturation = integer_values(recording.oxygen_saturation_at(times_s))
    package = [
        {
            "Timestamp": start + round(time * 1e9),
            "Value": {
                "waveform": w,
                "pulseRate": r,
                "o2saturation": o2,
                "signalStrength": 6,
                "probeError": False,
                "searching": False,
            },
            "FrameID": "",
        }
        for time, w, r, o2 in zip(times_s, wave, rate, saturation, strict=True)
    ]
    content = {"/FullPackage": package, "/Image": [{"Timestamp": ns} for ns in stamps]}
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


pure = folder_dataset(
    name="pure",
    title="PURE, pulse rate detection data set",
    cite="10.1109/ROMAN.2014.6926392",
    licence="for research, on request by e-mail to the address on the page",
    url="https://www.tu-ilmenau.de/neurob/data-sets-code/pulse-rate-detection-dataset-pure",
    folders=("PURE",),
    expected={"subjects": 10, "recordings": 59},
    example="folders 01-01 (unzip 01-01.zip first)",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
)
