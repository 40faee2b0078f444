"""Compute the digest of a video's content, reading each file once."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rppgbench.core.recording import VideoSource
from rppgbench.extraction.array_files import array_sha256
from rppgbench.system.file_digest import sha256_of_file
from rppgbench.system.hashing import digest
from rppgbench.system.io_errors import check_regular, classify_os_error, no_such_video


def content_digest(source: VideoSource, cache: Path | None = None) -> str:
    """Digest of the bytes of a video and of the frame times that its data set supplies.

    A file is read once: its sha256 is stored by path, size, inode and both times of change, because
    programs that copy reset the time of the content. Images count with their file names, in their
    order; images in an archive count as the archive with their names. Frames that a callable reads
    from a file count as that file, which holds one recording.

    Args:
        source: the video.
        cache: folder that stores the checksums of files; None for this process only.

    Raises:
        RecordingError: the file does not exist or cannot be read.
        MachineError: the disk fails.
    """
    if source.archive is not None:
        content: Any = [_file_sha256(source.archive, cache), list(map(str, source.images))]
    elif source.images:
        content = [[file.name, _file_sha256(file, cache)] for file in source.images]
    else:
        content = _file_sha256(source.path, cache)
    times = None if source.times_s is None else array_sha256(np.asarray(source.times_s))
    parts = {"content": content, "times": times, "inner": source.frames is not None}
    if source.mosaic is not None:
        parts["mosaic"] = asdict(source.mosaic)
    return digest(parts)


def _file_sha256(path: Path, cache: Path | None) -> str:
    check_regular(path)
    try:
        return sha256_of_file(path, cache)
    except FileNotFoundError as fault:
        raise no_such_video(path) from fault
    except OSError as fault:  # a fault in the middle of a file does not name the file
        raise classify_os_error(fault, fault.filename or path) from fault
