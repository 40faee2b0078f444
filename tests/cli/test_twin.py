"""bench twin: a folder that is whole, and that the protocol of traces scores."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main

ONE = ["--people", "1"]


def test_a_twin_is_written_and_its_scores_are_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "twin"
    assert main(["twin", "ubfc_rppg_v1", "--out", str(out), "--seed", "5", "--json", *ONE]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer.pop("prediction").startswith("published errors")
    assert answer == {
        "twin": "ubfc_rppg_v1",
        "folder": str(out),
        "people": 1,
        "recordings": 1,
        "seed": 5,
        "simulated": True,
    }
    run = ["run", "--protocol", "traces", "--data", f"traces={out}", "--methods", "pos"]
    assert main([*run, "--out", str(tmp_path / "results"), "--jobs", "1"]) == 0
    assert "SIMULATED DATA" in capsys.readouterr().out


def test_a_name_that_is_no_twin_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["twin", "ubfc_rppg", "--out", str(tmp_path / "twin")]) == 2
    assert "no twin 'ubfc_rppg'; did you mean 'ubfc_rppg_v1'?" in capsys.readouterr().err


def test_a_folder_with_files_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.csv").write_text("1")
    assert main(["twin", "pure_v1", "--out", str(tmp_path), *ONE]) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["mine.csv"]
