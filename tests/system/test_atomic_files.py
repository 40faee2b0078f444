"""Files and folders: whole or not at all, on the disk, with the umask's mode."""

import ast
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.content_roots import checkout_root
from rppgbench.core.method import Model
from rppgbench.core.model_files import write_model
from rppgbench.neural.safetensors_io import write_arrays
from rppgbench.system.atomic_files import (
    PARTIAL,
    atomic_dir,
    atomic_file,
    move_into_place,
    write_file,
)


@pytest.fixture(params=[0o022, 0o002, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """What a user may have set."""
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_models_and_checkpoints_have_the_mode_of_the_umask(tmp_path: Path, umask: int) -> None:
    arrays = {"weight": np.ones(3)}
    write_model(tmp_path / "model", Model(arrays, {"epochs": 2}))
    write_arrays(tmp_path / "state.safetensors", arrays, {})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {mode(file) for file in files} == {0o666 & ~umask}
    assert len(files) == 3


def test_a_fault_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "table.csv"
    write_file(place, "old\r\n")

    def stopped() -> None:
        with atomic_file(place) as partial:
            partial.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert place.read_bytes() == b"old\r\n"
    assert list(tmp_path.iterdir()) == [place]


def test_the_partial_file_has_the_suffix_and_is_known_as_partial(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a.mkv") as partial:
        assert partial.suffix == ".mkv"
        assert partial.name.startswith(PARTIAL)


def test_content_is_on_the_disk_before_the_rename_and_the_rename_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append(("rename", target.name))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    with atomic_file(tmp_path / "one.txt") as partial:
        partial.write_text("whole")
    assert done == [("sync", partial.name), ("rename", "one.txt"), ("sync", tmp_path.name)]
    done.clear()
    with atomic_dir(tmp_path / "folder") as work:
        (work / "inner").mkdir()
        (work / "inner" / "file").write_text("x")
        move_into_place(work, tmp_path / "folder")
    before = done[: done.index(("rename", "folder"))]
    assert {name for _, name in before} == {"file", "inner", work.name}
    assert done[len(before) :] == [("rename", "folder"), ("sync", tmp_path.name)]


@pytest.mark.parametrize("make", [atomic_file, atomic_dir])
def test_a_place_without_a_name_of_its_own_is_refused_as_a_folder(
    make: Callable[[Path], AbstractContextManager[Path]],
) -> None:
    with pytest.raises(IsADirectoryError), make(Path()):
        pass


def renames(file: Path) -> list[str]:
    """Calls that move a file: `x.rename(to)`, `x.replace(to)`, `os.replace(a, b)`, temporary files.

    `str.replace` has two arguments, `DataFrame.rename` has named ones.
    """
    collected = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            moves = node.func.attr in {"rename", "replace"} and len(node.args) == 1
            moves |= owner in {"os", "shutil"} and node.func.attr in {"rename", "replace", "move"}
            if moves or node.func.attr in {"fsync", "mkstemp", "NamedTemporaryFile"}:
                collected.append(f"{file.name}:{node.lineno}")
    return collected


def test_nothing_else_moves_files_into_place() -> None:
    root = checkout_root()
    if root is None:
        pytest.skip("no checkout: the package is installed")
    files = [f for part in ("src", "benchmarks", "methods") for f in (root / part).rglob("*.py")]
    assert len(files) > 100
    moving = {file.name for file in files if renames(file)}
    assert moving == {"atomic_files.py"}
