"""The folders of a data set: listing, existence, and the mark of simulated trees."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from rppgbench.datasets.label_text import unreadable_label
from rppgbench.system.errors import BenchError, RecordingError
from rppgbench.system.io_errors import writing

MARKER = "SIMULATED.json"


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts numbers within names by their value.

    >>> sorted(["p10", "p9", "p9-2"], key=natural_key)
    ['p9', 'p9-2', 'p10']
    """
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(p), p) if p.isdecimal() else (1, 0, p.lower()) for p in parts)


def matching(folder: Path, pattern: str) -> Iterator[tuple[Path, re.Match[str]]]:
    """The entries of a folder whose whole name fits a regular expression, in natural order.

    The order of the file system does not matter. Hidden entries are left out.

    Args:
        folder: the folder.
        pattern: a regular expression for the whole name.

    Yields:
        The path and the match of each entry.

    Raises:
        BenchError: the folder is missing or may not be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted((e.name for e in entries if not e.name.startswith(".")), key=_stable_key)
    except OSError as error:
        raise unreadable_label(error, folder, BenchError) from error
    rule = re.compile(pattern, re.DOTALL)  # a name may hold a line end
    for name in names:
        match = rule.fullmatch(name)
        if match:
            yield folder / name, match


def folders_matching(folder: Path, pattern: str) -> Iterator[tuple[Path, re.Match[str]]]:
    """The folders among the entries that `matching` gives.

    Args:
        folder: the folder.
        pattern: a regular expression for the whole name.
    """
    return ((path, match) for path, match in matching(folder, pattern) if is_folder(path))


def require_single(known: dict[str, Path], name: str, folder: Path) -> None:
    """Note the folder of a recording, or of a subject whose folder may have several spellings.

    Args:
        known: the folders so far, by name; takes this one.
        name: the name that is to have one folder.
        folder: a folder of that name; the same folder may come again.

    Raises:
        BenchError: the name has another folder already.
    """
    first = known.setdefault(name, folder)
    if first != folder:
        raise BenchError(f"{folder}: is {name}, as {first} is; keep or rename one of them")


def files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder and of the folders in it, in natural order.

    Hidden files are left out. Links to folders are not followed, because they may form a cycle.

    Raises:
        BenchError: a folder is missing or may not be read.
    """
    for entry, _ in matching(folder, r".+"):
        if not is_folder(entry):
            yield entry
        elif not entry.is_symlink():
            yield from files_below(entry)


def is_file(path: Path) -> bool:
    """Whether there is a file.

    Raises:
        RecordingError: a folder in the path may not be read, so existence is unknown.
    """
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether there is a folder.

    Raises:
        RecordingError: a folder in the path may not be read, so existence is unknown.
    """
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (
        FileNotFoundError,
        NotADirectoryError,
        ValueError,
    ):  # not a valid file name: it holds \0
        return 0
    except OSError as error:
        raise unreadable_label(error, path) from error


def first_folder(root: Path, *names: str) -> Path:
    """The first of the folders `root/name` that is there, else the root itself.

    A data set can be unpacked with or without its outer folder.

    Args:
        root: the folder of the data set.
        names: names of outer folders.

    Raises:
        BenchError: the root is missing or may not be read.
    """
    try:
        os.scandir(root).close()
    except OSError as error:
        raise unreadable_label(error, root, BenchError) from error
    return next((root / name for name in names if is_folder(root / name)), root)


def no_recordings_error(root: Path, title: str, layout: str, url: str) -> BenchError:
    """The fault of a folder without recordings.

    Args:
        root: the folder.
        title: the data set's title.
        layout: what the reader looks for.
        url: where the set can be obtained; named in the message where it is a web address.
    """
    source = f", or ask for the set: {url}" if url.startswith("http") else ""
    return BenchError(
        f"{root}: no recordings of {title!r} here; looked for {layout}; "
        f"point to the folder that holds them{source}"
    )


def require_inside(folder: Path, name: str, file: Path) -> Path:
    """The file `name` in `folder`, where a label file holds the name.

    Args:
        folder: the folder.
        name: a plain file name, no path.
        file: the label file, for messages.

    Raises:
        RecordingError: the name has a separator, is "." or "..", or is absolute.
    """
    if not name or name in {".", ".."} or re.search(r"[/\\:\0]", name):
        raise RecordingError(
            f"{file}: names the file {name[:60]!r}, which is no plain file name; "
            "copy the original file again"
        )
    return folder / name


def simulated_tree(place: Path) -> Path | None:
    """The simulated tree that a file or folder is or lies in; None where it is genuine.

    Links are followed: a link to a simulated recording is simulated too.
    """
    target = place.resolve()
    return next((f for f in (target, *target.parents) if is_file(f / MARKER)), None)


def is_simulated(root: Path) -> bool:
    """Whether a folder is a simulated tree, which holds `SIMULATED.json`, or lies in one."""
    return simulated_tree(root) is not None


def twin_of(root: Path) -> str:
    """The name of the twin, with its version, that a simulated tree was drawn from; or ""."""
    tree = simulated_tree(root)
    if tree is None:
        return ""
    try:
        mark = json.loads((tree / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(
            f"{tree / MARKER}: cannot be read ({error}); simulate into a new folder"
        ) from error
    return str(mark.get("twin", "")) if isinstance(mark, dict) else ""


def mark_simulated(root: Path, dataset: str, settings: dict[str, object]) -> None:
    """Create the root of a simulated tree and mark it, before anything else is written.

    Args:
        root: a new folder, or one that holds a simulated tree.
        dataset: name of the data set.
        settings: the plan, which the mark repeats.

    Raises:
        BenchError: the folder holds something that was not simulated, or cannot be written.
    """
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        if not is_file(root / MARKER) and any(root.iterdir()):
            raise BenchError(f"{root}: is not empty and not simulated; simulate into a new folder")
        text = json.dumps({"simulated": True, "dataset": dataset, **settings}, indent=2)
        (root / MARKER).write_text(text + "\n", encoding="utf-8")


def _stable_key(name: str) -> tuple[object, ...]:
    return (natural_key(name), name)
