"""Common inputs, for which `bench data check` and `bench run` report the same faults.

Every case runs both commands. All videos are one simulated video of a face at 53 bpm, so that a
cache of features decodes the video once.
"""

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rppgbench.cli import DONE, FAULT, main
from rppgbench.core.features import FaceTrack, Features, RegionMoments
from rppgbench.core.recording import VideoSource
from rppgbench.core.registry import load_datasets
from rppgbench.core.waveform import Array
from rppgbench.datasets.recording_check import check_recording
from rppgbench.datasets.simulated_writers import write_images
from rppgbench.execution import recording_task as work
from rppgbench.simulation import Scene, SimulationPlan, frame_times, simulate
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError, one_line
from rppgbench.video.stream import open_video
from rppgbench.video.writing import write_video

from .factories import trees
from .factories.tasks import make_recording_task
from .label_files import LABEL_FILES, Columns

BPM, SECONDS, FPS = 53.0, 11.0, 30.0
LAB = Path(__file__).parent / "cases" / "lab"
PHASE = 2 * np.pi * BPM / 60


@dataclass(frozen=True, kw_only=True)
class FaceVideo:
    """The video of a face, and folders that the cases share."""

    video: Path
    frames: Sequence[np.ndarray]
    cache: Path
    pulse_at: Callable[[Array], Array]

    def link(self, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(self.video, place)

    def at_rate(self, place: Path, fps: float) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        times_s = np.arange(len(self.frames)) / fps
        write_video(place, iter(self.frames), times_s, codec="mjpeg", pixel_format="yuvj420p")


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> FaceVideo:
    times_s = frame_times(SECONDS, FPS)
    scene = Scene(
        width=160,
        height=120,
        times_s=times_s,
        difficulty="easy",
        face_height=0.62,
        heart_rate_bpm=BPM,
    )
    recording = simulate(dataset="cases", subject="anna", session="1", scene=scene, seed=0)
    folder = tmp_path_factory.mktemp("video")
    face_video = FaceVideo(
        video=folder / "face.avi",
        frames=list(recording.frames()),
        cache=folder / "cache",
        pulse_at=recording.pulse_at,
    )
    face_video.at_rate(face_video.video, FPS)
    return face_video


# ---- both commands ----


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The messages of both commands on a recording, and the two heart rates of the run."""

    lines: tuple[str, ...]
    usable: bool
    reference_bpm: float | None
    estimate_bpm: float | None


class BothCommands:
    """Runs both commands on a tree and compares their messages."""

    def __init__(self, cache: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.cache, self.out, self.capsys = cache, out, capsys

    def refuse(self, dataset: str, root: Path) -> str:
        """The last line of both commands, without a traceback."""
        codes, lines = [], []
        for words in (self._check(dataset, root), self._run(dataset, root)):
            codes.append(main(words))
            lines.append(self.capsys.readouterr().err.strip().splitlines()[-1])
        assert codes == [FAULT, FAULT]
        assert lines[0] == lines[1]
        return lines[0]

    def compare(self, dataset: str, root: Path, *more: str) -> tuple[dict[str, Outcome], list[str]]:
        """The messages of both commands on each recording, and on the whole set."""
        code = main([*self._check(dataset, root), *more])
        check = json.loads(self.capsys.readouterr().out)
        # The trees hold one video many times; a run compares recordings only where methods learn.
        repeats = ("hold the same", "holds the same", "frames are compared")
        check["findings"] = [
            finding
            for finding in check["findings"]
            if not any(part in finding["text"] for part in repeats)
        ]
        assert (code == DONE) == check["fit"]
        assert main([*self._run(dataset, root), *more]) in {0, 3}
        log = self.capsys.readouterr().err
        rates = {row["recording"]: row for row in _rows(self.out / "heart_rates.csv")}
        out = {}
        for (_, name, _), observed in Store(self.out).observed().items():
            findings = [f for f in check["findings"] if f["recording"] == name]
            warnings = [*observed.metadata.get("warnings", []), *observed.ground_truth.warnings]
            for line in warnings:
                assert f"warning: {dataset}/{name}: {one_line(line)}" in log
            by_check = [f["text"] for f in findings if f["severity"] == "warning"]
            assert sorted(by_check) == sorted(warnings)
            assert all(not f["file"] or Path(f["file"]).is_absolute() for f in findings)
            errors = [f for f in findings if f["severity"] == "error"]
            assert not _rest(observed.reason, errors)
            if errors:
                assert observed.ground_truth.pulse is observed.ground_truth.heart_rate is None
                assert f"failed: {dataset}/{name}: {one_line(observed.reason)}" in log
            lines = tuple(f["text"] for f in findings)
            row = rates.get(name, {})
            reference = _number(row.get("reference_heart_rate_bpm"))
            out[name] = Outcome(
                lines=lines,
                usable=not errors,
                reference_bpm=reference,
                estimate_bpm=_number(row.get("heart_rate_bpm")),
            )
        of_all = [f["text"] for f in check["findings"] if not f["recording"]]
        # The check is of all protocols, the run of one that has no folds.
        other = ("whole set", "own folds", "own fold files")
        of_all = [text for text in of_all if not any(part in text for part in other)]
        for line in of_all:
            assert line in log
        return out, of_all

    def _check(self, dataset: str, root: Path) -> list[str]:
        return ["data", "check", dataset, str(root), "--json"]

    def _run(self, dataset: str, root: Path) -> list[str]:
        protocol = "labp" if dataset == "labx" else "videos"
        arguments = ["run", "--protocol", protocol, "--methods", "pos", "--out", str(self.out)]
        test = [] if dataset in {"labx", "video_folder"} else ["--test", dataset]
        return [*arguments, "--data", f"{dataset}={root}", "--cache", str(self.cache), *test]


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open() as stream:
        return list(csv.DictReader(stream))


def _number(cell: str | None) -> float | None:
    return float(cell) if cell else None


def _rounded(line: str) -> str:
    """Without the last digits of a ratio: the container's clock and the decoded times differ."""
    return re.sub(r"(ratio [\d,]+\.\d)\d+", r"\1", line)


def _rest(reason: str, errors: Iterable[Mapping[str, str]]) -> str:
    """The part of a run's reason that is not in the errors of a data check."""
    reason = _rounded(reason)
    for error in errors:
        whole, text = _rounded(f"{error['file']}: {error['text']}"), _rounded(error["text"])
        said = whole if error["file"] and whole in reason else text
        assert said in reason
        reason = reason.replace(said, "", 1)
    return reason.replace("labels: ", "").strip("; ")


@pytest.fixture
def both(face: FaceVideo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> BothCommands:
    return BothCommands(face.cache, tmp_path / "results", capsys)


Verdict = tuple[str, tuple[str, ...]]
"""right: scored with the right number; warned: scored with these warnings; no truth: not scored,
with these warnings; refused: for this.
"""

RIGHT: Verdict = ("right", ())
MS: Verdict = ("refused", ("look like milliseconds taken for seconds",))


def check_outcomes(result: Mapping[str, Outcome], wanted: Mapping[str, Verdict]) -> None:
    """Each recording has its verdict, every line is expected, and a number is right or none."""
    assert result.keys() == wanted.keys()
    wrong = []
    for name, (verdict, parts) in wanted.items():
        one = result[name]
        fits = len(one.lines) == len(parts)
        fits &= all(any(part in line for line in one.lines) for part in parts)
        fits &= one.usable == (verdict != "refused")
        if verdict == "right":
            numbers = (one.reference_bpm, one.estimate_bpm)
            fits &= all(n is not None and abs(n - BPM) < 2.5 for n in numbers)
        else:
            fits &= (one.reference_bpm is None) == (verdict != "warned")
        if not fits:
            wrong.append((name, verdict, parts, one))
    assert wrong == []


# ---- the cases ----


N = round(SECONDS * FPS) + 1
T_S = np.arange(N) / FPS
RATE = np.round(BPM + np.sin(T_S))


def ubfc(folder: Path, pulse: Array, times_s: Array, *, turned: bool = False) -> None:
    rows = np.stack([pulse, RATE[: len(pulse)], times_s])
    lines = [" ".join(f"{v:.7e}" for v in row) for row in (rows.T if turned else rows)]
    trees.column(folder / "ground_truth.txt", lines)


def test_ubfc_clocks_holes_and_columns(face: FaceVideo, both: BothCommands, tmp_path: Path) -> None:
    pulse, root = face.pulse_at(T_S), tmp_path / "set"
    hole, wide = (T_S > 2) & (T_S < 8), (T_S > 0.5) & (T_S < 10.5)
    flat = np.where(T_S < 3.5, pulse, pulse[105])
    cases: dict[str, tuple[Array, Array]] = {
        "subject38": (pulse, T_S),
        "subject39": (pulse, 1000 * T_S),
        "subject40": (pulse, T_S / 1000),
        "subject41": (pulse, 2 * T_S),
        "subject42": (pulse[~hole], T_S[~hole]),
        "subject43": (flat, T_S),
        "subject44": (np.where(hole, np.nan, pulse), T_S),
        "subject45": (pulse, T_S + 3 * (T_S > 5)),
        "subject46": (pulse[~wide], T_S[~wide]),
        "subject47": (pulse, T_S),
        "subject48": (pulse, 1.03 * T_S),
    }
    for name, (values, times_s) in cases.items():
        folder = root / "DATASET_2" / name
        face.link(folder / "vid.avi")
        ubfc(folder, values, times_s, turned=name == "subject47")
    face.link(root / "DATASET_2" / "subject49" / "vid.avi")
    os.mkfifo(root / "DATASET_2" / "subject49" / "ground_truth.txt")
    (root / "DATASET_2" / "subject50").mkdir()
    result, _ = both.compare("ubfc_rppg", root)
    check_outcomes(
        result,
        {
            "subject38": RIGHT,
            "subject39": MS,
            "subject40": ("refused", ("times too small",)),
            "subject41": ("refused", ("331 labels for 330 frames, one a frame, but",)),
            "subject42": ("no truth", ("pulse: no labels for 6", "heart rate: no labels for 6")),
            "subject43": ("no truth", ("pulse: flat for 7.5 s of 11.0 s",)),
            "subject44": ("no truth", ("pulse samples are not numbers", "pulse: no labels for 6")),
            "subject45": ("refused", ("a jump of 3.0 s after 5.0 s",)),
            "subject46": ("no truth", ("pulse: no labels for 10", "heart rate: no labels for 10")),
            "subject47": ("refused", ("it seems transposed",)),
            "subject48": ("warned", ("pulse: labels last 11.4 s", "heart rate: labels last 11")),
            "subject49": ("refused", ("pipe",)),
            "subject50": ("refused", ("does not exist; copy it", "no such video")),
        },
    )


def test_ubfc_whose_header_has_another_frame_rate(
    face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    for name, fps in (("subject38", 25.0), ("subject40", 600.0)):
        face.at_rate(root / "DATASET_2" / name / "vid.avi", fps)
        ubfc(root / "DATASET_2" / name, face.pulse_at(T_S), T_S)
    result, _ = both.compare("ubfc_rppg", root)
    check_outcomes(
        result,
        {
            "subject38": ("refused", ("one a frame, but labels last 11.0 s, frames 13.2 s",)),
            "subject40": ("refused", ("600 frames a second: no camera", "frames 0.55 s")),
        },
    )


def test_clocks_and_claimed_sizes_of_cohface_are_compared(
    face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    import h5py

    times_s = np.arange(round(SECONDS * 256)) / 256
    root = tmp_path / "set"
    for person, begin_s in (("1", 0.0), ("2", 1.4e9), ("3", 0.0)):
        face.link(root / person / "0" / "data.avi")
        with h5py.File(root / person / "0" / "data.hdf5", "w") as content:
            if person == "3":
                content.create_dataset("pulse", (10**12,), "f8", chunks=(1024,))
            else:
                content["pulse"] = face.pulse_at(times_s)
            content["time"] = begin_s + times_s
            content.attrs["illumination"] = np.array([b"lamp"])
    result, _ = both.compare("cohface", root)
    check_outcomes(
        result,
        {
            "1/0": RIGHT,
            "2/0": ("refused", ("not on one clock (they look like Unix times)",)),
            "3/0": ("refused", ("'pulse' claims 7.3 TB",)),
        },
    )


def test_one_column_with_an_index(face: FaceVideo, both: BothCommands, tmp_path: Path) -> None:
    def indexed(file: Path, values: Sequence[int], header: str) -> None:
        trees.column(file, [f"{k},{v}" for k, v in enumerate(values)], header)

    vipl, phys = tmp_path / "vipl", tmp_path / "phys"
    seconds = [round(BPM)] * 12
    wave = [round(v) for v in 50 + 40 * face.pulse_at(np.arange(660) / 60)]
    for name in ("p1", "p2", "p3"):
        folder = vipl / "data" / name / "v1" / "source1"
        face.link(folder / "video.avi")
        trees.column(folder / "time.txt", [round(1000 * t) for t in T_S[:-1]])
        trees.column(folder / "gt_HR.csv", seconds, "HR")
        trees.column(folder / "wave.csv", wave, "Wave")
        if name != "p3":
            indexed(folder / "gt_HR.csv", seconds, ",HR" if name == "p1" else "Time,HR")
    result, _ = both.compare("vipl_hr", vipl)
    two = ("refused", ("'0,53' can be read as one number, 0.53, or as two, 0 and 53",))
    check_outcomes(result, {"p1/v1/source1": two, "p2/v1/source1": two, "p3/v1/source1": RIGHT})
    face.link(phys / "s1" / "vid_s1_T1.avi")
    indexed(phys / "s1" / "bvp_s1_T1.csv", wave, ",bvp")
    result, _ = BothCommands(both.cache, tmp_path / "phys_results", both.capsys).compare(
        "ubfc_phys", phys
    )
    check_outcomes(result, {"s1_T1": ("refused", ("repair that line",))})


def test_obf_and_simulated_subjects_in_ms(
    face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    obf, people = tmp_path / "obf", tmp_path / "people"
    for name, unit in (("001_1", 1000.0), ("002_1", 1.0)):
        face.link(obf / name / "video.mp4")
        rows = [f"{unit * t:.3f},{v:.4f}" for t, v in zip(T_S, face.pulse_at(T_S), strict=True)]
        trees.column(obf / name / "bvp.csv", rows, "timestamp,bvp")
    result, _ = both.compare("obf", obf)
    check_outcomes(result, {"001_1": MS, "002_1": RIGHT})
    face.link(people / "01" / "video.mp4")
    (people / "01" / "scenario.json").write_text("{}")
    values = zip(1000 * T_S - 31.6, face.pulse_at(T_S), strict=True)
    rows = [f"{t:.1f},{v:.5f},53.00" for t, v in values]
    trees.column(people / "01" / "labels.csv", rows, "time_s,pulse,heart_rate_bpm")
    result, _ = BothCommands(both.cache, tmp_path / "other_results", both.capsys).compare(
        "simulated", people
    )
    check_outcomes(result, {"01": MS})


FOLDERS: dict[str, tuple[str, dict[str, Verdict], tuple[str, ...]]] = {
    "typo": (
        "video,heart_rate_bpm,subject\nanna.mp4,53,a\nbob.mp4,53,b\ncarl.m4v,53,c\nzoe.mp4,53,z\n",
        {
            "anna.mp4": RIGHT,
            "bob.MP4": ("no truth", ()),
            "carl.m4v": RIGHT,
            "dora.3gp": ("no truth", ()),
            "emil.mpg": ("no truth", ()),
            "pipe.mp4": ("refused", ("pipe",)),
        },
        ("did you mean 'bob.MP4'?", "'zoe.mp4', which is not there", "4 of 6 videos have no line"),
    ),
    "cols": ("video,subject,heart_rate_bpm\nanna.mp4,7,53\n", {"anna.mp4": RIGHT}, ()),
    "hz": (
        "video,heart_rate_bpm\nanna.mp4,0.88\n",
        {"anna.mp4": ("no truth", ("0.88 bpm is outside 30 to 240 bpm: no truth",))},
        ("are they in Hz? multiply by 60",),
    ),
    "semi": ("video;heart_rate_bpm;subject\nanna.mp4;53,5;a\n", {"anna.mp4": RIGHT}, ()),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_labels_of_a_folder_of_videos(
    name: str, face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    text, expected, of_all = FOLDERS[name]
    root = tmp_path / name
    root.mkdir()
    for video in expected:
        os.mkfifo(root / video) if video == "pipe.mp4" else face.link(root / video)
    (root / "heart_rates.csv").write_text(text)
    result, said = both.compare("video_folder", root)
    check_outcomes(result, expected)
    assert len(said) == len(of_all)
    for line, part in zip(said, of_all, strict=True):
        assert part in line


def test_labels_of_a_folder_without_a_header(
    face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    face.link(root / "anna.mp4")
    (root / "heart_rates.csv").write_text("anna.mp4,53,a\nbob.mp4,54,b\n")
    assert "line 1 must name the columns" in both.refuse("video_folder", root)


def test_readers_of_others(face: FaceVideo, both: BothCommands, tmp_path: Path) -> None:
    for name in re.findall(r'"(\w+)": lambda', (LAB / "benchmarks" / "labx.py").read_text()):
        face.link(tmp_path / "lab" / f"{name}.mp4")
    result, _ = both.compare("labx", tmp_path / "lab", "--plugins", str(LAB))
    check_outcomes(
        result,
        {
            "early": ("refused", ("not on one clock",)),
            "empty": ("refused", ("the reader returned a pulse without a value",)),
            "fine": RIGHT,
            "flat": ("no truth", ("pulse: flat for 11.0 s of 11.0 s",)),
            "half_nan": (
                "no truth",
                ("301 of 660 pulse samples are not numbers", "labels last 6.0 s"),
            ),
            "huge": ("refused", ("12 of 12 heart rates are outside 30 to 240 bpm",)),
            "hz": ("refused", ("are they in Hz? multiply by 60",)),
            "key_error": ("refused", ("KeyError",)),
            "ms": MS,
            "nan": ("refused", ("660 of 660 pulse samples are not numbers: left out",)),
            "nan_rate": ("refused", ("12 of 12 heart rates are not numbers: no truth there",)),
            "nan_time": ("refused", ("359 of 660 times of pulse that are not numbers",)),
            "none": ("refused", ("the reader returned None, not a GroundTruth",)),
            "one": ("no truth", ("pulse: 1 labels over 330 frames",)),
            "two_columns": ("refused", ("of shape (660, 2), not (N,)",)),
            "unsorted": ("refused", ("times of pulse that do not increase",)),
            "value_error": ("refused", ("ValueError",)),
            "zero": ("refused", ("12 of 12 heart rates are 0: no truth there",)),
        },
    )


def test_faults_of_the_probe_of_pure_are_no_truth(
    face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    start, name = trees.START, "01-01"
    stamps = [start + round(1e9 * t) for t in T_S[:-1]]
    folder = tmp_path / "set" / name
    names = [f"Image{ns}.png" for ns in stamps]
    write_images(folder / name, names, iter(face.frames))
    times_s = np.arange(round(60 * SECONDS)) / 60
    package = [
        {
            "Timestamp": start + round(1e9 * t),
            "Value": {
                "waveform": 0 if 3 < t < 9 else round(50 + 40 * v),
                "pulseRate": 127 if 3 < t < 9 else 53,
                "o2saturation": 98,
                "signalStrength": 6,
                "probeError": bool(3 < t < 9),
                "searching": False,
            },
        }
        for t, v in zip(times_s, face.pulse_at(times_s), strict=True)
    ]
    content = {"/FullPackage": package, "/Image": [{"Timestamp": ns} for ns in stamps]}
    (folder / f"{name}.json").write_text(json.dumps(content))
    result, _ = both.compare("pure", tmp_path / "set")
    lost = "359 of 660 samples are no pulse (probe error, or a waveform of 0): left out"
    gaps = ("pulse: no labels for 6.0 s of 11.0 s", "heart rate: no labels for 6.0 s of 11.0 s")
    check_outcomes(result, {"01-01": ("no truth", (lost, *gaps))})


def test_a_recording_of_mmpd_is_right_with_its_scenario_in_a_cell(
    face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    from scipy.io import savemat

    cell = np.empty((1, 1), object)
    cell[0, 0] = np.array([["Walking"]], object)
    folder = tmp_path / "set" / "subject1"
    folder.mkdir(parents=True)
    content = {
        "video": np.stack(face.frames).astype(np.float32),
        "GT_ppg": face.pulse_at(T_S[:-1])[None],
        "light": "LED-low",
        "motion": cell,
        "exercise": "False",
        "skin_color": np.array([[3]]),
    }
    savemat(folder / "p1_0.mat", content)
    result, _ = both.compare("mmpd", tmp_path / "set")
    (one,) = Store(both.out).observed().values()
    assert one.scenario == "walking"
    check_outcomes(result, {"p1_0": RIGHT})


def test_a_column_of_mmse_that_can_be_read_as_two_is_refused(
    face: FaceVideo, both: BothCommands, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    times_s = np.arange(round(1000 * SECONDS)) / 1000
    pressure = [round(90 + 20 * v) for v in face.pulse_at(times_s)]
    write_images(
        root / "T10_T11_30Subjects" / "F005" / "T10",
        [f"{k}.jpg" for k in range(50)],
        iter(face.frames[:50]),
    )
    folder = root / "T10_T11_30PhyBPHRData" / "F005" / "T10"
    trees.column(folder / "BP_mmHg.txt", [f"{k},{v}" for k, v in enumerate(pressure)])
    trees.column(folder / "Pulse Rate_BPM.txt", [53] * len(pressure))
    result, _ = both.compare("mmse_hr", root)
    check_outcomes(
        result, {"F005_T10": ("refused", ("'0,85' can be read as one number, 0.85, or as two",))}
    )


# ---- every kind of damage, to the labels of every reader ----

Damage = Callable[[Columns, float, float], Columns]
"""Columns damaged: how much of them, and from where on, as shares of the file."""


def _times(change: Callable[[Array], Array]) -> Damage:
    return lambda columns, share, at: columns | {"time": change(columns["time"])}


def _rates(change: Callable[[Array], Array]) -> Damage:
    return lambda columns, share, at: columns | {"rate": change(columns["rate"])}


def _part(columns: Columns, share: float, at: float) -> slice:
    """A part that lies within the file."""
    length = len(next(iter(columns.values())))
    first = round(at * (1 - share) * length)
    return slice(first, first + round(share * length))


def _without_rows(columns: Columns, share: float, at: float) -> Columns:
    part = _part(columns, share, at)
    return {name: np.delete(values, part) for name, values in columns.items()}


def _pulse(fill: Callable[[Array], object]) -> Damage:
    def damage(columns: Columns, share: float, at: float) -> Columns:
        pulse, part = columns["pulse"].astype(float), _part(columns, share, at)
        pulse[part] = fill(pulse[part])
        return columns | {"pulse": pulse}

    return damage


KINDS: dict[str, tuple[str, Damage]] = {
    "in milliseconds": ("time", _times(lambda t: 1000 * t)),
    "in kiloseconds": ("time", _times(lambda t: t / 1000)),
    "on the Unix clock": ("time", _times(lambda t: t + 1.4e9)),
    "at twice the time": ("time", _times(lambda t: 2 * t)),
    "going backward": ("time", _times(lambda t: t[::-1])),
    "without some rows": ("pulse", _without_rows),
    "without some rates": ("rate", _without_rows),
    "not numbers": ("pulse", _pulse(lambda p: np.nan)),
    "flat": ("pulse", _pulse(lambda p: 50.0)),
    "rates in Hz": ("rate", _rates(lambda r: r / 60)),
    "rates of 0": ("rate", _rates(np.zeros_like)),
    "rates of 1e9": ("rate", _rates(lambda r: np.full(len(r), 1e9))),
    "rates that are not numbers": ("rate", _rates(lambda r: np.full(len(r), np.nan))),
    "empty": ("", lambda columns, share, at: {name: v[:0] for name, v in columns.items()}),
}
TEXT_KINDS: dict[str, Callable[[str], str]] = {
    "an index": lambda text: "".join(f"{k},{x}\n" for k, x in enumerate(text.splitlines())),
    "decimal commas": lambda text: re.sub(r"(?<=\d)\.(?=\d)", ",", text),
    "semicolons": lambda text: text.replace(",", ";"),
    "words": lambda text: text.replace("1", "one"),
    "half of the file": lambda text: text[: len(text) // 2],
    "nothing": lambda text: "",
    "turned": lambda text: "\n".join(
        " ".join(cells) for cells in zip(*map(str.split, text.splitlines()), strict=False)
    ),
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A simulated tree of every reader with labels, of small grey frames."""

    def grey(scene: Scene, *_: object) -> Iterator[NDArray[np.uint8]]:
        return (np.full((48, 48, 3), 40 + k % 100, np.uint8) for k in range(len(scene.times_s)))

    decoded: dict[object, Features] = {}

    def features(source: VideoSource, *_: object, **__: object) -> list[Features]:
        """Every frame is decoded once, and no face is looked for: what counts are its times."""
        key = source.path, str(source.times_s)
        if key not in decoded:
            with open_video(source) as reader:
                times_s = np.array([frame.time_s for frame in reader])
                facts = reader.metadata()
            count = len(times_s)
            track = FaceTrack(
                landmarks=np.zeros((count, 468, 2), np.float32),
                box=np.zeros((count, 4), np.float32),
                detected=np.ones(count, bool),
                cadence=1,
            )
            ones = np.ones((count, 1))
            moments = RegionMoments(
                names=("skin",),
                count=ones,
                rgb=np.ones((count, 1, 3)),
                second=np.ones((count, 1, 6)),
            )
            decoded[key] = Features(
                times_s=times_s, track=track, moments=moments, clips={}, metadata=facts
            )
        return [decoded[key]]

    folder = tmp_path_factory.mktemp("sets")
    roots = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rppgbench.simulation.rendering.render", grey)
        patch.setattr(work, "transformed_features", features)
        for name in dict.fromkeys(key.partition(":")[0] for key in LABEL_FILES):
            write = load_datasets().available[name].simulate
            assert write is not None
            roots[name] = folder / name
            write(
                roots[name], SimulationPlan(subjects=1, seconds=SECONDS, seed=0, difficulty="easy")
            )
        yield roots


def agreed(dataset: str, root: Path, file: Path) -> list[str]:
    """What a run and a data check both say of the recordings of a label file."""
    work._recordings.cache_clear()
    declared = load_datasets().available[dataset]
    try:
        recordings = list(declared.recordings(root))
        lines = [] if declared.leftovers is None else list(declared.leftovers(root))
    except BenchError as error:  # both commands list the set first, and end with this line
        return [str(error)]
    concerned = [recording for recording in recordings if file in recording.files]
    for recording in (concerned or recordings)[:1]:
        (one,) = work.run_recording(make_recording_task(dataset, recording.name, root)).observed
        warnings = [*one.metadata.get("warnings", []), *one.ground_truth.warnings]
        findings = check_recording(recording)
        errors = [{"file": f.file, "text": f.text} for f in findings if f.severity == "error"]
        by_check = [f.text for f in findings if f.severity == "warning"]
        assert list(map(_rounded, sorted(by_check))) == list(map(_rounded, sorted(warnings)))
        assert not _rest(one.reason, errors)
        if one.reason:
            assert one.ground_truth.pulse is one.ground_truth.heart_rate is None
        lines += [finding.text for finding in findings]
    assert all("\n" not in line and line for line in lines)
    return lines


def damaged(key: str, roots: Mapping[str, Path], damage: Callable[[Path], None]) -> list[str]:
    """What both say of a data set whose first label file is damaged; the file is put back."""
    dataset = key.partition(":")[0]
    root = roots[dataset]
    file = min(root.rglob(LABEL_FILES[key].pattern))
    whole = file.read_bytes()
    try:
        damage(file)
        return agreed(dataset, root, file)
    finally:
        file.write_bytes(whole)


def _by(key: str, kind: str, share: float, at: float) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        form = LABEL_FILES[key]
        form.write(file, KINDS[kind][1](form.read(file), share, at))

    return damage


def _suits(key: str, kind: str, columns: Columns) -> bool:
    needs = KINDS[kind][0]
    return not needs or needs in columns


FROM_THE_FIRST = "the reader counts the labels' times from the first one"
NO_DAMAGE = {
    ("video_folder", "without some rates"): "there is one rate, half of which is none",
    ("video_folder", "rates that are not numbers"): "a video without a rate is not scored",
    ("vipl_hr_v2:rate", "an index"): "columns are found by their names",
    ("ibvp", "an index"): "columns are found by their names",
    ("bias_eval_rppg", "an index"): "columns are found by their names",
    ("bias_eval_rppg", "without some rates"): "there is one rate, half of which is none",
    ("vicar_ppg_2", "an index"): "columns are found by their names",
    ("ecg_fitness", "an index"): "columns are found by their names",
    ("physdrive", "in milliseconds"): "the unit of the timestamps follows from the pulse",
    ("physdrive", "an index"): "columns are found by their names",
    ("physdrive", "on the Unix clock"): FROM_THE_FIRST,
    ("mr_nirp_car", "on the Unix clock"): FROM_THE_FIRST,
    ("ubfc_rppg_1", "on the Unix clock"): FROM_THE_FIRST,
}
"""What no labels of a set can show."""


def test_every_reader_with_labels_is_damaged() -> None:
    without = {"disfa"}  # has no labels
    assert {key.partition(":")[0] for key in LABEL_FILES} == {*load_datasets().available} - without


@pytest.mark.parametrize("key", LABEL_FILES)
def test_every_kind_of_damage_is_reported(key: str, simulated: dict[str, Path]) -> None:
    silent = []
    form = LABEL_FILES[key]
    whole = damaged(key, simulated, lambda file: form.write(file, form.read(file)))
    columns = form.read(min(simulated[key.partition(":")[0]].rglob(form.pattern)))
    for kind in (kind for kind in KINDS if _suits(key, kind, columns)):
        text = damaged(key, simulated, _by(key, kind, 0.5, 0.5))
        if (key, kind) not in NO_DAMAGE and not set(text) - set(whole):
            silent.append((kind, text))
    assert silent == []


TEXTS = [key for key, form in LABEL_FILES.items() if form.pattern.endswith((".txt", ".csv", "xmp"))]


@pytest.mark.parametrize("key", TEXTS)
def test_text_in_another_dialect_is_read_or_refused_by_both(
    key: str, simulated: dict[str, Path]
) -> None:
    silent = []
    for kind, change in TEXT_KINDS.items():

        def damage(file: Path, change: Callable[[str], str] = change) -> None:
            file.write_text(change(file.read_text()))

        text = damaged(key, simulated, damage)
        log = kind in {"an index", "words", "nothing"} and (key, kind) not in NO_DAMAGE
        if log and not text:
            silent.append(kind)
    assert silent == []


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(LABEL_FILES)), st.data(), st.floats(0, 1), st.floats(0, 1))
def test_run_and_check_report_the_same_for_damage_anywhere(
    simulated: dict[str, Path], key: str, data: st.DataObject, share: float, at: float
) -> None:
    form = LABEL_FILES[key]
    columns = form.read(min(simulated[key.partition(":")[0]].rglob(form.pattern)))
    kinds = [kind for kind in KINDS if _suits(key, kind, columns)]
    damaged(key, simulated, _by(key, data.draw(st.sampled_from(kinds)), share, at))
