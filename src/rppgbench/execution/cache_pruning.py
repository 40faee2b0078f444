"""Deletion of entries of the cache by data set, age or size; never of what a process uses."""

import os
import shutil
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rppgbench.execution.cache_contents import (
    DAY_S,
    UNKNOWN,
    CacheEntry,
    list_entries,
    lock_names,
    read_marks,
)
from rppgbench.system.atomic_files import move_into_place
from rppgbench.system.cache_use import USED, hold_unused
from rppgbench.system.errors import MachineError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The entries to delete: those that meet every stated condition.

    Attributes:
        datasets: names of data sets, or `UNKNOWN`; an entry that other data sets use too stays.
            Empty for all.
        older_than_days: days since the last use; None for any age.
        to_size: bytes that the entries of the cache may have: those used last are kept. None for
            no limit.
    """

    datasets: tuple[str, ...] = ()
    older_than_days: float | None = None
    to_size: float | None = None


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """The entries that a pruning deleted, or would delete in a dry run.

    Attributes:
        deleted: the deleted entries.
        in_use: entries that meet the conditions and stay, because a process uses them.
        kept: number of the entries that remain.
        kept_size: bytes of the entries that remain.
    """

    deleted: tuple[CacheEntry, ...]
    in_use: tuple[CacheEntry, ...]
    kept: int
    kept_size: int


def prune_cache(cache: Path, selection: Selection, *, dry_run: bool = False) -> Pruned:
    """Delete entries of a cache.

    Args:
        cache: the cache.
        selection: the conditions for deletion.
        dry_run: whether nothing is deleted.

    Raises:
        BenchError: no entry belongs to a named data set, or the system has no locks of files.
        MachineError: an entry cannot be deleted.
    """
    entries = list_entries(cache)
    known = {name for entry in entries for name in entry.datasets or (UNKNOWN,)}
    for name in selection.datasets:
        if name not in known:
            raise unknown_name("data set", name, known, f"{cache}")
    names = {name for entry in entries for name in lock_names(entry)}
    with hold_unused(cache, names) as unused:
        selected, in_use = _select(entries, selection, unused)
        deleted = set(selected) if dry_run else _delete_all(cache, selected)
    kept = [entry for entry in entries if entry not in deleted]
    return Pruned(
        deleted=tuple(entry for entry in entries if entry in deleted),
        in_use=tuple(in_use),
        kept=len(kept),
        kept_size=sum(entry.size for entry in kept),
    )


def _select(
    entries: Sequence[CacheEntry], selection: Selection, unused: Collection[str]
) -> tuple[list[CacheEntry], list[CacheEntry]]:
    """The entries to delete, and those that stay because they are in use; oldest use first."""
    now_s = time.time()
    size = sum(entry.size for entry in entries)
    selected: list[CacheEntry] = []
    in_use: list[CacheEntry] = []
    for entry in entries:
        if selection.to_size is not None and size <= selection.to_size:
            break
        if selection.datasets and not set(entry.datasets or (UNKNOWN,)) <= set(selection.datasets):
            continue
        days = max(now_s - entry.used_s, 0.0) / DAY_S
        if selection.older_than_days is not None and days < selection.older_than_days:
            continue
        if any(name not in unused for name in lock_names(entry)):
            in_use.append(entry)
            continue
        selected.append(entry)
        size -= entry.size
    return selected, in_use


def _delete_all(cache: Path, selected: Sequence[CacheEntry]) -> set[CacheEntry]:
    """Delete entries, unless another data set has begun to use them since they were listed."""
    deleted = set()
    marks = read_marks(cache)
    for entry in selected:
        users = marks.get((entry.group, entry.folder.name), {})
        if set(users) <= set(entry.datasets):
            _delete(entry)
            deleted.add(entry)
            for dataset in users:
                with suppress(OSError):
                    (cache / USED / dataset / entry.group / entry.folder.name).unlink()
    return deleted


def _delete(entry: CacheEntry) -> None:
    """Delete a folder at once for readers: under another name, which clean-ups know."""
    doomed = entry.folder.with_name(f".{entry.folder.name}-{os.getpid()}-pruned")
    try:
        move_into_place(entry.folder, doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        raise MachineError(
            f"{entry.folder}: cannot be deleted: {error.strerror}; what was deleted before is gone"
        ) from error
    with suppress(OSError):  # other entries may lie beside it
        entry.folder.parent.rmdir()
