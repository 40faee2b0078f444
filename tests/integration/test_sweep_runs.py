"""A sweep from the video to the estimates: one pass, faults of one condition, nothing lost."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.core.features import Features
from rppgbench.core.protocol import Condition
from rppgbench.core.recording import VideoSource
from rppgbench.extraction.conditions import ConditionTransform, condition_digest, face_source
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import NamedTransform, transformed_features
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError
from rppgbench.video.recompression import recompress
from rppgbench.video.stream import decode_counts, open_video
from rppgbench.video.writing import write_video

from ..factories.faces import save_video, swaying

VIDEOS = ("even.mkv", "odd.mkv")
FRAMES = 40
FPS = 12.0
X264: dict[str, int | float | str] = {
    "codec": "libx264",
    "preset": "veryfast",
    "gop": 250,
    "faces": "original",
}
CONDITIONS: dict[str, tuple[str, dict[str, int | float | str]]] = {
    "raw": ("none", {}),
    "lossless": (
        "compression",
        {**X264, "codec": "libx264rgb", "pixel_format": "rgb24", "qp": 0},
    ),
    "crf_30": ("compression", {**X264, "pixel_format": "yuv420p", "crf": 30}),
    "crf_30_found": (
        "compression",
        {**X264, "pixel_format": "yuv420p", "crf": 30, "faces": "found"},
    ),
    "half_rate": ("frame_rate", {"fps_out": FPS / 2}),
    "unknown_codec": ("compression", {**X264, "codec": "libx246"}),
    "not_in_the_wheel": ("compression", {**X264, "codec": "libxvid"}),
    "out_of_range": ("compression", {**X264, "pixel_format": "yuv444p", "crf": 52}),
}
REASONS = {
    "unknown_codec": "no codec 'libx246' to write video with; did you mean",
    "not_in_the_wheel": "no codec 'libxvid' to write video with",
    "out_of_range": "libx264 takes crf from 0 to 51, not 52",
}
"""What is said of the conditions that cannot be run."""
SOUND = set(CONDITIONS) - set(REASONS)


def condition(name: str) -> Condition:
    kind, params = CONDITIONS[name]
    return Condition(name=name, kind=kind, params=params)


def change(name: str) -> NamedTransform | None:
    one = condition(name)
    if one.kind == "none":
        return None
    return NamedTransform(
        name=condition_digest(one),
        create=partial(ConditionTransform, one),
        faces=face_source(one),
    )


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a face of 256 x 256 and one of 255 x 255."""
    folder = tmp_path_factory.mktemp("videos")
    save_video(folder / "even.mkv", list(swaying(FRAMES, FPS)), FPS)
    odd = [np.ascontiguousarray(picture[:-1, :-1]) for picture in swaying(FRAMES, FPS)]
    options = {"qp": "0", "preset": "ultrafast"}
    write_video(
        folder / "odd.mkv",
        odd,
        np.arange(FRAMES) / FPS,
        codec="libx264rgb",
        pixel_format="rgb24",
        options=options,
    )
    return folder


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The protocol of this file: the sweep over one's own videos, with other conditions."""
    folder = tmp_path_factory.mktemp("plugins")
    shipped = Path(__file__).parents[2] / "protocols" / "videos_crf.toml"
    head = shipped.read_text(encoding="utf-8").split("[[conditions]]")[0]
    tables = [
        f"[[conditions]]\nname = {json.dumps(name)}\nkind = {json.dumps(kind)}\nparams = {{ "
        + ", ".join(f"{key} = {json.dumps(value)}" for key, value in params.items())
        + " }\n"
        for name, (kind, params) in CONDITIONS.items()
    ]
    (folder / "protocols").mkdir()
    (folder / "protocols" / "sweep_here.toml").write_text(head + "\n".join(tables))
    return folder


@pytest.fixture(scope="module")
def results(
    videos: Path, plugins: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """A finished run, and its command."""
    out = tmp_path_factory.mktemp("run") / "results"
    arguments = ["run", "--protocol", "sweep_here", "--plugins", str(plugins), "--methods", "pos"]
    arguments += ["--data", f"video_folder={videos}", "--out", str(out)]
    arguments += ["--cache", str(out.with_name("cache"))]
    before = dict(decode_counts)
    assert main(arguments) == 3  # some failed, and are named
    for name in VIDEOS:
        assert decode_counts[videos / name] == before.get(videos / name, 0) + 1
    return out, arguments


def test_one_pass_serves_every_condition_and_a_second_run_needs_none(
    results: tuple[Path, list[str]], videos: Path
) -> None:
    out, arguments = results[0], list(results[1])
    store = Store(out)
    assert store.missing() == 0
    estimates = {(e.recording, e.condition): e for e in store.estimates()}
    assert set(estimates) == {(v, c) for v in VIDEOS for c in CONDITIONS}
    for name in SOUND:
        assert estimates["even.mkv", name].waveform is not None, estimates["even.mkv", name].reason
    before = dict(decode_counts)
    assert main(arguments) == 3  # what failed stays failed, and is named again
    assert dict(decode_counts) == before
    out.with_name("again").mkdir(exist_ok=True)
    arguments[arguments.index(str(out))] = str(out.with_name("again"))
    assert main(arguments) == 3
    tried = {video: decode_counts[videos / video] - before[videos / video] for video in VIDEOS}
    assert tried == dict.fromkeys(VIDEOS, 1)  # for other results what failed is tried again


def test_each_fault_is_one_line_in_its_own_rows(results: tuple[Path, list[str]]) -> None:
    failed = Store(results[0]).failed()
    assert "video_folder/odd.mkv, unknown_codec" in failed
    assert "video_folder/odd.mkv, raw" not in failed
    estimates = {(e.recording, e.condition): e for e in Store(results[0]).estimates()}
    for name, says in REASONS.items():
        for video in VIDEOS:
            one = estimates[video, name]
            assert one.waveform is None
            assert says in one.reason
            assert "\n" not in one.reason
    for name in ("crf_30", "crf_30_found"):
        assert "frames of 255 x 255 do not fit yuv420p" in estimates["odd.mkv", name].reason
    for name in ("raw", "lossless", "half_rate"):
        assert estimates["odd.mkv", name].waveform is not None
    hidden = results[0].with_name("cache").rglob(".*")
    assert [file.name for file in hidden] == [".lock"]  # the mark of the running process
    assert not (results[0] / "errors.log").exists()


def test_without_loss_no_estimate_changes(results: tuple[Path, list[str]]) -> None:
    estimates = {(e.recording, e.condition): e for e in Store(results[0]).estimates()}
    for video in VIDEOS:
        raw, lossless = (estimates[video, name].waveform for name in ("raw", "lossless"))
        assert raw is not None
        assert lossless is not None
        np.testing.assert_array_equal(lossless.samples, raw.samples)
    lossy = estimates["even.mkv", "crf_30"].waveform
    raw = estimates["even.mkv", "raw"].waveform
    assert lossy is not None
    assert raw is not None
    assert (lossy.samples != raw.samples).any()


def test_what_was_measured_stands_beside(results: tuple[Path, list[str]]) -> None:
    observed = Store(results[0]).observed()
    facts: Any = observed["video_folder", "even.mkv", "crf_30"].metadata["condition"]
    assert facts["pixels"] == "h264 gbrp > rgb24 > libx264 yuv420p > rgb24"
    assert facts["encoder"].startswith("x264 core ")
    assert 25 < facts["psnr_db"] < 45
    assert 0.5 < facts["ssim"] < 1
    lossless: Any = observed["video_folder", "even.mkv", "lossless"].metadata["condition"]
    assert lossless["ssim"] == 1.0
    assert lossless["bit_rate_kbps"] > facts["bit_rate_kbps"] > 1


def test_without_loss_no_extracted_value_changes(videos: Path, tmp_path: Path) -> None:
    source, needs = VideoSource(videos / "odd.mkv"), FeatureRequest(frozenset({"sinc_16"}))
    raw, lossless = transformed_features(source, needs, tmp_path, [None, change("lossless")])
    assert isinstance(raw, Features)
    assert isinstance(lossless, Features)
    for first, second in (
        (raw.times_s, lossless.times_s),
        (raw.track.landmarks, lossless.track.landmarks),
        (raw.track.box, lossless.track.box),
        (raw.moments.count, lossless.moments.count),
        (raw.moments.rgb, lossless.moments.rgb),
        (raw.moments.second, lossless.moments.second),
        (raw.clips["sinc_16"].frames, lossless.clips["sinc_16"].frames),
    ):
        np.testing.assert_array_equal(second, first)
    assert raw.moments.count.sum() > 0


def test_half_the_frames_have_the_faces_of_their_own_times(videos: Path, tmp_path: Path) -> None:
    source = VideoSource(videos / "even.mkv")
    raw, half = transformed_features(
        source, FeatureRequest(), tmp_path, [None, change("half_rate")]
    )
    assert isinstance(raw, Features)
    assert isinstance(half, Features)
    np.testing.assert_array_equal(half.times_s, raw.times_s[::2])
    np.testing.assert_array_equal(half.track.landmarks, raw.track.landmarks[::2])
    np.testing.assert_array_equal(half.moments.rgb, raw.moments.rgb[::2])


FILLS = """
import resource, signal, sys
from functools import partial
from pathlib import Path
from rppgbench.extraction.feature_cache import NamedTransform, transformed_features
from rppgbench.extraction.conditions import ConditionTransform
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.core.protocol import Condition
from rppgbench.core.recording import VideoSource

def named(name, kind, **params):
    condition = Condition(name=name, kind=kind, params=params)
    return NamedTransform(name=name, create=partial(ConditionTransform, condition))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
source, cache = VideoSource(Path(sys.argv[1])), Path(sys.argv[2])
whole, half = transformed_features(
    source,
    FeatureRequest(frozenset({"sinc_64"})),
    cache,
    [named("dim", "brightness", gain=0.5), named("half", "frame_rate", fps_out=6.0)],
)
print(type(whole).__name__, whole)
print(type(half).__name__, len(half.times_s), half.clips["sinc_64"].frames.shape)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_disk_that_fills_stops_the_condition_that_needs_more(
    videos: Path, tmp_path: Path
) -> None:
    """40 clips of 12 kB do not fit into files of 300 kB, 20 do: the kernel refuses the rest."""
    arguments = [sys.executable, "-c", FILLS, str(videos / "even.mkv"), str(tmp_path)]
    path = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    run = subprocess.run(arguments, check=True, capture_output=True, text=True, env=path)
    first, second = run.stdout.splitlines()
    assert first.startswith("MachineError ")
    assert "the cache cannot be written: File too large; make room" in first
    assert second == "Features 20 (20, 64, 64, 3)"
    assert not list(tmp_path.rglob(".*"))
    clips = [file.parent.name for file in tmp_path.rglob("frames.npy")]
    assert len(clips) == 1
    entries = {file.parent.parent for file in tmp_path.rglob("base/facts.json")}
    assert len(entries) == 2  # untouched, and the slower clock: nothing of the one that failed


def test_a_codec_that_stops_in_the_middle_is_a_fault_of_its_condition(
    videos: Path, tmp_path: Path
) -> None:
    """x264's lossless mode has no 4:2:0 of RGB: refused by the library, not by our checks."""
    refused = Condition(
        name="refused",
        kind="compression",
        params={"codec": "libx264", "preset": "slowest", "pixel_format": "yuv444p"},
    )
    named = NamedTransform(name="refused", create=partial(ConditionTransform, refused))
    source = VideoSource(videos / "odd.mkv")
    fault, raw = transformed_features(source, FeatureRequest(), tmp_path, [named, None])
    assert isinstance(fault, BenchError)
    assert "libx264 refuses" in str(fault)
    assert isinstance(raw, Features)


def kept_frames(file: Path) -> tuple[list[np.ndarray[Any, Any]], list[float]]:
    """What comes out of a video by our reader: pictures, and times from the first."""
    with open_video(VideoSource(file)) as reader:
        seen = [(frame.rgb, frame.time_s) for frame in reader]
    return [rgb for rgb, _ in seen], [time_s - seen[0][1] for _, time_s in seen]


def test_kept_videos_are_what_was_measured(
    results: tuple[Path, list[str]], videos: Path, tmp_path: Path
) -> None:
    """Asked for after the run, whose features are there: one more pass."""
    arguments = [*results[1], "--keep-videos", str(tmp_path / "kept")]
    before = dict(decode_counts)
    assert main(arguments) == 3
    assert {v: decode_counts[videos / v] - before[videos / v] for v in VIDEOS} == dict.fromkeys(
        VIDEOS, 1
    )
    kept = {str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*") if f.is_file()}
    even = {f"kept/video_folder/even.mkv/{name}.mkv" for name in CONDITIONS if "crf_30" in name}
    lossless = {f"kept/video_folder/{video}/lossless.mkv" for video in VIDEOS}
    assert kept == even | lossless
    with open_video(VideoSource(videos / "even.mkv")) as reader:
        source = list(reader)
    params = {k: str(v) for k, v in (("crf", 30), ("preset", "veryfast"), ("g", 250))}
    expected = list(
        recompress(iter(source), fps=FPS, codec="libx264", pixel_format="yuv420p", options=params)
    )
    folder = tmp_path / "kept" / "video_folder"
    pictures, times_s = kept_frames(folder / "even.mkv" / "crf_30.mkv")
    np.testing.assert_array_equal(pictures, [frame.rgb for frame in expected])
    np.testing.assert_allclose(times_s, np.arange(FRAMES) / FPS, atol=1e-3)
    pictures, _ = kept_frames(folder / "even.mkv" / "lossless.mkv")
    np.testing.assert_array_equal(pictures, [frame.rgb for frame in source])
    facts: Any = Store(results[0]).observed()["video_folder", "even.mkv", "crf_30"].metadata
    size = (folder / "even.mkv" / "crf_30.mkv").stat().st_size
    coded = facts["condition"]["bit_rate_kbps"] * 125 * FRAMES / FPS
    assert coded < size < coded + 20 * FRAMES + 2000  # Matroska's own share
    # A file of another condition, or no video at all, is made again; what is right stays.
    made = {file: file.read_bytes() for file in folder.rglob("*.mkv") if file.is_file()}
    written = {file: file.stat().st_mtime_ns for file in made}
    wrong = folder / "even.mkv" / "crf_30.mkv"
    wrong.write_bytes(b"no video")
    assert main(arguments) == 3
    assert {file: file.read_bytes() for file in made} == made
    del written[wrong]
    assert {file: file.stat().st_mtime_ns for file in written} == written


def test_nothing_to_keep_is_one_line(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "--protocol", "videos", "--data", f"video_folder={videos}"]
    arguments += ["--out", str(tmp_path / "out"), "--keep-videos", str(tmp_path / "kept")]
    assert main(arguments) == 2
    output = capsys.readouterr().err
    assert "--keep-videos: protocols/videos.toml recompresses no video" in output
    assert not (tmp_path / "kept").exists()


KEEPS = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from rppgbench.system.errors import MachineError
from rppgbench.video.packet_writer import PacketWriter
from rppgbench.video.encoding import Encoding
from rppgbench.video.recompression import Codec
from rppgbench.video.stream import Frame

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
place = Path(sys.argv[1])
writer = PacketWriter(place, "a test")
encoding = Encoding(
    location="here",
    codec="ffv1",
    pixel_format="bgr0",
    size=(64, 64),
    options={},
    scaling="ffmpeg",
)
codec = Codec(encoding, 30.0, writer)
noise = np.random.default_rng(0)
try:
    for index in range(40):
        picture = noise.integers(0, 255, (64, 64, 3)).astype(np.uint8)
        list(codec.feed(Frame(index, index / 30, picture)))
    list(codec.end())
except MachineError as error:
    print(error)
finally:
    writer.close()
print(sorted(path.name for path in place.parent.iterdir()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_disk_that_fills_keeps_no_half_of_a_video(tmp_path: Path) -> None:
    """A frame of noise, 64 x 64, takes some 12 kB without loss: the fourth does not fit."""
    place = tmp_path / "crf_30.mkv"
    path = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    arguments = [sys.executable, "-c", KEEPS, str(place)]
    run = subprocess.run(arguments, check=True, capture_output=True, text=True, env=path)
    text, left = run.stdout.splitlines()
    assert text == f"{place}: the video cannot be kept: File too large; make room, or choose " + (
        "another folder"
    )
    assert left == "[]"
