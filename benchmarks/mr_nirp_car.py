"""MR-NIRP-Car: drivers in a garage and in traffic; the colour camera's raw sensor values.

Layout: `SubjectN/subjectN_PLACE_MOTION_WAVELENGTH/{RGB.zip, PulseOX.zip}` with PLACE garage or
driving, MOTION still, small_motion or large_motion, and WAVELENGTH 940 or 975 (nm, of the infrared
camera beside the colour camera). `RGB.zip` holds `RGB/Frame00000.pgm` and so on, `PulseOX.zip`
holds `PulseOX/pulseOx.mat`; unpacked folders `RGB` and `PulseOX` are read in place of the archives.

Frames: 640 x 640 raw values of a Bayer mosaic in a container of 16 bits.

- The pattern is RGGB. OpenCV's old name for RGGB is `COLOR_BAYER_BG2RGB`; by the name alone, a
  reader exchanges red and blue.
- The owners' camera gives 10 bits; a user found 12 bits in the upper bits of all files that he had.
  The bits are measured on the first, the middle and the last frame: where the lowest four bits of
  all values are 0, the values stand in the upper bits; else 10 or 12 bits stand in the lower ones.
  The colours are interpolated in these bits and then scaled to 8. Readers that shift the container
  by 8 bits get a picture of four levels where the values stand in the lower bits.
- Frames without a mosaic are the infrared camera's: other archives held them under `RGB`.
- There are no times: frame k is taken at k / 30 s.

Labels: `pulseOxTime` are Unix seconds and `pulseOxRecord` the pulse, an array or a cell array; 32
to 60 uneven samples a second. Time counts from the first sample, which is assumed to be taken with
the first frame. A sample of 0 is no reading.

Subject 16 is subject 2 at night (RemotePPG), so both are one person here. subject2's
garage_small_motion_940 has damaged frames (`KNOWN_BAD`). Other projects leave out large_motion; it
is read here. The infrared frames (`NIR`) are not read. Sources: Nowara, Marks, Mansour,
Veeraraghavan, "Near-infrared imaging photoplethysmography during driving", IEEE Transactions on
Intelligent Transportation Systems 23, pp. 3589-3600, 2022; RemotePPG; a proposed reader of
rPPG-Toolbox; two projects of users of the set.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.recording import BayerMosaic, GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Signal
from rppgbench.datasets.archives import archive_folders, pack_folder, read_archived_mat
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.layout import first_folder, is_file, is_folder, matching
from rppgbench.datasets.mat_variables import read_mat, unpack_single
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    encode_image,
    order_first,
    resting_rates,
    scale_to_range,
    write_mat,
)
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times, generator
from rppgbench.system.errors import RecordingError
from rppgbench.video.image_files import ImageFiles

FOLDERS = ("MR-NIRP Car", "MR-NIRP_Car", "MR-NIRP-Car")
SESSION = r"subject(\d+)_((?:garage|driving)_(?:still|small_motion|large_motion))_\d{3}"
IMAGE = r"Frame\d+\.pgm"
LABELS = ("PulseOX", "pulseOx.mat")
FRAMES_HZ = 30.0
SAME_PERSON = {"16": "2"}
LEAST_MOSAIC = 0.01
"""Least difference of the four pixels of a mosaic, in the mean over a frame and by its level.

A user of the set measured 0.2 to 0.3 on colour frames and 0.0005 on infrared ones.
"""

KNOWN_BAD = {
    "subject2_garage_small_motion_940": "damaged frames: RemotePPG and others leave it out"
}
START_S = 1_538_400_000.0  # October 2018
SENSOR = (0.94, 1.12, 0.94)
"""Red, green and blue of a simulated sensor, without a white balance; assumed."""

PEOPLE = tuple(f"subject{n}" for n in range(1, 20) if str(n) not in SAME_PERSON)
ORDER = order_first("subject1 subject17 subject13 subject3 subject18", PEOPLE)
"""Simulated subjects in this order: all parts of `mr-nirp-car-gideon` among the first."""


def _sessions_of(base: Path) -> Iterator[tuple[Path, str, str]]:
    """The folder, the person and the situation of each session."""
    for person, _ in matching(base, r"[Ss]ubject\d+"):
        if is_folder(person):
            for folder, match in matching(person, SESSION):
                if is_folder(folder):
                    yield folder, f"subject{SAME_PERSON.get(match[1], match[1])}", match[2]


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, person, situation in _sessions_of(base):
        images: tuple[Path, ...] = ()
        if is_folder(folder / "RGB"):
            images = tuple(image for image, _ in matching(folder / "RGB", IMAGE))
        labels = folder.joinpath(*LABELS)
        if not is_file(labels):
            labels = folder / "PulseOX.zip"
        yield Recording(
            dataset="mr_nirp_car",
            name=folder.name,
            subject=person,
            video=partial(_video, folder, images),
            ground_truth=partial(_ground_truth, labels),
            files=(*(images or (folder / "RGB.zip",)), labels),
            scenario=situation,
            source="rgb",
            known_bad=KNOWN_BAD.get(folder.name, ""),
        )


def _video(folder: Path, images: tuple[Path, ...]) -> VideoSource:
    frames, archive = folder / "RGB", None
    if not images:
        archive = folder / "RGB.zip"
        frames, images = archive / "RGB", archive_folders(archive, IMAGE).get("RGB", ())
    if not images:
        raise RecordingError(f"{frames}: holds no Frame00000.pgm and so on; copy it again")
    times_s = np.arange(len(images)) / FRAMES_HZ
    source = VideoSource(frames, images=images, archive=archive, times_s=times_s)
    mosaic = BayerMosaic(pattern="RGGB", white=_white(frames, _samples(source)))
    return replace(source, mosaic=mosaic)


def _samples(source: VideoSource) -> list[NDArray[Any]]:
    """The raw values (H, W) of the first, the middle and the last frame that can be read."""
    files = ImageFiles(source)
    try:
        count = len(source.images)
        places = sorted({0, count // 2, count - 1})
        raws = [files.raw(source.images[place]) for place in places]
    finally:
        files.close()
    return [raw for raw in raws if raw is not None]


def _white(frames: Path, raws: Sequence[NDArray[Any]]) -> int:
    """The highest value that the sensor can give, by the bits that the values have.

    Args:
        frames: the place of the frames, for messages.
        raws: frames of raw values.

    Raises:
        RecordingError: no frame, no mosaic, no raw values, or bits that no known copy has.
    """
    if not raws or any(raw.ndim != 2 for raw in raws):
        raise RecordingError(
            f"{frames}: its first, middle and last frame are no raw values; copy it again"
        )
    cells = [raw[row::2, column::2].mean() for raw in raws for row in (0, 1) for column in (0, 1)]
    means = np.reshape(cells, (-1, 4)).mean(axis=0)
    if np.ptp(means) < LEAST_MOSAIC * max(means.mean(), 1.0):
        raise RecordingError(
            f"{frames}: its frames have no mosaic of colours, so they are of the infrared camera; "
            "look for the colour frames under NIR, and exchange both"
        )
    if raws[0].dtype == np.uint8:
        return 255
    used = int(np.bitwise_or.reduce([np.bitwise_or.reduce(raw, axis=None) for raw in raws]))
    unused_low = (used & -used).bit_length() - 1
    if unused_low >= 4:  # 12 or 10 bits in the upper bits
        return (1 << 16) - (1 << (4 if unused_low < 6 else 6))
    for bits in (10, 12):
        if used < 1 << bits:
            return (1 << bits) - 1
    raise RecordingError(
        f"{frames}: its values have {used.bit_length()} bits, and the camera has 10 or 12; "
        "copy the original frames again"
    )


def _ground_truth(labels: Path) -> GroundTruth:
    names = ("pulseOxRecord", "pulseOxTime")
    if labels.suffix == ".zip":
        variables = read_archived_mat(labels, "/".join(LABELS), *names)
    else:
        variables = read_mat(labels, *names)
    wave, times_s = (_numbers(labels, name, variables[name]) for name in names)
    if len(wave) != len(times_s):
        raise RecordingError(
            f"{labels}: {len(wave)} samples and {len(times_s)} times; copy the original file again"
        )
    known_s = times_s[np.isfinite(times_s)]
    if not len(known_s):
        raise RecordingError(f"{labels}: holds no time; copy the original file again")
    warnings = []
    absent = wave == 0
    if absent.any():
        warnings.append(
            f"pulseOx.mat: {np.count_nonzero(absent)} of {len(wave)} samples are 0: left out"
        )
    pulse = Signal(wave[~absent], (times_s - known_s[0])[~absent])
    return clean_labels(labels, pulse=pulse, warnings=warnings)


def _numbers(file: Path, name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """A variable as numbers (N,), also where it is a cell array of single numbers."""
    try:
        if values.dtype.hasobject:
            values = np.array([unpack_single(np.asarray(cell)) for cell in values.ravel()])
        return values.ravel().astype(np.float64)
    except (TypeError, ValueError) as error:
        raise RecordingError(
            f"{file}: variable {name!r} does not hold numbers; copy the original file again"
        ) from error


def _leftovers(root: Path) -> Iterator[str]:
    """What is not read: infrared frames, and folders under other names."""
    base = first_folder(root, *FOLDERS)
    read = {folder for folder, _, _ in _sessions_of(base)}
    places = Counter(
        name for folder in read for name in ("NIR", "NIR.zip") if (folder / name).exists()
    )
    for name, count in places.items():
        yield f"not read: {count} of {name}: infrared has no colours"
    for person, _ in matching(base, r"[Ss]ubject\d+"):
        for folder, _ in matching(person, r".+") if is_folder(person) else ():
            if folder not in read:
                yield f"not read: {person.name}/{folder.name}: its name is of no session"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """A still driver in the garage and one in traffic for each subject."""
    for subject, rate in resting_rates("mr_nirp_car", ORDER, plan).items():
        for session in ("garage_still_940", "driving_small_motion_975"):
            scene = Scene(
                width=160,
                height=160,
                times_s=frame_times(plan.seconds, FRAMES_HZ),
                difficulty=plan.difficulty,
                motion="still" if session == "garage_still_940" else "small_rotation",
                light="indoor" if session == "garage_still_940" else "changing",
                face_height=0.6,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """Raw values of 10 bits in the upper bits of 16, and an oximeter with uneven samples."""
    person = recording.subject
    folder = root / person.capitalize() / f"{person}_{recording.session}"
    (folder / "RGB").mkdir(parents=True, exist_ok=True)
    for at, rgb in enumerate(recording.frames()):
        file = folder / "RGB" / f"Frame{at:05d}.pgm"
        file.write_bytes(encode_image(file, _raw(rgb)))
    pack_folder(folder / "RGB", folder / "RGB.zip")
    random = generator("mr_nirp_car", "oximeter", plan.seed, person, recording.session)
    times_s = frame_times(plan.seconds, 55.0, jitter_s=0.004, random=random)
    wave = scale_to_range(recording.pulse_at(times_s), 1, 100)
    content = {"pulseOxRecord": wave[None], "pulseOxTime": START_S + times_s[None]}
    write_mat(folder.joinpath(*LABELS), content)
    pack_folder(folder / LABELS[0], folder / f"{LABELS[0]}.zip")


def _raw(rgb: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """A picture (H, W, 3) as the sensor sees it behind its filter: (H, W)."""
    raw = np.empty(rgb.shape[:2], np.uint16)
    for place, colour in enumerate((0, 1, 1, 2)):
        row, column = divmod(place, 2)
        values = rgb[row::2, column::2, colour] * (SENSOR[colour] * 1023 / 255)
        raw[row::2, column::2] = np.rint(np.minimum(values, 1023)).astype(np.uint16) << 6
    return raw


mr_nirp_car = folder_dataset(
    name="mr_nirp_car",
    title="MR-NIRP-Car",
    cite="10.1109/TITS.2020.3038317",
    licence="research only, under the terms on the page of Rice University",
    url="https://computationalimaging.rice.edu/mr-nirp-dataset/",
    folders=FOLDERS,
    expected={"subjects": 18, "recordings": 190},
    example="Subject1/subject1_garage_still_940/RGB.zip with PulseOX.zip",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
