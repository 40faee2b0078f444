"""bench report in other formats than a page: tables for papers, rows for programs."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rppgbench.cli import main

from ..factories import stores as made_store

REASON = "no face in any frame"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods on four recordings; POS failed on the first."""
    folder = tmp_path_factory.mktemp("formats") / "made"
    first, *rest = made_store.estimates(("pos", "green"))
    made_store.write(folder, [replace(first, waveform=None, coverage=0.0, reason=REASON), *rest])
    return folder


def answer(results: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["report", str(results), *options]) == 0
    return capsys.readouterr().out


def test_latex_has_a_table_for_each_evaluator_and_the_metrics_in_their_order(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--metrics", "rmse,mae", "--evaluator", "toolbox_2023,li2023"]
    text = answer(results, capsys, "--format", "latex", *options)
    first, second = text.split(r"\begin{table}")[1:]
    assert r"under toolbox\_2023" in first
    assert "under li2023" in second
    for table in (first, second):
        assert r"Method & n & Coverage & RMSE & MAE \\" in table
        assert "SIMULATED DATA" in table
        assert "POS &" in table
    assert "resizebox" not in text
    assert not (results / "report.html").exists()


def test_markdown_goes_into_a_file(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "table.md"
    assert answer(results, capsys, "--format", "markdown", "--out", str(out)) == f"{out}\n"
    heads = out.read_text().splitlines()[2]
    assert heads == "| Method | n | Coverage (%) | MAE (bpm) | RMSE (bpm) | r |"


def test_a_table_has_a_metric_that_a_page_leaves_out(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = answer(results, capsys, "--format", "markdown", "--metrics", "ccc,at_half_rate")
    heads = text.splitlines()[2]
    assert heads == "| Method | n | Coverage (%) | CCC | At half the rate (%) |"


def test_csv_has_the_rows_of_recordings_and_windows_of_each_evaluator(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = answer(results, capsys, "--format", "csv", "--out", str(tmp_path))
    names = ["recordings-li2023", "recordings-toolbox_2023", "table", "windows-li2023"]
    files = {path.stem: path for path in tmp_path.iterdir()}
    assert sorted(files) == [*names, "windows-toolbox_2023"]
    assert sorted(printed.splitlines()) == sorted(map(str, files.values()))
    table = pd.read_csv(files["table"])
    for name in ("li2023", "toolbox_2023"):
        recordings = pd.read_csv(files[f"recordings-{name}"])
        windows = pd.read_csv(files[f"windows-{name}"])
        assert set(recordings["evaluator"]) == set(windows["evaluator"]) == {name}
        failed = recordings[recordings["heart_rate_bpm"].isna()]
        assert list(zip(failed["method"], failed["reason"], strict=True)) == [("pos", REASON)]
        assert (failed["n_missing"] == failed["n_windows"]).all()
        assert recordings["mae_bpm"].notna().all()
        missing = windows[windows["missing"]]
        assert set(missing["reason"]) == {REASON}
        assert windows.loc[~windows["missing"], "snr_db"].notna().all()
        maes = windows.groupby("method")["error_bpm"].apply(lambda errors: errors.abs().mean())
        stated = table[table["evaluator"] == name].set_index("method")["mae"]
        assert maes.to_dict() == pytest.approx(stated.to_dict())


def test_json_has_the_metrics_that_were_asked_for(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = json.loads(answer(results, capsys, "--format", "json", "--metrics", "mae"))
    assert "page" not in value
    for row in value["rows"]:
        assert {"mae", "mae_low", "n_recordings", "coverage"} <= set(row)
        assert not {"rmse", "r", "snr_db", "rmse_low"} & set(row)
    assert value["left_out"][0]["reason"] == REASON


def test_another_evaluator_s_heart_rates_are_a_file_of_their_own(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    answer(results, capsys, "--out", str(page))
    before = (tmp_path / "heart_rates.csv").read_bytes()
    answer(results, capsys, "--out", str(page), "--evaluator", "toolbox_2023")
    assert (tmp_path / "heart_rates.csv").read_bytes() == before
    own = pd.read_csv(tmp_path / "heart_rates-toolbox_2023.csv")
    assert set(own["evaluator"]) == {"toolbox_2023"}
    assert set(pd.read_csv(tmp_path / "heart_rates.csv")["evaluator"]) == {"li2023"}
    table = pd.read_csv(tmp_path / "table.csv")
    assert set(table["evaluator"]) == {"li2023", "toolbox_2023"}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--metrics", "mae"), "--metrics: a page has all of them; give --format latex"),
        (("--format", "latex", "--metrics", "maee"), "--metrics: no metric 'maee'; did you mean"),
        (("--format", "csv", "--evaluator", "nobody"), "--evaluator: no evaluator 'nobody'"),
    ],
)
def test_a_mistake_is_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], line: str
) -> None:
    assert main(["report", str(results), *options]) == 2
    (shown,) = capsys.readouterr().err.splitlines()
    assert line in shown
