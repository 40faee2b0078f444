"""Is it the file that cannot be read, or the disk it lies on?"""

import errno
import os
from pathlib import Path

from rppgbench.errors import BenchError, MachineError, RecordingError

_OF_DISKS = {"EIO", "ENODEV", "ENXIO", "EREMOTEIO", "ENOTCONN", "ESHUTDOWN", "ESTALE", "ETIMEDOUT"}


def unreadable(error: OSError, file: object) -> BenchError:
    """What to say of a file that cannot be read: its own fault, or that of the disk or network.

    >>> unreadable(PermissionError(errno.EACCES, "Permission denied"), "a.mp4")
    RecordingError('a.mp4: cannot be read: Permission denied')
    >>> unreadable(OSError(errno.EIO, "Input/output error"), "a.mp4")  # doctest: +ELLIPSIS
    MachineError('a.mp4: the disk could not read it (Input/output error); ...')
    """
    fault = fault_of_disk(error, file)
    return fault or RecordingError(f"{file}: cannot be read: {error.strerror}")


def fault_of_disk(error: OSError, file: object) -> MachineError | None:
    """What to say if it is the disk or the network that cannot read a file, else None.

    >>> fault_of_disk(FileNotFoundError(errno.ENOENT, "No such file or directory"), "a.mat")
    """
    if errno.errorcode.get(error.errno or 0) not in _OF_DISKS:
        return None
    why = os.strerror(error.errno or 0)
    return MachineError(
        f"{file}: the disk could not read it ({why}); run this again when it can, "
        "or copy the file from elsewhere first"
    )


def check_disk(file: Path) -> None:
    """Read a file whole: MachineError if it is the disk that cannot.

    FFmpeg's libraries take most faults of a disk for the end of the file, and HDF5's some of them
    for a name that is not there. What seems damaged is read once more, therefore.
    """
    try:
        with file.open("rb", buffering=0) as stream:
            while stream.read(1 << 22):
                pass
    except OSError as error:
        fault = fault_of_disk(error, file)
        if fault is not None:
            raise fault from error
