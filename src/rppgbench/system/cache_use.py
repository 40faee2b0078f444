"""Which data sets use which entries of a cache: when last, and whether a process does so now.

`used/DATASET/KIND/NAME` is an empty file whose time is that of the last use of an entry. A process
that works on a data set holds `used/DATASET.lock`, shared; every command that has a cache holds
`used/.lock`. The locks end with their process, however it ends.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rppgbench.system.atomic_files import LOCK
from rppgbench.system.errors import BenchError

USED = "used"
NO_DATASET = "no data set"
"""The name under which videos are used that belong to no data set, as by `bench predict`."""


def mark_used(cache: Path, dataset: str, kind: str, name: str) -> None:
    """Note that an entry is used now; a cache that cannot be written is no fault here.

    Args:
        cache: the cache.
        dataset: name of the data set; "" for videos of none.
        kind: the folder of the cache that holds the entry.
        name: name of the entry.
    """
    mark = cache / USED / (dataset or NO_DATASET) / kind / name
    with suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


@contextmanager
def in_use(cache: Path, datasets: Iterable[str] = ()) -> Iterator[None]:
    """Keep the entries of data sets from being pruned; without a data set, what is shared by all.

    Where a cache is being pruned, this waits until that is done.

    Args:
        cache: the cache.
        datasets: names of the data sets; "" for videos of none.
    """
    with ExitStack() as stack:
        for name in ["", *sorted({dataset or NO_DATASET for dataset in datasets})]:
            with suppress(OSError, ImportError):  # a cache that cannot be written, or no locks
                stack.callback(os.close, _lock(cache, name, shared=True))
        yield


@contextmanager
def hold_unused(cache: Path, datasets: Iterable[str]) -> Iterator[set[str]]:
    """Hold the locks of those of the data sets that no process uses.

    Args:
        cache: the cache.
        datasets: names of data sets; "" for what is shared by all commands.

    Yields:
        The names that are held: until the end nobody begins to use them.

    Raises:
        BenchError: this system has no locks of files.
    """
    unused: set[str] = set()
    with ExitStack() as stack:
        for name in sorted(set(datasets)):
            try:
                stack.callback(os.close, _lock(cache, name, shared=False))
            except ImportError as error:
                raise BenchError(
                    f"{cache}: this system has no locks of files, so nothing says what is in use; "
                    "end all runs and delete its folders by hand"
                ) from error
            except OSError:
                continue
            unused.add(name)
        yield unused


def _lock(cache: Path, name: str, *, shared: bool) -> int:
    """The descriptor of a locked file; BlockingIOError where a lock of one's own is not free."""
    import fcntl

    folder = cache / USED
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}{LOCK}"
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        descriptor = os.open(file, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
