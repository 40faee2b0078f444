"""The tree of the overnight measurement: VIPL-HR's size and layout out of few videos."""

from collections import Counter
from pathlib import Path

from rppgbench.core.recording import VideoSource
from rppgbench.core.registry import load_datasets
from rppgbench.extraction.content_digest import content_digest

from ..factories.vipl_tree import DISTINCT_FOLDS, fold_of, recording_names, write_vipl_tree


def test_the_names_are_those_of_the_whole_set() -> None:
    names = dict(recording_names())
    assert len(names) == 2378 == load_datasets().available["vipl_hr"].expected["recordings"]
    sources = Counter(names.values())
    assert sources == {1: 7 * 95 + 5 + 1, 2: 9 * 106 + 5 + 1, 3: 7 * 106 + 5}
    assert {fold_of(name) for name in names} == set(range(5))


def test_the_reader_finds_recordings_of_which_some_share_their_content(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    count = write_vipl_tree(root, subjects=5, seconds=1.0)
    dataset = load_datasets().available["vipl_hr"]
    recordings = list(dataset.recordings(root))
    assert len(recordings) == count == 5 * 23 + 2
    assert all(recording.simulated for recording in recordings)
    assert len({recording.files[0].stat().st_ino for recording in recordings}) == 12
    videos = [recording.video() for recording in recordings]
    contents = {content_digest(video) for video in videos if isinstance(video, VideoSource)}
    distinct = sum(fold_of(recording.name) < DISTINCT_FOLDS for recording in recordings)
    assert distinct / 2 < len(contents) <= distinct + 12
    assert dataset.folds is not None
    assert len(dataset.folds(root)) == 5
    assert recordings[0].ground_truth().heart_rate is not None
