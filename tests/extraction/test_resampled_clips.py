"""Clips on the clock of a method: made once, shared, whole or not at all, and bounded."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rppgbench.core.features import FaceClip, FaceTrack, Features, RegionMoments
from rppgbench.core.waveform import Array
from rppgbench.extraction import resampled_clips
from rppgbench.extraction.array_files import ArrayWriter
from rppgbench.extraction.feature_cache import clean_cache
from rppgbench.extraction.resampled_clips import CorruptClipWarning, stored_segments
from rppgbench.extraction.stored_rows import StoredRows
from rppgbench.extraction.traces import extract_segments

ROOT = Path(__file__).parents[2]
UNEVEN_S = np.arange(200) / 27 + np.random.default_rng(1).uniform(-0.004, 0.004, 200)
EVEN_S = np.arange(200) / 30
WITH_GAP_S = np.concatenate([UNEVEN_S[:100], UNEVEN_S[100:] + 2.0])


def features(folder: Path, times_s: Array, seed: int = 0) -> Features:
    """Features with one clip of noise that lies in a file, and without a face elsewhere."""
    rng, frames = np.random.default_rng(seed), len(times_s)
    folder.mkdir(parents=True, exist_ok=True)
    with ArrayWriter(folder / "frames.npy", (4, 4, 3), np.uint8) as writer:
        for _ in range(frames):
            writer.append(rng.integers(0, 256, (4, 4, 3)))
    stored: Any = StoredRows(folder / "frames.npy")
    valid = np.ones(frames, bool)
    clip = FaceClip(
        "crop", np.asarray(stored), valid, file=folder / "frames.npy", sha256=writer.sha256
    )
    track = FaceTrack(
        landmarks=np.zeros((frames, 0, 2), np.float32),
        box=np.zeros((frames, 4), np.float32),
        detected=valid,
        cadence=1,
    )
    empty = np.zeros((frames, 0))
    moments = RegionMoments(names=(), count=empty, rgb=empty, second=empty)
    return Features(times_s=times_s, track=track, moments=moments, clips={"crop": clip})


def entries(cache: Path) -> list[Path]:
    return sorted((cache / "resampled_clips").glob("*/*"))


@pytest.mark.parametrize(
    ("times_s", "fs", "made"),
    [
        (UNEVEN_S, 30.0, 1),
        (UNEVEN_S, None, 1),
        (WITH_GAP_S, 30.0, 2),
        (EVEN_S, 30.0, 0),  # consecutive frames: the features' own file
        (EVEN_S, 15.0, 1),  # every second frame
    ],
)
def test_stored_clips_are_what_a_method_gets_at_test(
    tmp_path: Path, times_s: Array, fs: float | None, made: int
) -> None:
    source = features(tmp_path / "source", times_s)
    stored = stored_segments(source, "crop", fs, tmp_path / "cache")
    expected = extract_segments(source, "clip", fs=fs, crop="crop")
    assert len(stored) == len(expected) > 0
    for mine, other in zip(stored, expected, strict=True):
        assert isinstance(mine.samples, StoredRows)
        assert (mine.fs, mine.start_s) == (other.fs, other.start_s)
        np.testing.assert_array_equal(np.asarray(mine.samples), other.samples)
    assert len(entries(tmp_path / "cache")) == made


def test_a_clip_is_made_once_for_each_clock_and_each_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = features(tmp_path / "a", UNEVEN_S), features(tmp_path / "b", UNEVEN_S, seed=1)
    cache = tmp_path / "cache"
    stored_segments(first, "crop", 30.0, cache)
    monkeypatch.setattr(resampled_clips, "_write", lambda *_: pytest.fail("made again"))
    stored_segments(features(tmp_path / "copy", UNEVEN_S), "crop", 30.0, cache)
    monkeypatch.undo()
    stored_segments(first, "crop", 25.0, cache)
    stored_segments(other, "crop", 30.0, cache)
    assert len(entries(cache)) == 3
    later = UNEVEN_S.copy()
    later[50] += 1e-4  # the same frames with other weights
    stored_segments(features(tmp_path / "later", later), "crop", 30.0, cache)
    assert len(entries(cache)) == 4


def test_other_code_of_the_interpolation_makes_other_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = features(tmp_path / "a", UNEVEN_S)
    stored_segments(source, "crop", 30.0, tmp_path / "cache")
    monkeypatch.setattr(resampled_clips, "_sampling_code", lambda: "other code")
    stored_segments(source, "crop", 30.0, tmp_path / "cache")
    assert len(entries(tmp_path / "cache")) == 2


@pytest.mark.parametrize("damage", ["byte", "cut", "facts", "no facts"])
def test_a_damaged_clip_is_named_and_made_again(tmp_path: Path, damage: str) -> None:
    source, cache = features(tmp_path / "a", UNEVEN_S), tmp_path / "cache"
    (whole,) = (np.array(part.samples) for part in stored_segments(source, "crop", 30.0, cache))
    (entry,) = entries(cache)
    content = bytearray((entry / "frames.npy").read_bytes())
    if damage == "byte":
        content[-1] ^= 1
    elif damage == "cut":
        del content[-10:]
    (entry / "frames.npy").write_bytes(content)
    if damage == "facts":
        facts = entry / "facts.json"
        facts.write_text(facts.read_text().replace('"fs": 30.0', '"fs": 31.0'))
    elif damage == "no facts":
        (entry / "facts.json").unlink()
    with pytest.warns(CorruptClipWarning, match="deleted, made again"):
        (again,) = stored_segments(source, "crop", 30.0, cache)
    np.testing.assert_array_equal(np.asarray(again.samples), whole)


def test_a_process_that_ends_in_the_middle_leaves_no_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cache = features(tmp_path / "a", UNEVEN_S), tmp_path / "cache"

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(resampled_clips, "_move", stop)
    with pytest.raises(KeyboardInterrupt):
        stored_segments(source, "crop", 30.0, cache)
    assert entries(cache) == []
    monkeypatch.undo()
    (part,) = stored_segments(source, "crop", 30.0, cache)
    assert len(part.samples) == len(
        extract_segments(source, "clip", fs=30.0, crop="crop")[0].samples
    )


KILLED = """
import os, sys
from pathlib import Path
from tests.extraction.test_resampled_clips import UNEVEN_S, features
from rppgbench.extraction import resampled_clips
resampled_clips._move = lambda *_: os._exit(9)
source, cache = features(Path(sys.argv[1]), UNEVEN_S), Path(sys.argv[2])
resampled_clips.stored_segments(source, "crop", 30.0, cache)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of files")
def test_what_a_killed_process_left_goes_with_the_next_run(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a"), str(cache)]
    assert subprocess.run(command, check=False, cwd=ROOT).returncode == 9

    def unfinished() -> list[Path]:
        return list((cache / "resampled_clips").glob("*/.*"))

    assert unfinished()
    with clean_cache(cache):
        assert not unfinished()


MAKE = """
import sys
from pathlib import Path
import numpy as np
from tests.extraction.test_resampled_clips import WITH_GAP_S, features
from rppgbench.extraction.array_files import array_sha256
from rppgbench.extraction.feature_cache import clean_cache
from rppgbench.extraction.resampled_clips import stored_segments
folder = Path(sys.argv[1])
source = features(folder / sys.argv[2], WITH_GAP_S)
print("ready", flush=True)
sys.stdin.readline()
parts = stored_segments(source, "crop", 30.0, folder / "cache")
print(*(array_sha256(np.asarray(part.samples)) for part in parts))
"""


def test_processes_that_make_the_same_clip_at_once_get_one(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, str(tmp_path), f"source{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = {process.communicate("\n", timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(answers) == 1
    assert len(answers.pop().split()) == 2
    folders = list((tmp_path / "cache" / "resampled_clips").glob("*/*"))
    assert len(folders) == 2  # nothing unfinished beside the two segments
    assert all((folder / "facts.json").is_file() for folder in folders)
