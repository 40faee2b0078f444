"""Folders are listed in an order of their own, and digests do not depend on where they lie."""

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from rppgbench.core.recording import Recording, VideoSource
from rppgbench.datasets.fingerprint import fingerprint
from rppgbench.datasets.layout import (
    MARKER,
    is_simulated,
    mark_simulated,
    matching,
    natural_key,
    require_inside,
)
from rppgbench.system.errors import BenchError, RecordingError

from ..factories.records import make_recording


def test_names_sort_by_their_numbers() -> None:
    names = ["v1-2", "v10", "v2", "v1", "p9", "p10", "F02", "f1"]
    assert sorted(names, key=natural_key) == ["f1", "F02", "p9", "p10", "v1", "v1-2", "v2", "v10"]


def test_the_order_of_creation_changes_nothing(tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(1, 30)]
    listed = []
    for turn in range(3):
        folder = tmp_path / str(turn)
        folder.mkdir()
        for name in random.Random(turn).sample(names, len(names)):
            (folder / name).touch()
        (folder / ".hidden").touch()
        (folder / "notes.txt").touch()
        listed.append([path.name for path, _ in matching(folder, r"p\d+")])
    assert listed == [names] * 3


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"gone: does not exist"):
        list(matching(tmp_path / "gone", ".*"))


def test_a_folder_without_read_permission_is_named() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        closed = Path(place, "closed")
        closed.mkdir(mode=0o000)
        me = os.geteuid()
        if me == 0:
            os.seteuid(65534)  # root may read everything, nobody may not
        try:
            with pytest.raises(BenchError, match=r"closed: may not be read; give yourself"):
                list(matching(closed, ".*"))
        finally:
            os.seteuid(me)


@pytest.mark.parametrize("name", ["..", ".", "", "/etc/passwd", "../x.avi", "a\\b", "C:x", "a\0b"])
def test_a_name_in_a_label_file_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="no plain file name"):
        require_inside(tmp_path, name, Path("x.json"))


def test_a_plain_name_stays(tmp_path: Path) -> None:
    assert require_inside(tmp_path, "video 1.avi", Path("x.json")) == tmp_path / "video 1.avi"


def test_a_folder_with_something_else_in_it_is_not_simulated_into(tmp_path: Path) -> None:
    root = tmp_path / "new"
    mark_simulated(root, "x", {"seed": 1})
    assert is_simulated(root)
    mark_simulated(root, "x", {"seed": 2})
    assert '"seed": 2' in (root / MARKER).read_text()
    other = tmp_path / "own"
    other.mkdir()
    (other / "thesis.tex").touch()
    with pytest.raises(BenchError, match="is not empty and not simulated; simulate into a new"):
        mark_simulated(other, "x", {})
    assert not is_simulated(other)


def recording(folder: Path, name: str = "p1") -> Recording:
    return make_recording(
        name,
        video=lambda: VideoSource(folder / "video.avi"),
        files=(folder / "video.avi", folder / "hr.csv"),
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "video.avi").write_bytes(bytes(range(256)) * 2048)  # 512 KiB
    (folder / "hr.csv").write_text("HR\n71\n72\n")
    return folder


def test_a_fingerprint_does_not_depend_on_place_order_or_time(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path / "two")
    os.utime(tmp_path / "two" / "hr.csv", (0, 0))
    first = fingerprint([recording(tree), recording(tree, "p2")])
    second = fingerprint([recording(tmp_path / "two", "p2"), recording(tmp_path / "two")])
    assert first == second
    assert len(first) == 16


def test_every_change_that_matters_changes_the_fingerprint(tree: Path) -> None:
    seen = {fingerprint([recording(tree)])}
    (tree / "hr.csv").write_text("HR\n71\n73\n")
    seen.add(fingerprint([recording(tree)]))
    raw = bytearray((tree / "video.avi").read_bytes())
    raw[10] ^= 1
    (tree / "video.avi").write_bytes(raw)
    seen.add(fingerprint([recording(tree)]))
    raw[-10] ^= 1
    (tree / "video.avi").write_bytes(raw)
    seen.add(fingerprint([recording(tree)]))
    (tree / "video.avi").write_bytes(raw[:-1])
    seen.add(fingerprint([recording(tree)]))
    (tree / "video.avi").unlink()
    seen.add(fingerprint([recording(tree)]))
    seen.add(fingerprint([recording(tree, "p2")]))
    assert len(seen) == 7


def test_a_changed_middle_of_a_video_changes_the_fingerprint(tree: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = fingerprint([recording(tree)], cache)
    file = tree / "video.avi"
    raw, state = bytearray(file.read_bytes()), file.stat()
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # as programs that copy do
    changed = fingerprint([recording(tree)], cache)
    assert changed == fingerprint([recording(tree)]) != before
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    assert fingerprint([recording(tree)], cache) == before


def test_a_file_in_the_same_state_is_not_read_again(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint([recording(tree)], tmp_path / "cache")

    def read(file: Path, cache: Path | None) -> str:
        raise AssertionError(f"{file} is read again")

    monkeypatch.setattr("rppgbench.datasets.fingerprint.sha256_of_file", read)
    assert fingerprint([recording(tree)], tmp_path / "cache") == before
