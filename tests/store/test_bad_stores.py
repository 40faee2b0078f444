"""A store with a missing, doubled, cut or foreign file: one line, and nothing that looks whole."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.store.store import Store

from ..factories import stores as made_store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results in two parts, as two recordings leave them."""
    folder = tmp_path_factory.mktemp("whole") / "results"
    estimates = made_store.estimates(("pos",))
    store = made_store.write(folder, estimates[:2], more={})
    store.begin(store.manifest, [one.job for one in estimates])
    store.add(estimates[2:])
    return folder


def a_part(folder: Path, kind: str) -> Path:
    return sorted((folder / kind).glob("*.parquet"))[0]


def lose(folder: Path) -> None:
    a_part(folder, "estimates").unlink()


def lose_what_was_seen(folder: Path) -> None:
    a_part(folder, "recordings").unlink()


def cut(folder: Path) -> None:
    part = a_part(folder, "estimates")
    part.write_bytes(part.read_bytes()[:-10])


def double(folder: Path) -> None:
    part = a_part(folder, "estimates")
    shutil.copy(part, part.with_name(f"{part.stem[::-1]}.parquet"))


def foreign(folder: Path) -> None:
    (folder / "estimates" / "notes.txt").write_text("mine")


def foreign_recordings(folder: Path) -> None:
    shutil.copy(a_part(folder, "estimates"), folder / "recordings")


def no_plan(folder: Path) -> None:
    (folder / "plan.json").unlink()


HARMS = (lose, lose_what_was_seen, cut, double, foreign, foreign_recordings, no_plan)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("command", ["report", "decompose", "compare", "rerun-check", "table"])
def test_every_command_that_reads_a_store_says_so_in_one_line_and_writes_nothing(
    command: str,
    harm: Callable[[Path], None],
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results"
    shutil.copytree(whole, folder)
    harm(folder)
    before = sorted(tmp_path.rglob("*"))
    arguments = {
        "compare": ["compare", str(whole), str(folder)],
        "table": ["table", "li2023_table1", "--stored", "--results", str(folder)],
    }
    assert main(arguments.get(command, [command, str(folder)])) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("bench: ")
    assert captured.err.count("\n") == 1
    assert str(folder) in captured.err
    assert not captured.out
    assert sorted(tmp_path.rglob("*")) == before


def test_a_stopped_run_makes_a_page_only_where_it_is_asked_for(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    shutil.copytree(whole, folder)
    lose(folder)
    assert main(["report", str(folder)]) == 2
    output = capsys.readouterr().err
    assert "2 of 4 planned estimates are missing" in output
    assert main(["report", str(folder), "--partial"]) == 0
    assert "this table is partial" in (folder / "report.html").read_text()


def test_what_is_whole_is_read_whole(whole: Path) -> None:
    estimates, observed = Store(whole).read()
    assert len(estimates) == 4
    assert {key[1] for key in observed} == {f"{name}-1" for name in made_store.SUBJECTS}
