"""Videos that are damaged, cut off, empty or none: one line, or what can be had of them."""

import hashlib
import os
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.extraction.content_digest import content_digest
from rppgbench.system.errors import RecordingError
from rppgbench.system.io_errors import check_disk
from rppgbench.video.container_length import missing_bytes
from rppgbench.video.stream import Frame, open_video, sample_frames
from rppgbench.video.writing import write_video

from ..factories.videos import read_frames

FRAMES = 60


@pytest.fixture(scope="module")
def pictures() -> list[NDArray[np.uint8]]:
    """Each has its number as its blue, on a moving pattern."""
    rng = np.random.default_rng(3)
    pattern = rng.integers(0, 200, (64, 96 + FRAMES, 3)).astype(np.uint8)
    out = [pattern[:, i : i + 96].copy() for i in range(FRAMES)]
    for number, picture in enumerate(out):
        picture[..., 2] = 4 * number
    return out


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, pictures: list[NDArray[np.uint8]]
) -> Callable[[str], bytes]:
    """The bytes of an undamaged clip of 60 frames at 30 fps, by its name."""
    kinds = {
        "raw.avi": ("rawvideo", "bgr24", {}),
        "ffv1.avi": ("ffv1", "bgr0", {}),
        "ffv1.mkv": ("ffv1", "bgr0", {}),
        "jpeg.avi": ("mjpeg", "yuvj444p", {"qmin": "1", "qmax": "1"}),
        "jpeg.mov": ("mjpeg", "yuvj444p", {"qmin": "1", "qmax": "1"}),
        "h264.mp4": ("libx264", "yuv420p", {"g": "15"}),
        "h264.mkv": ("libx264", "yuv420p", {"g": "15"}),
        "h264.avi": ("libx264", "yuv420p", {"g": "15", "bf": "2"}),
    }
    folder = tmp_path_factory.mktemp("whole")
    made: dict[str, bytes] = {}

    def bytes_of(name: str) -> bytes:
        if name not in made:
            codec, pixel_format, options = kinds[name]
            path, times_s = folder / name, np.arange(FRAMES) / 30
            write_video(
                path, pictures, times_s, codec=codec, pixel_format=pixel_format, options=options
            )
            made[name] = path.read_bytes()
        return made[name]

    return bytes_of


def numbers(frames: list[Frame]) -> NDArray[np.int_]:
    """Which pictures they are, by their blue."""
    return np.rint([float(np.median(frame.rgb[..., 2])) / 4 for frame in frames]).astype(int)


def refusal(path: Path) -> str:
    """The one line with which a file is refused, by the reader and by sampling alike."""
    with pytest.raises(RecordingError) as caught:
        open_video(VideoSource(path))
    with pytest.raises(RecordingError) as again:
        sample_frames(VideoSource(path))
    line = str(caught.value)
    assert str(again.value) == line
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "no such video" in refusal(tmp_path / "gone.avi")


def test_a_folder_without_images(tmp_path: Path) -> None:
    assert "a folder, not a video" in refusal(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_special_files_are_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "video.mp4"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert f"is a {kind}, not a file; put the file itself there" in refusal(path)
    with pytest.raises(RecordingError, match=f"is a {kind}, not a file"):
        content_digest(VideoSource(path))
    with pytest.raises(RecordingError, match=f"is a {kind}, not a file"):
        content_digest(VideoSource(tmp_path, images=(path,), times_s=np.zeros(1)))
    assert missing_bytes(path) == 0
    check_disk(path)
    recording = Recording(
        dataset="d",
        name="n",
        subject="s",
        video=lambda: VideoSource(path),
        ground_truth=GroundTruth,
        files=(path,),
    )
    assert fingerprint([recording]) != fingerprint([replace(recording, files=())])


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.avi"
    path.touch()
    assert "empty (0 bytes)" in refusal(path)


@pytest.mark.parametrize("name", ["notes.avi", "notes.mp4", "notes.txt", "notes"])
def test_a_text_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("Subject 7 moved a lot.\n" * 200)
    assert "not a video" in refusal(path)


def test_random_bytes_are_no_video(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(np.random.default_rng(0).bytes(100_000))
    assert "not a video" in refusal(path)


def test_a_file_with_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.avi"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(16000))
    assert "no video stream in it (only audio)" in refusal(path)


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=8000)
        cover = out.add_stream("mjpeg", rate=1)
        assert isinstance(cover, av.VideoStream)
        assert isinstance(sound, av.AudioStream)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        out.mux(cover.encode(av.VideoFrame(32, 32, "yuvj420p")))
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        quiet.sample_rate = 8000
        out.mux(sound.encode(quiet))
        out.mux(sound.encode(None))
    with av.open(str(path)) as made:
        assert made.streams.video[0].disposition & av.stream.Disposition.attached_pic
    assert "no video stream" in refusal(path)


@pytest.mark.parametrize("suffix", ["avi", "m3u8", "mp4"])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{other}'\n",
    ],
    ids=["hls", "concat"],
)
def test_a_playlist_opens_no_other_file(
    tmp_path: Path, whole: Callable[[str], bytes], text: str, suffix: str
) -> None:
    (tmp_path / "secret.mp4").write_bytes(whole("h264.mp4"))
    path = tmp_path / f"list.{suffix}"
    path.write_text(text.format(other="secret.mp4"))
    assert "not a video" in refusal(path)


@pytest.mark.parametrize("name", ["raw.avi", "ffv1.avi", "jpeg.avi", "h264.avi"])
def test_a_truncated_avi_gives_the_frames_before_the_cut(
    tmp_path: Path, whole: Callable[[str], bytes], name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(whole(name)[: len(whole(name)) // 2])
    frames, warnings = read_frames(path)
    assert 10 < len(frames) < 50
    slack = 1 if name == "h264.avi" else 0  # lossy: a step of 4 in blue is little
    assert np.abs(numbers(frames[:-1]) - np.arange(len(frames) - 1)).max() <= slack
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(len(frames)) / 30)
    assert f"ends after {len(frames)} of {FRAMES} frames (truncated)" in warnings


@pytest.mark.parametrize("name", ["ffv1.mkv", "h264.mkv"])
def test_a_truncated_mkv_is_reported_with_its_end(
    tmp_path: Path, whole: Callable[[str], bytes], name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(whole(name)[: len(whole(name)) // 2])
    frames, warnings = read_frames(path)
    assert 10 < len(frames) < 50
    assert warnings[-1].startswith("ends at ")
    assert warnings[-1].endswith(" s of 2.0 s (truncated)")


def test_an_mp4_without_its_table_is_refused(tmp_path: Path, whole: Callable[[str], bytes]) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole("h264.mp4")[:-3000])
    assert "not a video" in refusal(path)


@pytest.mark.parametrize("name", ["raw.avi", "h264.avi", "h264.mkv"])
def test_a_file_cut_within_the_first_frame_is_refused(
    tmp_path: Path, whole: Callable[[str], bytes], name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(whole(name)[: 6200 if name.endswith("avi") else 900])
    line = refusal(path)
    assert "no frame of it decodes" in line or "not a video" in line


def test_supplied_times_of_a_truncated_file_stay_with_their_frames(
    tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    """The times are those of the whole video: those of the frames that are left are right."""
    path = tmp_path / "raw.avi"
    path.write_bytes(whole("raw.avi")[: len(whole("raw.avi")) // 2])
    given_s = np.cumsum(np.full(FRAMES, 1 / 30))
    frames, warnings = read_frames(path, given_s)
    assert [frame.time_s for frame in frames] == given_s[: len(frames)].tolist()
    assert any(line.startswith(f"{FRAMES} times for") for line in warnings)
    with pytest.raises(RecordingError, match="45 frame times for"):
        read_frames(path, given_s[:45])


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("name", ["raw.avi", "ffv1.avi", "jpeg.avi", "jpeg.mov"])
def test_damage_in_the_middle_does_not_shift_the_times(
    tmp_path: Path, whole: Callable[[str], bytes], name: str, given: bool
) -> None:
    data = bytearray(whole(name))
    start = len(data) // 2
    data[start : start + len(data) // 20] = bytes(len(data) // 20)
    path = tmp_path / name
    path.write_bytes(data)
    given_s = np.arange(FRAMES) / 30
    frames, warnings = read_frames(path, given_s if given else None)
    assert 50 <= len(frames) < FRAMES
    good = numbers(frames[:20] + frames[-20:])
    times_s = [frame.time_s for frame in frames[:20] + frames[-20:]]
    assert times_s == pytest.approx(good / 30, abs=1e-6)
    assert good[-1] == FRAMES - 1
    lost = FRAMES - len(frames)
    plural = "s" if lost > 1 else ""
    assert f"{lost} frame{plural} left out: not to be decoded" in warnings
    assert not any("ends after" in line for line in warnings)


def test_repaired_frames_are_counted_and_reproducible(
    tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    data = bytearray(whole("h264.mp4"))
    rng = np.random.default_rng(5)
    for start in (len(data) // 3, len(data) // 2):
        data[start : start + 60] = rng.bytes(60)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    seen = set()
    for _ in range(3):
        frames, warnings = read_frames(path)
        seen.add(hashlib.sha256(b"".join(frame.rgb.tobytes() for frame in frames)).hexdigest())
    assert len(seen) == 1
    assert any("damaged and patched" in line or "left out" in line for line in warnings)


def test_a_gap_in_time_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "hole.mkv"
    times_s = np.concatenate([np.arange(30), 45 + np.arange(30)]) / 30
    pictures = [np.full((16, 16, 3), i, np.uint8) for i in range(60)]
    write_video(path, pictures, times_s, codec="ffv1", pixel_format="bgr0")
    frames, warnings = read_frames(path)
    assert frames[30].time_s - frames[29].time_s == pytest.approx(16 / 30, abs=2e-3)
    assert warnings == ["1 gap in time (longest: 0.53 s)"]


def test_nothing_is_written_to_the_terminal(
    tmp_path: Path, whole: Callable[[str], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("h264.mp4", "jpeg.avi", "ffv1.mkv"):
        data = bytearray(whole(name))
        data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
        (tmp_path / name).write_bytes(data)
        read_frames(tmp_path / name)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


# Genuine recordings

REAL = Path(__file__).parents[3] / "shared" / "real"


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="no genuine recordings in ../shared/real")
@pytest.mark.parametrize(
    ("name", "frames", "fps", "size", "codec"),
    [
        ("evm-face/face.mp4", 301, 30.0, (528, 592), "h264"),
        ("one-person-five-lights/light_000.avi", 548, 50.0, (640, 480), "mpeg4"),
        ("one-person-five-lights/light_025.avi", 547, 50.0, (640, 480), "mpeg4"),
        ("one-person-five-lights/light_050.avi", 548, 50.0, (640, 480), "mpeg4"),
        ("one-person-five-lights/light_075.avi", 546, 50.0, (640, 480), "mpeg4"),
        ("one-person-five-lights/light_100.avi", 410, 50.0, (640, 480), "mpeg4"),
        # 585 in the container's table, of which its edit list hides 50
        ("one-person-five-lights/light_075_large.mp4", 535, 50.0, (1760, 1328), "h264"),
        ("pexels-and-occlusion/Wolfgang.mp4", 472, 24000 / 1001, (640, 360), "h264"),
        ("pexels-and-occlusion/single.mp4", 72, 30.0, (640, 360), "h264"),
        ("pexels-and-occlusion/face_noface.mov", 169, 26.41, (960, 540), "hevc"),
        ("pexels-and-occlusion/noface_face.mov", 169, 26.48, (960, 540), "hevc"),
    ],
)
def test_genuine_clips_have_their_frames_rates_and_sizes(
    name: str, frames: int, fps: float, size: tuple[int, int], codec: str
) -> None:
    times_s = []
    with open_video(VideoSource(REAL / name)) as reader:
        for frame in reader:
            times_s.append(frame.time_s)
            assert frame.rgb.shape == (size[1], size[0], 3)
        facts = reader.metadata()
    assert facts["frames"] == facts["container_frames"] == frames
    assert facts["fps"] == pytest.approx(fps, abs=0.01)
    assert facts["codec"] == codec
    assert facts["warnings"] == []
    assert times_s[0] == 0.0
    steps = np.diff(times_s)
    assert steps.min() > 0
    assert (steps.max() / steps.min() > 1.5) == name.endswith(".mov")  # uneven, as README says
    last = sample_frames(VideoSource(REAL / name), ["last"])[0]
    assert last.time_s == pytest.approx(times_s[-1])


@pytest.mark.real
def test_a_picture_with_exif_is_a_video_of_one_frame(real: Path) -> None:
    """FFmpeg hands out side data of a kind that PyAV has no name for."""
    with open_video(VideoSource(real / "pexels-and-occlusion" / "multi.jpg")) as reader:
        assert [frame.index for frame in reader] == [0]
