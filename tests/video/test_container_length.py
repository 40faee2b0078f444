"""A file that lost bytes is named, whatever its first, middle and last frame look like."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.datasets.recording_check import Finding, check_recording
from rppgbench.datasets.simulated_writers import ENCODINGS
from rppgbench.video.avi import find_empty_frames
from rppgbench.video.container_length import missing_bytes
from rppgbench.video.stream import open_video
from rppgbench.video.writing import write_video

FRAMES, FPS = 400, 25
CLIPS = {
    "mjpeg.avi": "mjpeg",
    "mpeg4.avi": "mpeg4",
    "h264.mkv": "libx264",
    "h264.mp4": "libx264",
    "index_in_front.mp4": "libx264",
    "index_in_front.mkv": "libx264",
    "fragments.mp4": "libx264",
}
"""The containers and codecs of the simulated sets, and others that are handed out."""

LAYOUTS = {
    "index_in_front.mp4": ("h264.mp4", {"movflags": "faststart"}),
    "index_in_front.mkv": ("h264.mkv", {"cues_to_front": "1", "reserve_index_space": "20000"}),
    "fragments.mp4": ("h264.mp4", {"movflags": "frag_keyframe+empty_moov"}),
}


def pictures() -> Iterator[NDArray[np.uint8]]:
    pattern = np.random.default_rng(1).integers(0, 255, (64, 64 + FRAMES, 3)).astype(np.uint8)
    for at in range(FRAMES):
        yield np.ascontiguousarray(pattern[:, at : at + 64])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    for name, codec in CLIPS.items():
        if name in LAYOUTS:
            other, options = LAYOUTS[name]
            repacked(folder / other, folder / name, options)
            continue
        pixel_format, by_difficulty = ENCODINGS[codec]
        options = {**by_difficulty["paper"], "g": "50"}
        times_s = np.arange(FRAMES) / FPS
        write_video(
            folder / name,
            pictures(),
            times_s,
            codec=codec,
            pixel_format=pixel_format,
            options=options,
        )
    return {name: (folder / name).read_bytes() for name in CLIPS}


def repacked(source: Path, target: Path, options: dict[str, str]) -> None:
    """The same packets in a container laid out otherwise."""
    with av.open(str(source)) as given, av.open(str(target), "w", options=options) as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)


def found(video: Path) -> list[Finding]:
    source = partial(VideoSource, video)
    return check_recording(
        Recording(
            dataset="x",
            name="x",
            subject="x",
            video=source,
            ground_truth=GroundTruth,
            files=(video,),
        )
    )


@pytest.mark.parametrize("name", CLIPS)
def test_a_complete_file_lacks_no_byte(name: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(whole[name])
    assert missing_bytes(path) == 0
    assert found(path) == []
    path.write_bytes(whole[name] + b"appended by somebody")
    assert missing_bytes(path) == 0


@pytest.mark.parametrize("share", [0.5, 0.95, 0.995])
@pytest.mark.parametrize("name", CLIPS)
def test_a_file_cut_off_is_named(
    name: str, share: float, whole: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / name
    kept = int(share * len(whole[name]))
    path.write_bytes(whole[name][:kept])
    lost = len(whole[name]) - kept
    if name in {"h264.mp4", "fragments.mp4"}:  # what follows the part that is cut is not known
        assert 0 < missing_bytes(path) <= lost
    else:
        assert missing_bytes(path) == lost
    findings = found(path)
    assert all(finding.file == str(path) for finding in findings)
    line = f"is at least {missing_bytes(path):,} bytes shorter than its container says"
    assert any(line in finding.text for finding in findings)
    if share == 0.5 and name != "fragments.mp4":  # a fragment knows of itself alone
        assert "error" in {finding.severity for finding in findings}


@pytest.mark.parametrize("name", [n for n in CLIPS if n not in {"h264.mp4", "fragments.mp4"}])
def test_a_file_that_lost_a_piece_of_its_middle_is_named(
    name: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    data, lost = whole[name], len(whole[name]) // 12
    path = tmp_path / name
    path.write_bytes(data[: len(data) // 2] + data[len(data) // 2 + lost :])
    assert missing_bytes(path) == lost
    assert f"is at least {lost:,} bytes shorter" in found(path)[0].text


def test_an_mp4_that_lost_a_piece_before_its_table_is_refused(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    data = whole["h264.mp4"]
    path = tmp_path / "a.mp4"
    path.write_bytes(data[: len(data) // 3] + data[len(data) // 2 :])
    assert [f.severity for f in found(path)][-1] == "error"


RIFF = b"RIFF" + (1000).to_bytes(4, "little") + b"AVI "
FTYP = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4)
EBML = b"\x1a\x45\xdf\xa3\x84" + b"four"
BY_HAND = {
    "first list of two": (RIFF + bytes(996) + RIFF + bytes(500), 8 + 1000 - 512),
    "list of a recorder that was killed": (RIFF[:4] + bytes(4) + b"AVI " + bytes(500), 0),
    "a box that goes to the end": (FTYP + bytes(4) + b"mdat" + bytes(500), 0),
    "a long box": (FTYP + b"\0\0\0\1mdat" + (900).to_bytes(8, "big") + bytes(84), 800),
    "a box beyond all files": (FTYP + b"\0\0\0\1mdat" + b"\xff" * 8, 2**64 - 1 - 16),
    "a box of no kind": (FTYP + b"\0\1\0\0what" + bytes(50), 0),
    "a segment": (EBML + b"\x18\x53\x80\x67\x42\x00" + bytes(100), 0x200 - 100),
    "a segment of unknown size": (EBML + b"\x18\x53\x80\x67\xff" + bytes(100), 0),
    "a segment cut in its head": (EBML + b"\x18\x53\x80", 0),
    "noise": (bytes(range(256)), 0),
    "nothing": (b"", 0),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_the_length_follows_the_headers(what: str, tmp_path: Path) -> None:
    data, missing = BY_HAND[what]
    path = tmp_path / "clip"
    path.write_bytes(data)
    assert missing_bytes(path) == missing


def avi_with_gaps(path: Path, codec: str, pixels: str, kept: Sequence[int], frames: int) -> None:
    """An AVI whose frames that are not kept are empty chunks, as FFmpeg's muxer writes them."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 32
        stream.pix_fmt = pixels
        for k in kept:
            picture = np.full((32, 32, 3), 10 + 7 * (k % frames), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


DROPPED = (4, 7, 8, 9, 20, 21)
KEPT = [k for k in range(30) if k not in DROPPED]
CODECS = [("mjpeg", "yuvj420p"), ("huffyuv", "rgb24"), ("rawvideo", "bgr24"), ("mpeg4", "yuv420p")]


@pytest.mark.parametrize(("codec", "pixels"), CODECS)
def test_frames_that_the_recorder_dropped_are_not_damaged(
    tmp_path: Path, codec: str, pixels: str
) -> None:
    path = tmp_path / "vid.avi"
    avi_with_gaps(path, codec, pixels, KEPT, 30)
    assert find_empty_frames(path, 0) == list(DROPPED)
    assert find_empty_frames(path, 1) == []
    assert missing_bytes(path) == 0
    for times_s in (None, np.arange(30) / 25):
        with open_video(VideoSource(path, times_s=times_s)) as reader:
            assert [round(frame.time_s * 25) for frame in reader] == KEPT
            assert reader.info.warnings == ("6 dropped frames (the recorder left them empty)",)


def test_frames_that_were_dropped_at_the_end_are_not_a_truncated_file(tmp_path: Path) -> None:
    """The last chunks are emptied by hand: no muxer that is at hand writes them so."""
    path = tmp_path / "vid.avi"
    avi_with_gaps(path, "rawvideo", "bgr24", range(30), 30)
    data = path.read_bytes()
    movi = data.index(b"movi") - 4
    first = data.index(b"00dc", movi)  # the index before it names the chunks too
    size = int.from_bytes(data[first + 4 : first + 8], "little")
    last = first + 24 * (size + 8)
    index = data.index(b"idx1")
    emptied = data[:last] + (b"00dc" + bytes(4)) * 6 + data[index:]
    lost = len(data) - len(emptied)
    for at in (movi, 4):
        held = int.from_bytes(data[at : at + 4], "little") - lost
        emptied = emptied[:at] + held.to_bytes(4, "little") + emptied[at + 4 :]
    at = emptied.index(b"idx1") + 8  # FFmpeg passes over entries without a length, as over chunks
    for entry in range(at + 24 * 16, at + 30 * 16, 16):
        emptied = emptied[: entry + 12] + bytes(4) + emptied[entry + 16 :]
    path.write_bytes(emptied)
    assert find_empty_frames(path, 0) == list(range(24, 30))
    with open_video(VideoSource(path)) as reader:
        assert len(list(reader)) == 24
        warnings = reader.info.warnings
    assert warnings == ("6 dropped frames (the recorder left them empty)",)
    recording = Recording(
        dataset="d",
        name="r",
        subject="s",
        video=lambda: VideoSource(path),
        ground_truth=GroundTruth,
        files=(path,),
    )
    findings = [f for f in check_recording(recording) if "too short" not in f.text]
    assert [(f.severity, f.text) for f in findings] == [("warning", warnings[0])]


def test_damage_beside_dropped_frames_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "vid.avi"
    avi_with_gaps(path, "mjpeg", "yuvj420p", KEPT, 30)
    data = bytearray(path.read_bytes())
    at = data.index(b"movi")
    for _ in range(12):  # the twelfth frame with content, after all but two of the empty ones
        at = data.index(b"00dc", at + 1)
        if not any(data[at + 4 : at + 8]):
            at = data.index(b"00dc", at + 1)
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    data[at + 8 : at + 8 + size] = bytes(size)
    path.write_bytes(data)
    with open_video(VideoSource(path)) as reader:
        read = len(list(reader))
        warnings = reader.info.warnings
    assert read == len(KEPT) - 1
    assert "1 frame left out: not to be decoded" in warnings
    assert "6 dropped frames (the recorder left them empty)" in warnings


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_the_search_for_the_end_stops_on_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.avi"
    head = b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffmovi00dc\0\0\0\0"
    path.write_bytes(head[: len(head) - 8 * at] + tail)
    assert all(position >= 0 for position in find_empty_frames(path, 0))
