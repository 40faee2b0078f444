"""Video out: pixels, times and bytes, and what it refuses."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import VideoSource
from rppgbench.system.errors import BenchError
from rppgbench.video.stream import open_video
from rppgbench.video.writing import write_video

from ..factories.videos import read_frames

Pictures = list[NDArray[np.uint8]]
EVEN_S = np.arange(24) / 30
UNEVEN_S = np.cumsum(np.tile([0.03, 0.041, 0.0333, 0.052], 6))


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """24 pictures of moving noise, 80 x 48."""
    rng = np.random.default_rng(11)
    pattern = np.kron(rng.integers(0, 251, (16, 40, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    return [pattern[i : i + 48, 2 * i : 2 * i + 80].copy() for i in range(12)] * 2


def refused(path: Path, pictures: Pictures, times_s: Any = EVEN_S, **wish: Any) -> str:
    """The one line with which writing is refused; nothing may lie there afterwards."""
    settings: dict[str, Any] = {"codec": "libx264", "pixel_format": "yuv420p", **wish}
    with pytest.raises(BenchError) as caught:
        write_video(path, pictures, times_s, **settings)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    if path.parent.is_dir():
        assert list(path.parent.iterdir()) == []
    return line


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.mp4", "libx264rgb", "rgb24", {"qp": "0"}),
        ("a.mkv", "libx264rgb", "bgr24", {"qp": "0", "preset": "ultrafast"}),
        ("a.mkv", "ffv1", "bgr0", {}),
        ("a.avi", "ffv1", "bgr0", {}),
        ("a.avi", "huffyuv", "rgb24", {}),
        ("a.avi", "rawvideo", "bgr24", {}),
        ("a.mov", "rawvideo", "rgb24", {}),
        ("a.nut", "rawvideo", "rgb24", {}),
        ("a.mkv", "libx265", "gbrp", {"x265-params": "lossless=1"}),
    ],
)
def test_lossless_codecs_give_the_same_pixels(
    tmp_path: Path,
    pictures: Pictures,
    name: str,
    codec: str,
    pixel_format: str,
    options: dict[str, str],
) -> None:
    path = tmp_path / name
    write_video(path, pictures, EVEN_S, codec=codec, pixel_format=pixel_format, options=options)
    frames, warnings = read_frames(path)
    assert len(frames) == len(pictures)
    assert all(np.array_equal(f.rgb, p) for f, p in zip(frames, pictures, strict=True))
    assert warnings == []
    assert [child.name for child in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.avi", "libx264", "yuv420p"),
        ("a.mp4", "libx264", "yuv444p"),
        ("a.mp4", "libx264", "yuv420p10le"),
        ("a.mp4", "libx265", "yuv420p"),
        ("a.mp4", "libx264", "yuvj420p"),
        ("a.mp4", "mpeg4", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mov", "mjpeg", "yuv420p"),
        ("a.mkv", "ffv1", "yuv420p"),
        ("a.avi", "rawvideo", "yuv420p"),
    ],
)
def test_written_colours_are_read_back(
    tmp_path: Path, name: str, codec: str, pixel_format: str
) -> None:
    """Skin in light and shade, and strong colours, each as a flat picture."""
    colours = [(224, 172, 140), (92, 51, 40), (128, 128, 128), (30, 60, 200), (20, 180, 60)]
    flat = [np.full((32, 64, 3), colour, np.uint8) for colour in colours]
    options = {
        "libx264": {"crf": "1", "g": "1"},
        "libx265": {"crf": "1", "g": "1"},
        "libvpx-vp9": {"crf": "1", "g": "1"},
        "mpeg4": {"qmin": "1", "qmax": "1", "g": "1"},
        "mjpeg": {"qmin": "1", "qmax": "1"},
    }.get(codec, {})
    path = tmp_path / name
    write_video(path, flat, EVEN_S[:5], codec=codec, pixel_format=pixel_format, options=options)
    frames, _ = read_frames(path)
    worst = [np.abs(f.rgb.astype(int) - p).max() for f, p in zip(frames, flat, strict=True)]
    assert max(worst) <= 4  # 2 for the way in and 2 for the way out, at most


def test_grey_frames_stay_grey(tmp_path: Path) -> None:
    flat = [np.full((32, 32, 3), level, np.uint8) for level in (20, 90, 128, 200, 250)]
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "ffv1")):
        options = {"crf": "1", "g": "1"} if codec == "libx264" else {}
        path = tmp_path / name
        write_video(path, flat, EVEN_S[:5], codec=codec, pixel_format="gray", options=options)
        frames, _ = read_frames(path)
        for frame, want in zip(frames, flat, strict=True):
            assert np.abs(frame.rgb.astype(int) - want).max() <= 3


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "within_s"),
    [
        ("a.mp4", "libx264", "yuv420p", 1 / 180000),
        ("a.mp4", "libx265", "yuv420p", 1 / 180000),
        ("a.mp4", "libvpx-vp9", "yuv420p", 1 / 180000),
        ("a.mp4", "mpeg4", "yuv420p", 1 / 120000),
        ("a.mov", "mjpeg", "yuvj420p", 1 / 180000),
        ("a.nut", "ffv1", "bgr0", 1 / 180000),
        ("a.mkv", "libx264", "yuv420p", 0.0005),
        ("a.webm", "libvpx-vp9", "yuv420p", 0.0005),
    ],
)
def test_uneven_times_survive(
    tmp_path: Path,
    pictures: Pictures,
    name: str,
    codec: str,
    pixel_format: str,
    within_s: float,
) -> None:
    path = tmp_path / name
    write_video(path, pictures, UNEVEN_S, codec=codec, pixel_format=pixel_format)
    frames, warnings = read_frames(path)
    times_s = np.array([frame.time_s for frame in frames])
    assert np.abs(times_s - (UNEVEN_S - UNEVEN_S[0])).max() <= within_s + 1e-9
    assert warnings == []


@pytest.mark.parametrize("fps", [25, 29.97, 24000 / 1001, 35.14, 50])
def test_a_steady_rate_is_exact(tmp_path: Path, pictures: Pictures, fps: float) -> None:
    times_s = 3 + np.arange(24) / fps
    for name, codec in (("a.mp4", "libx264"), ("a.avi", "mpeg4")):
        write_video(tmp_path / name, pictures, times_s, codec=codec, pixel_format="yuv420p")
        frames, warnings = read_frames(tmp_path / name)
        assert [f.time_s for f in frames] == pytest.approx(np.arange(24) / fps, abs=5e-5)
        assert warnings == []


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_a_rotation_tag(tmp_path: Path, pictures: Pictures, clockwise: int) -> None:
    path = tmp_path / "a.mp4"
    write_video(
        path,
        pictures,
        EVEN_S,
        codec="libx264rgb",
        pixel_format="rgb24",
        options={"qp": "0"},
        rotation=clockwise,
    )
    with open_video(VideoSource(path)) as reader:
        assert reader.info.rotation == clockwise
        first = next(iter(reader))
    assert np.array_equal(first.rgb, np.rot90(pictures[0], -clockwise // 90))


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", {"crf": "23"}),
        ("a.mkv", "libx264", "yuv420p", {"crf": "23"}),
        ("a.mp4", "libx265", "yuv420p", {"crf": "28"}),
        ("a.webm", "libvpx-vp9", "yuv420p", {"crf": "30"}),
        ("a.avi", "mpeg4", "yuv420p", {}),
        ("a.avi", "mjpeg", "yuvj420p", {}),
        ("a.mkv", "ffv1", "bgr0", {}),
    ],
)
def test_the_same_input_gives_the_same_bytes(
    tmp_path: Path, name: str, codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    """A size and a motion at which x264's AVX-512 code was seen to differ from run to run."""
    rng = np.random.default_rng(0)
    pattern = np.kron(rng.integers(0, 255, (24, 26, 3)), np.ones((8, 8, 1)))
    pictures = [
        np.clip(
            pattern[3 * i : 3 * i + 96, 2 * i : 2 * i + 112] + rng.integers(-6, 6, (96, 112, 3)),
            0,
            255,
        ).astype(np.uint8)
        for i in range(26)
    ]
    seen = set()
    for _ in range(4):
        path = tmp_path / name
        write_video(
            path,
            pictures,
            np.arange(26) / 30,
            codec=codec,
            pixel_format=pixel_format,
            options=options,
        )
        seen.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(seen) == 1


def test_a_higher_rate_factor_is_a_smaller_and_worse_file(
    tmp_path: Path, pictures: Pictures
) -> None:
    sizes, errors = [], []
    for crf in ("5", "20", "40"):
        path = tmp_path / f"{crf}.mp4"
        write_video(
            path, pictures, EVEN_S, codec="libx264", pixel_format="yuv444p", options={"crf": crf}
        )
        sizes.append(path.stat().st_size)
        frames, _ = read_frames(path)
        pairs = zip(frames, pictures, strict=True)
        errors.append(float(np.mean([np.abs(f.rgb.astype(int) - p).mean() for f, p in pairs])))
    assert sizes[0] > sizes[1] > sizes[2]
    assert errors[0] < errors[1] < errors[2]


def test_frames_are_written_one_by_one(tmp_path: Path, pictures: Pictures) -> None:
    """The first frame is coded before the last is made, and none is kept."""
    import weakref

    alive: list[weakref.ref[NDArray[np.uint8]]] = []
    most = 0

    def frames() -> Iterator[NDArray[np.uint8]]:
        nonlocal most
        for i in range(200):
            picture = pictures[i % 24].copy()
            alive.append(weakref.ref(picture))
            most = max(most, sum(ref() is not None for ref in alive[-100:]))
            yield picture
            del picture

    write_video(
        tmp_path / "a.mp4", frames(), np.arange(200) / 30, codec="mpeg4", pixel_format="yuv420p"
    )
    assert most <= 3


def test_nothing_is_written_to_the_terminal(
    tmp_path: Path, pictures: Pictures, capfd: pytest.CaptureFixture[str]
) -> None:
    for codec in ("libx264", "libx265", "libvpx-vp9"):
        write_video(tmp_path / "a.mkv", pictures, EVEN_S, codec=codec, pixel_format="yuv420p")
    assert tuple(capfd.readouterr()) == ("", "")


# What is refused


@pytest.mark.parametrize("size", [(47, 32), (48, 31), (1, 1)])
def test_odd_sizes_under_shared_colours(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    odd = [np.zeros((height, width, 3), np.uint8)] * 24
    line = refused(tmp_path / "a.mp4", odd)
    assert f"frames of {width} x {height} do not fit yuv420p" in line
    assert "yuv444p" in line


def test_a_width_at_which_x265_corrupts_the_memory(tmp_path: Path) -> None:
    narrow = [np.zeros((96, 48, 3), np.uint8)] * 24
    line = refused(tmp_path / "a.mp4", narrow, codec="libx265")
    assert "narrower than 64 pixels" in line


def test_an_odd_size_where_every_pixel_has_its_colour(tmp_path: Path) -> None:
    odd = [np.full((31, 47, 3), i, np.uint8) for i in range(24)]
    write_video(tmp_path / "a.mkv", odd, EVEN_S, codec="ffv1", pixel_format="bgr0")
    frames, _ = read_frames(tmp_path / "a.mkv")
    assert frames[7].rgb.shape == (31, 47, 3)
    assert np.array_equal(frames[7].rgb, odd[7])


@pytest.mark.parametrize(
    ("asked", "near"),
    [("libx246", "'libx264'"), ("x265", "'libx265'"), ("ffv2", "'ffv1'"), ("h264_x", "'h264_")],
)
def test_an_unknown_codec_is_one_line(
    tmp_path: Path, pictures: Pictures, asked: str, near: str
) -> None:
    line = refused(tmp_path / "a.mkv", pictures, codec=asked)
    assert f"no codec {asked!r}" in line
    assert near in line


def test_decoders_and_audio_codecs_are_refused(tmp_path: Path, pictures: Pictures) -> None:
    for name in ("indeo5", "aac"):
        assert "no codec" in refused(tmp_path / "a.mkv", pictures, codec=name)


def test_an_unsupported_pixel_format_is_one_line(tmp_path: Path, pictures: Pictures) -> None:
    line = refused(tmp_path / "a.mp4", pictures, codec="libx264rgb")
    assert line.endswith("libx264rgb does not take 'yuv420p'. Known: bgr0, bgr24, rgb24")
    line = refused(tmp_path / "a.avi", pictures, codec="rawvideo", pixel_format="yuv421p")
    assert "no pixel format 'yuv421p'" in line


@pytest.mark.parametrize(
    ("codec", "options", "says"),
    [
        ("libx264", {"cfr": "10"}, "no option 'cfr'; did you mean 'crf'?"),
        ("libx264", {"crf": "52"}, "takes crf from 0 to 51, not 52"),
        ("libx264", {"crf": "-3"}, "takes crf from 0 to 51, not -3"),
        ("libx265", {"crf": "51.5"}, "takes crf from 0 to 51, not 51.5"),
        ("libvpx-vp9", {"crf": "64"}, "takes crf from 0 to 63, not 64"),
        ("libx264", {"preset": "fastest"}, "libx264 refuses preset=fastest"),
        ("libx264", {"tune": "faces"}, "libx264 refuses tune=faces"),
    ],
)
def test_unknown_options_and_values_out_of_range_are_one_line(
    tmp_path: Path, pictures: Pictures, codec: str, options: dict[str, str], says: str
) -> None:
    assert says in refused(tmp_path / "a.mkv", pictures, codec=codec, options=options)


def test_a_container_without_support_for_the_codec_is_one_line(
    tmp_path: Path, pictures: Pictures
) -> None:
    line = refused(tmp_path / "a.webm", pictures)
    assert ".webm does not hold libx264" in line
    line = refused(tmp_path / "a.mkv", pictures, codec="rawvideo", pixel_format="rgb24")
    assert ".mkv does not hold rawvideo" in line
    assert "no container ends in '.video'" in refused(tmp_path / "a.video", pictures)


def test_avi_refuses_uneven_times(tmp_path: Path, pictures: Pictures) -> None:
    assert "AVI holds a steady rate only" in refused(tmp_path / "a.avi", pictures, UNEVEN_S)


def test_a_missing_folder_is_one_line(tmp_path: Path, pictures: Pictures) -> None:
    line = refused(tmp_path / "gone" / "a.mp4", pictures)
    assert "cannot be written (No such file or directory)" in line


def test_frames_and_times_that_do_not_match_are_refused(tmp_path: Path, pictures: Pictures) -> None:
    settings: dict[str, Any] = {"codec": "libx264", "pixel_format": "yuv420p"}
    path = tmp_path / "a.mp4"
    path.write_bytes(b"what lay here before")
    with pytest.raises(ValueError, match="24 frames for 30 times"):
        write_video(path, pictures, np.arange(30) / 30, **settings)
    with pytest.raises(ValueError, match="more frames than the 20 times"):
        write_video(path, pictures, np.arange(20) / 30, **settings)
    with pytest.raises(ValueError, match="no frame"):
        write_video(path, [], EVEN_S, **settings)
    with pytest.raises(ValueError, match="strictly increasing"):
        write_video(path, pictures, EVEN_S[::-1], **settings)
    with pytest.raises(ValueError, match="frame 1 is"):
        write_video(path, [pictures[0], pictures[0][:16]], EVEN_S[:2], **settings)
    with pytest.raises(ValueError, match="cannot be distinguished"):
        write_video(path, pictures[:3], np.array([0, 1e-6, 1.0]), **settings)
    assert path.read_bytes() == b"what lay here before"
    assert list(tmp_path.iterdir()) == [path]


def test_failing_frames_leave_no_file(tmp_path: Path, pictures: Pictures) -> None:
    def frames() -> Iterator[NDArray[np.uint8]]:
        yield from pictures[:10]
        raise OverflowError("from the one who draws")

    with pytest.raises(OverflowError):
        write_video(tmp_path / "a.mp4", frames(), EVEN_S, codec="libx264", pixel_format="yuv420p")
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from rppgbench.system.errors import BenchError
from rppgbench.video.writing import write_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
noise = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3)).astype(np.uint8)
try:
    write_video(
        Path(sys.argv[1]), noise, np.arange(40) / 30, codec="rawvideo", pixel_format="rgb24"
    )
except BenchError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["a.nut", "a.avi", "a.mov"])
def test_a_file_that_cannot_grow_is_deleted(tmp_path: Path, name: str) -> None:
    """The system refuses more than 200,000 bytes a file, as a full disk would."""
    path = tmp_path / name
    path.write_bytes(b"what lay here before")
    process = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.startswith(f"{path}: cannot be written (File too large)")
    assert process.stdout.count("\n") == 1
    assert path.read_bytes() == b"what lay here before"
    assert list(tmp_path.iterdir()) == [path]


def test_no_version_of_any_library_in_the_file(tmp_path: Path, pictures: Pictures) -> None:
    write_video(tmp_path / "a.mp4", pictures, EVEN_S, codec="mpeg4", pixel_format="yuv420p")
    data = (tmp_path / "a.mp4").read_bytes()
    assert b"Lavf" not in data
    assert b"Lavc" not in data
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert "creation_time" not in container.metadata
