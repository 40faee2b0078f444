"""Through a codec and back in memory: pixels, times, bytes, and what it refuses."""

import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import VideoSource
from rppgbench.system.errors import BenchError
from rppgbench.video.recompression import recompress
from rppgbench.video.stream import Frame, open_video
from rppgbench.video.writing import write_video

COUNT = 40


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """40 frames of moving blocks with noise, 80 x 64, at uneven times, numbered from 100."""
    rng = np.random.default_rng(2)
    pattern = np.kron(rng.integers(20, 230, (30, 30, 3)), np.ones((8, 8, 1)))
    times_s = 5 + np.cumsum(np.tile([0.03, 0.036], COUNT // 2))
    return [
        Frame(
            100 + i,
            float(times_s[i]),
            np.clip(
                pattern[i : i + 64, 2 * i : 2 * i + 80] + rng.normal(0, 2, (64, 80, 3)), 0, 255
            ).astype(np.uint8),
        )
        for i in range(COUNT)
    ]


def difference(some: list[Frame], others: list[Frame]) -> float:
    """The mean of the absolute differences of all pixels."""
    pairs = zip(some, others, strict=True)
    return float(np.mean([np.abs(a.rgb.astype(float) - b.rgb).mean() for a, b in pairs]))


@pytest.mark.parametrize(
    ("codec", "pixel_format", "options"),
    [
        ("libx264rgb", "rgb24", {"qp": "0"}),
        ("libx265", "gbrp", {"x265-params": "lossless=1"}),
        ("ffv1", "bgr0", {}),
        ("huffyuv", "rgb24", {}),
        ("rawvideo", "rgb24", {}),
        ("png", "rgb24", {}),
    ],
)
def test_lossless_gives_identical_pixels(
    frames: list[Frame], codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    back = recompress(iter(frames), fps=30, codec=codec, pixel_format=pixel_format, options=options)
    out = list(back)
    assert [(f.index, f.time_s) for f in out] == [(f.index, f.time_s) for f in frames]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(out, frames, strict=True))
    assert back.frames == COUNT
    if codec == "rawvideo":
        assert back.bytes == COUNT * 64 * 80 * 3


@pytest.mark.parametrize(
    ("codec", "pixel_format", "options"),
    [
        ("libx264", "yuv444p", {"crf": "3"}),
        ("libx264", "yuv420p10le", {"crf": "3"}),
        ("libx265", "yuv444p", {"crf": "3"}),
        ("libvpx-vp9", "yuv444p", {"crf": "3", "cpu-used": "6"}),
        ("mpeg4", "yuv420p", {"qmin": "1", "qmax": "1"}),
        ("mjpeg", "yuvj444p", {"qmin": "1", "qmax": "1"}),
    ],
)
def test_lossy_codecs_return_every_frame_in_order(
    frames: list[Frame], codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    out = list(
        recompress(iter(frames), fps=30, codec=codec, pixel_format=pixel_format, options=options)
    )
    assert [(f.index, f.time_s) for f in out] == [(f.index, f.time_s) for f in frames]
    assert difference(out, frames) < (12 if "420" in pixel_format else 3)
    # Nearer to its own frame than to the neighbours: none is out of its place.
    assert difference(out[1:], frames[1:]) < 0.5 * difference(out[1:], frames[:-1])


def test_a_higher_rate_factor_is_fewer_bytes_and_more_loss(frames: list[Frame]) -> None:
    seen = []
    for crf in (6, 18, 30, 42):
        back = recompress(
            iter(frames),
            fps=30,
            codec="libx264",
            pixel_format="yuv420p",
            options={"crf": str(crf)},
        )
        seen.append((difference(list(back), frames), back.bytes))
    losses, sizes = zip(*seen, strict=True)
    assert list(losses) == sorted(losses)
    assert list(sizes) == sorted(sizes, reverse=True)


def test_bytes_are_those_of_the_coded_packets(frames: list[Frame]) -> None:
    """Counted again by PyAV alone, with the same settings and the same pictures."""
    back = recompress(iter(frames), fps=30, codec="ffv1", pixel_format="bgr0", options={"g": "1"})
    list(back)
    encoder = av.CodecContext.create("ffv1", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 80, 64, "bgr0"
    encoder.time_base, encoder.thread_count, encoder.options = Fraction(1, 30), 1, {"g": "1"}
    size = 0
    for number, frame in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(frame.rgb, "rgb24").reformat(format="bgr0")
        picture.pts = number
        size += sum(packet.size for packet in encoder.encode(picture))
    size += sum(packet.size for packet in encoder.encode(None))
    assert back.bytes == size
    seconds = frames[-1].time_s - frames[0].time_s + 1 / 30
    assert back.bit_rate == pytest.approx(8 * size / seconds)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"crf": "10"}),
        ("a.mp4", "libx264", {"crf": "28"}),
        ("a.mp4", "libx265", {"crf": "28"}),
        ("a.avi", "mpeg4", {}),
        ("a.webm", "libvpx-vp9", {"crf": "40", "cpu-used": "6"}),
    ],
)
def test_recompression_gives_the_pixels_of_a_written_file(
    tmp_path: Path, frames: list[Frame], name: str, codec: str, options: dict[str, str]
) -> None:
    write_video(
        tmp_path / name,
        [frame.rgb for frame in frames],
        np.arange(COUNT) / 30,
        codec=codec,
        pixel_format="yuv420p",
        options=options,
    )
    with open_video(VideoSource(tmp_path / name)) as reader:
        by_file = [frame.rgb for frame in reader]
    back = recompress(
        iter(frames),
        fps=30,
        codec=codec,
        pixel_format="yuv420p",
        options=options,
        scaling="accurate",
    )
    in_memory = [frame.rgb for frame in back]
    assert all(np.array_equal(a, b) for a, b in zip(in_memory, by_file, strict=True))


def test_the_frames_of_a_video_are_recompressed(tmp_path: Path, frames: list[Frame]) -> None:
    path = tmp_path / "a.mkv"
    pictures = [frame.rgb for frame in frames]
    write_video(path, pictures, np.arange(COUNT) / 25, codec="ffv1", pixel_format="bgr0")
    with open_video(VideoSource(path)) as reader:
        back = recompress(
            reader,
            fps=reader.info.fps,
            codec="libx264rgb",
            pixel_format="rgb24",
            options={"qp": "0"},
        )
        out = list(back)
        assert reader.metadata()["frames"] == COUNT
    assert [frame.time_s for frame in out] == pytest.approx(np.arange(COUNT) / 25, abs=1e-3)
    assert all(np.array_equal(a.rgb, b) for a, b in zip(out, pictures, strict=True))


def test_memory_holds_the_frames_of_the_look_ahead(frames: list[Frame]) -> None:
    alive: list[weakref.ref[NDArray[np.uint8]]] = []
    most = 0

    def many() -> Iterator[Frame]:
        nonlocal most
        for i in range(400):
            rgb = frames[i % COUNT].rgb.copy()
            alive.append(weakref.ref(rgb))
            most = max(most, sum(ref() is not None for ref in alive[-200:]))
            yield Frame(i, i / 30, rgb)
            del rgb

    back = recompress(
        many(), fps=30, codec="libx264", pixel_format="yuv420p", options={"preset": "ultrafast"}
    )
    furthest = 0
    for frame in back:
        furthest = max(furthest, len(alive) - frame.index)
    assert back.frames == 400
    assert most <= 3  # of ours: the codec keeps its own copies
    assert furthest <= 60  # x264 looks 40 frames ahead by default


@pytest.mark.parametrize(
    ("codec", "pixel_format", "options", "says"),
    [
        (
            "libx246",
            "yuv420p",
            {},
            "no codec 'libx246' to write video with; did you mean",
        ),
        ("libx264", "yuv420p", {"crf": "51.1"}, "libx264 takes crf from 0 to 51, not 51.1"),
        ("libx264", "yuv420p", {"crf": "-1"}, "libx264 takes crf from 0 to 51, not -1"),
        ("libx265", "yuv420p", {"crf": "60"}, "libx265 takes crf from 0 to 51, not 60"),
        ("libvpx-vp9", "yuv420p", {"crf": "70"}, "libvpx-vp9 takes crf from 0 to 63, not 70"),
        ("libx264", "rgb24", {}, "libx264 does not take 'rgb24'"),
        ("libx264", "yuv420p", {"crff": "3"}, "no option 'crff'; did you mean 'crf'?"),
        ("libx264", "yuv420p", {"preset": "fastest"}, "libx264 refuses preset=fastest"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(
    frames: list[Frame], codec: str, pixel_format: str, options: dict[str, str], says: str
) -> None:
    with pytest.raises(BenchError) as caught:
        recompress(iter(frames), fps=30, codec=codec, pixel_format=pixel_format, options=options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_odd_frame_size_is_refused_for_shared_chroma() -> None:
    odd = [Frame(0, 0.0, np.zeros((63, 81, 3), np.uint8))]
    with pytest.raises(BenchError, match="frames of 81 x 63 do not fit yuv420p"):
        recompress(odd, fps=30, codec="libx264", pixel_format="yuv420p", options={})
    (back,) = recompress(odd, fps=30, codec="libx264", pixel_format="yuv444p", options={})
    assert back.rgb.shape == (63, 81, 3)


def test_frames_of_several_sizes_are_refused(frames: list[Frame]) -> None:
    with pytest.raises(ValueError, match="no frame"):
        recompress([], fps=30, codec="libx264", pixel_format="yuv420p", options={})
    mixed = [frames[0], Frame(1, 1.0, np.zeros((32, 32, 3), np.uint8))]
    with pytest.raises(ValueError, match="frame 1 is"):
        list(recompress(mixed, fps=30, codec="libx264", pixel_format="yuv420p", options={}))
