"""What lies in the cache is counted by data set and kind."""

import shutil
from pathlib import Path

import pytest

from rppgbench.execution.cache_contents import OTHER, group_entries, list_entries
from rppgbench.extraction.extractor import FeatureRequest
from rppgbench.extraction.feature_cache import transformed_features
from rppgbench.system.cache_use import in_use

from ..factories.caches import put
from ..factories.faces import save_video, swaying

pytest.importorskip("fcntl")


def test_entries_are_counted_with_sizes_ages_and_users(tmp_path: Path) -> None:
    put(tmp_path, "features", "aa10000000000000", "pure", size=10, days=3)
    put(tmp_path, "features", "aa20000000000000", "pure", size=20, days=1)
    put(tmp_path, "features", "bb30000000000000", "pure", "ubfc_rppg", size=40)
    put(tmp_path, "features", "bb40000000000000", size=80, days=9)  # of an older version
    put(tmp_path, "resampled_clips", "cc50000000000000", "pure", size=160)
    put(tmp_path, "pretrainings", "dd60000000000000", "pure", size=320)
    put(tmp_path, "simulated", "pure-ee70000000000000", size=640)
    (tmp_path / "digests").mkdir()
    (tmp_path / "digests" / "note").write_bytes(bytes(5))
    (tmp_path / "features" / "aa" / ".aa90000000000000-1-x").mkdir()  # of a process that writes
    entries = list_entries(tmp_path)
    assert [entry.folder.name for entry in entries[:3]] == [
        "bb40000000000000",
        "aa10000000000000",
        "aa20000000000000",
    ]
    with in_use(tmp_path, ["ubfc_rppg"]):
        groups = {(g.datasets, g.kind): g for g in group_entries(tmp_path, entries)}
    sizes = {key: (group.entries, group.size) for key, group in groups.items() if key[1] != OTHER}
    assert sizes == {
        ((), "features"): (1, 80),
        (("pure",), "clips"): (1, 160),
        (("pure",), "features"): (2, 30),
        (("pure",), "models"): (1, 320),
        (("pure",), "simulated data"): (1, 640),
        (("pure", "ubfc_rppg"), "features"): (1, 40),
    }
    used = {key for key, group in groups.items() if group.in_use}
    shared = {((), "features"), (("pure",), "simulated data")}  # of any command with a cache
    assert used == {(("pure", "ubfc_rppg"), "features"), *shared}
    ages = groups[("pure",), "features"]
    assert ages.youngest_days == pytest.approx(1, abs=0.01)
    assert ages.oldest_days == pytest.approx(3, abs=0.01)
    assert groups[(), OTHER].size >= 5


def test_features_and_clips_of_a_video_are_told_apart_and_of_their_data_set(tmp_path: Path) -> None:
    source = save_video(tmp_path / "head.mkv", list(swaying(9)))
    cache, clips = tmp_path / "cache", FeatureRequest(frozenset({"sinc_16"}))
    transformed_features(source, clips, cache, [None], dataset="pure")
    (entry,) = list_entries(cache)
    assert entry.datasets == ("pure",)
    size = sum(file.stat().st_size for file in (entry.folder / "sinc_16").iterdir())
    assert entry.sizes["clips"] == size
    assert entry.sizes["features"] > 0
    transformed_features(source, clips, cache, [None], dataset="ubfc_rppg")
    transformed_features(source, clips, cache, [None])
    (entry,) = list_entries(cache)
    assert entry.datasets == ("no data set", "pure", "ubfc_rppg")
    shutil.rmtree(entry.folder)
    assert list_entries(cache) == []
