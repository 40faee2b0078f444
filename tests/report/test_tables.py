"""Tables of a report: marks, n, intervals, and the same table as text."""

import csv
import io
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from rppgbench.report.data_marks import DataMarks
from rppgbench.report.inputs import Scores
from rppgbench.report.tables.columns import METRICS, Column, metric
from rppgbench.report.tables.latex import (
    COLUMN_PT,
    ESCAPES,
    GAP_PT,
    column_blocks,
    column_width_pt,
    to_latex,
)
from rppgbench.report.tables.scores import group_table, method_table
from rppgbench.report.tables.summary_rows import describe_sample, scores_frame, write_csv
from rppgbench.report.tables.table import Cell, Row, Table
from rppgbench.report.tables.text_formats import to_csv, to_markdown

from ..factories.pages import make_page


def summary(**rows: Mapping[str, object]) -> pd.DataFrame:
    """A summary whose rows have the same n unless a row says else."""
    whole: dict[str, object] = {
        "n_subjects": 3,
        "n_recordings": 6,
        "n_expected": 6,
        "n_windows": 60,
        "n_unscored": 0,
        "coverage": 1.0,
        "window_coverage": 1.0,
        "n_seeds": 1,
        "interval_note": "",
    }
    return pd.DataFrame([{"method": name, **whole, **row} for name, row in rows.items()])


def scores(frame: pd.DataFrame, recordings: int = 6, **groups: pd.DataFrame) -> Scores:
    windows = pd.DataFrame(
        {
            "dataset": "d",
            "recording": [f"r{k}" for k in range(recordings)],
            "subject": [f"s{k // 2}" for k in range(recordings)],
            "reference_bpm": 70.0,
        }
    )
    return Scores(name="rule", windows=windows, summary=frame, groups=groups)


def column(table: Table, key: str) -> dict[str, tuple[str, str]]:
    """Method -> (text, mark) of one column."""
    place = [one.key for one in table.columns].index(key)
    return {row.cells[0].text: (row.cells[place].text, row.cells[place].mark) for row in table.rows}


def test_best_and_second_follow_the_direction_of_the_measure() -> None:
    frame = summary(a={"mae": 2.0, "r": 0.5}, b={"mae": 1.0, "r": 0.9}, c={"mae": 3.0, "r": 0.7})
    table = method_table(scores(frame))
    assert [row.cells[0].text for row in table.rows] == ["b", "a", "c"]
    assert column(table, "mae") == {
        "b": ("1.00", "best"),
        "a": ("2.00", "second"),
        "c": ("3.00", ""),
    }
    assert column(table, "r") == {"b": ("0.90", "best"), "c": ("0.70", "second"), "a": ("0.50", "")}


def test_numbers_that_print_alike_share_a_mark() -> None:
    frame = summary(a={"mae": 1.001}, b={"mae": 1.004}, c={"mae": 1.006}, d={"mae": 2.0})
    marks = column(method_table(scores(frame)), "mae")
    assert [marks[name][1] for name in "abcd"] == ["best", "best", "second", ""]


@pytest.mark.parametrize("kind", ["coverage", "window_coverage"])
def test_a_row_on_less_coverage_is_not_ranked_but_said(kind: str) -> None:
    frame = summary(
        few={"mae": 0.5, kind: 0.985}, near={"mae": 1.5, kind: 0.995}, full={"mae": 1.0}
    )
    marks = column(method_table(scores(frame)), "mae")
    assert marks == {
        "few": ("0.50†", "ahead"),
        "full": ("1.00", "best"),
        "near": ("1.50", "second"),
    }


def test_a_baseline_is_never_ranked() -> None:
    frame = summary(baseline={"mae": 0.1}, a={"mae": 1.0}, b={"mae": 2.0})
    table = method_table(scores(frame), baselines={"baseline"})
    assert column(table, "mae")["baseline"] == ("0.10", "")
    assert column(table, "mae")["a"] == ("1.00", "best")
    assert [row.kind for row in table.rows] == ["baseline", "", ""]


def test_a_row_alone_is_not_called_best() -> None:
    frame = summary(a={"mae": 1.0}, b={"mae": float("nan")})
    marks = column(method_table(scores(frame)), "mae")
    assert marks == {"a": ("1.00", ""), "b": ("–", "")}


def test_rows_of_two_conditions_are_ranked_apart() -> None:
    frame = pd.concat(
        [
            summary(a={"mae": 1.0}, b={"mae": 2.0}).assign(condition="none"),
            summary(a={"mae": 5.0}, b={"mae": 4.0}).assign(condition="crf_30"),
        ]
    )
    one = scores(frame)
    table = method_table(
        Scores(name=one.name, windows=one.windows, summary=frame, by=("method", "condition"))
    )
    place = [c.key for c in table.columns].index("mae")
    best = {
        (row.cells[0].text, row.cells[1].text)
        for row in table.rows
        if row.cells[place].mark == "best"
    }
    assert best == {("a", "none"), ("b", "crf_30")}
    assert table.headers == 2


def test_an_interval_is_written_in_the_units_of_its_column() -> None:
    frame = summary(
        a={"within_5_bpm": 0.5, "within_5_bpm_low": 0.25, "within_5_bpm_high": 0.755, "mae": 1.0}
    )
    table = method_table(scores(frame))
    place = [c.key for c in table.columns].index("within_5_bpm")
    cell = table.rows[0].cells[place]
    assert (cell.text, cell.interval) == ("50.0", "25.0 to 75.5")
    assert cell.detail == "Within 5 bpm 50.0 %; 95 % interval 25.0 to 75.5 % over 3 subjects"


def test_the_reason_for_no_interval_is_a_note_below_the_table() -> None:
    frame = summary(a={"mae": 1.0}, b={"mae": 2.0, "interval_note": "no interval: one subject"})
    assert method_table(scores(frame)).notes[1:] == ("No interval: one subject (b).",)


def test_a_measure_without_any_value_is_named_below_and_has_no_column() -> None:
    frame = summary(a={"mae": 1.0, "r": float("nan")}, b={"mae": 2.0, "r": float("nan")})
    table = method_table(scores(frame))
    assert "r" not in [c.key for c in table.columns]
    assert table.notes[1] == "Not defined for any row: r."


@pytest.mark.parametrize(
    ("recordings", "expected", "arguments"),
    [
        (6, 6, "6 recordings of 3 subjects, as the protocol has it"),
        (5, 6, "5 recordings of 3 subjects; the protocol has 6: n differs"),
        (1, None, "1 recording of 1 subject"),
    ],
)
def test_the_caption_says_when_n_differs(
    recordings: int, expected: int | None, arguments: str
) -> None:
    one = scores(summary(a={"mae": 1.0}), recordings)
    assert describe_sample(one, expected) == arguments
    assert arguments in method_table(one, expected=expected).caption


def test_recordings_without_a_reference_do_not_count_as_scored() -> None:
    one = scores(summary(a={"mae": 1.0}), 4)
    one.windows.loc[0, "reference_bpm"] = float("nan")
    assert describe_sample(one, 4) == "3 recordings of 2 subjects; the protocol has 4: n differs"


def test_a_row_whose_n_is_short_says_of_how_many() -> None:
    table = method_table(scores(summary(a={"mae": 1.0, "n_recordings": 5})))
    assert column(table, "n_recordings")["a"][0] == "5 of 6"


def test_coverage_of_windows_stands_below_that_of_recordings_where_lower() -> None:
    frame = summary(a={"mae": 1.0, "window_coverage": 0.939}, b={"mae": 1.0})
    table = method_table(scores(frame))
    assert [row.cells[2].below for row in table.rows] == ["93.9 of windows", ""]


def test_groups_stand_side_by_side_in_the_order_of_the_whole_table() -> None:
    whole = summary(a={"mae": 2.0}, b={"mae": 1.5})
    parts = pd.concat(
        [
            summary(a={"mae": 1.0}, b={"mae": 2.0}).assign(scenario="rest"),
            summary(a={"mae": 3.0}).assign(scenario="talking"),
        ]
    )
    table = group_table(scores(whole, scenario=parts), "scenario")
    assert [c.label for c in table.columns] == ["Method", "rest", "talking"]
    shown = [[(cell.text, cell.mark) for cell in row.cells] for row in table.rows]
    assert shown == [
        [("b", ""), ("2.00", "second"), ("–", "")],
        [("a", ""), ("1.00", "best"), ("3.00", "")],
    ]


NASTY = "a_b & 5 % $x$ | <script> #~^\\{}"


def nasty_table() -> Table:
    frame = summary(
        **{NASTY: {"mae": 1.0, "mae_low": 0.5, "mae_high": 2.0}},
        b={"mae": 2.0, "mae_low": 1.0, "mae_high": 3.0, "snr_db": -1.25},
    )
    return method_table(scores(frame), marks=DataMarks(simulated=True))


def test_csv_keeps_every_digit_and_says_that_data_are_simulated() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(nasty_table()))))
    assert [row["method"] for row in rows] == [NASTY, "b"]
    assert rows[0]["mae_interval"] == "0.50 to 2.00"
    assert (rows[0]["snr_db"], rows[1]["snr_db"]) == ("", "-1.25")
    assert {row["simulated"] for row in rows} == {"True"}


def test_markdown_escapes_names_and_marks_best_and_second() -> None:
    text = to_markdown(nasty_table())
    assert text.startswith("**SIMULATED DATA. Heart-rate error under rule")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert "\\|" in lines[2]
    assert "\\<script\\>" in lines[2]
    assert "**1.00** [0.50 to 2.00]" in lines[2]
    assert "<u>2.00</u> [1.00 to 3.00]" in lines[3]


def test_latex_is_a_booktabs_table_with_every_special_letter_escaped() -> None:
    text = to_latex(nasty_table())
    blocks = text.count(r"\begin{tabular}")
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == blocks
    name = (
        r"a\_b \& 5 \% \$x\$ | \textless{}script\textgreater{} "
        r"\#\textasciitilde{}\textasciicircum{}\textbackslash{}\{\}"
    )
    assert text.count(f"\n{name} & ") == blocks
    assert r"\textbf{1.00}" in text
    assert r"{\scriptsize [0.50, 2.00]}" in text
    assert r"\underline{2.00}" in text
    for block in text.split(r"\toprule")[1:]:
        body = block[: block.index(r"\bottomrule")]
        cells = {line.replace(r"\&", "").count("&") for line in body.splitlines() if "&" in line}
        assert len(cells) == 1


def test_latex_fits_a_column_of_text_without_being_scaled() -> None:
    """Every block is narrower than a column, every column stands in one block, in order."""
    table = method_table(make_page().scores[0])
    blocks = column_blocks(table)
    assert [place for block in blocks for place in block[table.headers :]] == list(
        range(table.headers, len(table.columns))
    )
    for block in blocks:
        assert block[: table.headers] == list(range(table.headers))
        width_pt = sum(column_width_pt(table, place) + GAP_PT for place in block)
        assert width_pt - GAP_PT <= COLUMN_PT
    text = to_latex(table)
    assert "resizebox" not in text
    assert text.count(r"\begin{tabular}") == len(blocks) > 1


def test_widths_are_not_less_than_those_of_the_letters() -> None:
    """Digits of Computer Modern are half an em wide, so a column is at least as wide."""
    column = Column("mae", "M", unit="bpm")
    table = Table(
        key="k",
        caption="c",
        columns=(Column("method", "Method", text=True), column),
        rows=(Row((Cell("a", "a"), Cell("123456", 1.0, interval="1.00 to 2.00"))),),
    )
    assert column_width_pt(table, 1) >= max(6 * 4.0, 12 * 0.4 * 7)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_latex_compiles_with_every_special_letter_and_does_not_stick_out(tmp_path: Path) -> None:
    special = "".join(ESCAPES)
    table = nasty_table()
    texts = [to_latex(table), to_latex(replace(table, caption=special, notes=(special,)))]
    body = "\n".join(texts)
    head = r"\documentclass[twocolumn]{article}\usepackage{booktabs}\begin{document}"
    (tmp_path / "t.tex").write_text(f"{head}\n{body}\n\\end{{document}}\n", encoding="utf-8")
    arguments = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    process = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout[-2000:]
    assert "Overfull" not in process.stdout


def test_table_csv_has_a_row_for_every_evaluator_and_method(tmp_path: Path) -> None:
    page = make_page()
    path = tmp_path / "table.csv"
    summaries = {s.name: s.summary for s in page.scores}
    write_csv(scores_frame(summaries, marks=DataMarks(simulated=True)), path)
    back = pd.read_csv(path)
    assert list(back.columns[:3]) == ["evaluator", "simulated", "imported"]
    assert len(back) == 3 * 9
    assert back["simulated"].all()
    first = back[(back["evaluator"] == "default_rule") & (back["method"] == "pos")].iloc[0]
    mine = page.scores[0].summary.set_index("method").loc["pos"]
    assert first["mae"] == pytest.approx(mine["mae"], rel=1e-15)
    assert list(tmp_path.iterdir()) == [path]


def test_no_summary_is_an_empty_frame() -> None:
    assert list(scores_frame({}, marks=DataMarks()).columns) == [
        "evaluator",
        "simulated",
        "imported",
    ]


def test_every_column_has_a_direction_and_a_meaning() -> None:
    assert {c.better for c in METRICS} == {"low", "high"}
    assert all(c.about for c in METRICS)
    with pytest.raises(KeyError, match="no measure 'mse'; known: mae"):
        metric("mse")
