"""Are the parts of a MAT file sound? scipy takes it on trust."""

import mmap
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

HEAD_BYTES = 128
MATRIX, COMPRESSED = 14, 15
NUMBERS = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})
TEXT = NUMBERS | {16, 17, 18}
ANY = TEXT | {MATRIX}
MOST_DEEP = 16
MOST_BYTES = 1 << 32


def check_mat5(file: Path, names: Collection[str]) -> None:
    """Walk the variables `names` of a MAT file of version 5, as MathWorks describes its format.

    scipy's reader looks types of numbers up without a bound: a file with one wrong byte, or one
    that was made for it, ends the process, or worse. Files of other versions pass unseen.

    Raises:
        ValueError: a part has no known type, or is longer than what holds it.
        OSError: the file cannot be read.
    """
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        order = {b"IM": "<", b"MI": ">"}.get(head[126:])
        if order is None:
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            raw = memoryview(mapped)
            try:
                for kind, start, end in _parts(raw, HEAD_BYTES, order):
                    _variable(kind, raw[start:end], order, names)
            finally:
                raw.release()


def _variable(kind: int, content: memoryview, order: str, names: Collection[str]) -> None:
    with content:
        if kind == MATRIX:
            if _name(bytes(content[:512]), order) in names:
                _matrix(bytes(content), order, 0)
            return
        if kind != COMPRESSED:
            return
        begin = zlib.decompressobj().decompress(content, 512)
        if _name(begin[8:], order) not in names:
            return
        unpacker = zlib.decompressobj()
        whole = unpacker.decompress(content, MOST_BYTES)
    if unpacker.unconsumed_tail:
        raise ValueError("a variable of more than 4 GB")
    for inner, start, end in _parts(memoryview(whole), 0, order):
        if inner != MATRIX:
            raise ValueError(f"a variable of type {inner}")
        _matrix(whole[start:end], order, 0)


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
    numbers = data[start if order == "<" else start + 3]
    allowed = NUMBERS if 5 <= numbers <= 15 else TEXT if numbers == 4 else ANY
    for kind, start, end in parts[1:]:
        if kind not in allowed:
            raise ValueError(f"a part of type {kind}")
        if kind == MATRIX:
            _matrix(data[start:end], order, depth + 1)


def _parts(data: memoryview, at: int, order: str) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of each element."""
    while at + 8 <= len(data):
        kind, length = struct.unpack(f"{order}II", data[at : at + 8])
        small = kind >> 16
        start = at + 4 if small else at + 8
        kind, length = (kind & 0xFFFF, small) if small else (kind, length)
        end = start + length
        if kind not in ANY | {COMPRESSED} or end > len(data) or (small and length > 4):
            raise ValueError(f"a part of type {kind} and {length} bytes at {at}")
        yield kind, start, end
        at = at + 8 if small else end if kind == COMPRESSED else end + -end % 8
