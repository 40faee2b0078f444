"""Data sets are asked of the disk once for several plans."""

from pathlib import Path

import pytest

from rppgbench.core.registry import load_datasets
from rppgbench.datasets.catalog import Catalog
from rppgbench.datasets.fingerprint import fingerprint_line
from rppgbench.system.errors import BenchError

from ..factories import trees


def test_recordings_and_their_lines_stay_as_they_were_first_seen(tmp_path: Path) -> None:
    trees.vipl_hr_v2(tmp_path)
    listing = Catalog()
    first = listing.recordings("vipl_hr_v2", tmp_path)
    expected = [r.name for r in load_datasets().available["vipl_hr_v2"].recordings(tmp_path)]
    assert [r.name for r in first] == expected
    one = next(r for r in first if r.name == "1/video1")
    before = listing.line(one)
    assert before == fingerprint_line(one)
    (tmp_path / "train/1/gt.csv").write_text(",video1,video2\nHR,99,99\nFPS,25,25\n")
    trees.clip(tmp_path / "train/2/video1.avi")
    assert listing.recordings("vipl_hr_v2", tmp_path) is first
    assert listing.line(one) == before
    anew = Catalog()
    again = anew.recordings("vipl_hr_v2", tmp_path)
    assert len(again) == len(first) + 1
    assert anew.line(next(r for r in again if r.name == "1/video1")) != before


def test_a_root_without_recordings_is_one_line_every_time(tmp_path: Path) -> None:
    listing = Catalog()
    for _ in range(2):
        with pytest.raises(BenchError, match="VIPL-HR version 2"):
            listing.recordings("vipl_hr_v2", tmp_path)
