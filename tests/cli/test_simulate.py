"""bench simulate: a tree that is whole, or none."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.datasets import roots
from rppgbench.system.errors import BenchError

SIZE = ["--subjects", "1", "--seconds", "1"]


def test_a_simulation_that_fails_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def half(dataset: object, folder: Path, plan: object, *, quiet: bool = True) -> None:
        (folder / "half").write_text("")
        raise BenchError("the camera is broken; mend it")

    monkeypatch.setattr(roots, "write_simulated", half)
    out = tmp_path / "tree"
    assert main(["simulate", "pure", "--out", str(out), *SIZE]) == 2
    assert capsys.readouterr().err == "bench: the camera is broken; mend it\n"
    assert list(tmp_path.iterdir()) == []


def test_the_answer_as_json_says_the_folder_and_the_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tree"
    out.mkdir()  # an empty folder is as good as none
    assert main(["simulate", "simulated", "--out", str(out), "--json", *SIZE]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["folder"], answer["subjects"], answer["seconds"]) == (str(out), 1, 1.0)
    assert (out / "01" / "video.mp4").is_file()
