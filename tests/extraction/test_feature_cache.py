"""Features kept on disk."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
import tokenize
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.features import Features
from rppgbench.core.protocol import Condition
from rppgbench.core.recording import VideoSource
from rppgbench.digests.code_digest import Closure
from rppgbench.extraction import feature_cache
from rppgbench.extraction.array_files import ArrayWriter, read_array, stored_sha256
from rppgbench.extraction.conditions import ConditionTransform
from rppgbench.extraction.content_digest import content_digest
from rppgbench.extraction.extractor import FeatureRequest, NoFaceError, extract
from rppgbench.extraction.feature_cache import (
    CorruptEntryWarning,
    NamedTransform,
    cached_features,
    feature_digest,
    transformed_features,
)
from rppgbench.extraction.stored_rows import StoredRows
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.video.stream import decode_counts

from ..factories.faces import empty, save_video, swaying

CLIPS = FeatureRequest(frozenset({"sinc_16"}))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> VideoSource:
    return save_video(tmp_path_factory.mktemp("video") / "head.mkv", list(swaying(9)))


@pytest.fixture(scope="module")
def filled(source: VideoSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the video with one clip; to be copied, not changed."""
    cache = tmp_path_factory.mktemp("filled")
    cached_features(source, CLIPS, cache)
    return cache


@pytest.fixture(scope="module")
def expected(source: VideoSource) -> Features:
    return extract(source, CLIPS)


@pytest.fixture
def cache(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "cache"))


def same(one: Features, other: Features) -> bool:
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = [
        (one.times_s, other.times_s),
        (one.track.landmarks, other.track.landmarks),
        (one.track.box, other.track.box),
        (one.track.detected, other.track.detected),
        (one.moments.count, other.moments.count),
        (one.moments.rgb, other.moments.rgb),
        (one.moments.second, other.moments.second),
        *((one.clips[k].frames, other.clips[k].frames) for k in one.clips),
        *((one.clips[k].valid, other.clips[k].valid) for k in one.clips),
    ]
    equal = all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
    return equal and one.clips.keys() == other.clips.keys()


def test_cached_features_need_no_decoding(source: VideoSource, cache: Path) -> None:
    before = decode_counts[source.path]
    features = cached_features(source, CLIPS, cache)
    assert decode_counts[source.path] == before
    assert same(features, extract(source, CLIPS))
    assert features.metadata["frames"] == 9
    with pytest.raises(ValueError, match="read-only"):
        features.moments.rgb[0] = 0


def test_a_new_clip_costs_one_pass_and_keeps_the_rest(source: VideoSource, cache: Path) -> None:
    before = decode_counts[source.path]
    files = {file: file.stat().st_mtime_ns for file in cache.rglob("*.npy")}
    both = FeatureRequest(frozenset({"sinc_16", "contrast_phys_16", "toolbox_16"}))
    features = cached_features(source, both, cache)
    assert decode_counts[source.path] == before + 1
    assert all(file.stat().st_mtime_ns == changed for file, changed in files.items())
    assert same(features, extract(source, both))
    cached_features(source, both, cache)
    cached_features(source, FeatureRequest(), cache)
    assert decode_counts[source.path] == before + 2  # extract's own


FILES = [
    *(f"base/{name}.npy" for name in ("times_s", "landmarks", "found", "second")),
    "base/facts.json",
    "sinc_16/frames.npy",
    "sinc_16/valid.npy",
    "sinc_16/facts.json",
]


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "emptied", "header"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_entry_is_named_deleted_and_extracted_again(
    source: VideoSource, cache: Path, expected: Features, name: str, damage: str
) -> None:
    (file,) = cache.glob(f"features/*/*/{name}")
    good = file.read_bytes()
    bad = bytearray(good)
    if damage == "flip":
        bad[-7 if file.suffix == ".json" else -1] ^= 4
    elif damage == "header":
        bad[min(20, len(bad) - 1)] ^= 1
    file.write_bytes({"cut": good[:-9], "emptied": b""}.get(damage, bytes(bad)))
    if damage == "gone":
        file.unlink()
    before = decode_counts[source.path]
    part = name.split("/", maxsplit=1)[0]
    with pytest.warns(CorruptEntryWarning, match=f"{part}.*extracted again"):
        features = cached_features(source, CLIPS, cache)
    assert decode_counts[source.path] == before + 1
    assert same(features, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(cached_features(source, CLIPS, cache), features)


def test_every_flipped_bit_of_a_clip_is_found_with_verify_clips(
    source: VideoSource, cache: Path
) -> None:
    (file,) = cache.glob("features/*/*/sinc_16/frames.npy")
    bad = bytearray(file.read_bytes())
    bad[len(bad) // 2] ^= 128
    file.write_bytes(bad)
    before = decode_counts[source.path]
    cached_features(source, CLIPS, cache, verify_clips=False)
    assert decode_counts[source.path] == before
    with pytest.warns(CorruptEntryWarning, match="frames.npy does not agree with its checksum"):
        cached_features(source, CLIPS, cache)


def test_a_note_is_trusted_until_a_file_changes_and_by_trainings_alone(
    source: VideoSource, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*, trust_notes: bool) -> list[Path]:
        """The files that are compared with their checksums."""
        compared: list[Path] = []

        def compare(file: Path) -> str:
            compared.append(file)
            return stored_sha256(file)

        monkeypatch.setattr(feature_cache, "stored_sha256", compare)
        transformed_features(source, CLIPS, cache, [None], trust_notes=trust_notes)
        return compared

    everything = read(trust_notes=True)
    (file,) = cache.glob("features/*/*/sinc_16/frames.npy")
    assert file in everything
    assert read(trust_notes=True) == []
    assert read(trust_notes=False) == everything
    file.touch()
    assert {f.parent for f in read(trust_notes=True)} == {file.parent}
    assert read(trust_notes=True) == []
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.warns(CorruptEntryWarning, match="frames.npy does not agree with its checksum"):
        read(trust_notes=True)


def test_no_incomplete_folder_is_left(source: VideoSource, tmp_path: Path) -> None:
    cached_features(source, CLIPS, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(source.path.read_bytes()[:1000])
    with pytest.raises(RecordingError, match=r"broken\.mkv"):
        cached_features(VideoSource(broken), CLIPS, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_folders_of_a_killed_process_are_deleted_after_a_day(
    source: VideoSource, tmp_path: Path
) -> None:
    cached_features(source, FeatureRequest(), tmp_path)
    (entry,) = tmp_path.glob("features/*/*")
    shutil.rmtree(entry)
    for name, age_s in (("old", 90000), ("young", 60)):
        left = entry.with_name(f".{entry.name}-{name}")
        (left / "base").mkdir(parents=True)
        os.utime(left, (time.time() - age_s, time.time() - age_s))
    cached_features(source, FeatureRequest(), tmp_path)
    assert [path.name for path in entry.parent.glob(".*")] == [f".{entry.name}-young"]


def test_the_absence_of_a_face_is_cached(tmp_path: Path) -> None:
    wall = save_video(tmp_path / "wall.mkv", [empty()] * 5)
    for _ in range(2):
        with pytest.raises(NoFaceError, match=r"wall\.mkv: no face in any of 5 frames"):
            cached_features(wall, CLIPS, tmp_path / "cache")
    assert decode_counts[wall.path] == 1
    again = wall.path.rename(tmp_path / "other.mkv")
    with pytest.raises(NoFaceError, match=r"other\.mkv: no face"):
        cached_features(VideoSource(again), CLIPS, tmp_path / "cache")
    assert decode_counts[again] == 0


def test_the_same_content_elsewhere_is_the_same_entry(
    source: VideoSource, cache: Path, tmp_path: Path
) -> None:
    copy = VideoSource(Path(shutil.copy(source.path, tmp_path / "copy.mkv")))
    assert content_digest(copy) == content_digest(source)
    cached_features(copy, CLIPS, cache)
    assert decode_counts[copy.path] == 0


def test_the_digest_follows_everything_that_changes_the_features(source: VideoSource) -> None:
    digests = {
        feature_digest(source),
        feature_digest(source, CLIPS),
        feature_digest(source, FeatureRequest(frozenset({"sinc_32"}))),
        feature_digest(source, cadence=1),
        feature_digest(source, transform=named("crf23")),
        feature_digest(source, transform=named("crf24")),
        feature_digest(source, transform=replace(named("crf23"), faces="found")),
        feature_digest(replace(source, times_s=np.arange(9) / 30)),
        feature_digest(replace(source, times_s=np.arange(9) / 25)),
    }
    assert len(digests) == 9
    assert feature_digest(source, CLIPS) in digests


def test_code_that_changes_frames_is_in_the_digest_of_changed_videos_alone(
    source: VideoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digests() -> tuple[str, str]:
        return feature_digest(source), feature_digest(source, transform=named("half"))

    whole, changed = digests()
    edited = Closure({"rppgbench/extraction/conditions.py": "edited"})
    monkeypatch.setattr(feature_cache, "condition_code", lambda sources: edited)
    feature_cache._condition_digest.cache_clear()
    try:
        after_whole, after_changed = digests()
    finally:
        feature_cache._condition_digest.cache_clear()
    assert after_whole == whole
    assert after_changed != changed


def test_a_changed_file_is_another_content(tmp_path: Path) -> None:
    file = tmp_path / "video.bin"
    file.write_bytes(b"one")
    first = content_digest(VideoSource(file), tmp_path / "cache")
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert content_digest(VideoSource(file), tmp_path / "cache") != first
    with pytest.raises(RecordingError, match=r"gone\.bin"):
        content_digest(VideoSource(tmp_path / "gone.bin"))


def test_images_count_by_name_and_content_and_order(tmp_path: Path) -> None:
    def folder(name: str, pictures: dict[str, int]) -> VideoSource:
        place = tmp_path / name
        place.mkdir()
        for file, level in pictures.items():
            cv2.imwrite(str(place / file), np.full((8, 8, 3), level, np.uint8))
        files = tuple(sorted(place.iterdir()))
        return VideoSource(place, images=files, times_s=np.arange(len(files)) / 30)

    one = folder("one", {"a.png": 10, "b.png": 20})
    assert content_digest(folder("copy", {"a.png": 10, "b.png": 20})) == content_digest(one)
    others = [
        folder("level", {"a.png": 10, "b.png": 21}),
        folder("name", {"a.png": 10, "c.png": 20}),
        folder("more", {"a.png": 10, "b.png": 20, "c.png": 20}),
        replace(one, images=one.images[::-1]),
    ]
    assert len({content_digest(s) for s in (one, *others)}) == 5


def test_a_cache_that_cannot_be_written_is_named(source: VideoSource, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("not a folder")
    with pytest.raises(BenchError, match="cannot be written"):
        cached_features(source, FeatureRequest(), place)


SMALL_FILES = """
import resource, signal, sys
from pathlib import Path
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.system.errors import BenchError
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.core.recording import VideoSource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    cached_features(VideoSource(Path(sys.argv[1])), FeatureRequest(), Path(sys.argv[2]))
except BenchError as fault:
    print(fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_full_disk_is_one_line_and_leaves_no_files(source: VideoSource, tmp_path: Path) -> None:
    """The kernel refuses to write more than 20 kB, as a full disk does."""
    run = subprocess.run(
        [sys.executable, "-c", SMALL_FILES, str(source.path), str(tmp_path / "cache")],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert "cannot be written: File too large; make room" in run.stdout
    assert not list((tmp_path / "cache").rglob("*.npy"))
    cached_features(source, FeatureRequest(), tmp_path / "cache")


def named(name: str, kind: str = "brightness", **params: float | str) -> NamedTransform:
    given: dict[str, int | float | str] = {**params} if params else {"gain": 0.5}
    condition = Condition(name=name, kind=kind, params=given)
    return NamedTransform(name=name, create=partial(ConditionTransform, condition))


def test_transforms_have_separate_entries_and_cost_one_pass(
    source: VideoSource, tmp_path: Path
) -> None:
    half, dim = named("half"), replace(named("dim", gain=0.25), faces="found")
    before = decode_counts[source.path]
    dark, plain, darker = transformed_features(source, CLIPS, tmp_path, [half, None, dim])
    assert decode_counts[source.path] == before + 1
    assert isinstance(dark, Features)
    assert isinstance(plain, Features)
    assert isinstance(darker, Features)
    for features, gain in ((dark, 0.5), (darker, 0.25)):
        share = features.moments.mean_rgb("skin") / plain.moments.mean_rgb("skin")
        assert np.abs(share - gain ** (1 / 2.2)).max() < 0.03  # linear light, gamma 2.2
        assert features.clips.keys() == CLIPS.clips
    assert same(cached_features(source, CLIPS, tmp_path), plain)
    again = transformed_features(source, CLIPS, tmp_path, [None, dim, half])
    for first, second in zip(again, (plain, darker, dark), strict=True):
        assert isinstance(first, Features)
        assert same(first, second)
    assert decode_counts[source.path] == before + 1


def test_only_missing_features_of_the_transforms_are_extracted(
    source: VideoSource, tmp_path: Path
) -> None:
    plain = cached_features(source, FeatureRequest(), tmp_path)
    (first,) = transformed_features(source, FeatureRequest(), tmp_path, [named("half")])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    passed = decode_counts[source.path]
    half, noisy = transformed_features(
        source, CLIPS, tmp_path, [named("half"), named("noisy", "noise", std=2.0)]
    )
    assert decode_counts[source.path] == passed + 1  # the clip of one, all of the other
    after = {path: path.stat().st_mtime_ns for path in before}
    assert after == before
    assert isinstance(first, Features)
    assert isinstance(half, Features)
    assert isinstance(noisy, Features)
    assert same(replace(half, clips={}), first)
    np.testing.assert_array_equal(noisy.track.landmarks, plain.track.landmarks)


def test_a_transform_that_cannot_run_stops_no_other(source: VideoSource, tmp_path: Path) -> None:
    fault, half = transformed_features(
        source, FeatureRequest(), tmp_path, [named("wrong", gain=-1.0), named("half")]
    )
    assert str(fault) == "condition brightness: gain is -1.0; it must be over 0"
    assert isinstance(half, Features)
    assert len(list(tmp_path.glob("features/*/*/base"))) == 2  # untouched, and half
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def test_a_transform_that_leaves_no_face_is_cached(source: VideoSource, tmp_path: Path) -> None:
    night = named("night", gain=1e-6)
    for _ in range(2):
        fault, plain = transformed_features(source, FeatureRequest(), tmp_path, [night, None])
        assert isinstance(fault, NoFaceError)
        assert "too dark" in str(fault)
        assert isinstance(plain, Features)
    assert decode_counts[source.path]
    passed = decode_counts[source.path]
    transformed_features(source, FeatureRequest(), tmp_path, [night])
    assert decode_counts[source.path] == passed


WORK = """
import sys, time
from pathlib import Path
from rppgbench.extraction.feature_cache import cached_features
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.core.recording import VideoSource
time.sleep(max(float(sys.argv[3]) - time.time(), 0))
needs = FeatureRequest(frozenset(sys.argv[4:]))
found = cached_features(VideoSource(Path(sys.argv[1])), needs, Path(sys.argv[2]))
assert found.moments.count.sum() > 0
"""


def test_two_processes_may_fill_one_entry_at_once(source: VideoSource, tmp_path: Path) -> None:
    arguments = [str(source.path), str(tmp_path), str(time.time() + 4), *sorted(CLIPS.clips)]
    command = [sys.executable, "-c", WORK, *arguments]
    workers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [worker.communicate(timeout=120)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], lines
    before = decode_counts[source.path]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = cached_features(source, CLIPS, tmp_path)
    assert decode_counts[source.path] == before
    assert same(features, extract(source, CLIPS))
    assert not list(tmp_path.glob("features/*/.*"))


def test_a_damaged_header_is_a_value_error_whatever_numpy_s_parser_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From Python 3.12 on, a flipped bit may end in the parser's own TokenError."""
    whole = tmp_path / "whole.npy"
    with ArrayWriter(whole, (2,), np.float64) as writer:
        for _ in range(3):
            writer.append([1.0, 2.0])
    content, damaged = whole.read_bytes(), tmp_path / "damaged.npy"
    for bit in range(8 * 128):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.write_bytes(flipped)
        for read in (read_array, stored_sha256, StoredRows):
            with contextlib.suppress(ValueError, OSError):
                read(damaged)

    def stumble(*given: object, **more: object) -> None:
        raise tokenize.TokenError("unexpected EOF in multi-line statement", (1, 0))

    monkeypatch.setattr(np, "load", stumble)
    monkeypatch.setattr(np.lib.format, "read_array_header_1_0", stumble)
    for read in (read_array, stored_sha256, StoredRows):
        with pytest.raises(ValueError, match=r"header is damaged: .*unexpected EOF"):
            read(whole)
