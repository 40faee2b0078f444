"""A ZIP archive that has exactly one form: the same members give the same bytes.

Members are stored without compression, in a fixed order, with one date and no extra fields. So an
archive is equal to the archive that its members make again, or it was changed. Nothing is unpacked
to more than its own size. Source of the layout: PKWARE, .ZIP File Format Specification 6.3.10,
sections 4.3.7, 4.3.12 and 4.3.16.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rppgbench.system.errors import BenchError

MAX_MEMBERS = 20_000
MAX_BYTES = 2**32 - 2**24
"""The layout has 32-bit sizes; the rest is room for the directory."""

CHUNK = 1 << 20
NAME = re.compile(r"[A-Za-z0-9_%+=-][A-Za-z0-9._%+=-]*(/[A-Za-z0-9_%+=-][A-Za-z0-9._%+=-]*)*")
"""Relative, with "/" between folders, and no part that begins with a dot."""

VERSION = 20  # 2.0, the least that has folders
UNIX = 3 << 8
DATE = 0x21  # 1 January 1980, the first that there is
MODE = 0o100644 << 16  # a plain file that all may read
LOCAL_SIGNATURE, ENTRY_SIGNATURE, END_SIGNATURE = 0x04034B50, 0x02014B50, 0x06054B50
MAX_NAME = 500

LOCAL = struct.Struct("<IHHHHHIIIHH")
CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
END = struct.Struct("<IHHHHIIH")


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file of an archive: its name, its checksum and how long it is."""

    name: str
    crc: int
    size: int

    @property
    def header(self) -> bytes:
        """What stands before the content."""
        fields = (VERSION, 0, 0, 0, DATE, self.crc, self.size, self.size, len(self.name), 0)
        return LOCAL.pack(LOCAL_SIGNATURE, *fields) + self.name.encode()

    def entry(self, offset: int) -> bytes:
        """What the directory at the end says, with the place of the header."""
        sizes = (self.crc, self.size, self.size, len(self.name), 0, 0, 0, 0, MODE, offset)
        first = (UNIX | VERSION, VERSION, 0, 0, 0, DATE)
        return CENTRAL.pack(ENTRY_SIGNATURE, *first, *sizes) + self.name.encode()


def directory(members: Sequence[Member]) -> tuple[bytes, list[int]]:
    """The bytes after the last content, and the offset of each header.

    Args:
        members: The files in their order.

    >>> directory([])[1]
    []
    """
    entries, offsets, place = [], [], 0
    for member in members:
        offsets.append(place)
        entries.append(member.entry(place))
        place += len(member.header) + member.size
    body = b"".join(entries)
    end = END.pack(END_SIGNATURE, 0, 0, len(members), len(members), len(body), place, 0)
    return body + end, offsets


def write_archive(stream: BinaryIO, files: Sequence[tuple[str, bytes | Path]]) -> None:
    """Write an archive.

    Args:
        stream: Where to.
        files: Name and content of each file, in the order of the archive.

    Raises:
        BenchError: The files are too many or too long for one archive, or a name is not allowed.
    """
    total = sum(c.stat().st_size if isinstance(c, Path) else len(c) for _, c in files)
    if len(files) > MAX_MEMBERS or total > MAX_BYTES:
        raise BenchError(
            f"bundle: {len(files)} files of {total / 2**30:.1f} GiB do not fit into one file (at "
            f"most {MAX_MEMBERS} and {MAX_BYTES / 2**30:.1f} GiB); leave models out, or bundle "
            "fewer methods"
        )
    members = []
    for name, content in files:
        if not NAME.fullmatch(name):
            raise BenchError(f"bundle: {name!r} cannot be the name of a file in an archive")
        member = _member(name, content)
        members.append(member)
        stream.write(member.header)
        for chunk in _chunks(content):
            stream.write(chunk)
    stream.write(directory(members)[0])


def _member(name: str, content: bytes | Path) -> Member:
    crc = size = 0
    for chunk in _chunks(content):
        crc, size = zlib.crc32(chunk, crc), size + len(chunk)
    return Member(name=name, crc=crc, size=size)


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


class Archive:
    """An archive whose form was checked: names, order, headers and length are as written.

    Its contents are checked by whoever knows their digests.
    """

    def __init__(self, file: Path) -> None:
        """Read the directory of an archive.

        Args:
            file: The file.

        Raises:
            BenchError: The file is no archive of this form, or cannot be read.
        """
        self.file = file
        try:
            with file.open("rb") as stream:
                self._size = stream.seek(0, 2)
                self.members = self._members(stream)
                self._offsets = self._check_form(stream)
        except OSError as error:
            raise BenchError(f"{file}: cannot be read: {error.strerror}") from error
        except (struct.error, ValueError) as error:
            raise BenchError(
                f"{file}: not a bundle, or a cut one; bench bundle RESULTS writes one"
            ) from error

    def _members(self, stream: BinaryIO) -> tuple[Member, ...]:
        """The files that the directory names; `_check_form` compares every byte of it later."""
        stream.seek(max(self._size - END.size, 0))
        signature, _, _, _, count, length, start, _ = END.unpack(stream.read())
        if signature != END_SIGNATURE or start + length + END.size != self._size:
            raise BenchError(f"{self.file}: not a bundle, or bytes were added or cut off")
        if count > MAX_MEMBERS or length > count * (CENTRAL.size + MAX_NAME):
            raise BenchError(f"{self.file}: its directory is longer than that of a bundle")
        stream.seek(start)
        entries, place, members = stream.read(length), 0, []
        lowered_names: set[str] = set()
        for _ in range(count):
            fields = CENTRAL.unpack_from(entries, place)
            method, crc, packed, size, name_length = fields[4], *fields[7:11]
            raw = entries[place + CENTRAL.size : place + CENTRAL.size + name_length]
            name = raw.decode("ascii", errors="backslashreplace")
            if not NAME.fullmatch(name) or len(name) > MAX_NAME:
                raise BenchError(f"{self.file}: {name[:80]!r} is no name of a file in a bundle")
            if name.lower() in lowered_names:
                raise BenchError(f"{self.file}: holds {name} twice")
            if method or packed != size:
                raise BenchError(f"{self.file}: {name} is compressed, as nothing in a bundle is")
            lowered_names.add(name.lower())
            members.append(Member(name=name, crc=crc, size=size))
            place += CENTRAL.size + name_length
        return tuple(members)

    def _check_form(self, stream: BinaryIO) -> list[int]:
        end, offsets = directory(self.members)
        contents = sum(len(member.header) + member.size for member in self.members)
        if contents + len(end) != self._size:
            raise BenchError(f"{self.file}: its files are longer or shorter than it is")
        for member, offset in zip(self.members, offsets, strict=True):
            stream.seek(offset)
            if stream.read(len(member.header)) != member.header:
                raise BenchError(f"{self.file}: what stands before {member.name} was changed")
        stream.seek(contents)
        if stream.read() != end:
            raise BenchError(f"{self.file}: its directory was changed")
        return offsets

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a file in pieces.

        Args:
            name: Its name.

        Raises:
            BenchError: There is no such file, or the archive cannot be read.
        """
        places = {member.name: k for k, member in enumerate(self.members)}
        if name not in places:
            raise BenchError(f"{self.file}: {name} is missing")
        member = self.members[places[name]]
        remaining_bytes = member.size
        try:
            with self.file.open("rb") as stream:
                stream.seek(self._offsets[places[name]] + len(member.header))
                while remaining_bytes:
                    chunk = stream.read(min(remaining_bytes, CHUNK))
                    if not chunk:
                        raise BenchError(f"{self.file}: ends within {name}")
                    remaining_bytes -= len(chunk)
                    yield chunk
        except OSError as error:
            raise BenchError(f"{self.file}: cannot be read: {error.strerror}") from error
