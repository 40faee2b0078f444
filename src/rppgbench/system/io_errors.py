"""What a fault of reading or writing is: of a file, of a folder, or of the disk or network."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rppgbench.system.errors import BenchError, MachineError, RecordingError

_OF_DISKS = {"EIO", "ENODEV", "ENXIO", "EREMOTEIO", "ENOTCONN", "ESHUTDOWN", "ESTALE", "ETIMEDOUT"}
_REMEDIES = {
    "EMFILE": "no more files may be open; raise the limit (ulimit -n), or give fewer --jobs",
    "ENFILE": "this machine has no more files to open; end other programs",
    "ENOMEM": "not enough memory; fewer --jobs need less",
    "ENOSPC": "no space left on the disk; make room",
    "EDQUOT": "the quota of the disk is used up; make room",
    "EROFS": "the disk can only be read; choose another folder",
}
"""The resources that can run out, and the way out."""


def classify_os_error(error: OSError, file: object) -> BenchError:
    """Tell a fault of a file from one of the disk or network.

    Args:
        error: what was raised.
        file: the file, for the message.

    Returns:
        A `RecordingError` or a `MachineError`, to be raised.

    >>> classify_os_error(PermissionError(errno.EACCES, "Permission denied"), "a.mp4")
    RecordingError('a.mp4: cannot be read: Permission denied')
    >>> classify_os_error(OSError(errno.EIO, "Input/output error"), "a.mp4")  # doctest: +ELLIPSIS
    MachineError('a.mp4: the disk could not read it (Input/output error); ...')
    """
    fault = disk_fault(error, file)
    return fault or RecordingError(f"{file}: cannot be read: {error.strerror}")


def disk_fault(error: OSError, file: object) -> MachineError | None:
    """Describe an error if the computer, its disk or its network caused it.

    Args:
        error: what was raised.
        file: the file, for the message.

    Returns:
        The error to be raised, or None for a fault of the file.

    >>> disk_fault(FileNotFoundError(errno.ENOENT, "No such file or directory"), "a.mat")
    >>> disk_fault(OSError(errno.EMFILE, "Too many open files"), "a.mat")  # doctest: +ELLIPSIS
    MachineError('a.mat: no more files may be open; raise the limit (ulimit -n), ...')
    """
    code = errno.errorcode.get(error.errno or 0, "")
    if code in _REMEDIES:
        return MachineError(f"{file}: {_REMEDIES[code]}, and run this again")
    if code not in _OF_DISKS:
        return None
    why = os.strerror(error.errno or 0)
    return MachineError(
        f"{file}: the disk could not read it ({why}); run this again when it can, "
        "or copy the file from elsewhere first"
    )


@contextmanager
def writing(
    place: Path, way_out: str = "give another", kind: type[BenchError] = BenchError
) -> Iterator[None]:
    """Turn an OSError of the block into the one line that says that a place cannot be written.

    Args:
        place: the file or folder, for the message.
        way_out: what the user can do.
        kind: the exception that is raised.

    >>> with writing(Path("a.csv")):
    ...     raise PermissionError(errno.EACCES, "Permission denied")
    Traceback (most recent call last):
    rppgbench.system.errors.BenchError: a.csv: cannot be written: Permission denied; give another
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise kind(f"{place}: cannot be written: {reason}; {way_out}") from error


_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def special_file_kind(path: Path) -> str:
    """What a path is that is neither a regular file nor a folder: reading it may wait for ever.

    Returns:
        "a pipe", "a socket" or "a device"; "" for a file, a folder, and what cannot be asked.

    >>> special_file_kind(Path("/dev/null"))
    'a device'
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # the one who opens it says it better
        return ""
    return next((name for is_one, name in _KINDS if is_one(mode)), "")


def check_regular(path: Path) -> None:
    """RecordingError where a path is a pipe, a socket or a device, before it is opened."""
    kind = special_file_kind(path)
    if kind:
        raise RecordingError(f"{path}: is {kind}, not a file; put the file itself there")


def check_disk(file: Path) -> None:
    """Read a file whole: MachineError if it is the disk that cannot.

    FFmpeg's libraries take most faults of a disk for the end of the file, and HDF5's some of them
    for a name that is not there. What seems damaged is read once more, therefore.
    """
    if special_file_kind(file):
        return
    try:
        with file.open("rb", buffering=0) as stream:
            while stream.read(1 << 22):
                pass
    except OSError as error:
        fault = disk_fault(error, file)
        if fault is not None:
            raise fault from error


def no_such_video(file: Path) -> RecordingError:
    """What a run and a data check say of a video that is not there."""
    return RecordingError(f"{file}: no such video; check the path")
