"""The check of the structure of MAT files, which scipy does not check."""

import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

HEAD_BYTES = 128
TAG_BYTES = 8
NAME_BYTES = 512  # the name of a variable stands within its first bytes
MATRIX, COMPRESSED = 14, 15
NUMBERS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})
TEXT = NUMBERS | {16, 17, 18}
ANY = TEXT | {MATRIX}
WITH_VALUES = frozenset(range(4, 16)) - {5}  # classes of text and numbers; not sparse matrices
SIZES, MOST_AXES = 5, 32
PARTS = 4  # flags, sizes, name, values; those of complex numbers have imaginary values as well
COMPLEX = 8
MOST_DEEP = 16
MOST_BYTES = 1 << 32


def check_mat5(
    file: Path, names: Collection[str] | None = None, most_bytes: int = MOST_BYTES
) -> None:
    """Check the variables of a MAT file of version 5 against the format that MathWorks describes.

    scipy's reader uses type numbers as table indices without a bound check: a file with one wrong
    byte, or a hostile one, can end the process or read foreign memory. Files of other versions are
    not checked.

    Args:
        file: the file.
        names: the names of the variables to check; None checks all.
        most_bytes: of one variable, unpacked.

    Raises:
        ValueError: a part has no known type, or is longer than what holds it; a matrix of numbers
            has too few or too many parts; a variable is larger than `most_bytes`.
        OSError: the file cannot be read.
    """
    with file.open("rb") as stream:
        check_mat5_stream(stream, names, most_bytes)


def check_mat5_stream(
    stream: BinaryIO, names: Collection[str] | None = None, most_bytes: int = MOST_BYTES
) -> None:
    """Check an open MAT file, as `check_mat5` checks one on the disk.

    Args:
        stream: the file, from its begin on.
        names: the names of the variables to check; None checks all.
        most_bytes: of one variable, unpacked.

    Raises:
        ValueError: see `check_mat5`.
        OSError: the file cannot be read.
    """
    head = stream.read(HEAD_BYTES)
    order = {b"IM": "<", b"MI": ">"}.get(head[126:])
    if order is None:
        return
    # Read, not memory-mapped: a disk fault under a memory map ends the process.
    size, at = stream.seek(0, 2), HEAD_BYTES
    while at + TAG_BYTES <= size:
        stream.seek(at)
        kind, start, end, at = _tag(stream.read(TAG_BYTES), at, size, order)
        stream.seek(start)
        if names is None or _variable_name(kind, stream, end - start, order) in names:
            stream.seek(start)
            _variable(kind, stream, end - start, order, most_bytes)


def _variable_name(kind: int, stream: BinaryIO, length: int, order: str) -> str:
    """The name of the variable of `length` bytes at the position of the stream."""
    if kind == MATRIX:
        return _name(stream.read(min(length, NAME_BYTES)), order)
    return _name(_unpacked(stream, length)[TAG_BYTES:], order) if kind == COMPRESSED else ""


def _variable(kind: int, stream: BinaryIO, length: int, order: str, most_bytes: int) -> None:
    """Check the variable of `length` bytes at the position of the stream."""
    if kind not in {MATRIX, COMPRESSED}:
        return
    if kind == MATRIX:
        if length > most_bytes:
            raise ValueError(f"a variable of {length:,} bytes")
        _matrix(stream.read(length), order, 0)
        return
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(stream.read(length), most_bytes)
    if unpacker.unconsumed_tail:
        raise ValueError(f"a variable of more than {most_bytes:,} bytes")
    for inner, start, end in _parts(memoryview(content), 0, order):
        if inner != MATRIX:
            raise ValueError(f"a variable of type {inner}")
        _matrix(content[start:end], order, 0)


def _unpacked(stream: BinaryIO, length: int) -> bytes:
    """The first `NAME_BYTES` of a compressed variable of `length` bytes."""
    unpacker, begin = zlib.decompressobj(), b""
    while length > 0 and len(begin) < NAME_BYTES:
        packed = stream.read(min(length, 4096))
        length -= len(packed) or length
        begin += unpacker.decompress(packed, NAME_BYTES - len(begin))
    return begin


def _name(begin: bytes, order: str) -> str:
    """The name of a matrix, by its beginning; empty where there is none."""
    try:
        parts = _parts(memoryview(begin), 0, order)
        next(parts)
        next(parts)
        _, start, end = next(parts)
    except (StopIteration, ValueError):
        return ""
    return begin[start:end].decode("latin-1").rstrip("\0")


def _matrix(data: bytes, order: str, depth: int) -> None:
    if depth > MOST_DEEP:
        raise ValueError("cells within cells without end")
    parts = list(_parts(memoryview(data), 0, order))
    if not parts:
        return
    kind, start, end = parts[0]
    if kind != 6 or end - start != 8:
        raise ValueError("a matrix without flags")
    numbers, flags = data[start:end][:2] if order == "<" else data[start:end][3:1:-1]
    if 1 <= numbers <= 15 and not _has_sizes(parts):
        raise ValueError("a matrix without sizes")
    if numbers in WITH_VALUES and len(parts) != PARTS + bool(flags & COMPLEX):
        raise ValueError(f"a matrix of {len(parts)} parts")
    allowed = NUMBERS if 5 <= numbers <= 15 else TEXT if numbers == 4 else ANY
    for kind, start, end in parts[1:]:
        if kind not in allowed:
            raise ValueError(f"a part of type {kind}")
        if kind == MATRIX:
            _matrix(data[start:end], order, depth + 1)


def _has_sizes(parts: Sequence[tuple[int, int, int]]) -> bool:
    """Whether the second part of a matrix holds its sizes: two or more numbers of 32 bits."""
    if len(parts) < 2:
        return False
    kind, start, end = parts[1]
    count, rest = divmod(end - start, 4)
    return kind == SIZES and not rest and 2 <= count <= MOST_AXES


def _parts(data: memoryview, at: int, order: str) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of each element."""
    while at + TAG_BYTES <= len(data):
        kind, start, end, at = _tag(data[at : at + TAG_BYTES], at, len(data), order)
        yield kind, start, end


def _tag(tag: bytes | memoryview, at: int, size: int, order: str) -> tuple[int, int, int, int]:
    """Type, begin and end of the element at `at`, and where the next one begins."""
    kind, length = struct.unpack(f"{order}II", tag)
    small = kind >> 16
    start = at + 4 if small else at + TAG_BYTES
    kind, length = (kind & 0xFFFF, small) if small else (kind, length)
    end = start + length
    if kind not in ANY | {COMPRESSED} or end > size or (small and length > 4):
        raise ValueError(f"a part of type {kind} and {length} bytes at {at}")
    after = at + TAG_BYTES if small else end if kind == COMPRESSED else end + -end % 8
    return kind, start, end, after
