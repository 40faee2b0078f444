"""What comes back from our codecs is what comes back from the program ffmpeg."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.protocol import Condition
from rppgbench.core.recording import VideoSource
from rppgbench.extraction.conditions import ConditionTransform
from rppgbench.simulation import Scene, frame_times, simulate
from rppgbench.video.stream import open_video
from rppgbench.video.writing import write_video

FFMPEG = shutil.which("ffmpeg")
pytestmark = pytest.mark.skipif(
    FFMPEG is None, reason="no program ffmpeg here: apt-get install ffmpeg"
)
SECONDS = 2.0
Pictures = NDArray[np.uint8]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> VideoSource:
    """A simulated face as UBFC-rPPG keeps it: RGB without loss, in AVI."""
    scene = Scene(
        width=320,
        height=240,
        times_s=frame_times(SECONDS, 30.0),
        difficulty="paper",
        face_height=0.62,
        heart_rate_bpm=70.0,
    )
    recording = simulate(dataset="ubfc_rppg", subject="subject1", session="1", scene=scene, seed=0)
    file = tmp_path_factory.mktemp("video") / "vid.avi"
    write_video(file, recording.frames(), scene.times_s, codec="huffyuv", pixel_format="rgb24")
    return VideoSource(file)


@pytest.fixture(scope="module")
def original(source: VideoSource) -> Pictures:
    with open_video(source) as video:
        return np.stack([frame.rgb for frame in video])


def ours(source: VideoSource, **params: float | str) -> tuple[Pictures, dict[str, float | str]]:
    change = ConditionTransform(Condition(name="c", kind="compression", params=params))
    with open_video(source) as video:
        change.begin(video.info)
        back = [out.rgb for frame in video for out in change.feed(frame, None)]
        back += [out.rgb for out in change.end()]
    return np.stack(back), change.measurements()


def theirs(source: VideoSource, out: Path, shape: tuple[int, ...], *arguments: str) -> Pictures:
    assert FFMPEG is not None
    quiet = [FFMPEG, "-hide_banner", "-loglevel", "error", "-y"]
    subprocess.run([*quiet, "-i", str(source.path), *arguments, str(out)], check=True)
    read = [*quiet, "-i", str(out), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(read, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(shape)


def kbps(file: Path) -> float:
    """The size of the coded frames, without the container."""
    arguments = ["ffprobe", "-v", "error", "-show_entries", "packet=size", "-of", "json", str(file)]
    packets = json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)[
        "packets"
    ]
    return 8e-3 * sum(int(packet["size"]) for packet in packets) / SECONDS


def psnr_db(pictures: Pictures, original: Pictures) -> float:
    return float(10 * np.log10(255**2 / np.mean((pictures.astype(float) - original) ** 2)))


def version(file: Path) -> str:
    """What x264 wrote of itself into the stream."""
    result = file.read_bytes().split(b"x264 - ")[1].split(b" - H.264")[0]
    return result.decode("ascii")


@pytest.mark.parametrize("crf", [6, 10, 14, 18, 30])
def test_each_rate_factor_of_the_sweep(
    crf: int,
    source: VideoSource,
    original: Pictures,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same PSNR within 0.2 dB, the same bit rate within 5 %."""
    file = tmp_path / "out.mp4"
    arguments = ["-c:v", "libx264", "-crf", str(crf), "-preset", "medium", "-g", "250"]
    expected = theirs(source, file, original.shape, *arguments, "-pix_fmt", "yuv420p")
    result, facts = ours(source, codec="libx264", crf=crf, preset="medium", gop=250)
    with capsys.disabled():
        print(
            f"\ncrf {crf}: {facts['encoder']} of the wheel {psnr_db(result, original):.3f} dB, "
            f"{facts['bit_rate_kbps']:.1f} kbit/s; x264 {version(file)} of the program "
            f"{psnr_db(expected, original):.3f} dB, {kbps(file):.1f} kbit/s",
            end="",
        )
    assert psnr_db(result, original) == pytest.approx(psnr_db(expected, original), abs=0.2)
    assert float(facts["bit_rate_kbps"]) == pytest.approx(kbps(file), rel=0.05)
    # Nearer to each other than to the original: the same loss, not one of the same size.
    differences = np.mean((result.astype(float) - expected) ** 2)
    assert differences < 0.5 * np.mean((result.astype(float) - original) ** 2)


@pytest.mark.protocols
@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        (
            ["libx265", "-crf", "18", "-preset", "fast", "-x265-params", "log-level=error"],
            {"codec": "libx265", "crf": 18, "preset": "fast"},
        ),
        (["mpeg4", "-qmin", "4", "-qmax", "4"], {"codec": "mpeg4", "quantiser": 4}),
        (
            ["libvpx-vp9", "-crf", "24", "-b:v", "0", "-cpu-used", "5"],
            {"codec": "libvpx-vp9", "crf": 24, "speed": 5},
        ),
    ],
)
def test_the_other_codecs(
    arguments: list[str],
    params: dict[str, float | str],
    source: VideoSource,
    original: Pictures,
    tmp_path: Path,
) -> None:
    """Their versions lie further apart, and frame threads change a little: 0.5 dB and 10 %."""
    file = tmp_path / "out.mkv"
    given = ["-c:v", *arguments, "-g", "250", "-pix_fmt", "yuv420p"]
    expected = theirs(source, file, original.shape, *given)
    result, facts = ours(source, **params)
    assert psnr_db(result, original) == pytest.approx(psnr_db(expected, original), abs=0.5)
    assert float(facts["bit_rate_kbps"]) == pytest.approx(kbps(file), rel=0.1)


def test_lossless_codecs_give_the_original_here_and_in_ffmpeg(
    source: VideoSource, original: Pictures, tmp_path: Path
) -> None:
    arguments = ["-c:v", "libx264rgb", "-qp", "0", "-preset", "medium"]
    expected = theirs(source, tmp_path / "out.mp4", original.shape, *arguments)
    result, facts = ours(source, codec="libx264rgb", qp=0, preset="medium", pixel_format="rgb24")
    np.testing.assert_array_equal(result, original)
    np.testing.assert_array_equal(expected, original)
    assert str(facts["pixels"]).endswith("rgb24 > libx264rgb rgb24 > rgb24")
