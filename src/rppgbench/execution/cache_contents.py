"""The entries of the cache: features, clips, models and simulated data sets."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rppgbench.execution import shared_pretraining
from rppgbench.extraction import resampled_clips
from rppgbench.extraction.feature_cache import FEATURES, SIMULATED
from rppgbench.extraction.feature_files import BASE
from rppgbench.system.cache_use import NO_DATASET, USED, hold_unused

DAY_S = 86400.0
UNKNOWN = "unknown"
"""The data set of entries that were made by a version that did not note it."""

KINDS = {
    FEATURES: "features",
    resampled_clips.FOLDER: "clips",
    shared_pretraining.FOLDER: "models",
    SIMULATED: "simulated data",
}
"""Kinds of entries by their folder in the cache; an entry of features holds clips too."""

DIGEST = re.compile(r"[0-9a-f]{16,}")
"""The digest that is the name of an entry, or the end of the name."""

OTHER = "checksums and notes"


@dataclass(frozen=True, eq=False, kw_only=True)
class CacheEntry:
    """One entry of a cache, which is kept or deleted as a whole.

    Attributes:
        folder: the folder of the entry.
        group: the folder of the cache that holds all entries of its kind.
        datasets: names of the data sets that use the entry, sorted; empty where no use was noted.
        sizes: bytes by kind.
        used_s: time of the last use, in seconds of the system's clock.
    """

    folder: Path
    group: str
    datasets: tuple[str, ...]
    sizes: Mapping[str, int]
    used_s: float

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(self.sizes.values())


@dataclass(frozen=True, kw_only=True)
class CacheGroup:
    """The entries of one kind that the same data sets use.

    Attributes:
        datasets: names of the data sets.
        kind: a value of `KINDS`, or `OTHER`.
        entries: number of entries.
        size: bytes of their parts of this kind.
        youngest_days: days since the last use of the entry that was used last.
        oldest_days: days since the last use of the entry that was used first.
        in_use: whether a process uses the data sets now.
    """

    datasets: tuple[str, ...]
    kind: str
    entries: int
    size: int
    youngest_days: float
    oldest_days: float
    in_use: bool


def list_entries(cache: Path) -> list[CacheEntry]:
    """The entries of a cache, oldest last use first.

    A folder in which no command has noted a use is no cache of this program, and has no entries.

    Args:
        cache: the cache.
    """
    if not (cache / USED).is_dir():
        return []
    marks = read_marks(cache)
    entries = [
        _entry(folder, group, marks.get((group, folder.name), {}))
        for group in KINDS
        for folder in _folders(cache / group)
    ]
    return sorted(entries, key=lambda entry: (entry.used_s, entry.folder))


def read_marks(cache: Path) -> dict[tuple[str, str], dict[str, float]]:
    """The times of the last uses, by group and name of the entry, then by data set.

    Args:
        cache: the cache.
    """
    marks: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for mark in (cache / USED).glob("*/*/*"):
        dataset, group = mark.parent.parent.name, mark.parent.name
        with suppress(FileNotFoundError):  # pruned by another process
            marks[group, mark.name][dataset] = mark.stat().st_mtime
    return marks


def group_entries(cache: Path, entries: Sequence[CacheEntry]) -> list[CacheGroup]:
    """Count entries by data sets and kind, and the files of the cache that are no entries.

    Args:
        cache: the cache.
        entries: its entries.
    """
    now_s = time.time()
    names = {name for entry in entries for name in lock_names(entry)}
    with hold_unused(cache, names) as unused:
        pass
    members: dict[tuple[tuple[str, ...], str], list[CacheEntry]] = defaultdict(list)
    for entry in entries:
        for kind in entry.sizes:
            members[entry.datasets, kind].append(entry)
    groups = [
        CacheGroup(
            datasets=datasets,
            kind=kind,
            entries=len(alike),
            size=sum(entry.sizes[kind] for entry in alike),
            youngest_days=(now_s - max(entry.used_s for entry in alike)) / DAY_S,
            oldest_days=(now_s - min(entry.used_s for entry in alike)) / DAY_S,
            in_use=any(name not in unused for entry in alike for name in lock_names(entry)),
        )
        for (datasets, kind), alike in sorted(members.items())
    ]
    return [*groups, *_other_files(cache, now_s)]


def lock_names(entry: CacheEntry) -> tuple[str, ...]:
    """The names of the locks that protect an entry: a process that uses it holds one of them.

    An entry without a noted use may belong to any command. A simulated data set is used while a run
    is planned, before the data sets of the run are known.

    Args:
        entry: the entry.
    """
    is_shared = not entry.datasets or NO_DATASET in entry.datasets or entry.group == SIMULATED
    shared = ("",) if is_shared else ()
    return (*(name for name in entry.datasets if name != NO_DATASET), *shared)


def _folders(group: Path) -> Iterator[Path]:
    """The folders of the entries of a group, whose names end in a digest.

    Most groups have a level of the first two digits. Other folders and links are no entries: they
    are left alone.
    """
    is_flat = group.name in {SIMULATED, shared_pretraining.FOLDER}
    for folder in group.glob("[!.]*" if is_flat else "[!.]*/[!.]*"):
        digest = folder.name.rpartition("-")[2] if group.name == SIMULATED else folder.name
        is_entry = DIGEST.fullmatch(digest) and (is_flat or folder.parent.name == digest[:2])
        if is_entry and folder.is_dir() and not folder.is_symlink():
            yield folder


def _entry(folder: Path, group: str, marks: Mapping[str, float]) -> CacheEntry:
    datasets = set(marks)
    if group == SIMULATED:
        datasets.add(folder.name.rpartition("-")[0])
    sizes: dict[str, int] = defaultdict(int)
    made_s = folder.stat().st_mtime
    for path in folder.rglob("*"):
        if path.is_file():
            part = path.relative_to(folder).parts[0]
            is_clip = group == FEATURES and part != BASE and (folder / part).is_dir()
            sizes["clips" if is_clip else KINDS[group]] += path.stat().st_size
    return CacheEntry(
        folder=folder,
        group=group,
        datasets=tuple(sorted(datasets)),
        sizes=dict(sizes) or {KINDS[group]: 0},
        used_s=max(marks.values(), default=made_s),
    )


def _other_files(cache: Path, now_s: float) -> Iterator[CacheGroup]:
    states = [
        path.stat()
        for folder in (cache.iterdir() if cache.is_dir() else ())
        if folder.name not in KINDS
        for path in ([folder] if folder.is_file() else folder.rglob("*"))
        if path.is_file()
    ]
    if states:
        times_s = [state.st_mtime for state in states]
        yield CacheGroup(
            datasets=(),
            kind=OTHER,
            entries=len(states),
            size=sum(state.st_size for state in states),
            youngest_days=(now_s - max(times_s)) / DAY_S,
            oldest_days=(now_s - min(times_s)) / DAY_S,
            in_use=False,
        )
