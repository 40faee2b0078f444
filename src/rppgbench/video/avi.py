"""Find the empty chunks of an AVI file from the headers of its chunks."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HEADER_BYTES = 8
FRAME_KINDS = (b"dc", b"db")
MAX_DEPTH = 3  # the list of frames, and the lists of records in it


def find_empty_frames(file: Path, stream: int) -> list[int]:
    """Find the empty chunks of a video stream, which are frames that the recorder dropped.

    A recorder that receives no frame in time writes a chunk of length 0; players repeat the frame
    before. FFmpeg's demuxer skips such chunks silently.

    Args:
        file: an AVI file, with any number of OpenDML extensions.
        stream: the number of the stream in the file.

    Returns:
        Positions among all chunks of the stream, from 0, in order. They end where the file is
        damaged.

    Raises:
        OSError: the file cannot be read.
    """
    prefix = b"%02d" % stream
    positions: list[int] = []
    position = 0
    with file.open("rb") as content:
        size = content.seek(0, 2)
        for name, length in _chunks(content, 0, size, 0):
            if name[:2] == prefix and name[2:] in FRAME_KINDS:
                if not length:
                    positions.append(position)
                position += 1
    return positions


def _chunks(content: BinaryIO, at: int, end: int, depth: int) -> Iterator[tuple[bytes, int]]:
    """Names and lengths of the chunks from `at` to `end`, with those inside lists of frames."""
    while at + HEADER_BYTES <= end:
        content.seek(at)
        header = content.read(HEADER_BYTES + 4)
        name, length = header[:4], int.from_bytes(header[4:8], "little")
        if not all(32 <= letter < 127 for letter in name):
            return
        inner = at + HEADER_BYTES
        at = inner + length + length % 2
        kind = header[8:]
        if (name == b"RIFF" and kind in {b"AVI ", b"AVIX"}) or (
            name == b"LIST" and kind in {b"movi", b"rec "}
        ):
            if depth < MAX_DEPTH:
                yield from _chunks(content, inner + 4, min(at, end), depth + 1)
        else:
            yield name, length
