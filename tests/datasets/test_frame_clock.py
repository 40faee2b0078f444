"""Labels are held against the frames, by a run, a training and a data check in the same words."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from rppgbench.core.features import WHOLE_FRAME, FaceTrack, Features, RegionMoments
from rppgbench.core.method import LEARNED_FROM, Example, Model, Training
from rppgbench.core.protocol import Condition
from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.registry import load_datasets, load_methods, toml_files
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.check import check_data
from rppgbench.datasets.frame_clock import FrameClock
from rppgbench.datasets.ground_truth import regular_signal
from rppgbench.datasets.label_alignment import check_against_frames
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.execution import recording_task as work
from rppgbench.execution import video_prediction
from rppgbench.execution.plan_records import Fit
from rppgbench.execution.prediction_reading import NamedEvaluator
from rppgbench.execution.pulse_estimation import estimate_pulse
from rppgbench.execution.recording_task import RecordingTask
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.training_task import NO_WHOLE_LABELS, TrainingTask, run_training
from rppgbench.execution.video_prediction import predict_video
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.video.stream import open_video

from ..factories import trees
from ..factories.tasks import make_recording_task

FPS, FRAMES = 30.0, 300
TIMES_S = np.arange(FRAMES + 1) / FPS
PULSE = np.sin(2 * np.pi * 0.9 * TIMES_S)
THIRTY_S = FrameClock(0.0, 30.0, 900)


def lines(truth: GroundTruth, frames: FrameClock = THIRTY_S) -> tuple[str, ...]:
    return check_against_frames(truth, frames).warnings


def beats(seconds: float, fs: float = 60.0, start_s: float = 0.0) -> Signal:
    count = round(seconds * fs)
    return regular_signal(np.sin(2 * np.pi * 1.1 * np.arange(count) / fs), fs, start_s)


@pytest.mark.parametrize(
    ("ratio", "warned"),
    [(0.97, True), (0.985, True), (0.995, False), (1.0, False), (1.005, False), (1.02, True)],
)
def test_a_clock_is_off_beyond_one_percent(ratio: float, warned: bool) -> None:
    labels = regular_signal(np.sin(np.arange(6000) / 9), 60.0 / ratio)
    line = lines(GroundTruth(pulse=labels), FrameClock(0.0, 100.0, 3000))
    assert len(line) == warned
    if warned:
        assert line[0].endswith(f"frames 100.0 s: clock ratio {ratio:.3f}")


def test_one_reading_more_or_less_is_no_clock_fault() -> None:
    """At 1 Hz over 30 s a reading is 3 %: it says nothing of the clock."""
    for seconds in (29, 30, 31):
        assert (
            lines(GroundTruth(heart_rate=regular_signal(np.arange(70.0, 70.0 + seconds), 1.0)))
            == ()
        )
    (line,) = lines(GroundTruth(heart_rate=regular_signal(np.arange(70.0, 96.0), 1.0)))
    assert line == "heart rate: labels last 26.0 s, frames 30.0 s: clock ratio 0.867"


def test_one_rate_for_a_whole_video_has_no_clock_fault() -> None:
    assert lines(GroundTruth(heart_rate=Signal(np.full(2, 70.0), np.array([0.0, 1e6])))) == ()
    assert lines(GroundTruth(heart_rate=regular_signal(np.full(31, 70.0), 1.0))) == ()


@pytest.mark.parametrize("one_clock", [True, None])
def test_labels_that_begin_before_the_frames_may_end_later_but_have_to_cover_them(
    one_clock: bool | None,
) -> None:
    assert lines(GroundTruth(pulse=beats(40, start_s=-5.0), one_clock=one_clock)) == ()
    (line,) = lines(GroundTruth(pulse=beats(30, start_s=-5.0), one_clock=one_clock))
    assert line == (
        "pulse: labels from -5.0 s to 25.0 s, frames from 0.0 s to 30.0 s:"
        " no labels for 5.0 s of the frames"
    )


@pytest.mark.parametrize(
    ("start_s", "seconds", "is_named"),
    [(0, 46, True), (0, 44, False), (-4.9, 60, True), (-5.1, 60, False), (6, 60, False)],
)
def test_labels_of_one_clock_that_last_much_longer_from_the_start_are_named(
    start_s: float, seconds: float, is_named: bool
) -> None:
    """Frames last 30 s. Labels that begin at another time than the frames are no clock fault."""
    warnings = lines(GroundTruth(pulse=beats(seconds, start_s=start_s), one_clock=True))
    named = [line for line in warnings if "right if the sensor went on after the video" in line]
    assert len(named) == is_named
    if is_named:
        assert f"labels last {seconds:.1f} s, frames 30.0 s: clock ratio" in named[0]


def test_labels_counted_back_from_the_last_frame_are_no_other_clock() -> None:
    """In LGI-PPGI a pulse that is too long begins early: its clock is compared all the same."""
    (line,) = lines(GroundTruth(pulse=beats(31, start_s=-1.0), one_clock=False))
    assert line == "pulse: labels last 31.0 s, frames 30.0 s: clock ratio 1.033"


def test_a_frozen_rate_is_named_and_a_slow_one_is_not() -> None:
    minutes = FrameClock(0.0, 120.0, 3600)
    rates = np.repeat(np.arange(70.0, 82.0), 10)
    assert lines(GroundTruth(heart_rate=regular_signal(rates, 1.0)), minutes) == ()
    rates[20:100] = 75.0
    (line,) = lines(GroundTruth(heart_rate=regular_signal(rates, 1.0)), minutes)
    assert line == "heart rate: frozen for 79.0 s of 120.0 s: the same value again and again"


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("fs", [1.0, 60.0, 256.0, 1000.0])
@pytest.mark.parametrize("seconds", [30.0, 45.0])
def test_another_unit_is_refused_for_every_device(unit: float, fs: float, seconds: float) -> None:
    right = beats(seconds, fs)
    wrong = Signal(right.values, right.times_s * unit)
    truth = GroundTruth(heart_rate=wrong) if fs == 1.0 else GroundTruth(pulse=wrong)
    with pytest.raises(RecordingError, match=r"clock ratio .*; the labels' times .*leave the rec"):
        check_against_frames(truth, THIRTY_S)


@pytest.mark.parametrize(
    ("factor", "fs", "says"),
    [
        (10.0, 60.0, "look like tenths of a second"),
        (10.0, 1000.0, "look like tenths of a second"),
        (100.0, 256.0, "look like hundredths of a second"),
        (100.0, 30.0, "look like hundredths of a second"),
        (1 / 60, 60.0, "look like minutes"),
        (1 / 3600, 256.0, "look like hours"),
        (1000.0, 60.0, "look like milliseconds"),
        (1e6, 60.0, "look like microseconds"),
        (60.0, 60.0, "look like the numbers of samples"),
        (30.0, 1.0, "are some 30 times too large"),
    ],
)
def test_a_clock_far_off_is_refused_and_the_unit_is_the_right_one(
    factor: float, fs: float, says: str
) -> None:
    right = beats(30.0, fs)
    wrong = Signal(right.values, right.times_s * factor)
    truth = GroundTruth(heart_rate=wrong) if fs == 1.0 else GroundTruth(pulse=wrong)
    with pytest.raises(RecordingError, match=says):
        check_against_frames(truth, THIRTY_S)


# ---- the same of the data sets, by `bench data check` and `bench run` ----


def save_video(file: Path, *, frames: int = FRAMES, fps: float = FPS) -> None:
    trees.clip(file, frames=frames, fps=fps)


def bare(file: Path, codec: str, kind: str) -> None:
    """A stream without a container under another name: FFmpeg looks at the content."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w", format=kind) as out:
        stream = out.add_stream(codec, rate=30, options={"preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for k in range(FRAMES):
            picture = np.full((32, 32, 3), 40 + k % 100, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def ubfc(root: Path, times_s: Array, pulse: Array = PULSE, fps: float = FPS) -> None:
    folder = root / "DATASET_2" / "subject38"
    save_video(folder / "vid.avi", fps=fps)
    rows = (pulse, np.round(53 + np.sin(TIMES_S)), times_s)
    trees.column(folder / "ground_truth.txt", [" ".join(f"{v:.8g}" for v in row) for row in rows])


def cohface(root: Path, times_s: Array, person: str = "1") -> None:
    import h5py

    save_video(root / person / "0" / "data.avi")
    with h5py.File(root / person / "0" / "data.hdf5", "w") as content:
        content["pulse"], content["time"] = PULSE, times_s


def obf(root: Path, times_s: Array, write: Callable[[Path], None] = save_video) -> None:
    write(root / "001_1" / "video.mp4")
    rows = [f"{t:.6f},{p:.4f}" for t, p in zip(times_s, PULSE, strict=True)]
    trees.column(root / "001_1" / "bvp.csv", rows, "time_s,bvp")


def simulated(root: Path, times_s: Array) -> None:
    save_video(root / "01" / "video.mp4")
    (root / "01" / "scenario.json").write_text("{}")
    rows = [f"{t:.6f},{p:.4f},{60 + p:.2f}" for t, p in zip(times_s, PULSE, strict=True)]
    trees.column(root / "01" / "labels.csv", rows, "time_s,pulse,heart_rate_bpm")


def v4v(root: Path, seconds: int) -> None:
    one = root / "Phase 1_ Training_Validation sets"
    save_video(one / "Videos/train-001_of_002/F001_T1.mkv", frames=12 * 25, fps=25.0)
    rates = ", ".join(str(70 + k // 50) for k in range(25 * seconds))
    labels = one / "Ground truth"
    breaths = ", ".join("15" for _ in range(25 * seconds))
    lines = [f"F001_T1, HR, {rates}", f"F001_T1, RR, {breaths}"]
    trees.column(labels / "Physiology" / "F001_T1.txt", lines)
    pressure = np.round(80 + 20 * np.sin(np.arange(1000 * seconds) / 150), 2)
    trees.column(labels / "BP_raw_1KHz" / "F001-T1-BP.txt", list(pressure))


def flat(pulse: Array) -> Array:
    return np.where(np.arange(len(pulse)) < 101, pulse, pulse[100])


JUMPED = TIMES_S + 3.0 * (TIMES_S > 4.99)
Case = tuple[str, Callable[[Path], None], str, list[str]]
CASES: dict[str, Case] = {
    "UBFC-rPPG, right (38)": ("ubfc_rppg", lambda r: ubfc(r, TIMES_S), "", []),
    "UBFC-rPPG in ms (39)": (
        "ubfc_rppg",
        lambda r: ubfc(r, 1000 * TIMES_S),
        "error",
        ["clock ratio 1,003.333; the labels' times look like milliseconds taken for sec"],
    ),
    "UBFC-rPPG in ks (40)": (
        "ubfc_rppg",
        lambda r: ubfc(r, TIMES_S / 1000),
        "error",
        ["labels last 0.01 s, frames 10.0 s: clock ratio 0.001; the labels' times are some 1"],
    ),
    "UBFC-rPPG at twice the time (41)": (
        "ubfc_rppg",
        lambda r: ubfc(r, 2 * TIMES_S),
        "error",
        ["301 labels for 300 frames, one a frame, but labels last 20.1 s, frames 10.0 s: clock r"],
    ),
    "UBFC-rPPG, flat (43)": (
        "ubfc_rppg",
        lambda r: ubfc(r, TIMES_S, flat(PULSE)),
        "warning",
        ["pulse: flat for 6.7 s of 10.0 s: the same value again and again"],
    ),
    "UBFC-rPPG with a jump (45)": (
        "ubfc_rppg",
        lambda r: ubfc(r, JUMPED),
        "error",
        ["labels last 13.0 s, frames 10.0 s: clock ratio 1.304 (a jump of 3.0 s after 5.0 s)"],
    ),
    "UBFC-rPPG, 3 % off": (
        "ubfc_rppg",
        lambda r: ubfc(r, 1.03 * TIMES_S),
        "warning",
        [
            "pulse: labels last 10.3 s, frames 10.0 s: clock ratio 1.033",
            "heart rate: labels last 10.3 s, frames 10.0 s: clock ratio 1.033",
        ],
    ),
    "UBFC-rPPG, header of 25 (fpsmix)": (
        "ubfc_rppg",
        lambda r: ubfc(r, TIMES_S, fps=25.0),
        "error",
        ["labels last 10.0 s, frames 12.0 s: clock ratio 0.836; correct the labels' times, or wr"],
    ),
    "UBFC-rPPG, header of 600 (fpsmix)": (
        "ubfc_rppg",
        lambda r: ubfc(r, TIMES_S, fps=600.0),
        "error",
        [
            "600 frames a second: no camera records a face",
            "labels last 10.0 s, frames 0.5 s: clock",
        ],
    ),
    "COHFACE on the Unix clock": (
        "cohface",
        lambda r: cohface(r, 1.4e9 + TIMES_S),
        "error",
        ["frames from 0.0 s to 10.0 s: not on one clock (they look like Unix times); subtract the"],
    ),
    "COHFACE that begins late": (
        "cohface",
        lambda r: cohface(r, 4.0 + TIMES_S),
        "warning",
        ["labels from 4.0 s to 14.0 s, frames from 0.0 s to 10.0 s: no labels for 4.0 s of the"],
    ),
    "OBF in ms": ("obf", lambda r: obf(r, 1000 * TIMES_S), "error", ["look like milliseconds"]),
    "OBF, bare H.264 of 30 a second": (
        "obf",
        lambda r: obf(r, TIMES_S, lambda file: bare(file, "libx264", "h264")),
        "",
        [],
    ),
    "OBF, bare Motion JPEG": (
        "obf",
        lambda r: obf(r, TIMES_S, lambda file: bare(file, "mjpeg", "mjpeg")),
        "error",
        ["25.00 frames a second are assumed, not measured", "one a frame, but labels last 10.0 s"],
    ),
    "simulated people in ms, from before the first frame": (
        "simulated",
        lambda r: simulated(r, 1000 * (TIMES_S - 0.03)),
        "error",
        ["look like milliseconds"],
    ),
    "V4V, right": ("v4v", lambda r: v4v(r, 12), "", []),
    "V4V, 12 s of video and 30 s of labels": (
        "v4v",
        lambda r: v4v(r, 30),
        "warning",
        [
            "pulse: labels last 30.0 s, frames 12.0 s: clock ratio 2.500",
            "heart rate: labels last 30.0 s, frames 12.0 s: clock ratio 2.500",
            "respiration rate: labels last 30.0 s, frames 12.0 s: clock ratio 2.500",
        ],
    ),
}


def decoded(source: VideoSource, *rest: object, **options: object) -> list[Features]:
    """Every frame is decoded, and no face is looked for: what counts here are its times."""
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
    moments = RegionMoments(
        names=("skin", WHOLE_FRAME),
        count=np.tile([1.0, 0.0], (count, 1)),
        rgb=np.ones((count, 2, 3)),
        second=np.ones((count, 2, 6)),
    )
    return [Features(times_s=times_s, track=track, moments=moments, clips={}, metadata=facts)]


@pytest.fixture(autouse=True)
def _without_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "transformed_features", decoded)


def task(recording: Recording, root: Path) -> RecordingTask:
    return make_recording_task(recording.dataset, recording.name, root)


def said_by_a_run(dataset: str, root: Path) -> tuple[list[str], str]:
    """Warnings and reason of the one recording."""
    (recording,) = load_datasets().get("data set", dataset, "test").recordings(root)
    (observed,) = work.run_recording(task(recording, root)).observed
    facts: Sequence[str] = observed.metadata["warnings"]
    reason = observed.reason.removeprefix("labels: ")
    if reason:
        assert observed.ground_truth.pulse is observed.ground_truth.heart_rate is None
    return [*facts, *observed.ground_truth.warnings], reason


@pytest.mark.parametrize("name", CASES)
def test_a_run_and_a_data_check_report_the_same_clock_faults(name: str, tmp_path: Path) -> None:
    dataset, write, severity, expected = CASES[name]
    write(tmp_path)
    warnings, reason = said_by_a_run(dataset, tmp_path)
    result = check_data(load_datasets().get("data set", dataset, "test"), tmp_path)
    findings = [finding for finding in result.findings if finding.recording]
    lines = [*warnings, *filter(None, [reason])]
    assert [finding.text for finding in findings] == lines
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line
        assert "\n" not in line
    assert result.usable == (severity != "error")
    assert bool(reason) == (severity == "error")
    worst = min((finding.severity for finding in findings), default="")  # "error" < "warning"
    assert worst == severity


def taught(root: Path, method: str, *names: str, **params: object) -> dict[str, Any]:
    """The facts of a model that COHFACE's recordings taught."""
    load = load_methods().get("method", method, "test")
    digest = f"{len(list(root.glob('models/*'))):016x}"
    fit = Fit(
        digest=digest,
        method=method,
        fold="1",
        seed=0,
        region="skin",
        condition="none",
        train=tuple(("cohface", n) for n in names),
        pretrain=(),
    )
    untouched = Condition(name="none", kind="none", params={})
    lesson = TrainingTask(
        fit=fit,
        params=load.parameters({}) | params,
        roots={"cohface": root},
        condition=untouched,
        request=FeatureRequest(),
        options=RunOptions(cache=root, device="cpu"),
        models=root / "models",
        fingerprints=("",) * len(names),
    )
    run_training(lesson, print)
    facts: dict[str, Any] = json.loads((root / "models" / fit.digest / "model.json").read_text())
    return facts


def test_a_training_counts_only_recordings_that_gave_labels(tmp_path: Path) -> None:
    cohface(tmp_path, TIMES_S)
    cohface(tmp_path, 1.4e9 + TIMES_S, "2")
    cohface(tmp_path, 9.98 + TIMES_S, "3")  # they begin after the last frame
    facts = taught(tmp_path, "constant", "1/0", "2/0", "3/0")
    assert facts["learned_from"] == 1
    unix, late = facts["could_not_learn_from"]
    assert unix.startswith("cohface/2/0: pulse: labels from 1,400,000,000.0 s")
    assert late == "cohface/3/0: labels: none at any of its frames"
    with pytest.raises(BenchError, match=r"constant: nothing to learn from: cohface/2/0: pulse"):
        taught(tmp_path, "constant", "2/0")


def test_a_training_counts_only_what_the_method_says_that_it_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network needs labels throughout a clip, of the kind that it learns from."""
    cohface(tmp_path, TIMES_S)
    shown: list[str] = []

    def fit(examples: Sequence[Example], training: Training, **params: object) -> Model:
        shown.extend(one.recording for one in examples)
        return Model(metadata={LEARNED_FROM: params["names"]})

    methods = load_methods()
    made = replace(methods.get("method", "constant", "test"), fit=fit)
    monkeypatch.setitem(methods.available, "constant", made)
    none: list[str] = []
    facts = taught(tmp_path, "constant", "1/0", names=none, clip_s=9.0)
    assert shown == ["cohface/1/0"]
    assert facts["learned_from"] == 0
    assert facts["could_not_learn_from"] == [f"cohface/1/0: {NO_WHOLE_LABELS}"]
    with pytest.raises(BenchError, match=r"cohface/1/0: has no 11 s .* at most 10\.00 s;"):
        taught(tmp_path, "constant", "1/0", names=none, clip_s=11.0)


def test_a_frame_rate_of_600_in_a_header_is_the_reported_fault(tmp_path: Path) -> None:
    ubfc(tmp_path, TIMES_S, fps=600.0)
    source = VideoSource(tmp_path / "DATASET_2" / "subject38" / "vid.avi")
    (features,) = decoded(source)
    method = load_methods().get("method", "pos", "test")
    why = (
        r"the video is too short: its frames span 0\.5 s, and 3 s are needed; "
        r"600 frames a second: no camera records a face at this rate, so the times are wrong; "
        r"write the video again at its true rate"
    )
    with pytest.raises(RecordingError, match=why):
        estimate_pulse(features, method, method.parameters({}), "skin")


@pytest.mark.parametrize(
    ("codec", "kind", "fps"), [("mjpeg", "mjpeg", 25), ("libx264", "h264", 30)]
)
def test_a_prediction_says_that_a_frame_rate_was_assumed(
    codec: str, kind: str, fps: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def features_of(source: VideoSource, *rest: object) -> Features:
        return decoded(source)[0]

    monkeypatch.setattr(video_prediction, "cached_features", features_of)
    file = tmp_path / f"video.{kind}"
    bare(file, codec, kind)
    green = load_methods().get("method", "green", "test")
    rule = read_evaluator(toml_files("protocols/evaluators")["li2023"])
    text = predict_video(file, green, NamedEvaluator(name="li2023", rule=rule), tmp_path).to_dict()
    assert text["fps"] == pytest.approx(fps)
    assumed = "25.00 frames a second are assumed, not measured; write the video again"
    assert (assumed in " ".join(text["warnings"])) == (fps == 25)


def test_what_one_condition_refutes_is_scored_under_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of the frames are no longer as many as the labels: that hides the wrong header."""
    ubfc(tmp_path, TIMES_S, fps=25.0)

    def twice(source: VideoSource, *rest: object, **options: object) -> list[Features]:
        (whole,) = decoded(source)
        return [replace(whole, times_s=whole.times_s[::3]), whole]

    monkeypatch.setattr(work, "transformed_features", twice)
    (recording,) = load_datasets().get("data set", "ubfc_rppg", "test").recordings(tmp_path)
    one = task(recording, tmp_path)
    thinned = Condition(name="fps_10", kind="frame_rate", params={"fps_out": 10})
    for observed in work.run_recording(
        replace(one, conditions=(thinned, *one.conditions))
    ).observed:
        assert "one a frame" in observed.reason
        assert observed.ground_truth.pulse is observed.ground_truth.heart_rate is None
