"""Several results folders on one page."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.factories.imported_sources import write_waves

from rppgbench.analysis.joined_results import join_results
from rppgbench.analysis.stored_results import load_stored
from rppgbench.cli import main
from rppgbench.core.mean_colours import MeanColours
from rppgbench.store.store import Store

TRUE_BPM = {"a": 66.0, "b": 84.0}


def imported(folder: Path, method: str, off_bpm: float, true_bpm: dict[str, float]) -> Path:
    """A results folder of predictions that are off by some bpm."""
    predicted = {name: rate + off_bpm for name, rate in true_bpm.items()}
    source = write_waves(folder / f"{method}.csv", predicted, reference_bpm=true_bpm)
    out = folder / method
    assert main(["import", str(source), "--method", method, "--out", str(out)]) == 0
    return out


def test_methods_of_two_folders_stand_in_one_table(tmp_path: Path) -> None:
    first = imported(tmp_path, "near", 1.0, TRUE_BPM)
    second = imported(tmp_path, "far", 9.0, TRUE_BPM)
    page = tmp_path / "page" / "both.html"
    assert main(["report", str(first), str(second), "--out", str(page)]) == 0
    table = pd.read_csv(page.with_name("table.csv"))
    rows = table[table["evaluator"] == "li2023"].set_index("method")
    assert rows["mae"].round(1).to_dict() == {"near": 1.0, "far": 9.0}
    assert "far.csv" in str(rows.loc["far", "imported"])
    assert "near.csv" in str(rows.loc["near", "imported"])
    assert page.is_file()


def test_an_import_beside_a_run_keeps_the_mean_colours_of_the_run(tmp_path: Path) -> None:
    first, second = (
        load_stored(Store(imported(tmp_path, method, 1.0, TRUE_BPM))) for method in ("near", "far")
    )
    colours = MeanColours(region="skin", segments=())
    seen = {key: replace(info, colours=colours) for key, info in second.observed.items()}
    run = replace(second, observed=seen)
    for results in ([first, run], [run, first]):
        joined = join_results(results).observed.values()
        assert [info.colours for info in joined] == [colours, colours]


def test_other_references_of_a_recording_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = imported(tmp_path, "near", 1.0, TRUE_BPM)
    second = imported(tmp_path, "far", 9.0, {"a": 66.0, "b": 85.0})
    capsys.readouterr()
    assert main(["report", str(first), str(second), "--out", str(tmp_path / "x.html")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "imported/b has other references (pulse" in line
    assert not (tmp_path / "x.html").exists()


def test_the_same_method_twice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = imported(tmp_path, "near", 1.0, TRUE_BPM)
    capsys.readouterr()
    assert main(["report", str(first), str(first), "--out", str(tmp_path / "x.html")]) == 2
    assert "both hold method 'near'" in capsys.readouterr().err


def test_a_page_of_several_folders_needs_a_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "--out: is needed" in capsys.readouterr().err
