"""Video files that are equal byte for byte."""

from dataclasses import replace
from pathlib import Path

from rppgbench.contamination.repeated_files import repeated_files
from rppgbench.core.recording import GroundTruth

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
