"""Answers say what their numbers do not stand for."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.cli.mark_lines import answer_marks

from ..factories import stores as made_store


def test_both_marks_are_lines_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    answer_marks(simulated=True, imported={"net": "net.csv", "pos_x": "x.csv"})
    assert capsys.readouterr().out.splitlines() == [
        "SIMULATED DATA: nothing here stands for a data set",
        "IMPORTED, NOT RUN HERE: net from net.csv",
        "IMPORTED, NOT RUN HERE: pos_x from x.csv",
    ]
    answer_marks(simulated=False, imported={})
    assert not capsys.readouterr().out


def test_answers_about_results_on_a_twin_name_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"made_up": {"root": "nowhere", "fingerprint": "feedfeedfeedfeed", "twin": "set_v1"}}
    folder = tmp_path / "results"
    made_store.write(folder, made_store.estimates(), more={"data": data})
    for command in (["compare", str(folder), str(folder)], ["report", str(folder)]):
        assert main([*command]) == 0
        assert "SIMULATED DATA (twin set_v1)" in capsys.readouterr().out.splitlines()[0]
        assert main([*command, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["twins"] == ["set_v1"]
