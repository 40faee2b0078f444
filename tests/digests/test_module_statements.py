"""Statements of a module, parsed or from a note of the cache."""

import ast
import os
from pathlib import Path
from typing import NoReturn

import pytest

from rppgbench.digests import module_statements
from rppgbench.digests.module_statements import Statement, parse_statements
from rppgbench.system.default_cache import CACHE

ROOT = Path(module_statements.__file__).parents[1]
SOURCE = b"""
'''A module.'''
from pathlib import Path
import os.path as place
SIZE: int = len("a/b.npy")
def area(x: 'int') -> int:
    '''Not counted.'''
    return methods["pos"].estimate(x) + SIZE
"""


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    module_statements.module_statements.cache_clear()
    return tmp_path / "cache" / "digests" / module_statements.NOTES


def read(file: Path) -> tuple[list[dict[str, object]], str]:
    """The statements of a file as a new process reads them, and their digest."""
    module_statements.module_statements.cache_clear()
    state = file.stat()
    statements, digest = module_statements.module_statements(file, state.st_mtime_ns, state.st_size)
    return [vars(statement) for statement in statements], digest


def no_parser(*arguments: object, **options: object) -> NoReturn:
    raise AssertionError("parsed")


def test_every_module_is_the_same_from_its_note(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [*sorted(ROOT.glob("extraction/*.py")), *sorted(ROOT.glob("digests/*.py"))]
    parsed = [read(file) for file in files]
    monkeypatch.setattr(ast, "parse", no_parser)
    assert [read(file) for file in files] == parsed
    expected = parse_fields(files[1].read_bytes(), monkeypatch)
    assert parsed[1][0] == expected


def parse_fields(source: bytes, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    monkeypatch.undo()
    return [vars(statement) for statement in parse_statements(source)]


def test_a_changed_file_is_parsed_again(tmp_path: Path) -> None:
    """Also one of the same size and times."""
    file = tmp_path / "area.py"
    file.write_bytes(SOURCE)
    state = file.stat()
    _, before = read(file)
    file.write_bytes(SOURCE.replace(b"+ SIZE", b"- SIZE"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert read(file)[1] != before
    file.write_bytes(SOURCE.replace(b"Not counted", b"A docstring"))
    assert read(file)[1] == before


@pytest.mark.parametrize("damage", [b"", b"[]", b"0" * 64 + b"[]"])
def test_a_damaged_note_is_made_again(tmp_path: Path, notes: Path, damage: bytes) -> None:
    file = tmp_path / "area.py"
    file.write_bytes(SOURCE)
    before = read(file)
    (note,) = notes.glob("*/*")
    content = note.read_bytes()
    note.write_bytes(damage or content[:-9])
    assert read(file) == before
    assert note.read_bytes() == content


def test_other_code_of_the_parser_has_other_notes(
    tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "area.py"
    file.write_bytes(SOURCE)
    read(file)
    monkeypatch.setattr(module_statements, "_own_source", lambda: b"another parser")
    read(file)
    assert len(list(notes.glob("*/*"))) == 2


def test_a_cache_that_cannot_be_written_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE, str(tmp_path / "file"))
    file = tmp_path / "area.py"
    file.write_bytes(SOURCE)
    statements, _ = read(file)
    assert len(statements) == len([*parse_statements(SOURCE)])


def test_what_a_statement_binds_and_uses() -> None:
    path, place, size, area = parse_statements(SOURCE)
    assert isinstance(path, Statement)
    assert path.imports == ((0, "pathlib", "Path"),)
    assert place.aliases == (("place", 0, "os.path", ""),)
    assert size.files == {"a", "b.npy"}
    assert size.runs == {"len"}
    assert ("methods", "pos", "estimate") in area.chains
