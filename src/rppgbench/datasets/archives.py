"""ZIP archives, as some owners give a recording or a subject."""

import re
import shutil
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from rppgbench.datasets.hdf5_files import MOST_LABEL_BYTES
from rppgbench.datasets.layout import files_below, natural_key
from rppgbench.datasets.mat_variables import read_mat_bytes
from rppgbench.video.image_files import open_archive, read_member

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of a simulated member, so that equal content gives equal bytes."""


def archive_folders(file: Path, pattern: str) -> Mapping[str, tuple[Path, ...]]:
    """The images of a ZIP archive by the folder that they lie in.

    The list of an archive is kept while its size and its time of change stay the same: an archive
    may hold several recordings, and its list takes a second for 45,000 members.

    Args:
        file: the archive.
        pattern: a regular expression for the whole name of an image, without its folder.

    Returns:
        The names of the images of each folder in natural order. Hidden members and those that macOS
        adds (`__MACOSX`, `._NAME`) are left out.

    Raises:
        RecordingError: the archive is missing, not readable, or no ZIP archive.
    """
    try:
        state = file.stat()
    except OSError:
        open_archive(file).close()  # raises: the fault is named there
        raise
    return _folders(file, pattern, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4)
def _folders(file: Path, pattern: str, *state: int) -> Mapping[str, tuple[Path, ...]]:
    rule = re.compile(pattern, re.IGNORECASE)
    folders: dict[str, list[str]] = {}
    with open_archive(file) as archive:
        for member in archive.namelist():
            folder, _, name = member.rpartition("/")
            hidden = any(part.startswith((".", "__MACOSX")) for part in (*folder.split("/"), name))
            if rule.fullmatch(name) and not hidden:
                folders.setdefault(folder, []).append(member)
    return {
        folder: tuple(Path(name) for name in sorted(names, key=natural_key))
        for folder, names in folders.items()
    }


def read_archived_mat(archive: Path, member: str, *names: str) -> dict[str, NDArray[Any]]:
    """Variables of a MAT file of version 4 or 5 in a ZIP archive, as `read_mat` gives them.

    The file is read in memory; nothing is unpacked to the disk.

    Args:
        archive: the archive.
        member: the name of the MAT file in it.
        names: the names of the variables.

    Raises:
        RecordingError: the archive or the file in it cannot be read, or is larger than a label
            file; a variable is not there.
    """
    with open_archive(archive) as members:
        content = read_member(members, member, MOST_LABEL_BYTES)
    return read_mat_bytes(content, f"{archive}: {member}", *names)


def pack_folder(folder: Path, archive: Path) -> None:
    """Move a folder with all that it holds into a new ZIP archive.

    Args:
        folder: the folder; it is the outermost one in the archive.
        archive: the archive.
    """
    with zipfile.ZipFile(archive, "w") as members:
        for file in files_below(folder):
            name = file.relative_to(folder.parent).as_posix()
            members.writestr(zipfile.ZipInfo(name, FIRST_DATE), file.read_bytes())
    shutil.rmtree(folder)
