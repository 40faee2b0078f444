"""Entries of the cache are deleted by age, size and data set, and never while they are in use."""

import os
from pathlib import Path
from typing import Any

import pytest

from rppgbench.execution import cache_pruning, dask_worker
from rppgbench.execution.cache_contents import list_entries
from rppgbench.execution.cache_pruning import Pruned, Selection, prune_cache
from rppgbench.execution.dask_worker import WorkerContract, environment_digest, to_text
from rppgbench.system.atomic_files import remove_stale
from rppgbench.system.cache_use import USED, hold_unused, in_use, mark_used
from rppgbench.system.errors import BenchError

from ..factories.caches import put
from ..factories.tasks import make_recording_task

pytest.importorskip("fcntl")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Four entries of 100 bytes, used 4, 3, 2 and 1 days ago."""
    put(tmp_path, "features", "aa10000000000000", "pure", days=4)
    put(tmp_path, "features", "aa20000000000000", "pure", "ubfc_rppg", days=3)
    put(tmp_path, "resampled_clips", "aa10000000000000", "ubfc_rppg", days=2)
    put(tmp_path, "simulated", "pure-ee70000000000000", days=1)
    return tmp_path


def names(pruned: Pruned) -> list[str]:
    return [f"{entry.group}/{entry.folder.name}" for entry in pruned.deleted]


@pytest.mark.parametrize(
    ("selection", "deleted"),
    [
        (
            Selection(older_than_days=2.5),
            ["features/aa10000000000000", "features/aa20000000000000"],
        ),
        (Selection(to_size=250), ["features/aa10000000000000", "features/aa20000000000000"]),
        (Selection(to_size=400), []),
        (
            Selection(datasets=("pure",)),
            ["features/aa10000000000000", "simulated/pure-ee70000000000000"],
        ),
        (Selection(datasets=("ubfc_rppg",)), ["resampled_clips/aa10000000000000"]),
        (
            Selection(datasets=("pure", "ubfc_rppg"), older_than_days=3.5),
            ["features/aa10000000000000"],
        ),
        (Selection(datasets=("ubfc_rppg",), to_size=350), ["resampled_clips/aa10000000000000"]),
    ],
)
def test_what_is_selected_goes_with_its_marks_and_the_rest_stays(
    cache: Path, selection: Selection, deleted: list[str]
) -> None:
    shown = prune_cache(cache, selection, dry_run=True)
    assert names(shown) == deleted
    assert len(list_entries(cache)) == 4
    pruned = prune_cache(cache, selection)
    assert names(pruned) == deleted
    left = {f"{entry.group}/{entry.folder.name}" for entry in list_entries(cache)}
    assert len(left) == 4 - len(deleted) == pruned.kept
    assert not left & set(deleted)
    assert pruned.kept_size == 100 * pruned.kept
    marks = {"/".join(mark.parts[-2:]) for mark in cache.glob(f"{USED}/*/*/*")}
    assert not marks & set(deleted)
    assert not list(cache.glob("**/.*pruned")), "a folder that is being deleted is left"


def test_what_is_no_entry_stays(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Folders of others, links, and a folder that no command has used as a cache."""
    other = tmp_path_factory.mktemp("other")
    mine = [put(cache, "features", "thesis"), put(cache, "simulated", "holiday-2024")]
    link = cache / "features" / "aa" / "aa90000000000000"
    link.symlink_to(other)
    strange = put(other, "features", "aa10000000000000")
    assert len(names(prune_cache(cache, Selection(older_than_days=0)))) == 4
    assert not names(prune_cache(other, Selection(older_than_days=0)))
    assert all(folder.is_dir() for folder in [*mine, link, strange])
    assert not (other / USED).exists()


def test_a_use_in_the_future_is_now(cache: Path) -> None:
    put(cache, "features", "aa30000000000000", "pure", days=-1)
    assert "features/aa30000000000000" in names(prune_cache(cache, Selection(older_than_days=0)))


def test_what_a_process_uses_stays_and_is_named(cache: Path) -> None:
    with in_use(cache, ["ubfc_rppg"]):
        pruned = prune_cache(cache, Selection(older_than_days=0))
        assert names(pruned) == ["features/aa10000000000000"]
        in_use_names = [entry.folder.name for entry in pruned.in_use]
        assert in_use_names == ["aa20000000000000", "aa10000000000000", "pure-ee70000000000000"]
    assert len(names(prune_cache(cache, Selection(older_than_days=0)))) == 3


def test_an_entry_that_another_data_set_begins_to_use_stays(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def select(*arguments: Any) -> Any:
        mark_used(
            cache, "cohface", "features", "aa10000000000000"
        )  # by a process that was not listed
        return original(*arguments)

    original = cache_pruning._select
    monkeypatch.setattr(cache_pruning, "_select", select)
    pruned = prune_cache(cache, Selection(datasets=("pure",)))
    assert names(pruned) == ["simulated/pure-ee70000000000000"]
    assert (cache / "features" / "aa" / "aa10000000000000").is_dir()


def test_an_unknown_data_set_is_one_line(cache: Path) -> None:
    with pytest.raises(BenchError, match="no data set 'pur'; did you mean 'pure'"):
        prune_cache(cache, Selection(datasets=("pur",)))


def test_entries_of_older_versions_have_a_name(cache: Path) -> None:
    put(cache, "features", "aa40000000000000")
    with in_use(cache):
        assert names(prune_cache(cache, Selection(datasets=("unknown",)))) == []
    assert names(prune_cache(cache, Selection(datasets=("unknown",)))) == [
        "features/aa40000000000000"
    ]


def test_what_a_killed_pruning_left_is_swept(cache: Path) -> None:
    left = cache / "features" / "aa" / ".aa10000000000000-123-pruned"
    (cache / "features" / "aa" / "aa10000000000000").rename(left)
    os.utime(left, (0, 0))
    remove_stale(left.parent)
    assert not left.exists()


def test_a_dask_worker_holds_the_data_set_of_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[set[str]] = []

    def run(task: Any) -> Any:
        with hold_unused(task.options.cache, ["", task.dataset, "other"]) as unused:
            held.append(unused)

    monkeypatch.setattr(dask_worker, "run_recording", run)
    monkeypatch.setattr(dask_worker, "_require_same_files", lambda task: None)
    task = make_recording_task("pure", "01-01", tmp_path)
    dask_worker.run_recording_task(to_text(task), WorkerContract(environment_digest()))
    assert held == [{"other"}]
