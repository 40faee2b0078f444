"""Archives of one form."""

import io
import struct
import zipfile
from pathlib import Path

import pytest

from rppgbench.sharing import archive
from rppgbench.sharing.archive import CENTRAL, END, LOCAL, Archive, write_archive
from rppgbench.system.errors import BenchError

FILES: list[tuple[str, bytes | Path]] = [("a.json", b"{}"), ("b/c.txt", b"words" * 100)]


def write(file: Path, files: list[tuple[str, bytes | Path]] | None = None) -> Path:
    with file.open("wb") as stream:
        write_archive(stream, FILES if files is None else files)
    return file


def test_an_archive_is_a_zip_file_that_other_programs_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path / "a.zip")) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == dict(FILES)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(range(256)) * 5000)
    made = Archive(write(tmp_path / "a.zip", [*FILES, ("z.bin", tmp_path / "large")]))
    assert [member.name for member in made.members] == ["a.json", "b/c.txt", "z.bin"]
    assert b"".join(made.chunks("b/c.txt")) == b"words" * 100
    assert b"".join(made.chunks("z.bin")) == (tmp_path / "large").read_bytes()


def test_every_byte_of_the_form_counts(tmp_path: Path) -> None:
    """Headers and directory are compared; contents are compared by whoever knows their digests."""
    file = write(tmp_path / "a.zip")
    data = file.read_bytes()
    contents = {
        place
        for text in (b"{}", b"words" * 100)
        for place in range(data.index(text), data.index(text) + len(text))
    }
    for place in sorted(set(range(len(data))) - contents):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(BenchError):
            Archive(file)


@pytest.mark.parametrize("keep", [0, 1, 21, 22, 60, -1, -22])
def test_a_cut_file_is_no_bundle(tmp_path: Path, keep: int) -> None:
    file = write(tmp_path / "a.zip")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(BenchError, match="not a bundle"):
        Archive(file)


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/etc/passwd", "a\\b", "C:/a", "a//b", "a/", ".hidden", "é", "", "a\n"],
)
def test_names_lead_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(BenchError, match="cannot be the name"):
        write(tmp_path / "a.zip", [(name, b"")])
    forged = tmp_path / "forged.zip"
    raw = name.encode()
    header = LOCAL.pack(archive.LOCAL_SIGNATURE, 20, 0, 0, 0, 33, 0, 0, 0, len(raw), 0) + raw
    entry = CENTRAL.pack(
        *(archive.ENTRY_SIGNATURE, 788, 20, 0, 0, 0, 33, 0, 0, 0, len(raw)),
        *(0, 0, 0, 0, archive.MODE, 0),
    )
    end = END.pack(archive.END_SIGNATURE, 0, 0, 1, 1, len(entry) + len(raw), len(header), 0)
    forged.write_bytes(header + entry + raw + end)
    with pytest.raises(BenchError, match="no name of a file"):
        Archive(forged)


def test_a_name_is_there_once_whatever_its_case(tmp_path: Path) -> None:
    file = write(tmp_path / "a.zip", [("a.json", b"1"), ("A.json", b"2")])
    with pytest.raises(BenchError, match=r"holds A\.json twice"):
        Archive(file)


def test_a_bomb_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("zeros", bytes(50_000_000))
    assert file.stat().st_size < 100_000
    with pytest.raises(BenchError, match="is compressed"):
        Archive(file)


def test_files_that_overlap_are_refused(tmp_path: Path) -> None:
    """Many entries of one content would be more than the file holds."""
    file = write(tmp_path / "a.zip", [("a", b"x" * 1000)])
    data = file.read_bytes()
    start = len(data) - END.size - CENTRAL.size - 1
    entries = b"".join(
        data[start : start + CENTRAL.size] + bytes([letter]) for letter in b"abcdefgh"
    )
    end = END.pack(archive.END_SIGNATURE, 0, 0, 8, 8, len(entries), start, 0)
    file.write_bytes(data[:start] + entries + end)
    with pytest.raises(BenchError, match="longer or shorter"):
        Archive(file)


def test_a_long_directory_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    size = 3_000_000
    file.write_bytes(bytes(size) + END.pack(archive.END_SIGNATURE, 0, 0, 9, 9, size, 0, 0))
    with pytest.raises(BenchError, match="directory is longer"):
        Archive(file)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    with pytest.raises(BenchError, match="do not fit into one file"):
        write_archive(io.BytesIO(), FILES)


def test_an_entry_that_breaks_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(b"short" + END.pack(archive.END_SIGNATURE, 0, 0, 1, 1, 5, 0, 0))
    with pytest.raises(BenchError, match="not a bundle"):
        Archive(file)
    assert struct.calcsize("<IHHHHHHIIIHHHHHII") == CENTRAL.size == 46
