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
        "videos": False,
        "seed": 5,
        "simulated": True,
    }
    run = ["run", "--protocol", "traces", "--data", f"traces={out}", "--methods", "pos"]
    assert main([*run, "--out", str(tmp_path / "results"), "--jobs", "1"]) == 0
    assert "SIMULATED DATA" in capsys.readouterr().out
    page = (tmp_path / "results" / "report.html").read_text()
    assert "They were drawn from ubfc_rppg_v1, a simulation for planning" in page
    assert "Simulated data (twin ubfc_rppg_v1)" in page
    manifest = json.loads((tmp_path / "results" / "manifest.json").read_text())
    assert manifest["data"]["traces"]["twin"] == "ubfc_rppg_v1"


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


def test_videos_are_written_in_the_layout_of_the_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "twin"
    size = ["--people", "1", "--seconds", "1"]
    assert main(["twin", "ubfc_rppg_v1", "--videos", "--out", str(out), *size]) == 0
    answer = capsys.readouterr().out
    assert "SIMULATED: 1 videos of 1 people" in answer
    assert f"bench run --protocol NAME --data ubfc_rppg={out}" in answer
    assert [file.name for file in out.rglob("vid.avi")] == ["vid.avi"]
    assert json.loads((out / "SIMULATED.json").read_text())["twin"] == "ubfc_rppg_v1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["ubfc_rppg_v1", "--seconds", "5"], "--seconds: has no effect without --videos"),
        (["lgi_ppgi_v1", "--videos"], "lgi_ppgi_v1 has mean colours only; leave --videos out"),
        (["ubfc_rppg_v1", "--videos", "--people", "43"], "has 42 subjects, so 43"),
        (["ubfc_rppg_v1", "--videos", "--seconds", "90"], "have 68 s at most"),
    ],
)
def test_what_has_no_effect_or_no_videos_is_one_line(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["twin", *options, "--out", str(tmp_path / "twin")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "twin").exists()
