"""What the terminal shows of a page: the scores, what was left out, and the place."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.cli.terminal import MIN_WIDTH

from ..factories import stores as made_store

REASON = "no face in any frame"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three methods on four recordings; POS failed on the first."""
    folder = tmp_path_factory.mktemp("terminal") / "made"
    first, *others = made_store.estimates()
    made_store.write(folder, [replace(first, waveform=None, coverage=0.0, reason=REASON), *others])
    return folder


def report(results: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    """Standard output and standard error of `bench report`."""
    assert main(["report", str(results), *options]) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_the_scores_of_the_page_stand_in_the_terminal_in_the_order_of_the_error(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = report(results, capsys)[0].splitlines()
    assert lines[0] == (
        "SIMULATED DATA: heart-rate error in bpm under li2023, the default evaluator"
    )
    assert lines[1].split("  ")[0] == "Method"
    shown = {line.split()[0]: line.split() for line in lines[2:5]}
    with (results / "table.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["evaluator"] == "li2023"]
    assert list(shown) == [r["method"] for r in sorted(rows, key=lambda r: float(r["mae"]))]
    for row in rows:
        _, mae, low, _, high, rmse, r, coverage, sign, *n = shown[row["method"]]
        for text, key in zip((mae, low, high, rmse, r), NUMBERS, strict=True):
            assert float(text) == pytest.approx(float(row[key]), abs=0.0051)
        assert (float(coverage), sign) == (100 * float(row["coverage"]), "%")
        assert n[0] == row["n_recordings"]


NUMBERS = ("mae", "mae_low", "mae_high", "rmse", "r")


def test_what_was_left_out_stands_before_the_place_of_the_page(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *_, left_out, n, page = report(results, capsys)[0].splitlines()
    assert left_out == f"left out: 1 recording (made_up/ann-1): method pos: {REASON}"
    assert n.startswith("n: 4 recordings of 4 subjects")
    assert page == str(results / "report.html")


@pytest.mark.parametrize("width", [MIN_WIDTH, 50, 80])
def test_lines_fit_the_terminal(
    results: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    *lines, page = report(results, capsys)[0].splitlines()
    assert max(map(len, lines)) <= width
    assert page == str(results / "report.html")  # a path stays whole, for a program or a click
    text = " ".join(" ".join(lines).split())
    assert ("the page has them" in text) == (width < 60)
    assert "MAE" in text


def test_json_is_one_object_with_the_rows_of_the_table(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = report(results, capsys, "--json")
    answer = json.loads(out)
    with (results / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(answer["rows"]) == len(rows)
    for answered, row in zip(answer["rows"], rows, strict=True):
        assert list(answered) == list(row)
        assert answered["method"] == row["method"]
        assert answered["mae"] == pytest.approx(float(row["mae"]), rel=1e-12)
        assert (answered["mae_seed_std"] is None) == (row["mae_seed_std"] == "")
    assert answer["left_out"] == [
        {
            "recording": "ann-1",
            "stage": "method",
            "reason": REASON,
            "dataset": "made_up",
            "method": "pos",
        }
    ]
    assert answer["page"] == str(results / "report.html")
    assert answer["simulated"] is True


def test_quiet_prints_nothing_but_errors(
    results: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert report(results, capsys, "--quiet") == ("", "")
    assert main(["report", str(tmp_path), "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bench: ")
    assert captured.err.count("\n") == 1


def test_quiet_and_json_contradict_each_other(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", str(results), "--quiet", "--json"])
    assert "not allowed with" in capsys.readouterr().err


def test_no_control_sequence_is_printed_where_there_is_no_terminal(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, errors = report(results, capsys)
    assert "\x1b" not in out + errors
    assert out.isascii()
