"""Compare the length of a video file with the length that its container states."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from rppgbench.system.io_errors import special_file_kind

MAX_PARTS = 100_000  # a fragmented MP4 of an hour has some thousands
TOLERANCE_BYTES = 64  # some AVI writers miscount the file header or the last padding
BOXES = frozenset(
    b"ftyp moov mdat wide free skip moof mfra sidx styp uuid meta udta pnot PICT prft emsg".split()
)
"""Boxes at the outermost level of an MP4 or MOV file; any other name ends the search."""

_SEGMENT = 0x18538067
_OPEN_ENDED = -1


def missing_bytes(file: Path) -> int:
    """Number of bytes that a file lacks against the length that its container states.

    The function reads the headers of the container's parts alone, so it is fast for a file of any
    size: RIFF lists of AVI (the OpenDML extension of 1996 chains several), boxes of MP4 and MOV
    (ISO/IEC 14496-12, 4.2), and the segment of Matroska and WebM (RFC 9559, 5.1). A container that
    states no length gives 0, as do files of a recorder that was interrupted; the number of frames
    then shows the loss.

    Raises:
        OSError: the file cannot be read.
    """
    if special_file_kind(file):
        return 0
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        end = _stated_end(stream, size)
    return end - size if end - size > TOLERANCE_BYTES else 0


def _stated_end(stream: BinaryIO, size: int) -> int:
    """The end of the last part that begins within the file, or 0."""
    stream.seek(0)
    header = stream.read(12)
    if header[:4] == b"RIFF" and header[8:] == b"AVI ":
        parts = _riff_ends(stream, size)
    elif header[:4] == b"\x1a\x45\xdf\xa3":
        parts = _element_ends(stream, size)
    elif header[4:8] in BOXES:
        parts = _box_ends(stream, size)
    else:
        return 0
    return max(islice(parts, MAX_PARTS), default=0)


def _riff_ends(stream: BinaryIO, size: int) -> Iterator[int]:
    """The end of each consecutive RIFF list of an AVI file."""
    at = 0
    while at < size:
        stream.seek(at)
        header = stream.read(8)
        if len(header) < 8 or header[:4] != b"RIFF":
            return
        length = int.from_bytes(header[4:], "little")
        at += 8 + length + length % 2
        yield at


def _box_ends(stream: BinaryIO, size: int) -> Iterator[int]:
    """The end of each outer box of an MP4 file."""
    at = 0
    while at < size:
        stream.seek(at)
        header = stream.read(16)
        if header[4:8] not in BOXES:
            return
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:  # 0: the box reaches to the end of the file; else not a box
            return
        at += length
        yield at


def _element_ends(stream: BinaryIO, size: int) -> Iterator[int]:
    """The end of each outer element of a Matroska file, up to the segment."""
    at = 0
    while at < size:
        stream.seek(at)
        header = stream.read(12)
        name, after = _read_number(header, 0, keep_marker=True)
        length, after = _read_number(header, after) if after else (_OPEN_ENDED, 0)
        if not after or length == _OPEN_ENDED:
            return
        at += after + length
        yield at
        if name == _SEGMENT:
            return


def _read_number(header: bytes, at: int, *, keep_marker: bool = False) -> tuple[int, int]:
    """A number of variable length (RFC 8794) and its end; the end is 0 if there is no number."""
    if at >= len(header) or not header[at]:
        return 0, 0
    width = 9 - header[at].bit_length()
    value = int.from_bytes(header[at : at + width], "big")
    if at + width > len(header):
        return 0, 0
    if keep_marker:
        return value, at + width
    bits = value & ((1 << 7 * width) - 1)
    return (_OPEN_ENDED if bits == (1 << 7 * width) - 1 else bits), at + width
