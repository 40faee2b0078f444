"""The papers' tables: printed values whole, verdicts by the rule, nothing simulated beside them."""

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from rppgbench.cli import main
from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import load_datasets, load_methods, toml_files
from rppgbench.evaluation.evaluator import FixedWindow
from rppgbench.execution.run_options import RunOptions
from rppgbench.papers.declaration import (
    MARGINS,
    Hours,
    Line,
    Measured,
    NotRun,
    PaperTable,
    read_printed,
    read_table,
)
from rppgbench.papers.experiments import experiments, methods_by_run
from rppgbench.papers.missing_rows import missing_table
from rppgbench.papers.page import PaperPage, index_html
from rppgbench.papers.rows import CellContent, LineKey, printed_table
from rppgbench.papers.smoke_scale import SmokeScale
from rppgbench.papers.terminal_lines import paper_lines, paper_object
from rppgbench.papers.verdicts import judge, verdicts
from rppgbench.report.data_marks import DataMarks
from rppgbench.report.figures.compression import Curve, compression_figure
from rppgbench.report.tables.table import Table
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

from ..factories.evaluators import evaluator
from ..factories.paper_results import store
from ..factories.paper_tables import table_head, table_row, table_setting

pytestmark = pytest.mark.torch  # the papers' methods are networks

REPORTS = Path(__file__).parents[2] / "reports"
VALUES = REPORTS / "printed_values.csv"
NAMES = sorted(file.stem for file in REPORTS.glob("*.toml"))
PRINTED = read_printed(VALUES)
OPTIONS = RunOptions(cache=Path("cache"))
NOT_SHIPPED: set[str] = set()  # named by tables; a cell says so while they are not


# ---- the printed values


def test_the_printed_values_are_whole() -> None:
    values = read_printed(VALUES)
    assert len(values) == 205
    digest = hashlib.sha256(VALUES.read_bytes()).hexdigest()
    assert digest == "2e0c93853cd85c3e764b232088e6d2fa28e7380af0d25306f43810ef5cdb74a5"


def test_every_printed_value_is_in_exactly_one_table() -> None:
    shown = [
        (v.paper, v.table, v.setting, v.method, v.metric)
        for name in NAMES
        for line in read_table(REPORTS / f"{name}.toml")[1]
        if not line.method.values_of
        for v in line.printed.values()
    ]
    held = [(v.paper, v.table, v.setting, v.method, v.metric) for v in read_printed(VALUES)]
    assert sorted(shown) == sorted(held)
    assert len(set(shown)) == len(shown)


def test_every_table_and_figure_of_the_papers_is_there() -> None:
    tables = [f"li2023_table{k}" for k in (1, 2, 3, 4)] + [f"qian2024_table{k}" for k in (1, 2, 3)]
    assert sorted([*tables, *(f"li2023_figure{k}" for k in (3, 4, 5))]) == NAMES


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("5.59", "five"), "line 2: value 'five' is not a number"),
        (lambda t: t.replace("5.59", "nan"), "line 2: value 'nan'"),
        (lambda t: t.replace("paper,", "page,", 1), "its columns must be paper, table"),
        (lambda t: t.replace("6.82,", "6.82"), "line 3 has not 8 cells"),
        (lambda t: t.replace("SynRhythm", "SynRythm", 1), "did you mean 'SynRhythm'"),
        (lambda t: t.replace("UBFC-rPPG intra", "UBFC intra", 1), "no setting 'UBFC intra'"),
        (lambda t: t.replace(",MAE,5.59", ",MSE,5.59"), "no measure 'MSE'"),
        (lambda t: t.replace(",RMSE,6.82", ",MAE,6.82"), "is printed twice"),
    ],
)
def test_a_fault_in_the_printed_values_is_one_line(
    change: Callable[[str], str], says: str, tmp_path: Path
) -> None:
    table = shutil.copy(REPORTS / "li2023_table1.toml", tmp_path)
    (tmp_path / VALUES.name).write_text(change(VALUES.read_text()))
    with pytest.raises(BenchError, match=re.escape(says)):
        read_table(Path(table))


# ---- the declarations


@pytest.mark.parametrize("name", NAMES)
def test_a_declaration_names_what_there_is(name: str) -> None:
    table, lines = read_table(REPORTS / f"{name}.toml")
    assert lines
    shipped, evaluators = toml_files("protocols"), toml_files("protocols/evaluators")
    methods = load_methods().available
    for row in table.methods:
        assert not row.method or row.method in methods
        assert not row.evaluator or row.evaluator in evaluators
        assert row.method or row.note, f"{row.printed}: not run, and no word why"
    for line in lines:
        if line.method.method:
            own = methods[line.method.method]
            own.parameters({**line.setting.params, **line.method.params}, name)
    for setting in table.settings:
        assert setting.evaluator in evaluators
        assert set(setting.data) <= set(load_datasets().available) | set(
            load_datasets().unavailable
        )
        if setting.protocol in shipped:
            protocol = read_protocol(shipped[setting.protocol])
            pretrain = setting.pretrain or protocol.pretrain
            wanted = protocol.model_copy(update={"pretrain": pretrain})
            assert set(setting.data) == set(wanted.datasets)
            assert setting.recordings in {0, protocol.recordings}
        else:
            assert setting.protocol in {"", *NOT_SHIPPED}
            assert setting.about or setting.protocol


def test_the_rows_of_the_ablation_are_the_six_variants() -> None:
    _, lines = read_table(REPORTS / "li2023_table3.toml")
    *lines, one_network = lines
    assert one_network.method.params == {"output": "first"}
    assert not one_network.printed
    rmse = {line.method.params.get("variant", "full"): line.printed["RMSE"].value for line in lines}
    # section 4.4: "from 26.44 to 11.10", "from 11.10 to 10.38", "from 10.38 to 9.14"
    assert rmse == {
        "plain": "26.44",
        "pseudo": "12.15",
        "gradual": "11.10",
        "ranking": "10.38",
        "constant": "9.14",
        "full": "8.26",
    }


def test_the_ensemble_of_the_challenge_is_the_papers_pair() -> None:
    """Section 3.3: solution 1 chose UBFC, PURE and MMSE-HR; solution 2 DISFA besides."""
    _, lines = read_table(REPORTS / "qian2024_table3.toml")
    (experiment,) = experiments(lines, OPTIONS)
    protocol = experiment.protocol
    assert protocol is not None
    assert load_methods().available["hfut_ensemble"].members == (
        "st_transformer",
        "contrast_phys_plus",
    )
    first = {"ubfc_rppg", "pure", "mmse_hr"}
    assert set(protocol.pretrain_sets("st_transformer")) == first
    assert set(protocol.pretrain_sets("contrast_phys_plus")) == first | {"disfa"}


def test_a_table_says_what_a_reading_under_each_of_its_evaluators_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["table", "li2023_table1", "--stored", "--format", "markdown"]) == 0
    text = " ".join(capsys.readouterr().out.replace("\\", "").split())
    for name in ("li2023", "contrast_phys"):
        assert f"A reading under {name}: {evaluator(name).meaning}" in text


@pytest.mark.parametrize("name", ["qian2024_table1", "qian2024_table2", "qian2024_table3"])
def test_a_row_of_the_challenge_says_in_what_it_differs(name: str) -> None:
    _, lines = read_table(REPORTS / f"{name}.toml")
    runnable = [line for line in lines if line.method.method]
    assert runnable
    for line in runnable:
        differs = f"{line.setting.differs}; {line.method.differs}"
        wanted = ["80 % of VIPL-HR-V2", "validates", "epoch", "one seed", "n of the test set"]
        members = load_methods().available[line.method.method].members or (line.method.method,)
        if "st_transformer" in members:
            wanted += ["MediaPipe, not OpenFace", "windows of 10 s every 5 s"]
        if "contrast_phys_plus" in members:
            wanted += ["mtcnn-runtime", "summed over the bins"]
        if line.setting.params.get("difference"):
            wanted += ["frame differences are divided by the standard deviation"]
        assert [text for text in wanted if text not in differs] == []


def test_the_second_solution_has_the_crop_and_the_clips_of_the_paper() -> None:
    _, lines = read_table(REPORTS / "qian2024_table2.toml")
    method = load_methods().available["contrast_phys_plus"]
    for line in lines:
        params = method.parameters({**line.setting.params, **line.method.params})
        assert (params["preset"], params["crop"]) == ("paper", "mtcnn15")
        assert (params["clip_choice"], params["clip_s"], params["fs"]) == (
            "consecutive",
            10.0,
            30.0,
        )
        assert (params["lr"], params["finetune_lr"], params["batch"]) == (1e-4, 1e-5, 4)


def test_table_4_learns_and_reads_clips_of_5_s_without_overlap() -> None:
    """Section 4.2: clips of 5 s on V4V; clips do not overlap."""
    _, lines = read_table(REPORTS / "li2023_table4.toml")
    assert {line.setting.evaluator for line in lines} == {"v4v_clips"}
    window = evaluator("v4v_clips").window
    assert isinstance(window, FixedWindow)
    assert (window.length_s, window.stride_s) == (5.0, 5.0)
    (own,) = (line for line in lines if line.method.method == "co_rectification")
    assert (own.method.params["clip_s"], own.method.params["step_s"]) == (5.0, 5.0)


def test_titles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "reports"]) == 0
    output = capsys.readouterr().out
    assert re.search(r"^  li2023_table2 +Li & Yin 2023, table 2: VIPL-HR", output, re.MULTILINE)


# ---- verdicts


@pytest.mark.parametrize(
    ("printed", "measured", "lower_is_better", "word"),
    [
        (5.0, (6.0, 4.9, 7.0), True, "reproduced"),  # covered, though farther than the margin
        (5.0, (6.0, 5.0, 7.0), True, "reproduced"),  # at the interval's end
        (5.0, (5.4, 5.3, 5.5), True, "reproduced"),  # within the margin of 0.5
        (5.0, (5.5, 5.4, 5.6), True, "worse"),  # as far as the margin: not less
        (5.0, (4.0, 3.5, 4.5), True, "better"),
        (5.0, (7.0, 6.0, 8.0), True, "worse"),
        (0.5, (1.2, 1.1, 1.3), False, "better"),
        (5.0, (4.0, 3.5, 4.5), False, "worse"),
        (5.0, (4.0, np.nan, np.nan), True, "better"),  # no interval: the margin alone
        (5.0, (5.1, np.nan, np.nan), True, "reproduced"),
        (5.0, (np.nan, np.nan, np.nan), True, "not comparable"),
    ],
)
def test_the_rule_of_the_verdicts(
    printed: float, measured: tuple[float, float, float], lower_is_better: bool, word: str
) -> None:
    text = judge(printed, measured, margin=0.5, lower_is_better=lower_is_better)
    assert text.word == word
    assert text.why


def test_the_margins_are_what_their_rule_says() -> None:
    """The ratio that the margin of RMSE is made of is the papers' own."""
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for v in read_printed(VALUES):
        rows.setdefault((v.paper, v.table, v.setting, v.method), {})[v.metric] = v.number
    ratios = [row["RMSE"] / row["MAE"] for row in rows.values() if {"RMSE", "MAE"} <= set(row)]
    assert len(ratios) == 54
    assert round(float(np.median(ratios)), 1) == 1.5
    assert MARGINS["rmse"] == MARGINS["std"] == 1.5 * MARGINS["mae"]
    assert {
        m for n in NAMES for m in read_table(REPORTS / f"{n}.toml")[0].measures.values()
    } == set(MARGINS)


def test_a_measure_without_a_margin_is_refused(tmp_path: Path) -> None:
    text = TOML.replace('"mae"', '"mape"') + table_row("a", "pos")
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(BenchError, match="'mape' has no margin"):
        read_table(tmp_path / "t.toml")


def test_an_obstacle_goes_before_every_number_and_is_said() -> None:
    text = judge(
        5.0, (5.0, 4.0, 6.0), margin=1, lower_is_better=True, obstacles=["another n: 3", "split"]
    )
    assert (text.word, text.why) == ("not comparable", "another n: 3; split")


# ---- one small table, in every format

SETTING = table_setting(protocol="quickstart", evaluator="li2023", data="simulated")
TOML = table_head("Small & co") + SETTING


@pytest.fixture
def small(tmp_path: Path) -> tuple[PaperTable, list[Line]]:
    rows = [("Ours_1", "pos", ""), ("CHROM", "chrom", ""), ("Net", "", "supervised")]
    (tmp_path / "t.toml").write_text(TOML + "".join(table_row(*row) for row in rows))
    lines = [f"p,1,set,{m},with,MAE,{v}," for m, v in [("Ours_1", 5.10), ("CHROM", 6), ("Net", 7)]]
    head = "paper,table,setting,method,annotations,metric,value,note"
    (tmp_path / "v.csv").write_text("\n".join([head, *lines]) + "\n")
    return read_table(tmp_path / "t.toml")


def measured(mae: float, low: float, high: float, *, simulated: bool = False) -> Measured:
    return Measured(
        values={"mae": (mae, low, high)},
        recordings=4,
        subjects=2,
        expected=4,
        evaluator="li2023",
        origin="results/x",
        simulated=simulated,
    )


def page(
    small: tuple[PaperTable, list[Line]],
    fills: Mapping[LineKey, CellContent],
    simulated: Mapping[LineKey, CellContent] | None = None,
) -> PaperPage:
    return PaperPage(
        name="small",
        table=small[0],
        lines=tuple(small[1]),
        fills=fills,
        simulated=simulated,
        drawings=(),
        command="bench table small",
    )


LACKING = "not run: protocol quickstart, data simulated, about 2 h of a core"
FILLS: dict[LineKey, CellContent] = {
    ("Set", "Ours_1"): measured(5.5, 5.0, 6.25),
    ("Set", "CHROM"): NotRun("no data here", Hours(2.0)),
}


def test_a_row_that_the_paper_does_not_print_stands_in_every_setting(tmp_path: Path) -> None:
    other = SETTING.replace('"set"', '"b"').replace('"Set"', '"B"')
    rows = [("CHROM", "chrom", ""), ("POS, our addition", "pos", "")]
    (tmp_path / "t.toml").write_text(TOML + other + "".join(table_row(*row) for row in rows))
    head = "paper,table,setting,method,annotations,metric,value,note"
    (tmp_path / "v.csv").write_text(f"{head}\np,1,set,CHROM,with,MAE,6,\n")
    table, lines = read_table(tmp_path / "t.toml")
    names = [(line.setting.label, line.method.printed) for line in lines]
    assert names == [("Set", "CHROM"), ("Set", "POS, our addition"), ("B", "POS, our addition")]
    fills: dict[LineKey, CellContent] = {("Set", "POS, our addition"): measured(5.5, 5.0, 6.25)}
    row = page((table, lines), fills).text("csv").splitlines()[2]
    assert row.startswith('"POS, our addition",Set,,5.5,')
    assert ",nothing printed," in row


def test_csv_of_the_small_table(small: tuple[PaperTable, list[Line]]) -> None:
    assert page(small, FILLS).text("csv") == (
        "method,mae_printed,mae_measured,mae_measured_interval,n,coverage,verdict,simulated,imported\n"
        "Ours_1,5.1,5.5,5.00 to 6.25,4.0,100.0,reproduced,False,\n"
        'CHROM,6.0,,,,,"not run: protocol quickstart, data simulated, about 2 h of a core",False,\n'
        "Net,7.0,,,,,not run by us,False,\n"
    )


def test_markdown_of_the_small_table(small: tuple[PaperTable, list[Line]]) -> None:
    lines = page(small, FILLS).text("markdown").splitlines()
    assert lines[:7] == [
        "**Small \\& co. Printed: s**",
        "",
        "| Method | MAE printed (bpm) | MAE measured (bpm) | n | Coverage (%) | Verdict |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        "| Ours\\_1 | 5.1 | 5.50 [5.00 to 6.25] | 4 | 100.0 | reproduced |",
        f"| CHROM | 6 | – | – | – | {LACKING} |",
        "| Net | 7 | – | – | – | not run by us |",
    ]
    assert "| Set | CHROM | quickstart | simulated | 4 | about 2 | 0 | no data here |" in lines


def test_latex_of_the_small_table(small: tuple[PaperTable, list[Line]]) -> None:
    text = page(small, FILLS).text("latex")
    table = text[: text.index(r"\end{tabular}")].splitlines()
    assert table == [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        r"\caption{Small \& co. Printed: s}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{3pt}",
        r"\begin{tabular}{@{}lrrrr@{}}",
        r"\toprule",
        r"Method & MAE printed & MAE measured & n & Coverage \\",
        r" & (bpm) & (bpm) &  & (\%) \\",
        r"\midrule",
        r"Ours\_1 & 5.1 & 5.50 & 4 & 100.0 \\",
        r" &  & {\scriptsize [5.00, 6.25]} &  &  \\",
        r"CHROM & 6 & -- & -- & -- \\",
        r"Net & 7 & -- & -- & -- \\",
        r"\bottomrule",
    ]
    assert r"\begin{tabular}{@{}lp{90pt}@{}}" in text  # the verdicts, below
    assert rf"CHROM & {LACKING} \\" in text


def test_the_page_says_verdict_reason_and_what_is_missing(
    small: tuple[PaperTable, list[Line]],
) -> None:
    text = page(small, FILLS).text("html")
    assert "<title>Small &amp; co</title>" in text
    assert "reproduced: the interval covers 5.1" in text
    assert '<tr class="printed">' in text
    assert "no data here" in text
    assert "Hours are estimates. One core decodes 120 frames a second" in text
    assert "MAE 0.5 bpm" in text
    assert not re.search(r'(src|href)="(https?:)?//', text)


def test_rows_that_lack_the_same_are_told_once_and_decoded_once(
    small: tuple[PaperTable, list[Line]],
) -> None:
    lacking: dict[LineKey, CellContent] = {
        ("Set", "Ours_1"): NotRun("no data", Hours(2.0, 3.0)),
        ("Set", "CHROM"): NotRun("no data", Hours(2.0)),
    }
    table = missing_table("t", small[1], lacking)
    assert table is not None
    (row,) = table.rows
    assert [c.text for c in row.cells][1] == "Ours_1, CHROM"
    assert row.cells[5].value == 2.0  # a pass of 2 h for both
    assert row.cells[6].value == 3.0  # and 3 h of training for one of them


def test_a_training_for_all_conditions_is_counted_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figure 4: four conditions with one training each, and four that share one training."""
    assert main(["table", "li2023_figure4", "--format", "markdown"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "| ubfc" in line]
    hours = {line.split(" | ")[2]: float(line.split(" | about ")[2].split()[0]) for line in lines}
    assert hours["ubfc\\_crf\\_same"] == pytest.approx(4 * hours["ubfc\\_crf"], rel=0.02)


def test_the_index_counts_verdicts_and_links_the_files(
    small: tuple[PaperTable, list[Line]],
) -> None:
    one = page(small, FILLS)
    assert one.counts() == {"reproduced": 1, "not run": 1, "not run by us": 1}
    assert 'href="small.html"' in index_html([(one, {"html": "small.html"})], "bench table --all")


# ---- simulated results


def columns(table: Table, ending: str) -> list[list[str]]:
    places = [k for k, c in enumerate(table.columns) if c.key.endswith(ending)]
    return [[row.cells[k].text for k in places] for row in table.rows]


def test_simulated_results_have_columns_of_their_own_and_no_verdict(
    small: tuple[PaperTable, list[Line]],
) -> None:
    made: dict[LineKey, CellContent] = {("Set", "CHROM"): measured(6.0, 5.0, 7.0, simulated=True)}
    table = printed_table(small[0], "t", small[1], FILLS, made)
    assert columns(table, "_simulated") == [["–", "–"], ["6.00", "4"], ["–", "–"]]
    assert columns(table, "_measured") == [["5.50"], ["–"], ["–"]]
    assert columns(table, "verdict")[1][0].startswith("not run")
    assert table.marks.simulated
    heads = [c.label for c in table.columns if c.key.endswith("_simulated")]
    assert all(head.startswith("SIMULATED ") for head in heads)
    both = page(small, FILLS, made)
    assert "SIMULATED" in both.text("markdown").splitlines()[0]
    assert both.text("html").count("<title>SIMULATED: ") == 1
    assert {row["simulated"] for row in csv.DictReader(io.StringIO(both.text("csv")))} == {"True"}
    assert both.counts()["not run"] == 1


def test_the_terminal_shows_printed_beside_measured_and_the_verdict(
    small: tuple[PaperTable, list[Line]],
) -> None:
    title, head, ours, chrom, net, counts = paper_lines(page(small, FILLS), 100)
    assert title == "Small & co (printed / measured)"
    assert head.split("  ")[0] == "Method"
    assert ours.split() == ["Ours_1", "5.1", "/", "5.50", "4", "reproduced"]
    assert chrom.split() == ["CHROM", "6", "/", "-", "-", "not", "run"]
    assert net.split() == ["Net", "7", "/", "-", "-", "not", "run", "by", "us"]
    assert counts.startswith("printed values: 1 reproduced, 1 not run")
    made: dict[LineKey, CellContent] = {("Set", "CHROM"): measured(6.0, 5.0, 7.0, simulated=True)}
    title, head, _, chrom, *_ = paper_lines(page(small, FILLS, made), 100)
    assert title.startswith("SIMULATED DATA: ")
    assert "SIMULATED MAE" in head
    assert chrom.split()[4] == "6.00"
    narrow = paper_lines(page(small, FILLS, made), 40)
    assert max(map(len, narrow)) <= 40


def test_json_has_the_numbers_and_texts_of_the_table(
    small: tuple[PaperTable, list[Line]],
) -> None:
    answer = paper_object(page(small, FILLS))
    assert (answer["name"], answer["title"], answer["simulated"]) == ("small", "Small & co", False)
    assert answer["verdicts"] == {"reproduced": 1, "not run": 1, "not run by us": 1}
    ours, chrom, net = answer["rows"]
    assert (ours["mae_printed"], ours["mae_measured"], ours["n"]) == (5.1, 5.5, 4.0)
    assert ours["mae_measured_interval"] == "5.00 to 6.25"
    assert (chrom["mae_measured"], chrom["verdict"]) == (None, LACKING)
    assert net["verdict"] == "not run by us"


def test_json_and_quiet_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["table", "li2023_table1", "--stored", "--out", "t.csv", "--format", "csv"]
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (table,) = answer["tables"]
    assert (table["name"], answer["files"], answer["failed"]) == ("li2023_table1", ["t.csv"], [])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert [row["method"] for row in table["rows"]] == [row["method"] for row in rows]
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["table", "li2023_table1", "--stored", "--format", "markdown", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == []


def test_simulated_results_that_come_as_genuine_fill_no_cell(
    small: tuple[PaperTable, list[Line]],
) -> None:
    wrong: dict[LineKey, CellContent] = {("Set", "Ours_1"): measured(5.1, 5.0, 5.2, simulated=True)}
    table = printed_table(small[0], "t", small[1], wrong)
    assert columns(table, "_measured") == [["–"], ["–"], ["–"]]
    assert verdicts(small[0], small[1][0], wrong["Set", "Ours_1"]) == {}
    assert page(small, wrong).counts()["reproduced"] == 0


# ---- figures


def curve(name: str, measured: tuple[float, float], printed: tuple[float, float]) -> Curve:
    return Curve(name=name, measured=measured, low=measured, high=measured, printed=printed)


def test_printed_marks_never_stand_beside_simulated_curves() -> None:
    nan = float("nan")
    curves = [curve("Ours", (3.0, 4.0), (nan, 12.0)), curve("Other", (nan, nan), (nan, 30.0))]
    real = compression_figure(curves, ["6", "18"], "RMSE (bpm)")
    made = compression_figure(curves, ["6", "18"], "RMSE (bpm)", marks=DataMarks(simulated=True))
    assert real is not None
    assert made is not None
    assert "Other: 18 30" in real.alt
    assert "printed" in real.data.text
    assert "30" not in made.alt
    assert "printed" not in made.data.text
    assert "SIMULATED" in made.svg.upper()
    assert "SIMULATED" not in real.svg.upper()


def test_a_compression_figure_of_nothing_is_none() -> None:
    nan = float("nan")
    assert compression_figure([curve("a", (nan, nan), (nan, nan))], ["6", "18"], "RMSE") is None


def test_what_a_figure_shows_is_drawn_from_the_stored_waveforms(here: Path) -> None:
    methods = {"two_sr": 3.0, "co_rectification": 0.0}
    folder = store(here / "mine", "vipl5fold", methods=methods)
    for name, drawn in (("li2023_figure3", "Waveforms of two_sr"), ("li2023_figure5", "r 1.00")):
        assert main(["table", name, "--stored", "--results", str(folder), "--out", "f.html"]) == 0
        text = (here / "f.html").read_text()
        assert drawn in text
        assert "12 of 2378" in text
        assert text.count("<figure") == {"li2023_figure3": 2, "li2023_figure5": 1}[name]


# ---- the command, on stores made by hand


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table1(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, dict[str, str]]:
    """The rows of UBFC-rPPG in li2023_table1, by method."""
    capsys.readouterr()
    assert main(["table", "li2023_table1", "--stored", "--format", "csv", *more]) == 0
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    return {row["method"]: row for row in rows if row["setting"] == "UBFC-rPPG"}


def test_the_page_says_that_results_were_made_by_different_versions(here: Path) -> None:
    held = Store(store(here / "results/ubfc_intra", "ubfc_intra"))
    arguments = ["table", "li2023_table1", "--stored", "--out", "t.html"]
    assert main(arguments) == 0
    assert "made by different runs" not in (here / "t.html").read_text()
    held.begin(held.manifest, list(held.planned()), {"commit": "later"})
    held.add(held.estimates()[:1])
    assert main(arguments) == 0
    message = (
        "made by different runs: commit not told (23 estimates, 12 recordings); later (1 estimate)"
    )
    assert message in (here / "t.html").read_text()


def test_stored_results_fill_their_rows(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(here / "results/ubfc_intra", "ubfc_intra")
    rows = table1(capsys)
    assert float(rows["POS"]["mae_measured"]) == pytest.approx(2.0, abs=0.02)
    assert float(rows["CHROM"]["mae_measured"]) == pytest.approx(0.0, abs=0.02)
    assert rows["POS"]["n"] == "12.0"
    assert rows["POS"]["coverage"] == "100.0"
    # the paper took the value from another paper, whose split and rule nobody knows
    assert rows["POS"]["verdict"].startswith("not comparable (the printed value is taken over")
    assert rows["GREEN"]["verdict"].startswith("not run: protocol ubfc_intra, data ubfc_rppg")
    assert rows["Dual-GAN"]["verdict"] == "not run by us"


def test_another_n_is_not_comparable(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store(here / "mine", "ubfc_intra", n=5)
    rows = table1(capsys, "--results", str(folder))
    text = rows["POS"]["verdict"]
    assert text.startswith("not comparable (another n: 5 recordings, the table's is 12; ")


def test_another_evaluator_is_not_comparable(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(here / "results/ubfc_intra", "ubfc_intra")
    rows = table1(capsys, "--evaluator", "sinc")
    text = rows["POS"]["verdict"]
    assert text.startswith("not comparable (another evaluator: sinc, the table's is li2023; ")


def test_another_split_is_not_comparable(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store(here / "mine", "ubfc_clean")
    text = table1(capsys, "--results", str(folder))["POS"]["verdict"]
    assert "another split: ubfc-clean38, the table's is ubfc-38-49" in text
    assert text.startswith("not comparable")


def test_simulated_stores_fill_only_simulated_columns(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = store(here / "mine", "ubfc_intra", simulated=True)
    rows = table1(capsys, "--results", str(folder))
    assert rows["POS"]["mae_measured"] == ""
    assert rows["POS"]["verdict"].startswith("not run")
    rows = table1(capsys, "--results", str(folder), "--simulate")
    assert rows["POS"]["mae_measured"] == ""
    assert float(rows["POS"]["mae_simulated"]) == pytest.approx(2.0, abs=0.02)
    assert rows["POS"]["verdict"].startswith("not run")
    assert rows["POS"]["simulated"] == "True"


TWIN = {"data": {"ubfc_rppg": {"root": "twin", "fingerprint": "0", "twin": "ubfc_rppg_v1"}}}


def test_results_on_a_twin_fill_no_column_beside_printed_values(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = store(here / "mine", "ubfc_intra", simulated=True, changes=TWIN)
    table = ["table", "li2023_table1", "--stored", "--simulate", "--format", "csv"]
    assert main([*table, "--results", str(mine)]) == 2
    assert (
        "results of twin ubfc_rppg_v1 stand beside no paper's value; leave it out"
        in capsys.readouterr().err
    )
    smoke = here / "results/ubfc_intra-smoke-simulated"
    store(smoke, "ubfc_intra", simulated=True)
    assert float(table1(capsys, "--simulate")["POS"]["mae_simulated"]) == pytest.approx(2, abs=0.02)
    shutil.rmtree(smoke)
    store(smoke, "ubfc_intra", simulated=True, changes=TWIN)
    rows = table1(capsys, "--simulate")
    assert rows["POS"]["mae_simulated"] == ""
    assert rows["POS"]["mae_measured"] == ""


def test_without_data_it_says_what_is_needed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", "li2023_table2", "--format", "markdown"]) == 0
    output = capsys.readouterr().out
    assert "RPPGBENCH\\_DATA\\_VIPL\\_HR is not set" in output
    assert (
        "| Co-rectification | 7.88 | – | 5.19 | – | 8.26 | – | 0.78 | – | – | – | not run: "
        in output
    )
    assert "about 5 h of a core and 0.56 h of a GPU" in output  # Co-rectification
    assert "about 5 h of a core and 140 h of a GPU" in output  # Contrast-Phys
    assert not (here / "results").exists()


@pytest.mark.parametrize("name", NAMES)
def test_without_data_every_cell_says_what_fills_it(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Printed values, and for each row that we run its protocol, its data sets, and the hours."""
    assert main(["table", name, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    table, lines = read_table(REPORTS / f"{name}.toml")
    assert len(rows) == len(lines)
    shown = 0
    for row, line in zip(rows, lines, strict=True):
        for metric, value in line.printed.items():
            assert float(row[f"{table.measures[metric]}_printed"]) == value.number
            shown += not line.method.values_of
        setting = line.setting
        if not line.method.method:
            assert row["verdict"] == "not run by us"
            continue
        text = f"not run: protocol {setting.protocol}, data {' + '.join(setting.data)}, about "
        assert row["verdict"].startswith(text)
        hours = float(row["verdict"].removeprefix(text).split(" h of a core")[0])
        assert hours == pytest.approx(setting.video_hours / 4, rel=0.05)
    assert shown == sum(v.paper == table.paper and v.table == table.table for v in PRINTED)
    assert not (here / "results").exists()


def test_a_protocol_that_is_not_shipped_is_said(
    small: tuple[PaperTable, list[Line]], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here / "own" / "reports"
    folder.mkdir(parents=True)
    shutil.copy(here / "v.csv", folder)
    text = (here / "t.toml").read_text().replace('"quickstart"', '"not_there"')
    (folder / "own_table.toml").write_text(text)
    arguments = ["table", "own_table", "--format", "markdown", "--plugins", str(here / "own")]
    assert main(arguments) == 0
    assert "protocol 'not\\_there' is not shipped yet" in capsys.readouterr().out


def test_tables_that_share_a_folder_ask_for_one_protocol_at_smoke_scale() -> None:
    """Else the second table would find the results of the first in its way."""
    tables = {name: read_table(REPORTS / f"{name}.toml")[1] for name in NAMES}
    learned = methods_by_run(line for lines in tables.values() for line in lines)
    smoke = SmokeScale()
    digests: dict[str, set[str]] = {}
    methods = load_methods().available
    for lines in tables.values():
        for first in experiments(lines, OPTIONS, smoke, learned):
            if first.protocol is None:
                continue
            digests.setdefault(first.folder, set()).add(first.protocol.digest)
            for line in first.lines:
                for name in methods[line.method.method].members or (line.method.method,):
                    params = methods[name].parameters(first.protocol.params.get(name, {}))
                    cut = [v for k, v in params.items() if k.endswith(("epochs", "passes"))]
                    assert all(v <= 1 for v in cut)
                    assert "smoke" not in methods[name].presets or params["preset"] == "smoke"
            assert first.protocol.simulation.subjects == 4
    assert {len(held) for held in digests.values()} == {1}
    assert len(digests) > 20
    second = next(
        iter(experiments(tables["li2023_table1"], OPTIONS, SmokeScale(epochs=3), learned))
    )
    assert "epochs=3" in second.folder
    assert second.folder not in digests


def test_all_tables_come_with_an_index(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "--all", "--stored", "--out", "tables"]) == 0
    assert capsys.readouterr().out.strip() == "tables/index.html"
    files = {p.name for p in (here / "tables").iterdir()}
    assert files == {
        "index.html",
        *(f"{n}.{s}" for n in NAMES for s in ("html", "tex", "md", "csv")),
    }


def lose(part: Path) -> None:
    part.unlink()


def cut(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-10])


def double(part: Path) -> None:
    part.with_name("0" * 32 + ".parquet").write_bytes(part.read_bytes())


def foreign(part: Path) -> None:
    part.with_name("notes.txt").write_text("mine")


@pytest.mark.parametrize("harm", [lose, cut, double, foreign])
def test_a_bad_store_is_one_line_and_no_table(
    harm: Callable[[Path], None], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = store(here / "mine", "ubfc_intra")
    (part,) = (folder / "estimates").glob("*.parquet")
    harm(part)
    for words in (["li2023_table1"], ["--all"]):
        given = ["table", *words, "--stored", "--results", str(folder), "--out", "out"]
        assert main(given) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert str(folder) in captured.err
        assert not captured.out
        assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["table"], "give the NAME of a table"),
        (["table", "li2023_table2", "--all"], "give the NAME of a table"),
        (["table", "li2023_tabel2"], "did you mean 'li2023_table2'"),
        (["table", "li2023_table2", "--results", "nowhere"], "no results here"),
        (["table", "li2023_table2", "--evaluator", "sink"], "did you mean 'sinc'"),
    ],
)
def test_a_fault_of_the_user_s_is_one_line(
    arguments: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr().err
    assert says in output
    assert output.count("\n") == 1


def test_rows_whose_evaluator_finds_no_window_say_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recordings of 20 s hold no window of 30 s: the rows of contrast_phys have n 0 and a note."""
    folder = store(here / "mine", "ubfc_intra", simulated=True)
    asked = ["table", "li2023_table1", "--stored", "--simulate", "--evaluator", "contrast_phys"]
    assert main([*asked, "--results", str(folder), "--format", "markdown"]) == 0
    output = capsys.readouterr().out
    assert "SIMULATED n is 0 where the recordings hold no window" in output
    assert "contrast\\_phys reads 29 s or more." in output
    assert main([*asked[:-1], "li2023", "--results", str(folder), "--format", "markdown"]) == 0
    assert "hold no window" not in capsys.readouterr().out


def test_results_that_no_line_can_use_are_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = store(here / "other", "obf_intra")
    near = store(here / "near", "ubfc_clean")
    arguments = ["table", "li2023_table1", "--stored", "--format", "csv"]
    main([*arguments, "--results", str(other), "--results", str(near)])
    output = capsys.readouterr().err
    assert f"note: --results {other}: holds results of other data" in output
    assert str(near) not in output
