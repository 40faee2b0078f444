"""Videos of every kind through the commands: the right line for each, and the others go on."""

import csv
import json
import re
import struct
import sys
import wave
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.cli import main
from rppgbench.store.schema import RecordingInfo
from rppgbench.store.store import Store
from rppgbench.video.writing import write_video

from ..factories.faces import Image, empty, portrait
from .runs import bench

pytestmark = pytest.mark.faults

FS, SECONDS, RATE_BPM = 30.0, 9.0, 84.0
COUNT = round(FS * SECONDS)
FRACTION_OF_BLOOD = np.array([0.006, 0.016, 0.009])  # of red, green, blue: the pulse's colour


@cache
def beating(number: int, fs: float = FS) -> Image:
    """The portrait with a pulse of 84 bpm: the skin darkens in step, green most.

    Made once for all videos: that takes longer than to write them.
    """
    phase = 2 * np.pi * RATE_BPM / 60 * number / fs
    level = portrait() * (1 - FRACTION_OF_BLOOD * np.sin(phase))
    noise = np.random.default_rng(number).normal(0, 1, level.shape)
    seen: Image = np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)
    seen.flags.writeable = False
    return seen


def save_video(
    file: Path,
    frames: Iterable[NDArray[np.uint8]],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    **more: Any,
) -> None:
    """Write frames at 30 a second, nearly without loss."""
    held = list(frames)
    options = {"crf": "8", "preset": "ultrafast"} if codec == "libx264" else {}
    if codec == "mjpeg":
        options = {"qmin": "2", "qmax": "2"}
    times_s = np.arange(len(held)) / FS
    write_video(file, held, times_s, codec=codec, pixel_format=pixels, options=options, **more)


def sound(file: Path) -> None:
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(16000))


def cut(file: Path, share: float) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw[: int(len(raw) * share)])


def shuffled_times(file: Path) -> None:
    """Blocks of an MKV whose times repeat and go back in places, as no muxer would write them."""
    save_video(file, (beating(k) for k in range(COUNT)), "mjpeg", "yuvj420p")
    data, at = bytearray(file.read_bytes()), 0
    seen = 0
    for match in re.finditer(rb"\x81(..)\x80\xff\xd8", bytes(data), re.DOTALL):
        at, stamp = match.start(), struct.unpack(">h", match[1])[0]
        if seen % 10 == 5:  # the time of the one before
            data[at + 1 : at + 3] = struct.pack(">h", stamp - 33)
        elif seen % 50 == 8:  # a third of a second back
            data[at + 1 : at + 3] = struct.pack(">h", max(0, stamp - 333))
        seen += 1
    assert seen == COUNT
    file.write_bytes(data)


def two_faces() -> Iterable[Image]:
    small = cv2.resize(portrait(), (200, 200))
    for k in range(COUNT):
        picture = np.full((256, 512, 3), 90, np.uint8)
        picture[:, :256] = beating(k)
        picture[28:228, 284:484] = small
        yield picture


def coming_and_going(shown: Callable[[int], bool]) -> Iterable[Image]:
    for k in range(COUNT):
        yield beating(k) if shown(k) else empty()


def small_face() -> Iterable[Image]:
    """A face that takes 3 % of the picture's area."""
    for k in range(COUNT):
        picture = np.full((720, 960, 3), 90, np.uint8)
        picture[200:456, 400:656] = beating(k)
        yield picture


def grey() -> Iterable[Image]:
    for k in range(COUNT):
        luma = beating(k) @ np.array([0.299, 0.587, 0.114])
        yield np.repeat(np.rint(luma)[..., None], 3, axis=2).astype(np.uint8)


def turned() -> Iterable[Image]:
    for k in range(COUNT):
        yield np.ascontiguousarray(np.rot90(beating(k)))  # a quarter to the left; the tag: right


def wide_angle(k: int) -> Image:
    return np.asarray(beating(k)[1:, 3:])  # 255 x 253


def make(folder: Path) -> None:
    """A folder of videos: what each is, its name tells."""
    folder.mkdir()
    (folder / "zero_bytes.mp4").touch()
    (folder / "text.avi").write_text("Subject 7 moved a lot.\n" * 100)
    save_video(folder / "plain.mp4", (beating(k) for k in range(COUNT)))
    save_video(folder / "cut_without_index.mp4", (beating(k) for k in range(30)))
    cut(folder / "cut_without_index.mp4", 0.5)
    save_video(folder / "cut.avi", (beating(k) for k in range(2 * COUNT)), "mjpeg", "yuvj420p")
    cut(folder / "cut.avi", 0.5)
    sound(folder / "sound.avi")
    save_video(folder / "odd_size.mkv", (wide_angle(k) for k in range(COUNT)), pixels="yuv444p")
    save_video(folder / "ten_bits.mkv", (beating(k) for k in range(COUNT)), pixels="yuv420p10le")
    save_video(folder / "grey.mkv", grey(), pixels="gray")
    save_video(folder / "turned.mp4", turned(), rotation=90)
    shuffled_times(folder / "shuffled_times.mkv")
    save_video(folder / "one_frame.mp4", [beating(0)])
    save_video(folder / "no_face.mp4", (empty() for _ in range(60)))
    save_video(folder / "two_faces.mp4", two_faces())
    save_video(folder / "leaves_and_returns.mp4", coming_and_going(lambda k: k < 100 or k >= 130))
    save_video(folder / "three_in_a_hundred.mp4", coming_and_going(lambda k: k % 100 < 3))
    save_video(folder / "small_face.mp4", small_face())


GOOD = {
    "plain.mp4": (),
    "cut.avi": (r"^ends after \d+ of 540 frames \(truncated\)$",),
    "odd_size.mkv": (),
    "ten_bits.mkv": (),
    "turned.mp4": (),
    "shuffled_times.mkv": (r"^\d\d frames left out: time repeated, going back or missing",),
    "two_faces.mp4": (r"^2 faces in \d+ of \d+ frames checked; the largest was followed$",),
    "leaves_and_returns.mp4": (r"^no face in 30 of 270 frames$",),
    "small_face.mp4": (),
}
"""What is read, and the warnings that come with it."""

BAD = {
    "zero_bytes.mp4": r"the file is empty \(0 bytes\); copy it again$",
    "text.avi": r"not a video that FFmpeg's libraries can read .*; copy it again, or leave it out$",
    "cut_without_index.mp4": r"not a video that FFmpeg's libraries can read .*",
    "sound.avi": r"no video stream in it \(only audio\); name another file$",
    "one_frame.mp4": r"one frame|too short|long enough",
    "no_face.mp4": r"no face in any of 60 frames \(256x256, 30 fps\)",
    "three_in_a_hundred.mp4": r"too short|long enough",
}
"""What is not, and why."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The videos."""
    place = tmp_path_factory.mktemp("videos") / "folder"
    make(place)
    return place


@pytest.fixture(scope="module")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run over all of them, and what it said."""
    base = tmp_path_factory.mktemp("run")
    code, _, errors = bench(
        *("run", "--protocol", "videos", "--methods", "pos", "--jobs", "2"),
        *("--data", f"video_folder={folder}", "--cache", base / "cache", "--out", base / "out"),
    )
    assert code == 3, errors  # finished, some failed
    assert "Traceback" not in errors
    assert "internal error" not in errors
    return base / "out", errors


def seen(results: tuple[Path, str]) -> dict[str, RecordingInfo]:
    return {name: one for (_, name, _), one in Store(results[0]).observed().items()}


def test_every_video_has_a_row(results: tuple[Path, str], folder: Path) -> None:
    names = {file.name for file in folder.iterdir()}
    assert names == GOOD.keys() | BAD.keys() | {"grey.mkv"}
    assert {one.recording for one in Store(results[0]).estimates()} == names
    assert Store(results[0]).missing() == 0


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_cannot_be_read_says_why_in_one_line(results: tuple[Path, str], name: str) -> None:
    (one,) = Store(results[0]).estimates(recording=name)
    assert one.waveform is None
    assert re.search(BAD[name], one.reason), one.reason
    assert "\n" not in one.reason
    lines = [line for line in results[1].splitlines() if f"/{name}: " in line]
    (line,) = [line for line in lines if line.startswith("failed: ")]
    assert line.startswith(f"failed: video_folder/{name}: ")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_what_can_be_read_is_read_right(results: tuple[Path, str], name: str) -> None:
    (one,) = Store(results[0]).estimates(recording=name)
    assert one.waveform is not None, one.reason
    samples = np.nan_to_num(one.waveform.samples)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 32 * len(samples))) ** 2
    bpm = 60 * np.fft.rfftfreq(32 * len(samples), 1 / one.waveform.fs)
    assert bpm[power.argmax()] == pytest.approx(RATE_BPM, abs=2)
    warnings = seen(results)[name].metadata["warnings"]
    for wanted, line in zip(GOOD[name], warnings, strict=True):
        assert re.search(wanted, line), line


def test_the_page_names_every_failure(results: tuple[Path, str]) -> None:
    page = (results[0] / "report.html").read_text()
    for name in BAD:
        assert name in page


@pytest.mark.parametrize("name", sorted(GOOD | BAD))
def test_predict_says_the_same_of_each(
    results: tuple[Path, str], folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = results[0].parent / "cache"  # most of it is made already
    code = main(["predict", str(folder / name), "--json", "--cache", str(cache)])
    out, err = capsys.readouterr()
    if name in GOOD:
        assert code == 0, err
        assert json.loads(out)["heart_rate_bpm"] == pytest.approx(RATE_BPM, abs=2)
        return
    text = json.loads(out)["reason"] if out else err
    assert code == (3 if out else 2)
    assert re.search(BAD[name].rstrip("$"), text), text
    assert text.strip().count("\n") == 0


def test_grey_pictures_are_said_to_be_grey_and_read_by_what_needs_no_colour(
    results: tuple[Path, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (warning,) = seen(results)["grey.mkv"].metadata["warnings"]
    assert warning == "greyscale: its channels are equal, which methods of colour cannot read"
    arguments = ["predict", str(folder / "grey.mkv"), "--cache", str(results[0].parent / "cache")]
    assert main([*arguments, "--json"]) == 3  # POS needs colour
    output = json.loads(capsys.readouterr().out)
    assert output["warnings"] == [warning]
    assert output["heart_rate_bpm"] is None
    assert output["reason"]
    assert main([*arguments, "--json", "--method", "green"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["heart_rate_bpm"] == pytest.approx(RATE_BPM, abs=2)


def test_a_bare_stream_is_read_at_the_rate_in_its_header(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bare H.264 has neither times nor a length; FFmpeg assumes 25 frames a second for it."""
    save_video(tmp_path / "bare.mp4", (beating(k, 30.0) for k in range(COUNT)))
    with (
        av.open(str(tmp_path / "bare.mp4")) as whole,
        av.open(str(tmp_path / "bare.h264"), "w", format="h264") as bare,
    ):
        stream = bare.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(whole.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                bare.mux(packet)
    arguments = [
        "predict",
        str(tmp_path / "bare.h264"),
        "--json",
        "--cache",
        str(tmp_path / "cache"),
    ]
    assert main(arguments) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["heart_rate_bpm"] == pytest.approx(RATE_BPM, abs=2)
    assert output["warnings"] == []
    assert output["fps"] == pytest.approx(30.0)


MEASURED = """
import re, sys
from pathlib import Path
from rppgbench.cli import main
code = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(int(peak) / 1024, file=sys.stderr)
sys.exit(code)
"""


LOOPS_MIB = 150
"""The compiler of the loops over pixels, which a process loads once, and not for a short video."""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak in /proc")
def test_two_hours_take_no_more_memory_than_two_minutes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """At one frame a second; with --long at six, where there is a pulse to be found."""
    import subprocess

    fps = 6 if request.config.getoption("--long") else 1
    peaks = {}
    for name, seconds in (("minutes", 120), ("hours", 7200)):
        file = tmp_path / f"{name}.mkv"
        repeat(file, [beating(k, fps) for k in range(20 * fps)], seconds * fps, fps)
        arguments = ["predict", str(file), "--json", "--cache", str(tmp_path / "cache")]
        process = subprocess.run(
            [sys.executable, "-c", MEASURED, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        text = json.loads(process.stdout)
        assert text["frames"] == seconds * fps
        assert text["duration_s"] == pytest.approx(seconds)
        if fps > 2:
            assert text["heart_rate_bpm"] == pytest.approx(RATE_BPM, abs=2)
        else:
            assert process.returncode == 3
            assert text["heart_rate_bpm"] is None
            assert text["reason"]
        peaks[name] = float(process.stderr.strip().splitlines()[-1])
    print(f"\npeak memory: {peaks['minutes']:.0f} MiB for 2 min, {peaks['hours']:.0f} for 2 h")
    frames = 7200 * fps * portrait().nbytes / 2**20  # what holding the video would take
    assert peaks["hours"] - peaks["minutes"] < 0.1 * frames + LOOPS_MIB


def repeat(file: Path, pictures: list[Image], number: int, fps: int) -> None:
    """A long video for the price of a short one: the same coded frames over and over."""
    save_video(file.with_name("short.mkv"), pictures, "mjpeg", "yuvj420p")
    with av.open(str(file.with_name("short.mkv"))) as short, av.open(str(file), "w") as out:
        stream = out.add_stream_from_template(short.streams.video[0])
        stream.time_base = Fraction(1, 1000)
        coded = [bytes(p) for p in short.demux(short.streams.video[0]) if p.size]
        for k in range(number):
            packet = av.Packet(coded[k % len(coded)])
            packet.stream, packet.is_keyframe = stream, True
            packet.pts = packet.dts = 1000 * k // fps
            packet.time_base = Fraction(1, 1000)
            out.mux(packet)


@pytest.mark.real
def test_genuine_videos_go_through_together(real: Path, tmp_path: Path) -> None:
    """The dark one fails with its reason; the pulse of the one that is known is found."""
    arguments = ("run", "--protocol", "videos", "--methods", "pos,green", "--jobs", "2")
    data = ("--data", f"video_folder={real}", "--cache", tmp_path / "cache")
    code, _, errors = bench(*arguments, *data, "--out", tmp_path / "out")
    assert code == 3, errors
    failed = [line for line in errors.splitlines() if line.startswith("failed: ")]
    assert any("light_000.avi: " in line and "too dark" in line for line in failed), failed
    assert not any("internal error" in line for line in failed)
    store = Store(tmp_path / "out")
    reasons = {e.recording: e.reason for e in store.estimates(method="pos")}
    assert not reasons["evm-face/face.mp4"]
    reason = reasons["pexels-and-occlusion/face_noface.mov"]
    assert "long enough" in reason
    assert "3 s are needed" in reason
    assert store.missing() == 0
    by_name = {name: one for (_, name, _), one in store.observed().items()}
    for name in ("face_noface.mov", "noface_face.mov"):
        warnings = by_name[f"pexels-and-occlusion/{name}"].metadata["warnings"]
        assert any(line.startswith("no face in ") for line in warnings)
    with (tmp_path / "out" / "heart_rates.csv").open(newline="") as file:
        rates = {
            (r["recording"], r["method"]): float(r["heart_rate_bpm"])
            for r in csv.DictReader(file)
            if r["heart_rate_bpm"]
        }
    assert rates["evm-face/face.mp4", "pos"] == pytest.approx(53, abs=2.5)
