"""Where a video file should end, by what its container says."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from rppgbench.system.io_errors import kind_of_special_file

MOST_PARTS = 100_000  # a fragmented MP4 of an hour has some thousands
SLACK_BYTES = 64  # some writers of AVI count the head of the file or its last padding wrongly
BOXES = frozenset(
    b"ftyp moov mdat wide free skip moof mfra sidx styp uuid meta udta pnot PICT prft emsg".split()
)
"""What stands at the outermost level of an MP4 or MOV; anything else ends the walk."""

_SEGMENT = 0x18538067
_OPEN_ENDED = -1


def missing_bytes(file: Path) -> int:
    """How many bytes a file is shorter than its container announces; 0 where it does not say.

    Only heads of parts are read, so a file of any size takes no time: RIFF lists of AVI (the
    OpenDML extension of 1996 chains several), boxes of MP4 and MOV (ISO/IEC 14496-12, 4.2), and
    the segment of Matroska and WebM (RFC 9559, 5.1). What a recorder wrote that was cut off itself
    announces no end, and counts as 0; frames that the container announces tell of it then.

    Raises:
        OSError: the file cannot be read.
    """
    if kind_of_special_file(file):
        return 0
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        end = _announced(stream, size)
    return end - size if end - size > SLACK_BYTES else 0


def _announced(stream: BinaryIO, size: int) -> int:
    """The end of the last part that begins within the file, or 0."""
    stream.seek(0)
    head = stream.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"AVI ":
        parts = _riffs(stream, size)
    elif head[:4] == b"\x1a\x45\xdf\xa3":
        parts = _elements(stream, size)
    elif head[4:8] in BOXES:
        parts = _boxes(stream, size)
    else:
        return 0
    return max(islice(parts, MOST_PARTS), default=0)


def _riffs(stream: BinaryIO, size: int) -> Iterator[int]:
    """The end of each RIFF list of an AVI, while one follows the other."""
    at = 0
    while at < size:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            return
        length = int.from_bytes(head[4:], "little")
        at += 8 + length + length % 2
        yield at


def _boxes(stream: BinaryIO, size: int) -> Iterator[int]:
    """The end of each outer box of an MP4."""
    at = 0
    while at < size:
        stream.seek(at)
        head = stream.read(16)
        if head[4:8] not in BOXES:
            return
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: to the end of the file; else no box
            return
        at += length
        yield at


def _elements(stream: BinaryIO, size: int) -> Iterator[int]:
    """The end of each outer element of a Matroska file; beyond the segment there is nothing."""
    at = 0
    while at < size:
        stream.seek(at)
        head = stream.read(12)
        name, after = _number(head, 0, keep_marker=True)
        length, after = _number(head, after) if after else (_OPEN_ENDED, 0)
        if not after or length == _OPEN_ENDED:
            return
        at += after + length
        yield at
        if name == _SEGMENT:
            return


def _number(head: bytes, at: int, *, keep_marker: bool = False) -> tuple[int, int]:
    """A number of variable length of RFC 8794 and where it ends; 0 there if it is none."""
    if at >= len(head) or not head[at]:
        return 0, 0
    width = 9 - head[at].bit_length()
    value = int.from_bytes(head[at : at + width], "big")
    if at + width > len(head):
        return 0, 0
    if keep_marker:
        return value, at + width
    bits = value & ((1 << 7 * width) - 1)
    return (_OPEN_ENDED if bits == (1 << 7 * width) - 1 else bits), at + width
