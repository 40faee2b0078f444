"""Video in: pixels, orientation and times of clips that PyAV writes here."""

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rppgbench.core.recording import VideoSource
from rppgbench.system.errors import RecordingError
from rppgbench.video.image_files import ImageFiles
from rppgbench.video.stream import Frame, decode_counts, open_video, sample_frames, write_video
from rppgbench.video.timestamps import FrameTimes

from ..factories.videos import read_frames

Picture = NDArray[np.uint8]


def grey(level: int, width: int = 32, height: int = 32) -> Picture:
    return np.full((height, width, 3), level, np.uint8)


def marked(width: int = 48, height: int = 32) -> Picture:
    """A different colour in each corner."""
    out = np.zeros((height, width, 3), np.uint8)
    out[:8, :8], out[:8, -8:], out[-8:, :8] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return out


def clip(
    path: Path,
    pictures: Iterable[Picture | av.VideoFrame],
    codec: str = "ffv1",
    pixel_format: str = "bgr0",
    *,
    stamps: Sequence[int] = (),
    base: Fraction = Fraction(1, 30),
    options: dict[str, str] | None = None,
    turn: tuple[float, bool] = (0, False),
    container_format: str | None = None,
) -> VideoSource:
    """A clip at 30 fps, or with `stamps` in units of `base`, as PyAV alone writes it."""
    with av.open(str(path), "w", format=container_format) as out:
        stream = out.add_stream(codec, rate=30, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.codec_context.time_base = pixel_format, base
        if turn != (0, False):
            stream.set_display_rotation(turn[0], hflip=turn[1])
        for number, picture in enumerate(pictures):
            made = picture
            if not isinstance(made, av.VideoFrame):
                made = av.VideoFrame.from_ndarray(made, "rgb24")
            if not number:
                stream.width, stream.height = made.width, made.height
                stream.codec_context.color_range = made.color_range
                stream.codec_context.colorspace = made.colorspace
            made.pts, made.time_base = stamps[number] if stamps else number, base
            out.mux(stream.encode(made))
        out.mux(stream.encode(None))
    return VideoSource(path)


def times(frames: Sequence[Frame]) -> list[float]:
    return [frame.time_s for frame in frames]


def levels(frames: Sequence[Frame]) -> list[int]:
    return [round(float(frame.rgb.mean())) for frame in frames]


def flat_yuv(rgb: tuple[int, int, int], matrix: str, full: bool, bits: int = 8) -> av.VideoFrame:
    """One colour as BT.601 or BT.709 define it (ITU-R BT.601-7, BT.709-6, full or limited)."""
    kr, kb = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}[matrix]
    red, green, blue = (part / 255 for part in rgb)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = ((blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr)))
    steps = 2 ** (bits - 8)
    if full:
        top = 2**bits - 1
        values = (top * luma, *(top * part + 128 * steps for part in chroma))
    else:
        values = (
            steps * (16 + 219 * luma),
            *(steps * (128 + 224 * part) for part in chroma),
        )
    frame = av.VideoFrame(32, 32, "yuv420p" if bits == 8 else "yuv420p10le")
    kind = np.uint8 if bits == 8 else np.dtype("<u2")
    for plane, value in zip(frame.planes, values, strict=True):
        number = plane.buffer_size // np.dtype(kind).itemsize
        plane.update(np.full(number, round(value), kind).tobytes())
    frame.color_range = 2 if full else 1
    frame.colorspace = {"bt601": 6, "bt709": 1}[matrix]
    return frame


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_colours_follow_the_tagged_matrix_and_range(
    tmp_path: Path, matrix: str, full: bool, bits: int
) -> None:
    colours = [(205, 140, 118), (92, 51, 40), (235, 235, 235), (30, 60, 200), (40, 160, 40)]
    for number, colour in enumerate(colours):
        made = flat_yuv(colour, matrix, full, bits)
        source = clip(tmp_path / f"{number}.mkv", [made], "ffv1", made.format.name)
        with open_video(source) as reader:
            assert reader.info.bit_depth == bits
            frame = next(iter(reader))
        assert np.abs(frame.rgb.astype(int) - colour).max() <= 2


def test_the_pixels_are_those_of_opencv(tmp_path: Path) -> None:
    """What most toolboxes read with: to the bit, for 8 bits and even sizes."""
    rng = np.random.default_rng(4)
    pictures = [rng.integers(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(6)]
    source = clip(tmp_path / "a.mp4", pictures, "libx264", "yuv420p")
    capture = cv2.VideoCapture(str(source.path))
    for frame in read_frames(source)[0]:
        assert np.array_equal(frame.rgb, capture.read()[1][..., ::-1])
    assert not capture.read()[0]


@pytest.mark.parametrize("size", [(31, 33), (32, 33), (33, 32), (1, 1)])
def test_pictures_of_odd_sizes_are_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    made = av.VideoFrame.from_ndarray(grey(90, width, height), "rgb24").reformat(format="yuv420p")
    frames, warnings = read_frames(clip(tmp_path / "odd.mkv", [made], "ffv1", "yuv420p"))
    assert frames[0].rgb.shape == (height, width, 3)
    assert np.abs(frames[0].rgb.astype(int) - 90).max() <= 2
    assert warnings == []


def test_greyscale_is_three_equal_channels(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    frames, _ = read_frames(
        clip(tmp_path / "g.mkv", [av.VideoFrame.from_ndarray(ramp, "gray")], "ffv1", "gray")
    )
    assert np.array_equal(frames[0].rgb, np.repeat(ramp[..., None], 3, axis=2))


def test_ten_bit_greyscale_is_rounded_to_eight(tmp_path: Path) -> None:
    ramp = (np.arange(256, dtype=np.uint16) * 4).reshape(16, 16)
    made = av.VideoFrame.from_ndarray(ramp, "gray10le")
    source = clip(tmp_path / "g.mkv", [made], "ffv1", "gray10le")
    with open_video(source) as reader:
        assert (reader.info.bit_depth, reader.info.pixel_format) == (10, "gray10le")
        rgb = next(iter(reader)).rgb
    assert np.abs(rgb[..., 1].astype(int) - ramp / 4).max() <= 1


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_frames_are_upright_by_the_display_matrix(
    tmp_path: Path, quarters: int, mirrored: bool
) -> None:
    coded = marked()
    source = clip(
        tmp_path / "turned.mp4",
        [coded] * 2,
        "libx264rgb",
        "rgb24",
        options={"qp": "0"},
        turn=(90.0 * quarters, mirrored),
    )
    upright = np.rot90(coded, quarters)  # counter-clockwise, as the matrix is given to PyAV
    upright = np.fliplr(upright) if mirrored else upright
    with open_video(source) as reader:
        assert (reader.info.width, reader.info.height) == (upright.shape[1], upright.shape[0])
        if not mirrored:
            assert reader.info.rotation == (360 - 90 * quarters) % 360
        frames = list(reader)
        assert bool(reader.metadata()["warnings"]) == mirrored
    for frame in frames:
        assert np.array_equal(frame.rgb, upright)
        assert frame.rgb.flags.c_contiguous
    assert np.array_equal(sample_frames(source, ["last"])[0].rgb, upright)


def test_a_rotation_by_no_right_angle_is_ignored_with_a_note(tmp_path: Path) -> None:
    source = clip(
        tmp_path / "askew.mp4",
        [marked()],
        "libx264rgb",
        "rgb24",
        options={"qp": "0"},
        turn=(30, False),
    )
    frames, warnings = read_frames(source)
    assert np.array_equal(frames[0].rgb, marked())
    assert len(warnings) == 1
    assert "30 degrees" in warnings[0]


def test_uneven_times_are_the_presentation_times(tmp_path: Path) -> None:
    stamps = [0, 3000, 5900, 9100, 12000, 20000, 20900]
    source = clip(
        tmp_path / "vfr.mp4",
        [grey(30 * i) for i in range(7)],
        "libx264",
        "yuv420p",
        stamps=stamps,
        base=Fraction(1, 90000),
        options={"bf": "2"},
    )
    with open_video(source) as reader:
        frames = list(reader)
        facts = reader.metadata()
    assert times(frames) == pytest.approx([stamp / 90000 for stamp in stamps], abs=1e-9)
    assert [frame.index for frame in frames] == list(range(7))
    assert facts["fps"] == pytest.approx(6 / (20900 / 90000))
    assert facts["frames"] == facts["container_frames"] == 7
    assert facts["warnings"] == []
    assert json.loads(json.dumps(facts)) == facts


def test_the_clock_starts_with_the_stream(tmp_path: Path) -> None:
    frames, _ = read_frames(clip(tmp_path / "a.ts", [grey(100)] * 5, "libx264", "yuv420p"))
    assert times(frames) == pytest.approx([i / 30 for i in range(5)], abs=1e-9)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_avi_without_presentation_times_keeps_order_and_rate(tmp_path: Path, codec: str) -> None:
    shown = [8 * i for i in range(30)]
    source = clip(
        tmp_path / "b.avi",
        [grey(v) for v in shown],
        codec,
        "yuv420p",
        options={"bf": "2", "g": "12", "qmin": "1", "qmax": "2"},
    )
    frames, warnings = read_frames(source)
    assert times(frames) == pytest.approx([i / 30 for i in range(30)], abs=1e-9)
    assert np.abs(np.array(levels(frames)) - shown).max() <= 3
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.h264", "libx264", "yuv420p", {}),
        ("a.hevc", "libx265", "yuv420p", {"x265-params": "log-level=none"}),
        ("a.m4v", "mpeg4", "yuv420p", {}),
        ("a.m2v", "mpeg2video", "yuv420p", {}),
    ],
)
def test_a_bare_stream_runs_at_the_rate_in_its_header(
    tmp_path: Path, name: str, codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    """FFmpeg's demuxers say 25 frames a second for each of these; they were written at 30."""
    source = clip(
        tmp_path / name,
        [grey(40 + 10 * k) for k in range(20)],
        codec,
        pixel_format,
        options=options,
        container_format={"a.m4v": "m4v", "a.m2v": "mpeg2video"}.get(name),
    )
    with open_video(source) as reader:
        assert reader.info.fps == pytest.approx(30)
        frames = list(reader)
        assert reader.info.fps == pytest.approx(30)
        assert reader.info.warnings == ()
    assert len(frames) == 20
    np.testing.assert_allclose(np.diff(times(frames)), 1 / 30, atol=1e-9)
    last = sample_frames(source)[-1]
    assert last.time_s == pytest.approx(frames[-1].time_s)
    np.testing.assert_array_equal(last.rgb, frames[-1].rgb)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.mjpeg", "mjpeg", "yuvj420p", {}),
        ("a.hevc", "libx265", "yuv420p", {"x265-params": "no-vui-timing-info=1:log-level=none"}),
        ("a.obu", "libsvtav1", "yuv420p", {}),
        ("a.png", "png", "rgb24", {}),
    ],
)
def test_a_rate_that_ffmpeg_assumes_is_reported_with_the_remedy(
    tmp_path: Path, name: str, codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    pictures = [grey(40 + 10 * k, 64, 64) for k in range(20)]
    kind = {"a.png": "image2pipe", "a.mjpeg": "mjpeg"}.get(name)
    source = clip(
        tmp_path / name, pictures, codec, pixel_format, options=options, container_format=kind
    )
    with open_video(source) as reader:
        before = list(reader.info.warnings)  # `bench data check` reads no further
    frames, warnings = read_frames(source)
    assert warnings == before
    line = "a bare stream that does not say its frame rate: 25.00 frames a second are assumed, "
    assert [warning.startswith(line) for warning in warnings] == [True]
    assert "write the video again at its true rate" in warnings[0]
    np.testing.assert_allclose(np.diff(times(frames)), 1 / 25)
    first, middle, last = sample_frames(source)
    assert (first.index, middle.index, last.index) == (0, 10, 19)
    assert last.time_s == pytest.approx(19 / 25)


@pytest.mark.parametrize(("fps", "odd"), [(600.0, True), (120.0, False), (5.0, False), (2.0, True)])
def test_an_implausible_frame_rate_is_reported(tmp_path: Path, fps: float, odd: bool) -> None:
    """Before the pass, for `bench data check`, and after it: the same line."""
    file = tmp_path / "a.avi"
    write_video(file, [grey(60)] * 20, np.arange(20) / fps, codec="mjpeg", pixel_format="yuvj420p")
    with open_video(VideoSource(file)) as reader:
        before = reader.info.warnings
        for _ in reader:
            pass
        assert reader.info.warnings == before
    assert len(before) == odd
    if odd:
        assert before[0].startswith(f"{fps:.4g} frames a second: ")
        assert before[0].endswith(
            "write the video again at its true rate (ffmpeg -r RATE -i FILE OUT.mkv)"
        )


def patched_mkv(path: Path, stamps_ms: Sequence[int]) -> VideoSource:
    """An MKV whose blocks carry these times, in an order that no muxer would write."""
    number = len(stamps_ms)
    clip(
        path,
        [grey(10 * i) for i in range(number)],
        "mjpeg",
        "yuvj420p",
        stamps=[40 * i for i in range(number)],
        base=Fraction(1, 1000),
    )
    data = bytearray(path.read_bytes())
    at = 0
    for i, stamp in enumerate(stamps_ms):
        head = b"\x81" + struct.pack(">h", 40 * i) + b"\x80\xff\xd8"  # track 1, key frame, JPEG
        at = data.index(head, at)
        data[at + 1 : at + 3] = struct.pack(">h", stamp)
    path.write_bytes(data)
    return VideoSource(path)


def test_frames_whose_times_repeat_or_go_back_are_left_out_and_counted(tmp_path: Path) -> None:
    frames, warnings = read_frames(
        patched_mkv(tmp_path / "back.mkv", [0, 40, 40, 120, 100, 160, 200])
    )
    assert times(frames) == pytest.approx([0, 0.04, 0.12, 0.16, 0.2], abs=1e-9)
    assert levels(frames) == pytest.approx([0, 10, 30, 50, 60], abs=2)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert warnings[0].startswith("2 frames left out: time repeated")
    assert warnings[0].endswith("(first: frame 2)")


def test_supplied_times_replace_the_times_of_the_container(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [grey(i) for i in range(6)])
    given_s = np.array([100.0, 100.04, 100.07, 100.11, 100.13, 100.17])
    frames, warnings = read_frames(VideoSource(source.path, times_s=given_s))
    assert times(frames) == given_s.tolist()
    assert warnings == []  # 0.17 s here, 0.167 s in the container


def test_a_clock_more_than_one_percent_off_the_container_is_a_warning(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", [grey(i) for i in range(60)], "mpeg4", "yuv420p")
    given_s = np.arange(60) / 29.0
    _, warnings = read_frames(VideoSource(source.path, times_s=given_s))
    assert warnings == ["the given times run 1.034 x as long as the container's own"]


@pytest.mark.parametrize(("given", "kept"), [(10, 10), (11, 10), (13, 10), (9, 9), (7, 7)])
def test_a_few_times_or_frames_too_many_are_cut(tmp_path: Path, given: int, kept: int) -> None:
    source = clip(tmp_path / "a.mkv", [grey(i) for i in range(10)])
    frames, warnings = read_frames(VideoSource(source.path, times_s=np.arange(given) / 30))
    assert len(frames) == kept
    assert times(frames) == [i / 30 for i in range(kept)]
    side = "times" if given > 10 else "frames"
    extra = abs(given - 10)
    want = [f"{given} times for 10 frames: the last {extra} {side} cut"] if extra else []
    assert warnings == want


@pytest.mark.parametrize("given", [0, 6, 14, 1000])
def test_times_of_another_video_are_refused(tmp_path: Path, given: int) -> None:
    source = clip(tmp_path / "a.mkv", [grey(i) for i in range(10)])
    with pytest.raises(RecordingError, match=f"a.mkv: {given} frame times for") as caught:
        read_frames(VideoSource(source.path, times_s=np.arange(given) / 30))
    assert "\n" not in str(caught.value)


def test_a_frame_without_a_supplied_time_is_left_out(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [grey(20 * i) for i in range(5)])
    frames, warnings = read_frames(
        VideoSource(source.path, times_s=np.array([0, 0.1, np.nan, 0.3, 0.4]))
    )
    assert levels(frames) == [0, 20, 60, 80]
    assert "1 frame left out: time" in warnings[0]


def test_a_video_of_one_frame_has_a_frame_rate(tmp_path: Path) -> None:
    with open_video(clip(tmp_path / "one.mp4", [grey(77)], "libx264", "yuv420p")) as reader:
        frames = list(reader)
        facts = reader.metadata()
    assert times(frames) == [0.0]
    assert facts["frames"] == 1
    assert facts["fps"] > 0
    assert facts["warnings"] == []


def test_a_reader_is_one_pass_and_it_is_counted(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [grey(i) for i in range(4)])
    before = decode_counts[source.path]
    sample_frames(source)
    with open_video(source) as reader:
        assert reader.info.frames in {None, 4}
        assert decode_counts[source.path] == before
        assert len(list(reader)) == 4
        assert decode_counts[source.path] == before + 1
        with pytest.raises(RuntimeError, match="one pass"):
            iter(reader)
    assert decode_counts[source.path] == before + 1


def test_changing_a_frame_changes_no_other_frame(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [grey(50 * i) for i in range(4)])
    with open_video(source) as reader:
        kept = []
        for frame in reader:
            kept.append(frame)
            frame.rgb[0] = 255
    assert [int(frame.rgb[5, 5, 0]) for frame in kept] == [0, 50, 100, 150]


def test_names_that_look_like_protocols(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", [grey(60)] * 2)
    odd = source.path.rename(tmp_path / "concat:ä b%03d.mkv")
    assert len(read_frames(VideoSource(odd))[0]) == 2


def test_frames_of_another_size_are_scaled_and_counted(tmp_path: Path) -> None:
    for name, width in (("1", 32), ("2", 64)):
        clip(
            tmp_path / f"{name}.ts", [grey(120, width, 32)] * 5, "mpeg2video", "yuv420p",
            options={"g": "1"},
        )  # fmt: skip
    both = tmp_path / "both.ts"
    both.write_bytes((tmp_path / "1.ts").read_bytes() + (tmp_path / "2.ts").read_bytes())
    with open_video(VideoSource(both)) as reader:
        shapes = {frame.rgb.shape for frame in reader}
        warnings = reader.metadata()["warnings"]
    assert shapes == {(32, 32, 3)}
    assert "5 frames of another size, scaled to 32 x 32" in warnings


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.avi", "rawvideo", "bgr24"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.h264", "libx264", "yuv420p"),
    ],
)
def test_sampled_frames_equal_the_frames_of_a_pass(
    tmp_path: Path, name: str, codec: str, pixel_format: str
) -> None:
    options = {} if codec == "rawvideo" else {"g": "40", "bf": "2"}
    shown = [2 * i for i in range(101)]
    source = clip(
        tmp_path / name, [grey(v) for v in shown], codec, pixel_format, options=options,
        container_format="h264" if name.endswith("h264") else None,
    )  # fmt: skip
    first, middle, last = sample_frames(source)
    assert levels([first, middle, last]) == pytest.approx([0, 100, 200], abs=6)
    assert first.time_s == 0.0
    if not name.endswith("h264"):
        assert abs(middle.index - 50) <= 2
        assert last.index == 100
        assert last.time_s == pytest.approx(100 / 30, abs=2e-3)
    given = VideoSource(source.path, times_s=7 + np.arange(101) / 30)
    assert sample_frames(given, ["first"])[0].time_s == 7.0


def test_a_sample_decodes_from_the_key_frame_only(tmp_path: Path) -> None:
    """Frames before the last key frame are broken here: a sample at the end does not see them."""
    source = clip(
        tmp_path / "a.mp4", [marked()] * 60, "libx264rgb", "rgb24",
        options={"qp": "0", "g": "20", "keyint_min": "20", "bf": "0"},
    )  # fmt: skip
    whole = source.path.read_bytes()
    with av.open(str(source.path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        keys = [p.pos for p in packets if p.is_keyframe]
        second, third = packets[1].pos, keys[2]
    assert second is not None
    assert third is not None
    source.path.write_bytes(whole[:second] + bytes(third - second) + whole[third:])
    (last,) = sample_frames(source, ["last"])
    assert np.array_equal(last.rgb, marked())


# Folders of images


def images(folder: Path, pictures: Sequence[Picture], suffix: str = ".png") -> VideoSource:
    """Named by nanoseconds, as PURE names them."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"Image{10**15 + 33_000_000 * i}{suffix}" for i in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        assert cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture)
    times_s = np.array([int(path.stem[5:]) for path in paths]) * 1e-9
    return VideoSource(folder, images=tuple(paths), times_s=times_s)


def test_images_with_their_times(tmp_path: Path) -> None:
    pictures = [np.roll(marked(), i, axis=1) for i in range(5)]
    source = images(tmp_path / "ü", pictures)
    with open_video(source) as reader:
        assert (reader.info.width, reader.info.height, reader.info.frames) == (48, 32, 5)
        frames = list(reader)
        facts = reader.metadata()
    assert source.times_s is not None
    assert times(frames) == source.times_s.tolist()
    assert all(np.array_equal(f.rgb, p) for f, p in zip(frames, pictures, strict=True))
    assert facts["fps"] == pytest.approx(1 / 0.033, rel=1e-6)
    assert (facts["codec"], facts["bit_depth"], facts["warnings"]) == ("png", 8, [])
    assert decode_counts[source.path] == 1
    first, middle, last = sample_frames(source)
    assert (first.index, middle.index, last.index) == (0, 2, 4)
    assert np.array_equal(middle.rgb, pictures[2])


def test_grey_and_deep_images(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    (frame,) = read_frames(images(tmp_path / "grey", [ramp]))[0]
    assert np.array_equal(frame.rgb, np.repeat(ramp[..., None], 3, axis=2))
    deep = np.repeat((ramp.astype(np.uint16) * 256)[..., None], 3, axis=2)
    folder = tmp_path / "deep"
    folder.mkdir()
    assert cv2.imwrite(str(folder / "a.png"), deep)
    with open_video(VideoSource(folder, images=(folder / "a.png",), times_s=np.zeros(1))) as reader:
        assert reader.info.bit_depth == 16
        assert np.abs(next(iter(reader)).rgb.astype(int) - deep / 256).max() <= 1


def test_images_are_upright_by_exif(tmp_path: Path) -> None:
    picture = np.kron(marked(12, 8)[:2, :3], np.ones((16, 16, 1), np.uint8))
    picture[:16, :16] = (250, 250, 250)
    source = images(tmp_path / "exif", [picture], ".jpg")
    path = source.images[0]
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    app1 = b"Exif\x00\x00" + tiff
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + data[2:])
    (frame,) = read_frames(source)[0]
    assert frame.rgb.shape == (48, 32, 3)  # orientation 6: a quarter turn clockwise
    assert frame.rgb[4, -5].min() > 200


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("not an image")


def claims_too_much(path: Path) -> None:
    """The head says 50,000 x 50,000 pixels."""
    data = bytearray(path.read_bytes())
    if path.suffix == ".png":
        data[16:24] = (50_000).to_bytes(4, "big") * 2
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    else:
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = (50_000).to_bytes(2, "big") * 2
    path.write_bytes(data)


def claims_much(path: Path) -> None:
    """OpenCV itself would make room for 20,000 x 20,000 pixels."""
    claims_too_much(path)
    data = path.read_bytes()
    for length in (4, 2):
        data = data.replace((50_000).to_bytes(length, "big"), (20_000).to_bytes(length, "big"))
    if path.suffix == ".png":
        data = data[:29] + zlib.crc32(data[12:29]).to_bytes(4, "big") + data[33:]
    path.write_bytes(data)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "spoil", [cut, emptied, text, Path.unlink, claims_too_much, claims_much, piped]
)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_image_that_cannot_be_read_is_skipped_and_times_stay_right(
    tmp_path: Path, spoil: Callable[[Path], None], suffix: str
) -> None:
    source = images(tmp_path / "a", [grey(40 * i) for i in range(6)], suffix)
    for spoilt in (source.images[2], source.images[5]):
        spoil(spoilt)
    frames, warnings = read_frames(source)
    assert source.times_s is not None
    assert times(frames) == source.times_s[[0, 1, 3, 4]].tolist()
    assert levels(frames) == pytest.approx([0, 40, 120, 160], abs=1)
    assert warnings[0].startswith("2 of 6 images left out")
    assert source.images[2].name in warnings[0]
    assert sample_frames(source, ["last"])[0].index == 4


def test_a_bitmap_whose_header_states_too_many_pixels_is_unreadable(tmp_path: Path) -> None:
    """OpenCV itself refuses it, by an exception."""
    data = bytearray(cv2.imencode(".bmp", grey(40))[1].tobytes())
    data[18:26] = (50_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(data)
    source = VideoSource(tmp_path, images=(tmp_path / "a.bmp",))
    assert ImageFiles(source).read(tmp_path / "a.bmp") is None


def test_an_image_of_another_size_is_scaled(tmp_path: Path) -> None:
    source = images(tmp_path / "a", [grey(10), grey(20, 64, 48), grey(30)])
    frames, warnings = read_frames(source)
    assert {frame.rgb.shape for frame in frames} == {(32, 32, 3)}
    assert levels(frames) == [10, 20, 30]
    assert warnings == ["1 image of another size, scaled"]


# The clock alone


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(float("nan"))), max_size=40),
    st.one_of(st.none(), st.floats(1, 240)),
)
def test_assigned_times_always_increase(stamps: list[float | None], rate_fps: float | None) -> None:
    clock = FrameTimes(None, rate_fps, "a.avi")
    out = [clock.time(position, stamp) for position, stamp in enumerate(stamps)]
    kept = [time_s for time_s in out if time_s is not None]
    assert all(later > earlier for earlier, later in pairwise(kept))
    assert clock.timed_count == len(kept)
    assert all(out[i] is not None for i, stamp in enumerate(stamps) if stamp is None)


# Memory


def repeated(path: Path, picture: Picture, number: int, fps: int) -> None:
    """A long video without the work: one coded picture, again and again."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuvj420p"
        (packet,) = stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24"))
        data = bytes(packet)
        for i in range(number):
            again = av.Packet(data)
            again.stream, again.pts, again.dts = stream, i, i
            again.time_base, again.is_keyframe = Fraction(1, fps), True
            out.mux(again)


MEASURE = """
import re, sys
from pathlib import Path
from rppgbench.core.recording import VideoSource
from rppgbench.video.stream import open_video
def peak_mib():  # of this program: ru_maxrss would count what its parent held before exec
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
with open_video(VideoSource(Path(sys.argv[1]))) as reader:
    for frame in reader:
        if frame.index == int(sys.argv[2]):
            early = peak_mib()
    print(frame.index + 1, frame.time_s, early, peak_mib())
"""


@pytest.mark.parametrize(
    ("size", "number", "fps", "early"),
    [((16, 16), 36_000, 5, 1_000), ((1920, 1080), 240, 30, 20)],
    ids=["two hours", "1080p"],
)
def test_memory_does_not_grow_with_the_length(
    tmp_path: Path, size: tuple[int, int], number: int, fps: int, early: int
) -> None:
    path = tmp_path / "long.mkv"
    repeated(path, grey(128, *size), number, fps)
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), str(early)],
        capture_output=True,
        text=True,
        check=True,
    )
    frames, end_s, early_mib, peak_mib = (float(part) for part in process.stdout.split())
    assert frames == number
    assert end_s == pytest.approx((number - 1) / fps, abs=1e-3)
    assert peak_mib - early_mib < 16  # 36,000 frames' times, or three 1080p frames
    assert peak_mib < 350
