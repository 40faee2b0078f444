"""Video files that are equal byte for byte."""

from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.contamination import repeated_files as module
from rppgbench.contamination.repeated_files import repeated_files
from rppgbench.core.recording import GroundTruth
from rppgbench.system.file_digest import sha256_of_file

from ..factories.repeats import recording


def test_video_files_of_no_bytes_and_parts_of_one_file_are_no_copies(tmp_path: Path) -> None:
    empty = [tmp_path / f"empty{k}.avi" for k in range(2)]
    for file in empty:
        file.write_bytes(b"")
    whole = tmp_path / "whole.avi"
    whole.write_bytes(b"frames")
    truth = GroundTruth()
    files = [*empty, whole, whole, tmp_path / "gone.avi"]
    recordings = [replace(recording(f"r{k}", truth), files=(file,)) for k, file in enumerate(files)]
    assert repeated_files(recordings, tmp_path / "cache") == []
    other = replace(recording("r", truth, dataset="pure"), files=(whole,))
    repeats = repeated_files([*recordings, other], tmp_path / "cache")
    assert [(r.first.name, r.second.dataset) for r in repeats] == [("r2", "pure"), ("r3", "pure")]


def test_only_files_of_one_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan compares whole data sets, and their videos may be terabytes."""
    contents = {"a": b"frames", "b": b"frames", "c": b"others", "d": b"a longer video"}
    recordings = []
    for name, content in contents.items():
        file = tmp_path / f"{name}.avi"
        file.write_bytes(content)
        recordings.append(replace(recording(name, GroundTruth()), files=(file,)))
    read: list[str] = []

    def digest(file: Path, cache: Path | None = None) -> str:
        read.append(file.stem)
        return sha256_of_file(file, cache)

    monkeypatch.setattr(module, "sha256_of_file", digest)
    repeats = repeated_files(recordings, tmp_path / "cache")
    assert [(repeat.first.name, repeat.second.name) for repeat in repeats] == [("a", "b")]
    assert read == ["a", "b", "c"]
