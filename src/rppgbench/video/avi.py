"""The chunks of an AVI file, by their heads alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HEAD_BYTES = 8
FRAME_KINDS = (b"dc", b"db")
MOST_DEEP = 3  # the list of frames, and lists of records in it


def find_empty_frames(file: Path, stream: int) -> list[int]:
    """The positions of the empty chunks of a video stream: frames that the recorder dropped.

    A recorder that gets no frame in time writes a chunk without content (length 0), and players
    show the frame before it. FFmpeg's demuxer passes over such chunks without a word.

    Args:
        file: an AVI file, with any number of OpenDML extensions.
        stream: the number of the stream in the file.

    Returns:
        Positions among all chunks of the stream, from 0, in order. They end where the file is
        damaged.

    Raises:
        OSError: the file cannot be read.
    """
    own = b"%02d" % stream
    found: list[int] = []
    position = 0
    with file.open("rb") as content:
        size = content.seek(0, 2)
        for name, length in _chunks(content, 0, size, 0):
            if name[:2] == own and name[2:] in FRAME_KINDS:
                if not length:
                    found.append(position)
                position += 1
    return found


def _chunks(content: BinaryIO, at: int, end: int, depth: int) -> Iterator[tuple[bytes, int]]:
    """Names and lengths of the chunks from `at` to `end`, those within lists of frames included."""
    while at + HEAD_BYTES <= end:
        content.seek(at)
        head = content.read(HEAD_BYTES + 4)
        name, length = head[:4], int.from_bytes(head[4:8], "little")
        if not all(32 <= letter < 127 for letter in name):
            return
        inner = at + HEAD_BYTES
        at = inner + length + length % 2
        kind = head[8:]
        if (name == b"RIFF" and kind in {b"AVI ", b"AVIX"}) or (
            name == b"LIST" and kind in {b"movi", b"rec "}
        ):
            if depth < MOST_DEEP:
                yield from _chunks(content, inner + 4, min(at, end), depth + 1)
        else:
            yield name, length
