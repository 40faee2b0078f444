"""Answers say what their numbers do not stand for."""

import pytest

from rppgbench.cli.mark_lines import answer_marks


def test_both_marks_are_lines_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    answer_marks(simulated=True, imported={"net": "net.csv", "pos_x": "x.csv"})
    assert capsys.readouterr().out.splitlines() == [
        "SIMULATED DATA: nothing here stands for a data set",
        "IMPORTED, NOT RUN HERE: net from net.csv",
        "IMPORTED, NOT RUN HERE: pos_x from x.csv",
    ]
    answer_marks(simulated=False, imported={})
    assert not capsys.readouterr().out
