"""PhysDrive: 48 drivers on real roads, in three cars, at four times of day.

Layout: one of two, which may lie beside each other:

- `On-Road-rPPG/CODE/SESSION/{Align/*.png, Label/*.mat}`, as the owners' programs and rPPG-Toolbox
  read it: one image and one value of each label for each frame.
- `CODE/SESSION/{RGB.mp4, IR.mp4, Recording_Physiological_Data.csv, Label/*.mat}`, as the README
  shows it and as the public sample of one driver is packed (folder `RGB and IR (one subject
  sample)`); the videos may also lie in a folder `Video`.

CODE is car (A, B, C), sex (F, M), light (Z noon, H dusk or early morning, W midnight, Y rain or
clouds) and a number: one driver. SESSION is road (A flat and free, B flat and congested, C bumpy
and congested) and driver (S or 1 stationary, T or 2 talking).

Rules:

- Images are sorted by their numbers; frame k is taken at k / 30 s. A missing number is a gap. The
  README's counts of hours and frames give 17 frames a second. A warning says where the pulse has
  another rate than the heart rates of the device, as it has if the frames are not 30 a second.
- With the CSV file its rows are the labels, at its timestamps; the unit of the timestamps is the
  one in which a pulse has 2 to 2,000 samples a second. The file begins with the video.
- Without it, or without a pulse in it, `Label/BVP.mat` (else `BVP_Filt.mat`) counts: with as many
  values as rows of the CSV file its times are theirs, with as many values as frames value k belongs
  to frame k, also where images of frames are missing. Anything else is refused. rPPG-Toolbox
  stretches any number of values over the frames.
- `HR.mat`, `RESP.mat` and `SPO2.mat` are read by the same rule where the CSV file has no such
  column; a fault of theirs costs no pulse. `ECG.mat`, the infrared video, the radar (`mmWave`) and
  the owners' maps (`STMap`) are not read.
- Where a session has both images and `RGB.mp4`, the images are read; `bench data check` counts the
  others. A folder `processed`, which programs of others leave behind, is no driver.

The owners publish no bad recordings. rPPG-Toolbox drops clips whose pulse NeuroKit gives a quality
below 0.5, and prints every other fault and goes on, so its n depends on the copy. One project
leaves AFZ3 out because its colour and infrared pictures could not be aligned; nothing is wrong with
its labels. Sources: Wang, Yang, Hu, Tang, Liu, He, Wang, Chen, Wu, "PhysDrive", NeurIPS 2025, arXiv
2507.19172; README and programs of github WJULYW/PhysDrive-Dataset; rPPG-Toolbox; two projects of
users of the set.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.ground_truth import clean_labels
from rppgbench.datasets.label_sheets import read_sheet
from rppgbench.datasets.layout import (
    first_folder,
    folders_matching,
    is_file,
    is_folder,
    matching,
    require_single,
)
from rppgbench.datasets.mat_variables import read_mat_series
from rppgbench.datasets.rate_comparison import compare_rates
from rppgbench.datasets.sample_order import format_count
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    device_times,
    order_first,
    resting_rates,
    scale_to_range,
    write_clip,
    write_images,
    write_lines,
    write_mat,
)
from rppgbench.datasets.vital_signs import read_vital_sign, spoken
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError
from rppgbench.video.stream import open_video

OUTER = "PhysDrive"
PLACES = ("", "On-Road-rPPG", "RGB and IR (one subject sample)")
"""Folders of the set that hold drivers."""

SHEET = "Recording_Physiological_Data.csv"
FRAMES_HZ = 30.0
CARS = {"A": "car_a0", "B": "car_b", "C": "suv_c"}
LIGHTS = {"Z": "noon", "H": "dusk", "W": "midnight", "Y": "rain"}
ROADS = {"A": "free_road", "B": "congested_road", "C": "bumpy_road"}
SPEECH = {"S": "stationary", "1": "stationary", "T": "talking", "2": "talking"}
MATS = {
    "pulse": (("BVP.mat", "BVP_Filt.mat"), "BVP"),
    "heart_rate": (("HR.mat",), "HR"),
    "respiration": (("RESP.mat",), "RESP"),
    "oxygen_saturation": (("SPO2.mat",), "SPO2"),
}
"""Files of `Label` and the variable in them, by the kind of label."""

COLUMNS = {
    "pulse": {"bvp", "ppg"},
    "heart_rate": {"hr", "heart rate", "heart_rate"},
    "respiration": {"resp", "respiration"},
    "oxygen_saturation": {"spo2"},
}
TIMES = {"timestamp", "timestamps", "time"}
"""Names of columns of the CSV file, in small letters; the README does not print them."""

SECONDS = (1.0, 1e-3, 1e-6, 1e-9)
"""Seconds in a unit of time: s, ms, us, ns."""

SHORTEST_STEP_S, LONGEST_STEP_S = 0.0005, 0.5
ORDER = order_first(
    "AMH1 BFZ1 CMW1 AFY1",
    ("".join(code) for code in product("ABC", "FM", "ZHWY", "12")),
)
"""Simulated subjects in this order: the sample's driver, then one in each other car."""

LABELS_HZ = 100.0
START_S = 1_720_000_000.0


def _sessions_on_disk(base: Path) -> Iterator[tuple[Path, str, str]]:
    """The folder, the driver's code and the session's letters of each recording."""
    known: dict[str, Path] = {}
    for place in filter(is_folder, (base / name for name in PLACES)):
        for driver, code in folders_matching(place, r"[ABC][FM][ZHWY]\d"):
            for folder, session in folders_matching(driver, r"[ABC][ST12]"):
                require_single(known, f"{code[0]}_{session[0]}", folder)
                yield folder, code[0], session[0]


def _recordings(base: Path) -> Iterator[Recording]:
    for folder, code, session in _sessions_on_disk(base):
        images, video = _images(folder), _video_file(folder)
        labels = (folder / "Label" / name for files, _ in MATS.values() for name in files)
        yield Recording(
            dataset="physdrive",
            name=f"{code}_{session}",
            subject=code,
            video=partial(_video, folder, images, video),
            ground_truth=partial(_ground_truth, folder, images, video),
            files=(*(images or [video]), *filter(is_file, (folder / SHEET, *labels))),
            scenario=f"{ROADS[session[0]]}_{SPEECH[session[1]]}",
            source=CARS[code[0]],
            light=LIGHTS[code[2]],
        )


def _images(folder: Path) -> tuple[Path, ...]:
    align = folder / "Align"
    return tuple(i for i, _ in matching(align, r"\d+\.png")) if is_folder(align) else ()


def _video_file(folder: Path) -> Path:
    inner = folder / "Video" / "RGB.mp4"
    return inner if is_file(inner) else folder / "RGB.mp4"


def _image_times(images: Sequence[Path]) -> Array:
    """The times (T,) of the images in seconds: their numbers at 30 a second, from the first on."""
    numbers = np.array([int(image.stem) for image in images], dtype=np.float64)
    times_s: Array = (numbers - numbers[0]) / FRAMES_HZ
    return times_s


def _video(folder: Path, images: tuple[Path, ...], video: Path) -> VideoSource:
    if images:
        return VideoSource(folder / "Align", images=images, times_s=_image_times(images))
    if is_folder(folder / "Align") and not is_file(video):
        raise RecordingError(f"{folder / 'Align'}: holds no NUMBER.png; unpack the session again")
    return VideoSource(video)


def _ground_truth(folder: Path, images: tuple[Path, ...], video: Path) -> GroundTruth:
    warnings: list[str] = []
    signals: dict[str, Signal] = {}
    clocks = []
    sheet = folder / SHEET
    if is_file(sheet):
        times_s, signals = _sheet_signals(sheet, warnings)
        clocks.append(times_s)
    files = {k: f for k, f in _mat_files(folder / "Label").items() if k not in signals}
    if files:
        clocks += _image_clocks(images) if images else [_container_times(video)]
        signals |= _mat_signals(files, clocks, warnings)
    truth = clean_labels(
        sheet if is_file(sheet) else folder / "Label",
        pulse=signals["pulse"],
        heart_rate=signals.get("heart_rate"),
        signs={n: signals[n] for n in ("respiration", "oxygen_saturation") if n in signals},
        warnings=warnings,
    )
    return compare_rates(truth)


def _image_clocks(images: Sequence[Path]) -> list[Array]:
    """The times of the images, and those of all frames where fewer than half of them lack one."""
    times_s = _image_times(images)
    frames = int(images[-1].stem) - int(images[0].stem) + 1
    some_lack = len(images) < frames < 2 * len(images)
    return [times_s, np.arange(frames) / FRAMES_HZ] if some_lack else [times_s]


def _mat_files(folder: Path) -> dict[str, Path]:
    """The MAT file of each kind of label that is there; a pulse belongs there."""
    files = {}
    for kind, (names, _) in MATS.items():
        present = [folder / name for name in names if is_file(folder / name)]
        if present or kind == "pulse":
            files[kind] = present[0] if present else folder / names[0]
    return files


def _sheet_signals(file: Path, warnings: list[str]) -> tuple[Array, dict[str, Signal]]:
    """The times (N,) of the rows in seconds from the first one on, and the labels at them.

    A sensor that is slower than the others fills only some of the rows.
    """
    sheet = read_sheet(file)
    names = [name.lower() for name in sheet.names]
    found = [at for at, name in enumerate(names) if name in TIMES]
    if len(found) != 1 or len(sheet.rows) < 2:
        raise RecordingError(
            f"{file}: has no rows with times in one column of {', '.join(sorted(TIMES))} "
            f"(columns: {', '.join(sheet.names)[:80]}); copy the original file again"
        )
    stamps = sheet.numbers(found[0])
    step = float(np.median(np.diff(stamps[np.isfinite(stamps)])))
    units = [unit for unit in SECONDS if SHORTEST_STEP_S <= step * unit < LONGEST_STEP_S]
    if not units:
        raise RecordingError(
            f"{file}: rows are {step:.3g} apart, which is no step of a pulse in s, ms, us or ns; "
            "copy the original file again"
        )
    times_s = (stamps - stamps[np.isfinite(stamps)][0]) * units[0]
    signals = {}
    for kind, accepted in COLUMNS.items():
        columns = [at for at, name in enumerate(names) if name in accepted]
        if len(columns) > 1:
            raise RecordingError(
                f"{file}: {sheet.names[columns[0]]!r} and {sheet.names[columns[1]]!r} can both be "
                f"the {spoken(kind)}; keep one of them"
            )
        if columns:
            values = sheet.numbers(columns[0])
            known = np.isfinite(values)
            if not known.all():
                rows = format_count(known)
                warnings.append(f"{file.name}: {spoken(kind)}: {rows} rows have a value")
            if known.any():
                signals[kind] = Signal(values[known], times_s[known])
    return times_s, signals


def _container_times(video: Path) -> Array:
    """The times (T,) of a video's frames by its container; none where it does not count them."""
    with open_video(VideoSource(video)) as reader:
        info = reader.info
    count = info.frames if info.frames is not None and info.fps > 0 else 0
    return np.arange(count) / (info.fps or 1.0)


def _mat_signals(
    files: Mapping[str, Path], clocks: Sequence[Array], warnings: list[str]
) -> dict[str, Signal]:
    """The labels of the MAT files, each at the clock that has as many times as it has values."""

    def read(file: Path, variable: str) -> Signal:
        wave = read_mat_series(file, variable)
        times_s = min(clocks, key=lambda clock_s: abs(len(wave) - len(clock_s)))
        count = min(len(wave), len(times_s))
        extra = abs(len(wave) - len(times_s))
        if extra > max(2.0, 0.01 * len(times_s)) or count < 2:
            counts = " or ".join(str(len(clock_s)) for clock_s in clocks)
            raise RecordingError(
                f"{file}: {len(wave)} values for {counts} frames, so their times are not known; "
                f"copy {SHEET} beside Label"
            )
        if extra:
            warnings.append(
                f"{file.name}: {len(wave)} values for {len(times_s)} times: the first "
                f"{count} of both are used"
            )
        return Signal(wave[:count], times_s[:count])

    signals = {}
    for kind, file in files.items():
        variable = MATS[kind][1]
        if kind == "pulse":
            signals[kind] = read(file, variable)
            continue
        signal = read_vital_sign(kind, partial(read, file, variable), warnings)
        if signal is not None:
            signals[kind] = signal
    return signals


def _leftovers(root: Path) -> Iterator[str]:
    base = first_folder(root, OUTER)
    unread = Counter[str]()
    for folder, _, _ in _sessions_on_disk(base):
        unread["RGB.mp4"] += is_file(_video_file(folder)) and bool(_images(folder))
        unread["IR.mp4"] += is_file(_video_file(folder).with_name("IR.mp4"))
    if unread["RGB.mp4"]:
        yield f"not read: {unread['RGB.mp4']} of RGB.mp4: the session's images in Align are read"
    if unread["IR.mp4"]:
        yield f"not read: {unread['IR.mp4']} of IR.mp4: infrared has no colours"
    if any(is_folder(base / name / "mmWave") for name in PLACES):
        yield "not read: mmWave: radar"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Sitting still on a free road and talking on a bumpy one, for each driver."""
    light = {"Z": "bright", "H": "indoor", "W": "dim", "Y": "changing"}
    for code, rate in resting_rates("physdrive", ORDER, plan).items():
        for session in ("AS", "CT") if code == "AMH1" else ("A1", "C2"):
            scene = Scene(
                width=160,
                height=120,
                times_s=frame_times(plan.seconds, FRAMES_HZ),
                difficulty=plan.difficulty,
                motion="still" if session[0] == "A" else "talking",
                light=light[code[2]],  # type: ignore[arg-type]
                face_height=0.6,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(code, session, scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """The sample's driver in the README's layout, all others in that of the owners' programs."""
    if recording.subject == "AMH1":
        folder = root / PLACES[2] / "AMH1" / recording.session
        write_clip(folder / "RGB.mp4", recording, "libx264")
        times_s = device_times(plan.seconds, LABELS_HZ)
        columns = _labels(recording, times_s)
        rows = (
            ",".join([f"{START_S + t:.3f}", *(f"{v:.4f}" for v in row)])
            for t, row in zip(times_s, np.stack(list(columns.values()), axis=1), strict=True)
        )
        write_lines(folder / SHEET, ["timestamp,BVP,HR,RESP,SPO2", *rows])
        return
    folder = root / PLACES[1] / recording.subject / recording.session
    times_s = recording.scene.times_s
    names = (f"{k:05}.png" for k in range(len(times_s)))
    write_images(folder / "Align", names, recording.frames())
    for kind, values in _labels(recording, times_s).items():
        files, variable = MATS[kind]
        write_mat(folder / "Label" / files[0], {variable: values[None, :]})


def _labels(recording: SimulatedRecording, times_s: Array) -> dict[str, Array]:
    return {
        "pulse": scale_to_range(recording.pulse_at(times_s), 0, 1000),
        "heart_rate": recording.heart_rate_at(times_s),
        "respiration": scale_to_range(recording.respiration_at(times_s), 0, 1000),
        "oxygen_saturation": recording.oxygen_saturation_at(times_s),
    }


physdrive = folder_dataset(
    name="physdrive",
    title="PhysDrive, drivers on the road",
    cite="PhysDrive, NeurIPS 2025, arXiv 2507.19172",
    licence="academic use only; the raw set after signing a data share agreement, "
    "a sample of one driver without",
    url="https://github.com/WJULYW/PhysDrive-Dataset",
    folders=(OUTER,),
    expected={"subjects": 48, "recordings": 288},
    example="AFH1/A1/Align/*.png with Label/BVP.mat, or AMH1/AS/RGB.mp4",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
