"""bench register, then the run and its page."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main

PLAN = ["--protocol", "traces", "--simulate", "--subjects", "2", "--seconds", "20"]
PLAN += ["--methods", "pos,green,ica"]


def test_a_registered_run_lists_its_deviations_on_every_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    register = ["register", *PLAN, "--hypothesis", "pos < green - 30", "--out", "r.json"]
    assert main(register) == 0
    identity = json.loads(Path("r.json").read_text())["id"]
    assert f"id {identity}" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json"]  # no data was made

    run = ["run", *PLAN, "--registration", "r.json", "--out", "res"]
    assert main(run) == 0
    answer = capsys.readouterr().out
    assert "Nothing deviates from it." in answer
    assert "registered: pos < green - 30: contradicted" in answer
    assert Path("res/registration.json").read_text() == Path("r.json").read_text()
    page = Path("res/report.html").read_text()
    assert identity in page
    assert "Registered hypotheses under beats_tukey" in page

    assert main(["bundle", "res", "-o", "b.zip"]) == 0
    assert main(["report", "b.zip", "--out", "bundle.html"]) == 0
    assert "Nothing deviates from it." in capsys.readouterr().out

    # Later pages know of the registration, and runs with other settings tell before they begin.
    assert main(["report", "res", "--evaluator", "li2023"]) == 0
    assert "first evaluator: beats_tukey; here li2023" in capsys.readouterr().out
    assert main([*run, "--param", "pos.window_s=2", "--dry-run"]) == 0
    assert "method pos: window_s: 1.6; here 2" in capsys.readouterr().out
    assert main([*run, "--param", "pos.window_s=2", "--dry-run", "--json"]) == 0
    (deviation,) = json.loads(capsys.readouterr().out)["deviations"]
    assert deviation.endswith("method pos: window_s: 1.6; here 2")


@pytest.mark.torch
def test_methods_of_a_group_that_do_not_fit_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--protocol", "traces", "--simulate", "--methods", "pos,learned"]
    assert main(["register", *arguments, "--out", "r.json"]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert all(line.startswith("note: ") for line in notes)
    assert any("contrast_phys" in line.split(" left out: ")[0] for line in notes)
    assert list(json.loads(Path("r.json").read_text())["methods"]) == ["pos"]


def test_a_run_whose_registration_is_missing_makes_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *PLAN, "--registration", "nosuch.json", "--out", "res"]) == 2
    assert "nosuch.json: cannot be read" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hypothesis", "pos < nosuch"], "no method 'nosuch'"),
        (["--hypothesis", "pos < green @ raw"], "no condition 'raw'"),
        (["--hypothesis", "pos, green"], "is not METHOD < METHOD"),
        (["--evaluator", "nosuch"], "no evaluator 'nosuch'"),
        (["--out", "."], "--out"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in arguments else ["--out", "r.json"]
    code: object
    try:
        code = main(["register", *PLAN, *out, *arguments])
    except SystemExit as end:
        code = end.code
    assert code == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())
